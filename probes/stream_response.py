"""The answer of a radio stream as it comes in, by HTTP or by the ICY dialect of it. Bytes in, facts out; no socket."""

from typing import Final

import httptools

__all__ = ["StreamResponse"]

_ICY: Final = b"ICY "
_HTTP: Final = b"HTTP/1.0 "
_LONGEST_HEAD: Final = 32_768
_SHOWN: Final = 80
_HEADERS_KEPT: Final = frozenset(
    {"content-type", "content-length", "transfer-encoding", "icy-br", "icy-name"}
)


class StreamResponse:
    """Collects the head of one answer and counts its body; keeps no more of the body than ``keep`` bytes.

    ``problem`` is what makes it no HTTP, empty while it is well formed. Shoutcast's ``ICY 200 OK`` is taken as
    HTTP/1.0, and metadata within the stream counts as stream: it is one part in a thousand.
    """

    def __init__(self, *, keep: int = 0) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.body_bytes = 0
        self.has_head = False
        self.is_complete = False
        self.problem = ""
        self._keep = keep
        self._start = b""
        self._head_bytes = 0
        self._parser: httptools.HttpResponseParser | None = None

    @property
    def content_type(self) -> str:
        """The media type alone, in small letters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int | None:
        """How many bytes the body has, where it says."""
        said = self.headers.get("content-length", "")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else None

    def feed(self, data: bytes) -> None:
        """Take bytes from the connection."""
        if self.is_complete or self.problem:
            return
        if self._parser is None:
            self._start += data
            if len(self._start) < len(_ICY):
                return
            data = _HTTP + self._start[len(_ICY) :] if self._start.startswith(_ICY) else self._start
            self._parser = httptools.HttpResponseParser(self)
        self._head_bytes += 0 if self.has_head else len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.problem = "not http: an upgrade"
        except httptools.HttpParserError as error:
            self._stumble(error)
        if not self.has_head and self._head_bytes > _LONGEST_HEAD:
            self.problem = "not http: endless headers"

    def end(self) -> None:
        """Take the end of the connection."""
        if self.is_complete or self.problem:
            return
        if not self.has_head:
            self.problem = "closed before an answer"
        elif "content-length" in self.headers or "transfer-encoding" in self.headers:
            self.problem = "closed within the answer"
        else:
            self.is_complete = True

    def _stumble(self, error: Exception) -> None:
        # What follows a complete answer is none of our business.
        if not self.is_complete:
            self.problem = f"not http: {error}"[:_SHOWN]

    # What follows is called by httptools.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the headers that say what comes."""
        key = name.decode("latin-1").lower()
        if key in _HEADERS_KEPT:
            self.headers[key] = value.decode("latin-1")[:_SHOWN]

    def on_headers_complete(self) -> None:
        """Take the status, unless it is provisional (1xx)."""
        if self._parser is None or self.is_complete:
            return
        self.status = self._parser.get_status_code()
        self.has_head = self.status >= 200  # below are provisional: RFC 9110, 15.2

    def on_body(self, piece: bytes) -> None:
        """Count a piece of the body, and keep what there is room for."""
        if self.is_complete:
            return
        self.body_bytes += len(piece)
        self.body += piece[: max(0, self._keep - len(self.body))]

    def on_message_complete(self) -> None:
        """End the answer."""
        self.is_complete = self.is_complete or self.has_head
