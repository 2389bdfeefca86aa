"""An HTTP answer as it comes in, and what it says of the target. Bytes in, judgement out; no socket, no clock."""

import httptools

from probes.http_plan import HttpPlan
from probes.models import Outcome

__all__ = ["HttpResponse", "judged"]

_SERVICE_UNAVAILABLE = 503
_SHOWN_CHARACTERS = 80


class HttpResponse:
    """Collects one answer; ``problem`` is what makes it no HTTP, empty while it is well formed."""

    def __init__(self, *, max_body: int) -> None:
        self.status = 0
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

    def on_header(self, name: bytes, value: bytes) -> None:
        """Notice the headers that say where the answer ends."""
        if name.lower() in {b"content-length", b"transfer-encoding"} and value:
            self._is_delimited = True

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


def judged(plan: HttpPlan, response: HttpResponse) -> tuple[Outcome, str]:
    """Answer what a complete answer, or the lack of one, says of the target, with a word to the reader."""
    if response.problem:
        return Outcome.MISMATCH, response.problem
    if not plan.is_right(response.status):
        overloaded = response.status == _SERVICE_UNAVAILABLE
        return (Outcome.OVERLOADED if overloaded else Outcome.MISMATCH), f"status {response.status}"
    if plan.expect not in response.body:
        where = f" within {len(response.body)} bytes" if response.is_cut else ""
        return Outcome.MISMATCH, f"text not found{where}: {plan.expect.decode()}"[:_SHOWN_CHARACTERS]
    return Outcome.OK, ""
