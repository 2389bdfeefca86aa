"""The little SDP (RFC 4566, RFC 3264) that a test call needs: one audio stream of G.711. Text in, values out."""

import ipaddress
from dataclasses import dataclass

__all__ = ["AudioEnd", "audio_offer", "parse_audio"]


@dataclass(frozen=True, slots=True)
class AudioEnd:
    """Where somebody wants to hear audio, and the payload types that they take, best first."""

    address: str
    port: int
    payload_types: tuple[int, ...]


def audio_offer(address: str, port: int, *, session: int) -> bytes:
    """Offer G.711 A-law, then µ-law, in packets of 20 ms."""
    family = "IP6" if ":" in address else "IP4"
    lines = (
        "v=0",
        f"o=- {session} 1 IN {family} {address}",
        "s=thongsuot",
        f"c=IN {family} {address}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 8 0",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=ptime:20",
        "a=sendrecv",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def parse_audio(body: bytes) -> AudioEnd | None:
    """Answer the first audio stream that is not refused; None where there is none, or where it is nowhere to send to.

    Only numeric unicast addresses are taken: an answer must not make us ask a resolver, nor speak to a group.
    """
    session = connection = ""
    media: list[str] | None = None
    for line in body.decode("utf-8", "replace").splitlines():
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            if media is not None:
                break
            words = value.split()
            media = words if len(words) >= 4 and words[0] == "audio" else None
        elif kind == "c":
            address = value.split()[-1] if value.split() else ""
            connection, session = (address, session) if media is not None else (connection, address)
    if media is None:
        return None
    return _end(connection or session, media)


def _end(address: str, media: list[str]) -> AudioEnd | None:
    try:
        numeric = ipaddress.ip_address(address)
    except ValueError:
        return None
    port = media[1].partition("/")[0]
    if numeric.is_multicast or numeric.is_unspecified or not _is_number(port, most=65_535) or int(port) == 0:
        return None
    types = tuple(int(word) for word in media[3:] if _is_number(word, most=127))
    return AudioEnd(str(numeric), int(port), types)


def _is_number(text: str, *, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= most
