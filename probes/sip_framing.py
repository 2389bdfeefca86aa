"""Where one SIP message ends and the next begins on a stream (RFC 3261, 18.3). Bytes in, messages' bytes out.

Over TCP and TLS a message is as long as its Content-Length says; one that says nothing has no body. Empty lines
between messages are keep-alives (RFC 5626, 3.5.1) and passed over.
"""

import re
from typing import Final

from probes.sip_message import SipMessageError

__all__ = ["LARGEST_MESSAGE", "SipFraming"]

LARGEST_MESSAGE: Final = 65_536
"""Octets of head and body together; whoever sends more is not answering a look."""

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"\r?\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?(?=\n)", re.IGNORECASE)


class SipFraming:
    """Cuts a stream into messages; what has not ended yet is kept for the next feed."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Answer the messages that are whole now; SipMessageError where the stream cannot be SIP any more."""
        self._kept += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> bytes | None:
        kept = self._kept = self._kept.lstrip(b"\r\n")
        head = _END_OF_HEAD.search(kept)
        if head is None:
            if len(kept) > LARGEST_MESSAGE:
                raise SipMessageError("the head of a message does not end")
            return None
        said = _LENGTH.search(kept, 0, head.end())
        end = head.end() + (int(said[1]) if said else 0)
        if end > LARGEST_MESSAGE:
            raise SipMessageError(f"a message of {end} octets")
        if len(kept) < end:
            return None
        self._kept = kept[end:]
        return kept[:end]
