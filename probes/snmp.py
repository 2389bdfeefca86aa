"""SNMP looks: is the interface up, what does it carry, does the UPS feed its load, does the agent answer.

=================== ==================================================================================
outcome             when
=================== ==================================================================================
OK                  what was asked for is as it should be (:mod:`probes.snmp_verdict`); evidence PROTOCOL
MISMATCH            it is not; ``code`` is its status. Or the agent does not accept us: detail
                    ``authentication: …``, told by version 3 only. Agents answer a wrong community, and often a
                    wrong privacy key, with silence
TIMEOUT             no answer
REFUSED             nobody listens on the port (ICMP); not seen through ``engine=pysnmp``
UNREACHABLE         another ICMP error
ERROR               the look could not be taken; says nothing about the agent
=================== ==================================================================================

Options: :mod:`probes.snmp_plan`. Rates and utilisation need two looks; they come with the second, and are left out
where the agent or its counters began anew (:mod:`probes.snmp_rates`). ``rtt`` is of the question itself, by the
kernel's stamp, without the meeting that version 3 needs before the first one.
"""

import asyncio
import resource
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from probes import snmp_mib as mib
from probes.deadlines import Deadlines
from probes.models import Answer, Evidence, Finish, Outcome, Request
from probes.snmp_agents import AgentKey, Agents, Question
from probes.snmp_client import Reply, SnmpClient, SnmpClientStatistics
from probes.snmp_clients import SnmpClients
from probes.snmp_names import InterfaceNames
from probes.snmp_plan import SNMP_OPTIONS, SnmpPlan, snmp_plan
from probes.snmp_ports import Followed, Ports
from probes.snmp_verdict import judge, whole
from probes.snmp_walk import Interface, Walked, interfaces, walk

__all__ = ["SNMP_OPTIONS", "SnmpProbe", "SnmpStatistics"]

_SHARE_OF_DESCRIPTORS: Final = 4
"""Sessions take at most a quarter of what the process may open."""
_LEAST_SOCKETS: Final = 16
_MOST_SOCKETS: Final = 16_384
_MOST_PLANS: Final = 262_144


@dataclass(frozen=True, slots=True)
class SnmpStatistics:
    """Counters since the probe was opened; sessions open and looks under way now."""

    clients: SnmpClientStatistics
    sockets: int
    in_flight: int


@dataclass(slots=True, eq=False)
class _Look:
    request: Request
    finish: Finish
    plan: SnmpPlan
    key: AgentKey
    begun: float
    is_open: bool = True
    is_renamed: bool = False


