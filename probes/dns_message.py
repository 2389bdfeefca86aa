"""DNS answers: whether bytes answer a query, and what they say of the server. No socket, no clock.

A SERVFAIL is an answer: the server lives and cannot help, which is a MISMATCH with the response code in ``code``,
never a TIMEOUT. What does not carry the identifier and the question asked is no answer at all (RFC 5452).
"""

import struct
from dataclasses import dataclass, field
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.rdtypes.txtbase import TXTBase

from probes.dns_plan import DnsPlan, normal
from probes.models import Measure, Outcome

__all__ = ["DnsFinding", "answers", "identifier", "is_truncated", "judged", "with_identifier"]

_HEADER: Final = struct.Struct("!6H")
_RESPONSE: Final = 0x8000
_OPCODE: Final = 0x7800
_TRUNCATED: Final = 0x0200
_RCODE: Final = 0x000F
_WITHOUT_QUESTION = frozenset({dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED})
_HALF = 1 << 31
_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class DnsFinding:
    """What an answer says; ``code`` is its response code."""

    outcome: Outcome
    code: int
    detail: str = ""
    measures: dict[Measure, float] = field(default_factory=dict)


def with_identifier(plan: DnsPlan, number: int) -> bytes:
    """Answer the query with an identifier."""
    return number.to_bytes(2, "big") + plan.query[2:]


def identifier(data: bytes) -> int:
    """Answer the identifier of a message, -1 for what is too short to be one."""
    return int.from_bytes(data[:2], "big") if len(data) >= _HEADER.size else -1


def is_truncated(data: bytes) -> bool:
    """Whether an answer had to leave something out."""
    return bool(data[2] & _TRUNCATED >> 8)


def answers(plan: DnsPlan, number: int, data: bytes) -> bool:
    """Whether bytes answer the query sent with an identifier."""
    if number < 0 or identifier(data) != number:
        return False
    _, flags, questions, *_ = _HEADER.unpack_from(data)
    if not flags & _RESPONSE or flags & _OPCODE:
        return False
    if questions == 0:
        return flags & _RCODE in _WITHOUT_QUESTION
    asked = data[_HEADER.size : _HEADER.size + len(plan.question)]
    # Letters of the name may come back in another case; type and class may not.
    return questions == 1 and asked[-4:] == plan.question[-4:] and asked.lower() == plan.question.lower()


def judged(plan: DnsPlan, data: bytes) -> DnsFinding:
    """Judge bytes that answer the plan's query."""
    code = data[3] & _RCODE
    try:
        message = dns.message.from_wire(data, ignore_trailing=True)
        code = int(message.rcode())
        if code not in plan.rcodes:
            return DnsFinding(Outcome.MISMATCH, code, dns.rcode.to_text(dns.rcode.Rcode(code)))
        found = _found(plan, message)
    except (dns.exception.DNSException, ValueError) as error:
        return DnsFinding(Outcome.MISMATCH, code, f"malformed: {type(error).__name__}")
    measures = _measures(found)
    fault = _fault(plan, message, found)
    outcome = Outcome.MISMATCH if fault else Outcome.OK
    return DnsFinding(outcome, code, fault[:_SHOWN_CHARACTERS], measures)


def _found(plan: DnsPlan, message: dns.message.Message) -> list[dns.rdata.Rdata]:
    """Answer the records of the type asked for, at the end of the chain of aliases."""
    if not isinstance(message, dns.message.QueryMessage) or message.rcode() != dns.rcode.NOERROR:
        return []
    if not message.question:
        return []
    rrset: dns.rrset.RRset | None = message.resolve_chaining().answer
    return [rdata for rdata in rrset or () if rdata.rdtype == plan.rdtype]


def _measures(found: list[dns.rdata.Rdata]) -> dict[Measure, float]:
    serials = [serial for rdata in found if (serial := getattr(rdata, "serial", None)) is not None]
    return {Measure.SERIAL: float(serials[0])} if serials else {}


def _fault(plan: DnsPlan, message: dns.message.Message, found: list[dns.rdata.Rdata]) -> str:
    if plan.needs_recursion and not message.flags & dns.flags.RA:
        return "no recursion"
    least = plan.min_answers
    if least < 0:
        least = 1 if message.rcode() == dns.rcode.NOERROR else 0
    if len(found) < least:
        return f"answers: {len(found)} of {least}"
    values = {value for rdata in found for value in _values(rdata)}
    for wanted in plan.expect:
        if wanted not in values:
            return f"not among the answers: {wanted}"
    return _serial_fault(plan, found)


def _values(rdata: dns.rdata.Rdata) -> set[str]:
    """Answer what an expectation may name of a record: the whole of it, or a field."""
    text = rdata.to_text()
    values = {normal(text), *(normal(part) for part in text.split())}
    if isinstance(rdata, TXTBase):
        values.add(normal(b"".join(rdata.strings).decode("utf-8", "replace")))
    return values


def _serial_fault(plan: DnsPlan, found: list[dns.rdata.Rdata]) -> str:
    if plan.serial_min is None:
        return ""
    serial = _measures(found).get(Measure.SERIAL)
    if serial is None:
        return "no serial"
    behind = (plan.serial_min - int(serial)) % (2 * _HALF)  # serials wrap: RFC 1982
    return f"serial {int(serial)} is behind {plan.serial_min}" if 0 < behind <= _HALF else ""
