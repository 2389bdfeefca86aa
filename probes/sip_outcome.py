"""What a final SIP answer means for the look that asked (DOMAIN.md 5.3; RFC 3261, sections 11 and 21). Pure.

**Any** final answer proves that the SIP element is alive: 2xx, 3xx, 401, 403, 404, 405, 407, 480, 486, 501, 504, 6xx
are OK with evidence PROTOCOL, and the code and its words are kept. Three do not speak for the element asked:

* 503: it is OVERLOADED, or says so.
* 408: a proxy says with it that whoever stands behind it did not answer in time: TIMEOUT.
* 430 (RFC 5626): the edge has lost the flow to the line: UNREACHABLE.

480 "temporarily unavailable" is an answer of a living element about a line that nobody holds right now, so by itself
it is alive. Where the target says ``line=yes`` the question is the line: 2xx, 486 and 600 are LINE_TESTED (free or
busy, it can be used); 404, 410, 480, 484 and 604 are a MISMATCH, for a call would get the same; the rest (401, 403,
405, 407, 501 …) refuse to say and stay PROTOCOL.

A registration is REGISTERED when the registrar lists a binding that has not expired, with the seconds left in the
detail; a list without it, an unknown address (404) and refused credentials (401, 403, 407 to a password) are a
MISMATCH; a challenge to which no password was given leaves the element alive and the registration unknown.
"""

from typing import Final

from probes.models import Answer, Evidence, Outcome
from probes.sip_address import SipAddress, addresses_of
from probes.sip_message import SipResponse
from probes.sip_plan import SipPlan

__all__ = ["NOT_FOR_THE_ELEMENT", "USABLE", "is_challenge", "shown_status", "sip_answer"]

NOT_FOR_THE_ELEMENT: Final = {408: Outcome.TIMEOUT, 430: Outcome.UNREACHABLE, 503: Outcome.OVERLOADED}
"""Final answers that speak of what stands behind the element, or against it."""

USABLE: Final = frozenset({486, 600})
"""Busy: somebody is using the line, so it can be used."""

_ABSENT: Final = frozenset({404, 410, 480, 484, 604})
_REFUSING: Final = frozenset({401, 403, 407})
_SHOWN_CHARACTERS = 80


def is_challenge(status: int) -> bool:
    """Whether the answer asks who we are."""
    return status in {401, 407}


def shown_status(message: SipResponse) -> str:
    """Answer the status and its words, cut to what a page can bear."""
    return f"{message.status} {message.reason}"[:_SHOWN_CHARACTERS].rstrip()


def sip_answer(plan: SipPlan, message: SipResponse, *, rtt: float, phases: tuple[float, ...] = ()) -> Answer:
    """Judge a final answer."""
    outcome, evidence, detail = _judged(plan, message)
    return Answer(outcome, rtt=rtt, code=message.status, evidence=evidence, phases=phases, detail=detail)


def _judged(plan: SipPlan, message: SipResponse) -> tuple[Outcome, Evidence, str]:
    status, shown = message.status, shown_status(message)
    if status in NOT_FOR_THE_ELEMENT:
        return NOT_FOR_THE_ELEMENT[status], Evidence.NONE, shown
    if plan.method == "REGISTER":
        return _registration(plan, message)
    if plan.is_line and status in _ABSENT:
        return Outcome.MISMATCH, Evidence.PROTOCOL, shown
    is_usable = status < 300 or status in USABLE
    evidence = Evidence.LINE_TESTED if plan.is_line and is_usable else Evidence.PROTOCOL
    return Outcome.OK, evidence, "" if status == 200 else shown


def _registration(plan: SipPlan, message: SipResponse) -> tuple[Outcome, Evidence, str]:
    status, shown = message.status, shown_status(message)
    if status == 404 or (status in _REFUSING and plan.credentials is not None):
        return Outcome.MISMATCH, Evidence.PROTOCOL, shown
    if status >= 300:
        return Outcome.OK, Evidence.PROTOCOL, shown
    left = [
        seconds
        for contact in addresses_of(*message.all_of("contact"))
        if plan.contact in contact.uri and (seconds := _left(contact, message)) > 0
    ]
    if not left:
        return Outcome.MISMATCH, Evidence.PROTOCOL, "no binding"
    return Outcome.OK, Evidence.REGISTERED, f"registered, expires in {max(left)} s"


def _left(contact: SipAddress, message: SipResponse) -> int:
    """Seconds until a binding ends: its own word, else the message's, else an hour (RFC 3261, 10.2.1.1)."""
    own = contact.seconds("expires")
    if own is not None:
        return own
    text = message.header("expires")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 3600
