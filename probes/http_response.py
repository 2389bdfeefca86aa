"""An HTTP answer as it comes in, and what it says of the target. Bytes in, judgement out; no socket, no clock."""

import httptools

from probes.http_plan import HttpPlan
from probes.models import Outcome

__all__ = ["HttpResponse", "judged"]

_SERVICE_UNAVAILABLE = 503
_SHOWN_CHARACTERS = 80
_DELIMITING = frozenset({b"content-length", b"transfer-encoding"})
_MOST_HEAD = 65_536


class HttpResponse:
    """Collects one answer; ``problem`` is what makes it no HTTP, empty while it is well formed.

    ``headers`` are kept where ``keeps_headers``, names in lower case; the head may take 64 KiB.
    """

    __slots__ = (
        "_has_headers",
        "_head",
        "_is_delimited",
        "_keeps_headers",
        "_max_body",
        "_parser",
        "body",
        "headers",
        "is_complete",
        "is_cut",
        "problem",
        "status",
    )

    def __init__(self, *, max_body: int, keeps_headers: bool = False) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._keeps_headers = keeps_headers
        self._head = 0
        self.body = bytearray()
        self.problem = ""
        self.is_complete = False
        self.is_cut = False
        self._max_body = max_body
        self._is_delimited = False
        self._has_headers = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take bytes from the connection."""
        if self.is_complete:
            return
        if not self._has_headers:
            self._head += len(data)
            if self._head > _MOST_HEAD + self._max_body:
                self.problem = "the headers have no end"
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.status = self._parser.get_status_code()
            self.is_complete = True
        except httptools.HttpParserError as error:
            self._stumble(error)

    def _stumble(self, error: Exception) -> None:
        # What follows a complete answer is none of our business.
        if not self.is_complete:
            self.problem = f"not http: {error}"[:_SHOWN_CHARACTERS]

    def end(self) -> None:
        """Take the end of the connection; it completes an answer that did not say how long it is."""
        if self.is_complete:
            return
        if self._has_headers and not self._is_delimited:
            self.is_complete = True
        elif self._has_headers:
            self.problem = "closed within the answer"
        else:
            self.problem = "closed before an answer"

    # What follows is called by httptools.

    def on_message_begin(self) -> None:
        """Begin an answer; the one after a provisional answer starts afresh."""
        self._is_delimited = self._has_headers = False
        self.headers.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Notice the headers that say where the answer ends, and keep all if asked."""
        name = name.lower()
        if name in _DELIMITING and value:
            self._is_delimited = True
        if self._keeps_headers:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the status, unless it is provisional (1xx)."""
        if not self.is_complete:
            self.status = self._parser.get_status_code()
            self._has_headers = self.status >= 200  # below are provisional: RFC 9110, 15.2

    def on_body(self, piece: bytes) -> None:
        """Keep what fits; what is beyond the cap need not be waited for."""
        if self.is_complete:
            return
        self.body += piece[: self._max_body - len(self.body)]
        if len(self.body) >= self._max_body:
            self.is_cut = self.is_complete = True

    def on_message_complete(self) -> None:
        """End the answer."""
        self.is_complete = self.is_complete or self._has_headers

    def header(self, name: bytes) -> bytes:
        """Answer the first header of a name, empty if there is none."""
        return next((value for found, value in self.headers if found == name), b"")


def judged(plan: HttpPlan, response: HttpResponse) -> tuple[Outcome, str]:
    """Answer what a complete answer, or the lack of one, says of the target, with a word to the reader."""
    if response.problem:
        return Outcome.MISMATCH, response.problem
    if not plan.is_right(response.status):
        overloaded = response.status == _SERVICE_UNAVAILABLE
        return (Outcome.OVERLOADED if overloaded else Outcome.MISMATCH), f"status {response.status}"
    fault = _header_fault(plan, response) or _body_fault(plan, response)
    return (Outcome.MISMATCH, fault[:_SHOWN_CHARACTERS]) if fault else (Outcome.OK, "")


def _header_fault(plan: HttpPlan, response: HttpResponse) -> str:
    for name, text in plan.headers:
        if not any(name == found and text in value for found, value in response.headers):
            return f"header not found: {name.decode()}:{text.decode()}"
    return ""


def _body_fault(plan: HttpPlan, response: HttpResponse) -> str:
    where = f" within {len(response.body)} bytes" if response.is_cut else ""
    if plan.expect not in response.body:
        return f"text not found{where}: {plan.expect.decode()}"
    if plan.match is None and plan.no_match is None:
        return ""
    text = response.body.decode("utf-8", "replace")  # by letters, not bytes: [oố] is one of two letters
    if plan.match is not None and not plan.match.search(text):
        return f"no match{where}: {plan.match.pattern}"
    if plan.no_match is not None and plan.no_match.search(text):
        return f"match: {plan.no_match.pattern}"
    return ""
