"""An agent asked through gufo-snmp: its codec and its sockets, on our own epoll, without a task for a question.

gufo's asynchronous session registers its socket with the loop for every answer, and under uvloop an ICMP error
makes the loop forget the socket; so only gufo's socket objects are used, which encode, send, receive and decode.
A view of the same descriptor reads what they do not tell: the ICMP error, the kernel's stamp of the answer, and the
reason in an SNMPv3 report.

Version 3 (RFC 3414 section 4): an agent is *met* (its engine is discovered), its clock is *refreshed*, and then it is
asked. An agent that started again since has another clock, often another engine: it is met again, once a question.
"""

import asyncio
import errno
import math
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Final

from gufo.snmp import SnmpAuthError, SnmpError, User
from gufo.snmp._fast import GetIter, SnmpV1ClientSocket, SnmpV2cClientSocket, SnmpV3ClientSocket
from gufo.snmp.protocol import SnmpClientSocketProtocol
from gufo.snmp.typing import ValueType
from gufo.snmp.utils import format_sock_addr

from probes.datagram_notes import IcmpError
from probes.models import Outcome
from probes.snmp_client import AUTHENTICATION, Reply, SnmpClientStatistics, SnmpWalkError
from probes.snmp_header import is_well_formed
from probes.snmp_keys import Keyring
from probes.snmp_mib import Value
from probes.snmp_plan import Credentials, Version
from probes.snmp_report import Complaint, complaint_in
from probes.snmp_sockets import SocketViews

__all__ = ["GufoClient", "GufoSurroundings"]

_CLOCK_KEPT_SECONDS: Final = 100.0
"""An engine's clock is taken from its last message and must be right within 150 s (RFC 3414 section 2.2.3)."""

_MOST_JUNK: Final = 8
"""Broken datagrams in answer to one question after which it is no longer listened for."""

_BULK_ROWS: Final = 25
_STEP_SECONDS: Final = 1.0
_STEP_TRIES: Final = 3
_SILENT = "no answer"
_NOT_SNMP = "what came back is not SNMP"
_SILENT_SINCE_MET = "no answer, though the agent was met: wrong priv_key or priv?"
_PLAIN_DEFAULT = (0, 0, 0, 0)
"""gufo's type of service, buffers and receive timeout: the system's, and none."""


class _Step(IntEnum):
    IDLE = 0
    MEETING = 1
    REFRESHING = 2
    ASKING = 3


@dataclass(frozen=True, slots=True)
class GufoSurroundings:
    """What all clients of a probe share."""

    views: SocketViews
    keyring: Keyring
    monotonic: Callable[[], float]
    wall_ns: Callable[[], int]
    statistics: SnmpClientStatistics


@dataclass(frozen=True, slots=True)
class _Question:
    send: Callable[[SnmpClientSocketProtocol], None]
    receive: Callable[[SnmpClientSocketProtocol], Mapping[str, Value]]
    done: Callable[[Reply], None]