class SnmpProbe:
    """Looks at agents. ``most_sockets`` bounds the sessions kept open; by default a quarter of the descriptors."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        most_sockets: int | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._clients = SnmpClients(monotonic=monotonic, wall_ns=wall_ns)
        self._names = InterfaceNames(clients=self._clients, monotonic=monotonic)
        self._agents = Agents(
            clients=self._clients,
            monotonic=monotonic,
            drain=self._clients.drain,
            most_sockets=_allowed_sockets() if most_sockets is None else most_sockets,
        )
        self._unnamed: Deadlines[_Look] = Deadlines(
            monotonic=monotonic, on_due=self._on_unnamed, is_over=lambda look: not look.is_open
        )
        self._plans: dict[tuple[tuple[str, str], ...], SnmpPlan] = {}
        self._ports = Ports()
        self._looks: set[_Look] = set()

    async def open(self) -> None:
        """Start on the running loop."""
        self._clients.open()

    def begin(self, request: Request, finish: Finish) -> None:
        """Start one look; ``finish`` is called later, never from within this call."""
        try:
            plan = self._plan(request.options)
            _check(request.address)
        except ValueError as error:
            asyncio.get_running_loop().call_soon(finish, request, Answer(Outcome.ERROR, detail=str(error)))
            return
        key = (request.address, request.port, plan.credentials)
        look = _Look(request, finish, plan, key, self._monotonic())
        self._looks.add(look)
        number = plan.if_index or (self._names.known(key, plan.if_name) if plan.if_name else 0)
        if plan.if_name and not number:
            self._unnamed.set(look.begun, request.timeout, look)
            self._name(look)
        else:
            self._ask(look, number, request.timeout)

    async def close(self) -> None:
        """End the looks under way as ERROR and close every session."""
        self._names.close()
        self._unnamed.close()
        self._agents.close()
        for look in list(self._looks):
            self._end(look, Answer(Outcome.ERROR, detail="closed"))
        self._clients.close()

    def statistics(self) -> SnmpStatistics:
        """Answer a copy of the counters."""
        return SnmpStatistics(replace(self._clients.statistics), self._agents.sockets, len(self._looks))

    async def walk(self, address: str, port: int, options: Mapping[str, str], root: str) -> Walked:
        """Go through a table, within bounds; raises ValueError for the options, SnmpWalkError for the agent."""
        if not mib.is_oid(root):
            raise ValueError(f"not a numeric object identifier: {root[:80]!r}")
        client = self._own_client(address, port, options)
        try:
            return await walk(client, root)
        finally:
            client.close()

    async def interfaces(self, address: str, port: int, options: Mapping[str, str]) -> tuple[Interface, ...]:
        """Tell what interfaces an agent has; raises as :meth:`walk` does, and TimeoutError for a table too long."""
        client = self._own_client(address, port, options)
        try:
            return await interfaces(client)
        finally:
            client.close()

    def _own_client(self, address: str, port: int, options: Mapping[str, str]) -> SnmpClient:
        _check(address)
        return self._clients((address, port, snmp_plan(options).credentials), b"")

    def _plan(self, options: Mapping[str, str]) -> SnmpPlan:
        key = tuple(options.items())
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[key] = snmp_plan(options)
        return plan

    def _name(self, look: _Look) -> None:
        told = partial(self._named, look)
        asyncio.get_running_loop().call_soon(self._names.tell, look.key, look.plan.if_name, told)

    def _named(self, look: _Look, number: int, why: Reply | None) -> None:
        if not look.is_open:
            return
        if why is not None:
            self._end(look, Answer(why.outcome, rtt=why.rtt, detail=why.detail))
        else:
            self._ask(look, number, max(0.0, look.begun + look.request.timeout - self._monotonic()))

    def _on_unnamed(self, looks: list[_Look]) -> None:
        for look in looks:
            if look.is_open and not self._names.known(look.key, look.plan.if_name):
                why = self._names.while_reading(look.key)
                self._end(look, Answer(why.outcome, detail=why.detail))

    def _ask(self, look: _Look, number: int, seconds: float) -> None:
        question = Question(
            oids=look.plan.oids(number, narrow=self._ports.is_narrow(look.key, number)),
            seconds=seconds,
            retries=look.plan.retries,
            done=partial(self._on_reply, look, number),
        )
        self._agents.ask(look.key, question)

    def _on_reply(self, look: _Look, number: int, reply: Reply) -> None:
        if reply.outcome is not Outcome.OK:
            self._end(look, Answer(reply.outcome, rtt=reply.rtt, detail=reply.detail))
        elif look.plan.if_name and not look.is_renamed and self._has_new_numbers(look.key, reply):
            look.is_renamed = True
            now = self._monotonic()
            self._unnamed.set(now, max(0.0, look.begun + look.request.timeout - now), look)
            self._name(look)
        else:
            self._judge(look, number, reply)

    def _judge(self, look: _Look, number: int, reply: Reply) -> None:
        judged = judge(look.plan, number, reply.values)
        followed = _NOTHING
        if number:
            if look.plan.if_name and f"{mib.IF_OPER_STATUS}.{number}" not in reply.values:
                self._names.lost(look.key)
            followed = self._ports.follow(
                look.key, number, reply.values, at=reply.at, capacity_bits=look.plan.capacity_bits
            )
        self._end(
            look,
            Answer(
                judged.outcome,
                rtt=reply.rtt,
                code=judged.code,
                evidence=Evidence.PROTOCOL if judged.outcome is Outcome.OK else Evidence.NONE,
                detail=judged.detail or followed.remark,
                measures={**judged.measures, **followed.measures},
            ),
        )

    def _has_new_numbers(self, key: AgentKey, reply: Reply) -> bool:
        uptime = whole(reply.values, mib.SYS_UP_TIME)
        return uptime is not None and self._names.outlived(key, reply.at - uptime / 100)

    def _end(self, look: _Look, answer: Answer) -> None:
        if look.is_open:
            look.is_open = False
            self._looks.discard(look)
            look.finish(look.request, answer)


_NOTHING: Final = Followed()


def _check(address: str) -> None:
    # gufo would ask a resolver, and wait for it.
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except OSError as error:
        raise ValueError(f"not a numeric address: {address[:80]!r}") from error


def _allowed_sockets() -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_LEAST_SOCKETS, min(_MOST_SOCKETS, limit // _SHARE_OF_DESCRIPTORS))
