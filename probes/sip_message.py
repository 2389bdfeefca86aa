"""SIP messages as RFC 3261 writes them, and as the field sends them. Bytes in, values out; no socket, no clock.

Strict in what is built, lenient in what is read: lines may end in a bare LF, header names may be compact (section
7.3.3) and of any case, values may be folded over lines, a reason phrase or a length may be missing, bytes may be
no UTF-8. What cannot be a SIP message at all raises :class:`SipMessageError`, and nothing else is ever raised.
"""

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["SipMessageError", "SipRequest", "SipResponse", "Via", "glimpsed", "parse_sip", "parse_via"]

VERSION: Final = "SIP/2.0"

_COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}
"""Compact header names: RFC 3261 section 7.3.3 and the registry that grew from it."""

_SPELT: Final = {
    name: name.lower()
    for name in (
        "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Content-Length", "Max-Forwards", "User-Agent",
        "Server", "Allow", "Accept", "Supported", "Warning", "Retry-After",
    )
}  # fmt: skip
"""How nearly everybody spells the usual names: spares a look at each letter."""

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_VIA = re.compile(
    r"\s*SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z]+)\s+"
    r"(?P<host>\[[^\]\s]*\]|[^\s;:,]+)(?:\s*:\s*(?P<port>\d{1,5}))?(?P<rest>[^,]*)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r";\s*([^\s;=]+)(?:\s*=\s*(\"[^\"]*\"|[^\s;]*))?")


_GLIMPSE = re.compile(
    rb"SIP/2\.0 ([1-6]\d\d) ([ -~]*)\r\nVia: SIP/2\.0/[A-Z]{3} [A-Za-z0-9.:\[\]]+;(?:[a-z]+=[A-Za-z0-9.]+;)*"
    rb"branch=(z9hG4bK[A-Za-z0-9-]+)[;\r]"
)
_NUMBER = re.compile(rb"\r\nCSeq: \d{1,10} ([A-Z]+)\r\n")


class SipMessageError(ValueError):
    """The bytes are no SIP message; the text says what they lack."""


@dataclass(frozen=True, slots=True)
class _Headers:
    """What requests and responses share. ``headers`` keeps order, full lower-case names, values unfolded."""

    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Answer the first value of a header by its full lower-case name, or an empty text."""
        return next((value for given, value in self.headers if given == name), "")

    def all_of(self, name: str) -> tuple[str, ...]:
        """Answer every value of a header, in order."""
        return tuple(value for given, value in self.headers if given == name)

    @property
    def cseq(self) -> tuple[int, str]:
        """The CSeq's number and method; ``(-1, "")`` where it has none."""
        parts = self.header("cseq").split()
        if len(parts) < 2 or not (parts[0].isascii() and parts[0].isdigit() and len(parts[0]) <= 10):
            return -1, ""
        return int(parts[0]), parts[1].upper()

    @property
    def via(self) -> "Via | None":
        """The topmost Via."""
        return parse_via(self.header("via"))


@dataclass(frozen=True, slots=True)
class SipRequest(_Headers):
    """A request. Built by hand, headers may have any case; they are written as given."""

    method: str
    uri: str

    def encode(self) -> bytes:
        """Write the request with its length."""
        return _encoded(f"{self.method} {self.uri} {VERSION}", self)


@dataclass(frozen=True, slots=True)
class SipResponse(_Headers):
    """A response; ``status`` is 100 to 699."""

    status: int
    reason: str

    def encode(self) -> bytes:
        """Write the response with its length."""
        return _encoded(f"{VERSION} {self.status} {self.reason}", self)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop: where a response goes back to. ``port`` is 0 where the header names none."""

    transport: str
    host: str
    port: int
    parameters: tuple[tuple[str, str], ...]

    @property
    def branch(self) -> str:
        """The transaction's name; empty where there is none."""
        return next((value for name, value in self.parameters if name == "branch"), "")


def parse_sip(data: bytes) -> SipRequest | SipResponse:
    """Read one datagram; raises SipMessageError, and nothing else, whatever the bytes."""
    data = data.lstrip(b"\r\n")  # keep-alives of RFC 5626, and section 7.5
    parts = _END_OF_HEAD.split(data, maxsplit=1)
    head = parts[0]
    if b"\n " in head or b"\n\t" in head:
        head = _FOLD.sub(b" ", head)
    lines = head.decode("utf-8", "replace").split("\n")
    headers = tuple([_header(line) for line in lines[1:] if line and not line.isspace()])
    body = parts[1] if len(parts) == 2 else b""
    start = lines[0].split(None, 2)
    if len(start) >= 2 and start[0].upper() == VERSION:
        return SipResponse(headers, body, _status(start[1]), start[2].strip() if len(start) == 3 else "")
    if len(start) != 3 or start[2].strip().upper() != VERSION or not _TOKEN.fullmatch(start[0]):
        raise SipMessageError(f"not a start line: {lines[0][:60]!r}")
    return SipRequest(headers, body, start[0], start[1])


def glimpsed(data: bytes) -> tuple[int, str, str, str] | None:
    """Answer status, words, branch and method of a response that is written as most are; None for any other message.

    A glance at the few octets that most looks need: it says what :func:`parse_sip` would, at a tenth of the time.
    """
    start = _GLIMPSE.match(data)
    number = _NUMBER.search(data, start.end() - 1) if start else None
    if start is None or number is None:
        return None
    status, words, branch = start.groups()
    return int(status), words.decode("ascii").strip(), branch.decode("ascii"), number[1].decode("ascii")


def parse_via(value: str) -> Via | None:
    """Read the first hop of a Via value, or answer None where it is none."""
    found = _VIA.match(value)
    if found is None:
        return None
    parameters = tuple((name.lower(), text.strip('"')) for name, text in _PARAMETER.findall(found["rest"]))
    port = int(found["port"] or 0)
    return Via(found["transport"].upper(), found["host"], port if port < 65_536 else 0, parameters)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    known = _SPELT.get(name)
    if known is None:
        known = name.strip().lower()
        known = _COMPACT.get(known, known)
        if not _TOKEN.fullmatch(known):
            raise SipMessageError(f"not a header: {line[:60]!r}")
    if not colon:
        raise SipMessageError(f"not a header: {line[:60]!r}")
    return known, value.strip()


def _status(text: str) -> int:
    if not (len(text) == 3 and text.isascii() and text.isdigit() and "100" <= text <= "699"):
        raise SipMessageError(f"not a status: {text[:60]!r}")
    return int(text)


def _encoded(start: str, message: _Headers) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in message.headers)]
    lines.append(f"Content-Length: {len(message.body)}")
    return "\r\n".join([*lines, "", ""]).encode() + message.body