class GufoClient:
    """One agent, one connected socket. ``engine_id`` is what :attr:`engine_id` told before, to spare the meeting."""

    def __init__(
        self,
        address: str,
        port: int,
        credentials: Credentials,
        surroundings: GufoSurroundings,
        *,
        engine_id: bytes = b"",
    ) -> None:
        self._end = format_sock_addr(address, port)
        self._credentials = credentials
        self._around = surroundings
        self._user = surroundings.keyring.user(credentials) if credentials.version is Version.V3 else None
        self._step = _Step.IDLE
        self._question: _Question | None = None
        self._sent_at = 0.0
        self._is_renewed = False
        self._is_wary = False
        self._junk = 0
        self._has_answered = False
        self._open(engine_id)

    @property
    def engine_id(self) -> bytes:
        """The agent's engine, empty where it is not known (version 3)."""
        return bytes(self._v3.get_engine_id()) if self._v3 is not None and self._is_met else b""

    @property
    def has_answered(self) -> bool:
        """Whether the agent ever answered a question of this client's."""
        return self._has_answered

    def ask(self, oids: Sequence[str], done: Callable[[Reply], None]) -> None:
        """Ask for objects; an answer to an earlier question is told apart by its number and dropped."""
        asked = list(oids)
        self._ask(
            _Question(
                lambda to: to.send_get_many(asked), lambda of: _present(of.recv_get_many().items()), done
            )
        )

    def forget(self) -> str:
        """No longer wait; answers what is known of the silence."""
        was, self._step, self._question = self._step, _Step.IDLE, None
        if self._junk:
            return _NOT_SNMP
        is_hidden = self._credentials.priv is not None and not self._has_answered
        return _SILENT_SINCE_MET if was > _Step.MEETING and is_hidden else _SILENT

    async def walk(self, root: str) -> AsyncGenerator[tuple[str, Value], None]:
        """Go through what lies below ``root``; each step is tried three times."""
        at, is_end = GetIter(root, _BULK_ROWS), False
        is_plain = self._credentials.version is Version.V1

        def send(to: SnmpClientSocketProtocol) -> None:
            (to.send_get_next if is_plain else to.send_get_bulk)(at)

        def receive(of: SnmpClientSocketProtocol) -> Mapping[str, Value]:
            nonlocal is_end
            try:
                rows = [of.recv_get_next(at)] if is_plain else of.recv_get_bulk(at)
            except (StopAsyncIteration, StopIteration):
                rows = []
            is_end = not rows or None in rows
            return _present(row for row in rows if row is not None)

        while not is_end:
            reply = await self._walked(send, receive)
            for row in reply.values.items():
                yield row

    def close(self) -> None:
        """Close the socket; a question under way is never answered."""
        self._question, self._step = None, _Step.IDLE
        self._around.views.close(self._view)
        del self._socket, self._v3  # gufo closes the descriptor with the object

    def _open(self, engine_id: bytes) -> None:
        self._is_met = bool(engine_id)
        self._clock_at = -math.inf
        self._v3: SnmpV3ClientSocket | None = None
        self._socket: SnmpClientSocketProtocol
        if self._user is not None:
            keys = _keys(self._user if engine_id else User(""))
            self._socket = self._v3 = SnmpV3ClientSocket(self._end, engine_id, *keys, *_PLAIN_DEFAULT)
        else:
            kind = SnmpV1ClientSocket if self._credentials.version is Version.V1 else SnmpV2cClientSocket
            self._socket = kind(self._end, self._credentials.community, *_PLAIN_DEFAULT)
        self._view = self._around.views.open(self._socket.get_fd(), self._on_readable, self._on_error)

    def _ask(self, question: _Question) -> None:
        self._question = question
        self._is_renewed, self._junk = False, 0
        self._go_on()

    async def _walked(
        self,
        send: Callable[[SnmpClientSocketProtocol], None],
        receive: Callable[[SnmpClientSocketProtocol], Mapping[str, Value]],
    ) -> Reply:
        silence = _SILENT
        for _ in range(_STEP_TRIES):
            waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self._ask(_Question(send, receive, waiting.set_result))
            try:
                async with asyncio.timeout(_STEP_SECONDS):
                    reply = await waiting
            except TimeoutError:
                silence = self.forget()
                continue
            finally:
                self._question = None
            if reply.outcome is not Outcome.OK:
                raise SnmpWalkError(reply)
            return reply
        raise SnmpWalkError(Reply(Outcome.TIMEOUT, detail=silence))

    def _go_on(self) -> None:
        """Send what comes next on the way to the answer."""
        question = self._question
        if question is None:
            return
        self._sent_at = now = self._around.monotonic()
        self._around.statistics.sent += 1
        is_signed = self._credentials.auth is not None
        if self._v3 is not None and not self._is_met:
            self._step = _Step.MEETING
            self._sent(self._v3.send_refresh)
        elif self._v3 is not None and is_signed and now - self._clock_at > _CLOCK_KEPT_SECONDS:
            self._step = _Step.REFRESHING
            self._sent(self._v3.send_refresh)
        else:
            self._step = _Step.ASKING
            self._sent(partial(question.send, self._socket))

    def _sent(self, send: Callable[[], None]) -> None:
        try:
            send()
        except OSError:
            if self._view.take_error() is None:
                raise
            send()  # the error was an earlier question's, reported by whatever call came next

    def _on_readable(self) -> None:
        if self._step is _Step.IDLE or self._question is None:
            self._around.statistics.late += self._view.drain()
            return
        came = self._view.peek() if self._v3 is not None or self._is_wary else b""
        if self._is_wary and came and not is_well_formed(came):
            self._view.drain(1)
            self._take_junk()
            return
        complaint = complaint_in(came)
        try:
            values = self._received()
        except BlockingIOError:
            self._take_complaint(complaint)  # gufo drops reports of an engine that it does not know
        except SnmpAuthError:
            self._rejected(complaint)
        except (SnmpError, ValueError, RuntimeError):
            self._take_junk()
        except OSError:
            return  # the error queue tells, by name
        else:
            self._advance(values, complaint)

    def _received(self) -> Mapping[str, Value]:
        try:
            if self._step is not _Step.ASKING and self._v3 is not None:
                self._v3.recv_refresh()
                return {}
            return self._question.receive(self._socket) if self._question else {}
        except BaseException as error:
            # gufo's decoder panics on some broken datagrams (an index out of bounds, found by our fuzzer), and PyO3
            # makes of that a BaseException which would end the vantage's loop. An agent that does it once has its
            # datagrams checked from then on, so that it cannot fill the log with Rust's complaints.
            if type(error).__name__ != "PanicException":
                raise
            self._is_wary = True
            raise ValueError("not decodable") from error

    def _take_junk(self) -> None:
        self._junk += 1
        self._around.statistics.malformed += 1
        if self._junk >= _MOST_JUNK:
            self._end_with(Reply(Outcome.MISMATCH, detail=_NOT_SNMP))

    def _advance(self, values: Mapping[str, Value], complaint: Complaint | None) -> None:
        if self._step is _Step.ASKING:
            self._has_answered = True
            self._clock_at = self._around.monotonic()
            self._around.statistics.answered += 1
            rtt = self._rtt()
            self._end_with(Reply(Outcome.OK, values, rtt, at=self._sent_at + rtt))
            return
        if complaint is not None and not complaint.is_stale:
            self._rejected(complaint)
            return
        if self._step is _Step.MEETING and self._v3 is not None and self._user is not None:
            self._v3.set_keys(*_keys(self._user))
            self._is_met = True
            self._around.statistics.met += 1
        else:
            self._clock_at = self._around.monotonic()
            self._around.statistics.refreshed += 1
        self._resume()

    def _take_complaint(self, complaint: Complaint | None) -> None:
        if complaint is not None:
            self._rejected(complaint)

    def _rejected(self, complaint: Complaint | None) -> None:
        if complaint is not None and complaint.is_stale and not self._is_renewed:
            self._is_renewed = True
            self._around.views.close(self._view)
            self._open(b"")  # it has started again: another clock, perhaps another engine
            self._resume()
            return
        self._around.statistics.rejected += 1
        reason = complaint.sentence if complaint is not None else "access denied"
        self._end_with(Reply(Outcome.MISMATCH, rtt=self._rtt(), detail=f"{AUTHENTICATION}: {reason}"))

    def _resume(self) -> None:
        try:
            self._go_on()
        except OSError as error:
            self._end_with(Reply(Outcome.ERROR, detail=f"not sent: {error.strerror or error}"))

    def _on_error(self, error: IcmpError) -> None:
        self._around.statistics.icmp_errors += 1
        detail = errno.errorcode.get(error.code, str(error.code))
        if error.is_remote and error.code == errno.ECONNREFUSED:
            self._end_with(Reply(Outcome.REFUSED, detail=detail))
        else:
            outcome = Outcome.UNREACHABLE if error.is_remote else Outcome.ERROR
            self._end_with(Reply(outcome, detail=detail))

    def _rtt(self) -> float:
        waited = self._around.monotonic() - self._sent_at
        stamp = self._view.stamp_ns()
        age = (self._around.wall_ns() - stamp) / 1e9 if stamp else 0.0
        # A wall clock that was set between the two readings must not make a look faster than light.
        return waited - age if 0.0 <= age < waited else waited

    def _end_with(self, reply: Reply) -> None:
        question, self._question, self._step = self._question, None, _Step.IDLE
        if question is not None:
            question.done(reply)


def _keys(user: User) -> tuple[str, int, bytes, int, bytes]:
    return (user.name, user.get_auth_alg(), user.get_auth_key(), user.get_priv_alg(), user.get_priv_key())


def _present(rows: Iterable[tuple[str, ValueType]]) -> Mapping[str, Value]:
    return {oid: value for oid, value in rows if value is not None}
