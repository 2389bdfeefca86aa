"""Receives traps and informs (versions 1, 2c, 3) on a port of its own, and hands on what they are a reason to look at.

pysnmp decodes, proves and acknowledges; before it stand, in this order: is the sender in the inventory, does the storm
guard let it pass, does the envelope name a community or user that we know. A version 3 trap is signed with a key made
for the *sender's* engine (RFC 3414 section 3.2), which cannot be known beforehand: it is learnt from the envelope on
trial, and forgotten at once where the signature does not prove it.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import structlog
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import ntfrcv

from probes.snmp_header import Envelope, SnmpHeaderError, envelope_of
from probes.snmp_plan import Credentials
from probes.snmp_pysnmp import forget_usm_user, usm_user, value_of
from probes.trap_events import TrapEvent, TrapKind, event_of
from probes.trap_storm import StormGuard

__all__ = ["TRAP_PORT", "TrapReceiver", "TrapStatistics"]

log = structlog.get_logger()

TRAP_PORT: Final = 10_162
"""Above 1024, so that no privilege is needed; 162 is redirected to it where devices cannot be told another."""

_MOST_ENGINES: Final = 8_192
_RECEIVE_BUFFER: Final = 1024 * 1024
_SO_RCVBUFFORCE: Final = 33


@dataclass(slots=True)
class TrapStatistics:
    """Counters since the receiver was opened."""

    received: int = 0
    foreign: int = 0
    """From an address that is not in the inventory."""
    malformed: int = 0
    unknown: int = 0
    """Of a community or user that we do not know."""
    rejected: int = 0
    """Known by name, but not proven: wrong key, replayed, not decodable. Discovery before an inform counts too."""
    dropped_by_source: int = 0
    dropped_overall: int = 0
    other: int = 0
    """Proven, but nothing that hastens a look."""
    events: int = 0
    failed: int = 0
    last_at_ns: int = 0


class TrapReceiver:
    """Calls ``on_event`` on the loop for every trap that is a reason to look at its sender now.

    ``communities`` and ``users`` are those that devices send with; ``sources`` may be replaced by :meth:`watch`.
    """

    def __init__(
        self,
        *,
        on_event: Callable[[TrapEvent], None],
        sources: Collection[str],
        communities: Collection[str] = (),
        users: Collection[Credentials] = (),
        vendors: Mapping[str, TrapKind] | None = None,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        guard: StormGuard | None = None,
    ) -> None:
        self._on_event = on_event
        self._communities = {community.encode() for community in communities}
        self._users = {user.user.encode(): user for user in users}
        self._vendors = dict(vendors or {})
        self._monotonic = monotonic
        self._wall_ns = wall_ns
        self._guard = guard or StormGuard(now=monotonic())
        self._statistics = TrapStatistics()
        self._engine: Any = None
        self._engines: set[tuple[bytes, bytes]] = set()
        self._was_proven = False
        self._ports: list[int] = []
        self.watch(sources)

    @property
    def ports(self) -> Sequence[int]:
        """The port of each address listened on."""
        return tuple(self._ports)

    def watch(self, sources: Collection[str]) -> None:
        """Believe these senders from now on: numeric addresses of the inventory."""
        self._sources = {_plain(source) for source in sources}

    async def open(self, *, hosts: Sequence[str] = ("0.0.0.0",), port: int = TRAP_PORT) -> None:
        """Listen; raises OSError where an address or port cannot be had."""
        listening = _bound(hosts, port)
        # An engine takes a tenth of a second to make: not on a loop that has looks under way.
        self._engine = await asyncio.to_thread(engine.SnmpEngine)
        for community in sorted(self._communities):
            config.add_v1_system(self._engine, f"trap-{community.hex()}", community.decode())
        for user in self._users.values():
            usm_user(self._engine, user)
        ntfrcv.NotificationReceiver(self._engine, self._on_notification)
        for own in listening:
            self._ports.append(own.getsockname()[1])
            await self._listen(own)

    async def close(self) -> None:
        """Stop listening."""
        if self._engine is not None:
            self._engine.close_dispatcher()
            self._engine = None

    def statistics(self) -> TrapStatistics:
        """Answer a copy of the counters."""
        return replace(
            self._statistics,
            dropped_by_source=self._guard.dropped_by_source,
            dropped_overall=self._guard.dropped_overall,
        )

    async def _listen(self, own: socket.socket) -> None:
        is_v6 = own.family == socket.AF_INET6
        transport = (_Guarded6 if is_v6 else _Guarded)(self._take)
        transport.open_server_mode(sock=own)
        config.add_transport(self._engine, (udp6 if is_v6 else udp).DOMAIN_NAME, transport)
        await transport.opened()

    def _take(self, datagram: bytes, source: str, decode: Callable[[], None]) -> None:
        """Let a datagram pass to the decoder, or count why not."""
        self._statistics.received += 1
        self._statistics.last_at_ns = self._wall_ns()
        if source not in self._sources:
            self._statistics.foreign += 1
            return
        if not self._guard.allows(source, self._monotonic()):
            return
        try:
            envelope = envelope_of(datagram)
        except SnmpHeaderError:
            self._statistics.malformed += 1
            return
        learnt = self._learn(envelope)
        if learnt is None and not self._is_known(envelope):
            self._statistics.unknown += 1
            return
        self._decode(source, decode)
        if self._was_proven:
            return
        self._statistics.rejected += 1
        if learnt is not None:
            forget_usm_user(self._engine, learnt, engine_id=envelope.engine_id)
            self._engines.discard((envelope.engine_id, envelope.user))

    def _decode(self, source: str, decode: Callable[[], None]) -> None:
        self._was_proven = False
        try:
            decode()
        except Exception:
            self._statistics.failed += 1
            log.exception("trap not decoded", source=source)

    def _is_known(self, envelope: Envelope) -> bool:
        if envelope.version != "3":
            return envelope.community in self._communities
        if not envelope.engine_id:
            return True  # asks for our engine, before an inform
        is_met = (envelope.engine_id, envelope.user) in self._engines
        is_ours = envelope.engine_id == bytes(self._engine.snmpEngineID)
        return (is_met or is_ours) and self._user_of(envelope) is not None

    def _user_of(self, envelope: Envelope) -> Credentials | None:
        """Answer the user named, None where the message is less protected than the user's messages are.

        Anybody can name a user: pysnmp would take an unsigned trap in the name of one who signs.
        """
        user = self._users.get(envelope.user)
        if user is None or (user.auth and not envelope.is_signed) or (user.priv and not envelope.is_hidden):
            return None
        return user

    def _learn(self, envelope: Envelope) -> Credentials | None:
        """Make the keys of a known user for an engine not met before, on trial; None where there is nothing to learn."""
        user = self._user_of(envelope) if envelope.version == "3" and envelope.engine_id else None
        if user is None or self._is_known(envelope) or len(self._engines) >= _MOST_ENGINES:
            return None
        self._engines.add((envelope.engine_id, envelope.user))
        usm_user(self._engine, user, engine_id=envelope.engine_id)
        return user

    def _on_notification(
        self, snmp_engine: Any, reference: Any, _engine: Any, _context: Any, rows: Any, _given: Any
    ) -> None:
        self._was_proven = True
        _, end = snmp_engine.message_dispatcher.get_transport_info(reference)
        plain = [(str(oid), value_of(value)) for oid, value in rows]
        told = [(oid, value) for oid, value in plain if value is not None]
        event = event_of(_plain(end[0]), told, at_ns=self._wall_ns(), vendors=self._vendors)
        if event is None:
            self._statistics.other += 1
            return
        self._statistics.events += 1
        self._on_event(event)


class _Door:
    """What both families' transports add to pysnmp's: a datagram is judged before it is decoded."""

    _take: Callable[[bytes, str, Callable[[], None]], None]

    def datagram_received(self, datagram: bytes, end: Any) -> None:
        """Judge, then decode at once, so that what follows knows whether it was proven."""
        decode = partial(self._callback_function, self, end, datagram)  # type: ignore[attr-defined]
        self._take(datagram, _plain(end[0]), decode)

    async def opened(self) -> None:
        """Wait until the socket is the loop's."""
        await self._lport  # type: ignore[attr-defined]


class _Guarded(_Door, udp.UdpAsyncioTransport):  # type: ignore[misc]
    def __init__(self, take: Callable[[bytes, str, Callable[[], None]], None]) -> None:
        super().__init__()
        self._take = take


class _Guarded6(_Door, udp6.Udp6AsyncioTransport):  # type: ignore[misc]
    def __init__(self, take: Callable[[bytes, str, Callable[[], None]], None]) -> None:
        super().__init__()
        self._take = take


def _plain(address: str) -> str:
    """One spelling for one address; IPv4 stays IPv4 also where it came through IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def _bound(hosts: Sequence[str], port: int) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for host in hosts:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            own = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            bound.append(own)
            if family == socket.AF_INET6:
                own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            _enlarge(own)
            own.bind((host, port))
    except OSError:
        for own in bound:
            own.close()
        raise
    return bound


def _enlarge(own: socket.socket) -> None:
    try:
        own.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except OSError:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
