"""SNMP datagrams: our reading of envelopes and reports, gufo's decoding behind our client, and every judgement after it.

Each input is read as an envelope, searched for a complaint, thrown at a client that
waits for an answer (through a real socket, as an agent would), and turned into values and rows that are judged.
"""

import atexit
import contextlib
import select
import socket
from collections.abc import Callable
from functools import cache

from probes.models import Outcome
from probes.snmp_client import Reply, SnmpClientStatistics
from probes.snmp_gufo import GufoClient, GufoSurroundings
from probes.snmp_header import SnmpHeaderError, envelope_of
from probes.snmp_keys import Keyring
from probes.snmp_mib import Value
from probes.snmp_plan import snmp_plan
from probes.snmp_rates import advance
from probes.snmp_report import complaint_in
from probes.snmp_sockets import SocketView
from probes.snmp_verdict import judge, measures_of, reading_of
from probes.trap_events import TrapKind, event_of
from tests.support.snmp_agent import FOUR, Answerer, oid_bytes, tlv

_USER = {"user": "v3user", "auth_key": "authpass123", "priv_key": "privpass123"}
_PLANS = [
    snmp_plan(options)
    for options in (
        {"if_index": "1"},
        {"profile": "ups"},
        {"oids": "1.3.6.1.2.1.1.3.0"},
        {},
        {**_USER, "if_index": "1"},
    )
]
_OIDS = sorted({oid for plan in _PLANS for oid in plan.oids(1)} | set(_PLANS[0].oids(1, narrow=True)))
_ROW = tlv(0x30, oid_bytes("1.3.6.1.2.1.1.3.0") + b"\x05\x00")
_REQUEST = tlv(
    0x30, b"\x02\x01\x01\x04\x06public" + tlv(0xA0, b"\x02\x01\x07\x02\x01\x00\x02\x01\x00" + tlv(0x30, _ROW))
)
_ENGINE = bytes.fromhex("80001f8880854b85768bfe026b00000000")
_ABOUT = tlv(0x30, b"\x02\x01\x01\x02\x03\x00\xff\xe3\x04\x01\x00\x02\x01\x03")
_SECURITY = tlv(
    0x04, tlv(0x30, tlv(0x04, _ENGINE) + b"\x02\x01\x01\x02\x01\x05\x04\x06v3user\x04\x00\x04\x00")
)
_STATS = tlv(0x30, bytes.fromhex("060a2b060106030f01010400") + b"\x41\x01\x07")
_REPORT = tlv(
    0x30,
    b"\x02\x01\x03"
    + _ABOUT
    + _SECURITY
    + tlv(
        0x30,
        tlv(0x04, _ENGINE)
        + b"\x04\x00"
        + tlv(0xA8, b"\x02\x01\x01\x02\x01\x00\x02\x01\x00" + tlv(0x30, _STATS)),
    ),
)
SEEDS = (_REQUEST, Answerer(FOUR)(_REQUEST), _REPORT)


class _OneView:
    """Stands where the epoll does: the fuzzer calls the client when a datagram is there."""

    def __init__(self) -> None:
        self.on_readable: Callable[[], None] = lambda: None

    def open(
        self, descriptor: int, on_readable: Callable[[], None], on_error: Callable[..., None]
    ) -> SocketView:
        self.on_readable = on_readable
        return SocketView(descriptor, on_readable, on_error)

    def close(self, view: SocketView) -> None:
        view.detach()


class _Prey:
    """A client that waits for an answer from an agent that sends what it is told."""

    def __init__(self, options: dict[str, str]) -> None:
        self.agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.agent.bind(("127.0.0.1", 0))
        self.agent.setblocking(False)
        self.views = _OneView()
        self.plan = snmp_plan(options)
        self.replies: list[Reply] = []
        around = GufoSurroundings(self.views, Keyring(), lambda: 0.0, lambda: 0, SnmpClientStatistics())  # type: ignore[arg-type]
        self.client = GufoClient("127.0.0.1", self.agent.getsockname()[1], self.plan.credentials, around)

    def let_go(self) -> None:
        self.client.close()
        self.agent.close()

    def hurt(self, data: bytes) -> None:
        self.client.ask(self.plan.oids(1), self.replies.append)
        source = self._drained()
        self.agent.sendto(data, source)
        select.select([self.client._view.descriptor], [], [], 1.0)
        self.views.on_readable()
        self.client.forget()
        for reply in self.replies:
            assert reply.outcome in {Outcome.OK, Outcome.MISMATCH, Outcome.ERROR}
            judge(self.plan, 1, reply.values)
        self.replies.clear()
        self._drained()

    def _drained(self) -> tuple[str, int]:
        source = self.client._view._socket.getsockname()
        while True:
            try:
                _, source = self.agent.recvfrom(65_536)
            except BlockingIOError:
                return source


@cache
def _prey() -> tuple[_Prey, ...]:
    caught = (_Prey({"if_index": "1"}), _Prey({"version": "1", "if_index": "1"}), _Prey(_USER))
    for prey in caught:  # kept for every later input: nobody else knows when the last one was
        atexit.register(prey.let_go)
    return caught


def one(data: bytes) -> None:
    """Take an input in every way that an agent's octets can reach us."""
    with contextlib.suppress(SnmpHeaderError):
        envelope_of(data)
    complaint = complaint_in(data)
    assert complaint is None or complaint.sentence
    for prey in _prey():
        prey.hurt(data)
    _judged(data)


def _judged(data: bytes) -> None:
    values: dict[str, Value] = {}
    for number, oid in enumerate(_OIDS):
        piece = data[number * 3 : number * 3 + 9]
        if piece:
            kinds: tuple[Value, ...] = (
                int.from_bytes(piece, signed=True),
                piece,
                piece.hex(),
                piece[0],
                -1.5,
            )
            values[oid] = kinds[piece[0] % len(kinds)]
    for plan in _PLANS:
        judgement = judge(plan, 1, values)
        assert judgement.outcome in {Outcome.OK, Outcome.MISMATCH}
        assert -32_768 <= judgement.code <= 32_767
    first, second = reading_of(0.0, 1, {}), reading_of(10.0, 1, values)
    for base in (first, second):
        if second is not None:
            _, rates = advance(base, second)
            if rates is not None:
                assert all(figure >= 0 for figure in measures_of(rates, second.speed_bits).values())
    rows = list(values.items())
    named = [("1.3.6.1.6.3.1.1.4.1.0", data[:20].hex(".") or "1.3"), *rows]
    event_of("192.0.2.1", named, at_ns=0, vendors={"1.3": TrapKind.DYING_GASP})
