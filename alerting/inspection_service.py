"""Inspections as people work on them: every change is one transaction; transactions around :mod:`alerting.inspections`.

``scope`` is the only party that the caller may see (None: all). A party sees the inspections that found something of
its own, and of those its own findings alone: what was found at others, who said what and the files are the department's.
For a party a visit is over when its own findings are verified: when the whole is closed tells how others are getting on,
and how often it was written over tells how much there is of theirs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting import inspection_store as store
from alerting.attachments import EvidenceFolder, checked, named
from alerting.errors import ChangedMeanwhileError
from alerting.field_errors import FieldRefusedError, UnknownFieldWorkError
from alerting.inspections import CHECKLIST, Answer, Finding, Inspection, InspectionState, is_closable
from inventory.database import reading, transaction
from inventory.drawn import Draw
from inventory.models import Inventory
from inventory.reasons import Reason

__all__ = ["InspectionPlan", "InspectionService"]

_MOST_FILES = 30
_NO_VERSION = 0


@dataclass(frozen=True, slots=True)
class InspectionPlan:
    """Where and when somebody goes, and who."""

    area: str
    planned_at: datetime
    inspectors: tuple[str, ...]
    site: str = ""


class InspectionService:
    """Plans, answers, findings, files."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        inventory: Callable[[], Inventory],
        clock: Callable[[], datetime],
        folder: EvidenceFolder | None = None,
        draw: Draw | None = None,
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._clock = clock
        self._folder = folder
        self._draw = draw

    @property
    def takes_files(self) -> bool:
        """Whether there is a place to keep files in."""
        return self._folder is not None

    async def plan(self, plan: InspectionPlan, *, actor: str) -> Inspection:
        """Plan a visit."""
        inventory = self._inventory()
        site = inventory.sites.get(plan.site)
        area = site.area if site is not None and not plan.area else plan.area
        if area not in inventory.areas or (plan.site and site is None):
            raise FieldRefusedError(Reason("chưa chọn nơi kiểm tra", "no place was chosen"))
        if not plan.inspectors:
            raise FieldRefusedError(Reason("ghi ít nhất một người kiểm tra", "name at least one inspector"))
        async with transaction(self._database) as connection:
            values = {
                "area": area,
                "site": plan.site,
                "planned_at": plan.planned_at,
                "inspectors": [name[:120] for name in plan.inspectors[:20]],
                "hosts": [],
                "answers": {},
                "state": InspectionState.PLANNED.value,
                "made_at": self._clock(),
                "made_by": actor[:120],
            }
            made = await store.add(connection, values, draw=self._draw)
            return await self._held(connection, made, None)

    async def inspections(self, *, scope: str | None) -> tuple[Inspection, ...]:
        """Read inspections, the latest planned first."""
        async with reading(self._database) as connection:
            found = await store.inspections_of(connection, owner=scope)
        return tuple(shown for one in found if (shown := _for(one, scope)) is not None)

    async def one(self, identifier: int, *, scope: str | None) -> Inspection:
        """Read one inspection."""
        async with reading(self._database) as connection:
            return await self._held(connection, identifier, scope)

    async def answer(
        self,
        identifier: int,
        answers: Mapping[str, Answer],
        *,
        hosts: Sequence[str],
        remarks: str,
        version: int | None = None,
    ) -> Inspection:
        """Write down what was found; the first answers say that the visit was made."""
        if not answers.keys() <= CHECKLIST.keys():
            raise FieldRefusedError(
                Reason("có nội dung không thuộc danh mục", "an item is not on the checklist")
            )
        async with transaction(self._database) as connection:
            now = self._clock()
            held = await self._unended(connection, identifier)
            if version is not None and version != held.version:
                raise ChangedMeanwhileError(held.version)
            visited = held.visited_at or (now if answers else None)
            values = {
                "answers": {code: asdict(one) for code, one in answers.items()},
                "hosts": [name[:120] for name in hosts[:20]],
                "remarks": remarks[:4000],
                "visited_at": visited,
                "state": (InspectionState.VISITED if visited else InspectionState.PLANNED).value,
            }
            return await self._change(connection, held, values)

    async def find(
        self, identifier: int, *, text: str, owner: str, due_at: datetime, actor: str
    ) -> Inspection:
        """Write down something to mend, by whom and by when."""
        if not text.strip():
            raise FieldRefusedError(
                Reason("chưa ghi nội dung cần khắc phục", "what is to be mended is not said")
            )
        if owner not in self._inventory().parties:
            raise FieldRefusedError(Reason("chưa chọn đơn vị thực hiện", "no party was chosen to mend it"))
        async with transaction(self._database) as connection:
            held = await self._unended(connection, identifier)
            values = {
                "inspection": held.id,
                "text": text.strip()[:500],
                "owner": owner,
                "due_at": due_at,
                "found_at": self._clock(),
                "found_by": actor[:120],
            }
            await store.add_finding(connection, values, draw=self._draw)
            visited = {"visited_at": held.visited_at or self._clock(), "state": InspectionState.VISITED.value}
            return await self._change(connection, held, visited)

    async def fixed(self, finding: int, *, note: str, actor: str, scope: str | None) -> Finding:
        """Say that a finding is mended, as its owner or on the owner's behalf; again harmless."""
        async with transaction(self._database) as connection:
            found = await _finding(connection, finding, scope)
            if found.fixed_at is None:
                values = {
                    "fixed_at": self._clock(),
                    "fixed_by": actor[:120],
                    "fixed_note": note[:500],
                }
                await store.change_finding(connection, finding, values)
            return await _finding(connection, finding, scope)

    async def verified(self, finding: int, *, holds: bool, actor: str) -> Finding:
        """Say that somebody looked: a finding is mended, or is not and waits for its owner again."""
        async with transaction(self._database) as connection:
            await _finding(connection, finding, None)
            now = self._clock()
            good = {"verified_at": now, "verified_by": actor[:120]}
            bad = {"fixed_at": None, "fixed_by": "", "fixed_note": ""}
            await store.change_finding(connection, finding, good if holds else bad)
            return await _finding(connection, finding, None)

    async def attach(self, identifier: int, *, name: str, content: bytes, actor: str) -> None:
        """Keep a photograph or a document of the visit."""
        media_type = checked(content)
        if self._folder is None:
            raise FieldRefusedError(
                Reason("hệ thống chưa có nơi lưu tệp", "there is no place to keep files in")
            )
        digest = await self._folder.keep(content)
        async with transaction(self._database) as connection:
            held = await self._unended(connection, identifier)
            if len(held.files) >= _MOST_FILES:
                raise FieldRefusedError(Reason("đã đủ 30 tệp", "there are 30 files already"))
            values = {
                "inspection": held.id,
                "sha256": digest,
                "name": named(name),
                "media_type": media_type,
                "size": len(content),
                "added_at": self._clock(),
                "added_by": actor[:120],
            }
            await store.add_file(connection, values)

    async def file(self, identifier: int, digest: str) -> tuple[str, str, bytes]:
        """Read a file of a visit: its name, its type, its content."""
        held = await self.one(identifier, scope=None)
        kept = next((one for one in held.files if one.sha256 == digest), None)
        content = await self._folder.read(digest) if kept is not None and self._folder is not None else None
        if kept is None or content is None:
            raise UnknownFieldWorkError
        return kept.name, kept.media_type, content

    async def close(self, identifier: int, *, actor: str) -> Inspection:
        """Close a visit of which nothing is left to mend."""
        async with transaction(self._database) as connection:
            held = await self._unended(connection, identifier)
            if not is_closable(held.state, held.findings):
                raise FieldRefusedError(
                    Reason(
                        "chưa kiểm tra xong hoặc còn kiến nghị chưa xác minh",
                        "the visit was not made yet, or a finding is not verified",
                    )
                )
            return await self._change(connection, held, self._end(InspectionState.CLOSED, actor))

    async def cancel(self, identifier: int, *, actor: str) -> Inspection:
        """Take back a visit that was not made."""
        async with transaction(self._database) as connection:
            held = await self._unended(connection, identifier)
            if held.state is not InspectionState.PLANNED:
                raise FieldRefusedError(Reason("cuộc kiểm tra đã diễn ra", "the visit was made already"))
            return await self._change(connection, held, self._end(InspectionState.CANCELLED, actor))

    def _end(self, state: InspectionState, actor: str) -> dict[str, object]:
        return {"state": state.value, "closed_at": self._clock(), "closed_by": actor[:120]}

    async def _change(
        self, connection: AsyncConnection, held: Inspection, values: Mapping[str, object]
    ) -> Inspection:
        if not await store.change(connection, held, dict(values)):
            raise ChangedMeanwhileError(held.version + 1)
        return await self._held(connection, held.id, None)

    async def _held(self, connection: AsyncConnection, identifier: int, scope: str | None) -> Inspection:
        found = await store.inspection(connection, identifier, owner=scope)
        shown = _for(found, scope) if found is not None else None
        if shown is None:
            raise UnknownFieldWorkError
        return shown

    async def _unended(self, connection: AsyncConnection, identifier: int) -> Inspection:
        held = await self._held(connection, identifier, None)
        if held.state in {InspectionState.CLOSED, InspectionState.CANCELLED}:
            raise FieldRefusedError(Reason("cuộc kiểm tra đã kết thúc", "the inspection is over"))
        return held


def _for(found: Inspection, scope: str | None) -> Inspection | None:
    """Answer an inspection as ``scope`` may see it; None: not at all."""
    if scope is None:
        return found
    mine = tuple(one for one in found.findings if one.owner == scope)
    if not mine:
        return None
    verified = [one.verified_at for one in mine if one.verified_at is not None]
    is_over = len(verified) == len(mine)
    return replace(
        found,
        findings=mine,
        state=InspectionState.CLOSED if is_over else InspectionState.VISITED,
        closed_at=max(verified) if is_over else None,
        closed_by="",
        version=_NO_VERSION,
        answers={},
        files=(),
        hosts=(),
        inspectors=(),
        remarks="",
        made_by="",
    )


async def _finding(connection: AsyncConnection, identifier: int, scope: str | None) -> Finding:
    found = await store.finding(connection, identifier, owner=scope)
    if found is None:
        raise UnknownFieldWorkError
    return found
