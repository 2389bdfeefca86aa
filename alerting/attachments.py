"""Evidence attached to incidents: photographs, documents and text, kept by content and named by it.

A file lies in the folder under the SHA-256 of its content, and the ledger says who attached it under which name, so
that neither the file nor the statement about it can be changed unseen. What a file is is read off its content, never
off its name; what a browser might run is not taken.
"""

import asyncio
import hashlib
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from alerting.case import Case
from alerting.errors import RefusedFileError
from alerting.models import IncidentEvent, LedgerEntry
from alerting.province import Province
from alerting.store import ledger_of

__all__ = [
    "LARGEST_FILE",
    "MOST_FILES",
    "Attachment",
    "EvidenceFolder",
    "attach",
    "attachments",
    "checked",
    "kind_of",
    "named",
    "safe_headers",
]

LARGEST_FILE = 10 * 1024 * 1024
"""Bytes of one file: a photograph of a telephone, not a film."""
MOST_FILES = 30
"""Files of one incident."""
_LONGEST_NAME = 120
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"WEBP", 8, "image/webp"),
    (b"%PDF-", 0, "application/pdf"),
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """What the ledger says of one file."""

    name: str
    media_type: str
    size: int
    sha256: str


def kind_of(content: bytes) -> str:
    """Answer the media type of ``content`` by looking at it; raises :class:`RefusedFileError`."""
    for signature, place, media_type in _SIGNATURES:
        if content[place : place + len(signature)] == signature:
            return media_type
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedFileError(
            "taken are PNG, JPEG, WebP, PDF and UTF-8 text; this is none of them"
        ) from error
    if any(unicodedata.category(one) == "Cc" and one not in "\t\r\n\f\x1b" for one in text):
        raise RefusedFileError(
            "taken are PNG, JPEG, WebP, PDF and UTF-8 text; this text holds control characters"
        )
    return "text/plain; charset=utf-8"


def named(name: str) -> str:
    """Answer ``name`` as it is kept: its last part, composed, printable, not too long."""
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    printable = "".join(one for one in last if one.isprintable()).strip(". ")
    return printable[-_LONGEST_NAME:] or "evidence"


def safe_headers(name: str) -> dict[str, str]:
    """Answer headers with which a stored file cannot act in the name of our pages."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }


class EvidenceFolder:
    """The folder of files. Writing and reading happen off the loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _place(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"not a SHA-256: {digest!r}")
        return self._folder / digest[:2] / digest

    async def keep(self, content: bytes) -> str:
        """Keep ``content`` until it is on the disk; answers its SHA-256."""
        digest = hashlib.sha256(content).hexdigest()
        await asyncio.to_thread(_write, self._place(digest), content)
        return digest

    async def read(self, digest: str) -> bytes | None:
        """Read what was kept under ``digest``; None when it is not there or no longer what it was."""
        place = self._place(digest)
        try:
            content = await asyncio.to_thread(place.read_bytes)
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).hexdigest() == digest else None


def _write(place: Path, content: bytes) -> None:
    if place.exists():
        return
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = place.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(place)


def checked(content: bytes) -> str:
    """Answer the media type of a file that may be kept; raises :class:`RefusedFileError`."""
    if not content:
        raise RefusedFileError("the file is empty")
    if len(content) > LARGEST_FILE:
        raise RefusedFileError(f"the file has {len(content)} bytes; at most {LARGEST_FILE} are taken")
    return kind_of(content)


async def attach(
    case: Case,
    _province: Province,
    at: datetime,
    *,
    actor: str,
    attachment: Attachment,
    note: str = "",
) -> None:
    """Write into the ledger that a file was attached; the same file twice is attached once."""
    known = attachments(await ledger_of(case.connection, case.incident.id))
    if any(one.sha256 == attachment.sha256 for one in known):
        return
    if len(known) >= MOST_FILES:
        raise RefusedFileError(f"the incident has {MOST_FILES} files already")
    details = {"file": asdict(attachment), **({"note": note.strip()} if note.strip() else {})}
    await case.record(IncidentEvent.EVIDENCE, at=at, actor=actor, details=details)


def attachments(entries: Sequence[LedgerEntry]) -> list[Attachment]:
    """Answer the files that a ledger tells of, in order."""
    return [Attachment(**entry.details["file"]) for entry in entries if entry.event is IncidentEvent.EVIDENCE]
