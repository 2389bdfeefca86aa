"""HTTP Live Streaming playlists (RFC 8216), as far as a look needs them, and whether a live one still moves. Pure."""

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Playlist", "PlaylistError", "Progress", "is_stale", "progressed", "read_playlist"]

_FIRST_LINE: Final = "#EXTM3U"
_MOST_LINES: Final = 20_000
_LONGEST_URI: Final = 2_048
_STALE_TARGETS: Final = 3.0
"""A live playlist changes once a target duration (RFC 8216, 6.2.1); three without a change is no hiccup."""
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


class PlaylistError(ValueError):
    """A text that is no playlist, or none of a stream."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """A media playlist, or a master whose ``variant`` names the first media playlist.

    ``sequence`` is that of the last segment listed; ``seconds`` and ``uri`` are those of the last one, which is the
    newest and stays reachable longest.
    """

    variant: str = ""
    sequence: int = 0
    target_seconds: float = 0.0
    uri: str = ""
    seconds: float = 0.0
    segments: int = 0
    is_ended: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """The newest segment seen of one playlist, and when it was first seen (monotonic seconds)."""

    sequence: int
    at: float


def read_playlist(text: str) -> Playlist:
    """Read a playlist; a PlaylistError says why it is none."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()[:_MOST_LINES]]
    if not lines or not lines[0].startswith(_FIRST_LINE):
        raise PlaylistError("not a playlist")
    if any(line.startswith("#EXT-X-STREAM-INF:") for line in lines):
        return Playlist(variant=_variant(lines))
    if not any(line.startswith("#EXT-X-TARGETDURATION:") for line in lines):
        raise PlaylistError("a list of addresses, not of segments")
    return _media(lines)


def progressed(before: Progress | None, playlist: Playlist, now: float) -> Progress:
    """Note the newest segment; a sequence that went back is a stream that began anew, which is movement too."""
    if before is not None and before.sequence == playlist.sequence:
        return before
    return Progress(playlist.sequence, now)


def is_stale(progress: Progress, playlist: Playlist, now: float) -> bool:
    """Whether nothing new has come for longer than a live stream may take."""
    return now - progress.at > _STALE_TARGETS * max(playlist.target_seconds, 1.0)


def _variant(lines: list[str]) -> str:
    for number, line in enumerate(lines):
        if line.startswith("#EXT-X-STREAM-INF:"):
            following = (text for text in lines[number + 1 :] if text and not text.startswith("#"))
            return _uri(next(following, ""))
    raise PlaylistError("a master playlist without a variant")


def _media(lines: list[str]) -> Playlist:
    first, target, count, seconds, uri, ended, said = 0, 0.0, 0, 0.0, "", False, 0.0
    for line in lines[1:]:
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-MEDIA-SEQUENCE":
            first = _whole(value)
        elif tag == "#EXT-X-TARGETDURATION":
            target = _decimal(value)
        elif tag == "#EXTINF":
            said = _decimal(value.partition(",")[0])
        elif tag == "#EXT-X-ENDLIST":
            ended = True
        elif line and not line.startswith("#"):
            count, uri, seconds = count + 1, _uri(line), said
    return Playlist(
        sequence=first + count,
        target_seconds=target,
        uri=uri,
        seconds=seconds,
        segments=count,
        is_ended=ended,
    )


def _uri(text: str) -> str:
    if not text or len(text) > _LONGEST_URI or not text.isascii() or not text.isprintable() or " " in text:
        raise PlaylistError("an address that cannot be asked for")
    return text


def _whole(text: str) -> int:
    if not _NUMBER.fullmatch(text.strip()):
        raise PlaylistError("a number that is none")
    return int(text)


def _decimal(text: str) -> float:
    if not _DECIMAL.fullmatch(text.strip()):
        raise PlaylistError("a duration that is none")
    return float(text)
