"""Names and addresses: a dead resolver must not stop a vantage."""

import asyncio
import socket

from inventory.models import Priority, ProbeKind
from probes.fleet import Slot
from probes.resolve import Resolver


def a_slot(address, code="t"):
    return Slot(code, 0, ProbeKind.ICMP, address, 0, {}, Priority.B)


async def test_a_numeric_address_needs_no_resolver():
    resolver = Resolver()
    slots = [a_slot("127.3.4.5", "four"), a_slot("::1", "six")]
    assert await resolver.refresh(slots) is False
    assert resolver.addresses(slots) == {"four": "127.3.4.5", "six": "::1"}


async def test_a_name_becomes_the_address_that_it_resolves_to():
    resolver = Resolver()
    assert await resolver.refresh([a_slot("localhost")]) is True
    assert resolver.addresses([a_slot("localhost")])["t"] in {"127.0.0.1", "::1"}
    assert resolver.stale == frozenset()


async def test_a_name_that_never_resolved_is_absent_and_listed(monkeypatch):
    async def refuse(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_AGAIN, "the resolver is dead")

    resolver = Resolver()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", refuse)
    assert await resolver.refresh([a_slot("may-chu.soctrang.invalid")]) is False
    assert resolver.addresses([a_slot("may-chu.soctrang.invalid")]) == {}
    assert resolver.stale == {"may-chu.soctrang.invalid"}


async def test_a_name_keeps_its_last_address_when_the_resolver_dies(monkeypatch):
    resolver = Resolver()
    await resolver.refresh([a_slot("localhost")])
    before = resolver.addresses([a_slot("localhost")])

    async def refuse(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_AGAIN, "the resolver is dead")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", refuse)
    await resolver.refresh([a_slot("localhost")])
    assert resolver.addresses([a_slot("localhost")]) == before
    assert resolver.stale == {"localhost"}
