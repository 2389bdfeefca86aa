"""The requests of one test call, as RFC 3261 has them written: INVITE, CANCEL, both kinds of ACK, BYE. Pure."""

from dataclasses import dataclass

from probes.call_plan import CallPlan
from probes.sip_address import addresses_of, host_text
from probes.sip_digest import Challenge, authorization
from probes.sip_message import SipRequest, SipResponse
from probes.sip_plan import COOKIE, OwnEnd, branch_of

__all__ = ["CallMessages", "LegEnd", "leg_end", "response_to", "tag_of"]

_COPIED = frozenset({"via", "from", "to", "call-id", "cseq"})
_MOST_ROUTES = 16


@dataclass(frozen=True, slots=True)
class LegEnd:
    """Where one leg of a call leads (12.1.2): its To with the tag, its target, the route to it."""

    to: str
    target: str
    routes: tuple[str, ...]


class CallMessages:
    """Writes the requests of one call. ``name`` is its unguessable token; ``attempt`` numbers its INVITEs from 1."""

    def __init__(self, plan: CallPlan, own: OwnEnd, *, name: str, offer: bytes) -> None:
        self._plan = plan
        self._own = own
        self._name = name
        self._offer = offer
        host = host_text(own.address)
        self.call_id = f"{name}@{host}"
        self._from = f"<sip:{plan.caller}@{host}>;tag={name}"

    def invite(self, attempt: int, *, met: tuple[Challenge, str] | None = None) -> bytes:
        """Call; ``met`` is a challenge to answer and a nonce of ours for it."""
        headers = [
            *self._head(branch_of(self._name, attempt), f"<{self._plan.uri}>", f"{attempt} INVITE"),
            ("Contact", f"<sip:{self._plan.caller}@{self._own}>"),
            ("Allow", "INVITE, ACK, BYE, CANCEL"),
            ("Content-Type", "application/sdp"),
        ]
        if met is not None and self._plan.credentials is not None:
            challenge, cnonce = met
            headers.append(
                authorization(
                    challenge,
                    self._plan.credentials,
                    method="INVITE",
                    uri=self._plan.uri,
                    cnonce=cnonce,
                    body=self._offer,
                )
            )
        return SipRequest(tuple(headers), self._offer, "INVITE", self._plan.uri).encode()

    def cancel(self, attempt: int) -> bytes:
        """Cancel an INVITE: its own branch, target and number (9.1)."""
        head = self._head(branch_of(self._name, attempt), f"<{self._plan.uri}>", f"{attempt} CANCEL")
        return SipRequest(head, b"", "CANCEL", self._plan.uri).encode()

    def acknowledge_refusal(self, attempt: int, refusal: SipResponse) -> bytes:
        """Acknowledge a final answer that is no 2xx: within the INVITE's transaction (17.1.1.3)."""
        head = self._head(branch_of(self._name, attempt), refusal.header("to"), f"{attempt} ACK")
        return SipRequest(head, b"", "ACK", self._plan.uri).encode()

    def acknowledge(self, attempt: int, leg: LegEnd, *, number: int) -> bytes:
        """Acknowledge a 2xx: a request of the dialog's own (13.2.2.4)."""
        return self._within(leg, f"{COOKIE}{self._name}-ack{number}", f"{attempt} ACK", "ACK")

    def bye(self, attempt: int, leg: LegEnd, *, number: int) -> bytes:
        """Hang up a leg."""
        return self._within(leg, self.bye_branch(number), f"{attempt + 1} BYE", "BYE")

    def invite_branch(self, attempt: int) -> str:
        """Answer the branch of an INVITE's transaction."""
        return branch_of(self._name, attempt)

    def bye_branch(self, number: int) -> str:
        """Answer the branch of a leg's BYE."""
        return f"{COOKIE}{self._name}-bye{number}"

    def _within(self, leg: LegEnd, branch: str, cseq: str, method: str) -> bytes:
        routes = tuple(("Route", route) for route in leg.routes)
        return SipRequest((*self._head(branch, leg.to, cseq), *routes), b"", method, leg.target).encode()

    def _head(self, branch: str, to: str, cseq: str) -> tuple[tuple[str, str], ...]:
        return (
            ("Via", f"SIP/2.0/UDP {self._own};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", self._from),
            ("To", to),
            ("Call-ID", self.call_id),
            ("CSeq", cseq),
            ("User-Agent", "thongsuot"),
        )


def leg_end(answer: SipResponse, *, instead: str) -> LegEnd:
    """Read where an answered leg leads; ``instead`` is its target where the answer names none."""
    contacts = addresses_of(*answer.all_of("contact"))
    routes = [f"<{route.uri}>" for route in addresses_of(*answer.all_of("record-route"))]
    return LegEnd(
        to=answer.header("to"),
        target=contacts[0].uri if contacts and contacts[0].uri.startswith("sip") else instead,
        routes=tuple(reversed(routes[:_MOST_ROUTES])),
    )


def response_to(request: SipRequest, status: int, reason: str) -> bytes:
    """Answer a request of the other side's."""
    headers = tuple((name, value) for name, value in request.headers if name in _COPIED)
    return SipResponse(headers, b"", status, reason).encode()


def tag_of(value: str) -> str:
    """Answer the tag of a From or To; empty where it has none."""
    found = addresses_of(value)
    return found[0].parameter("tag") if found else ""
