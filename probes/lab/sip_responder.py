"""What answers on the lab's SIP ports: 200 to OPTIONS.

The topmost Via is completed by where the request really came from (RFC 3261 18.2.1, RFC 3581).
"""

import re
from collections.abc import Callable, Mapping
from random import Random  # noqa: TID251 # the type only; the source itself is an argument

from typing_extensions import override

from probes.lab.datagram_responder import DatagramResponder, Source
from probes.lab.endpoints import Endpoint
from probes.sip_message import SipMessageError, SipRequest, SipResponse, parse_sip

__all__ = ["SipResponder", "answer_of"]

_RPORT = re.compile(r";\s*rport(?=\s*(?:;|,|$))", re.IGNORECASE)
_COPIED = frozenset({"via", "from", "to", "call-id", "cseq"})


class SipResponder(DatagramResponder):
    """A SIP element behind every address."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], *, delay: Callable[[str], float], rng: Random
    ) -> None:
        super().__init__(endpoints, delay=delay)
        self._rng = rng

    @override
    def answer(self, endpoint: Endpoint, data: bytes, source: Source) -> bytes | None:
        return answer_of(data, source, tag=f"{self._rng.getrandbits(64):016x}")


def answer_of(data: bytes, source: Source, *, tag: str) -> bytes | None:
    """Answer what a SIP element that can do nothing but be asked would say, or None where it keeps silent."""
    try:
        request = parse_sip(data)
    except SipMessageError:
        return None
    if not isinstance(request, SipRequest) or request.method == "ACK" or not request.header("via"):
        return None
    headers = [(name, value) for name, value in request.headers if name in _COPIED]
    top = next(place for place, (name, _) in enumerate(headers) if name == "via")
    headers[top] = ("via", _completed(headers[top][1], source))
    answered = [
        (name, f"{value};tag={tag}" if name == "to" and ";tag=" not in value.lower() else value)
        for name, value in headers
    ]
    is_known = request.method == "OPTIONS"
    answered += [("Allow", "OPTIONS"), ("Server", "thongsuot lab")]
    status, reason = (200, "OK") if is_known else (405, "Method Not Allowed")
    return SipResponse(tuple(answered), b"", status, reason).encode()


def _completed(via: str, source: Source) -> str:
    address, port = source
    first, comma, rest = via.partition(",")
    first = _RPORT.sub(f";rport={port}", first, count=1)
    return f"{first};received={address}{comma}{rest}"
