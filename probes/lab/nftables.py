"""Faults enforced by the kernel's packet filter, where we are root: one table of our own, replaced as a whole.

The rules stand on the **input** side of the loopback device: what is dropped there is lost, silently, as on a cut
line. On the output side the sender would be told (EPERM), as no line ever does. Only packets *to* a responder are
looked at, by protocol, address and port: two targets on one address fail apart.
"""

import asyncio
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from probes.lab.endpoints import Endpoint, Service, Transport
from probes.lab.faults import Effects

__all__ = ["DELAYED_MARK", "NftablesEnforcement", "NotAllowedError", "ruleset"]

log = structlog.get_logger()

DELAYED_MARK: Final = 0x7453
"""Mark of the echo replies that the lab itself sends after a delay; the kernel's own, at once, are dropped."""

_DEADLINE_SECONDS = 10.0
_KEY_TYPE = {
    Transport.ICMP: "ipv4_addr",
    Transport.TCP: "ipv4_addr . inet_service",
    Transport.UDP: "ipv4_addr . inet_service",
}
_MATCH = {
    Transport.ICMP: "icmp type echo-request ip daddr",
    Transport.TCP: "ip daddr . tcp dport",
    Transport.UDP: "ip daddr . udp dport",
}


class NotAllowedError(RuntimeError):
    """The kernel does not let us filter packets; the text is nft's own."""


class NftablesEnforcement:
    """Keeps the table ``table`` (family inet) equal to the effects; it is gone after :meth:`close`."""

    name = "nftables"

    def __init__(self, endpoints: Iterable[Endpoint], *, table: str) -> None:
        self._endpoints = {endpoint.target: endpoint for endpoint in endpoints}
        self._table = table
        self._is_open = False

    async def open(self) -> None:
        """Replace a table that an earlier lab may have left; raises NotAllowedError where we may not."""
        await self._load(ruleset(self._table, {}, Effects()))
        self._is_open = True

    async def apply(self, effects: Effects) -> frozenset[str]:
        """Enforce ``effects`` from now on, in one transaction of the kernel; answer the targets left out."""
        await self._load(ruleset(self._table, self._endpoints, effects))
        return frozenset(
            code for code in effects.delay if self._endpoints[code].service is Service.PORT
        )  # a handshake is the kernel's: it cannot be made to wait

    async def close(self) -> None:
        """Take the table away."""
        if self._is_open:
            self._is_open = False
            await self._load(_removal(self._table))

    async def _load(self, rules: str) -> None:
        program = shutil.which("nft") or "/usr/sbin/nft"
        try:
            done = await asyncio.to_thread(
                subprocess.run,
                [program, "-f", "-"],
                input=rules.encode(),
                capture_output=True,
                timeout=_DEADLINE_SECONDS,
                check=False,
            )
        except OSError as error:
            raise NotAllowedError(f"{program}: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise NotAllowedError(f"{program}: no answer within {_DEADLINE_SECONDS} s") from error
        if done.returncode:
            raise NotAllowedError(done.stderr.decode(errors="replace").strip()[:500])


def ruleset(table: str, endpoints: dict[str, Endpoint], effects: Effects) -> str:
    """Write the whole table for ``effects``: loaded at once, it replaces the one before without a gap."""
    sets: list[str] = []
    rules: list[str] = ['iifname != "lo" accept']
    for transport, keys in _by_transport(endpoints, effects.cut).items():
        sets.append(_set(f"cut_{transport}", _KEY_TYPE[transport], keys))
        rules.append(f"{_MATCH[transport]} @cut_{transport} counter drop")
    for level in sorted(set(effects.loss.values())):
        lossy = [code for code, permille in effects.loss.items() if permille == level]
        for transport, keys in _by_transport(endpoints, lossy).items():
            name = f"loss{level}_{transport}"
            sets.append(_set(name, _KEY_TYPE[transport], keys))
            rules.append(f"{_MATCH[transport]} @{name} numgen random mod 1000 < {level} counter drop")
    slow = _by_transport(endpoints, effects.delay).get(Transport.ICMP)
    if slow:
        sets.append(_set("slow_icmp", "ipv4_addr", slow))
        rules.append(f"icmp type echo-reply ip saddr @slow_icmp meta mark != {DELAYED_MARK:#x} counter drop")
    chain = ["  chain input {", "    type filter hook input priority -10; policy accept;"]
    chain += [f"    {rule}" for rule in rules]
    body = [f"table inet {table} {{", *sets, *chain, "  }", "}"]
    return _removal(table) + "\n".join(body) + "\n"


def _removal(table: str) -> str:
    # Adding first makes the deletion right whether or not there was one.
    return f"add table inet {table}\ndelete table inet {table}\n"


def _by_transport(endpoints: dict[str, Endpoint], codes: Iterable[str]) -> dict[Transport, list[str]]:
    found: defaultdict[Transport, set[str]] = defaultdict(set)
    for code in codes:
        endpoint = endpoints.get(code)
        if endpoint is not None:
            port = f" . {endpoint.port}" if endpoint.port else ""
            found[endpoint.service.transport].add(f"{endpoint.address}{port}")
    return {transport: sorted(found[transport]) for transport in sorted(found)}


def _set(name: str, key_type: str, keys: Sequence[str]) -> str:
    return f"  set {name} {{\n    type {key_type}\n    elements = {{ {', '.join(keys)} }}\n  }}"
