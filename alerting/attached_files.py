"""Files attached to incidents: kept first, then written into the ledger, handed out only while they are what they were."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.attachments import Attachment, EvidenceFolder, attach, attachments, checked, named
from alerting.errors import RefusedFileError
from alerting.models import Incident
from alerting.store import ledger_of
from inventory.database import reading

__all__ = ["AttachedFiles"]


class AttachedFiles:
    """Keeps and reads files. ``act`` does a deed to an incident (:meth:`alerting.service.AlertingService.act`)."""

    def __init__(
        self,
        database: AsyncEngine,
        folder: EvidenceFolder | None,
        *,
        act: Callable[..., Coroutine[Any, Any, Incident]],
    ) -> None:
        self._database = database
        self._folder = folder
        self._act = act

    async def attach(
        self,
        incident: int,
        *,
        actor: str,
        name: str,
        content: bytes,
        note: str = "",
        version: int | None = None,
    ) -> Incident:
        """Keep a file and write into the ledger that it was attached; raises :class:`RefusedFileError`."""
        if self._folder is None:
            raise RefusedFileError("this service keeps no files")
        media_type = checked(content)
        digest = await self._folder.keep(content)
        file = Attachment(named(name), media_type, len(content), digest)
        return await self._act(
            incident, partial(attach, actor=actor, attachment=file, note=note), version=version
        )

    async def read(self, incident: int, digest: str) -> tuple[Attachment, bytes] | None:
        """Answer a file that the ledger of ``incident`` tells of; None when there is none or it was altered."""
        async with reading(self._database) as connection:
            known = attachments(await ledger_of(connection, incident))
        found = next((one for one in known if one.sha256 == digest), None)
        content = await self._folder.read(digest) if found and self._folder else None
        return (found, content) if found and content is not None else None
