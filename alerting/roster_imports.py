"""Taking an office's roster in: first what would happen, then all of it or nothing.

A file is kept between the two, so that what is accepted is what was looked at, and read anew on acceptance, so that
what changed meanwhile counts. Files are forgotten after a day.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import delete, insert, select

from alerting.roster import SHARED, Finding, FindingKind, Origin, RosterShift, cut_by, findings
from alerting.roster_errors import RosterRefusedError, UnknownShiftError
from alerting.roster_import import Doubt, Understanding, understand
from alerting.roster_schema import roster_uploads
from alerting.roster_service import RosterService, RosterView
from alerting.roster_sheets import read_grids
from inventory.database import reading, transaction
from inventory.models import Duty
from inventory.reasons import Reason, UnusableError

__all__ = ["Preview", "RosterImports"]

_KEPT = timedelta(days=1)
_STRANGER = Reason(
    "chỉ nhập được lịch trực của đơn vị mình; xóa phần này khỏi tệp hoặc gửi cho Sở",
    "only your own party's roster can be imported; delete this part or send it to the department",
)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would do: what was understood of it, and what would be wrong with the roster afterwards."""

    filename: str
    understanding: Understanding
    findings: tuple[Finding, ...]
    view: RosterView


class RosterImports:
    """Reads, keeps and takes in files of rosters."""

    def __init__(self, roster: RosterService, *, token: Callable[[], str]) -> None:
        self._roster = roster
        self._token = token

    async def preview(
        self, content: bytes, filename: str, *, scope: str | None, party: str = "", duty: Duty | None = None
    ) -> Preview:
        """Say what a file would do; raises :class:`RosterRefusedError` when it is no roster at all."""
        view = await self._roster.view(scope=scope)
        try:
            grids = await asyncio.to_thread(read_grids, content, filename)
            understanding = await asyncio.to_thread(
                understand, grids, view.inventory, party=scope or party, duty=duty
            )
        except UnusableError as error:
            raise RosterRefusedError(error.reason) from error
        understanding = _within(understanding, scope)
        return Preview(filename, understanding, self._afterwards(view, understanding), view)

    def _afterwards(self, view: RosterView, understanding: Understanding) -> tuple[Finding, ...]:
        """Answer what would be wrong, for the duties and days of the file; that it is unconfirmed goes without saying."""
        if not understanding.shifts:
            return ()
        coming = self._as_shifts(understanding)
        standing = {shift.id: shift for shift in view.shifts}
        for shift in coming:
            mine = [
                one
                for one in standing.values()
                if (one.party, one.duty) == (shift.party, shift.duty)
                and (one.duty not in SHARED or one.person == shift.person)
            ]
            changed, added, removed = cut_by(mine, shift.start, shift.end, new_id=self._roster.new_ids())
            standing |= {one.id: one for one in (*changed, *added)}
            for identifier in removed:
                del standing[identifier]
        people = {**view.inventory.people, **{person.code: person for person in understanding.people}}
        inventory = replace(view.inventory, people=people)
        keys = {(shift.party, shift.duty) for shift in coming}
        found = findings(
            [*standing.values(), *coming],
            inventory,
            since=min(shift.start for shift in coming),
            until=max(shift.end for shift in coming),
        )
        return tuple(
            one for one in found if (one.party, one.duty) in keys and one.kind is not FindingKind.UNCONFIRMED
        )

    def _as_shifts(self, understanding: Understanding) -> list[RosterShift]:
        ids = self._roster.new_ids()
        return [
            RosterShift(
                next(ids),
                one.shift.party,
                one.shift.duty,
                one.shift.person,
                one.shift.start,
                one.shift.end,
                one.shift.substitute,
                origin=Origin.IMPORT,
            )
            for one in understanding.shifts
        ]

    async def take(
        self, preview: Preview, *, actor: str, scope: str | None, leaving_out: bool = False
    ) -> int:
        """Commit what was understood, all or nothing; ``leaving_out``: without the cells that were not. Answers how many."""
        understanding = preview.understanding
        if understanding.faults and not leaving_out:
            count = len(understanding.faults)
            raise RosterRefusedError(
                Reason(
                    f"còn {count} ô chưa hiểu; sửa tệp rồi nhập lại, hoặc chọn bỏ qua các ô đó",
                    f"{count} cells were not understood; mend the file, or choose to leave them out",
                )
            )
        if not understanding.shifts:
            raise RosterRefusedError(Reason("tệp không có ca trực nào", "the file has no shift"))
        shifts = self._as_shifts(understanding)
        await self._roster.lay_down(
            shifts, actor=actor, scope=scope, over=True, act="imported", people=understanding.people
        )
        return len(shifts)

    async def keep(
        self, content: bytes, filename: str, *, actor: str, party: str = "", duty: Duty | None = None
    ) -> str:
        """Keep a file until it is accepted; answers its id."""
        identifier = f"u{self._token()[:20]}"
        async with transaction(self._roster.database) as connection:
            now = self._roster.clock()
            await connection.execute(delete(roster_uploads).where(roster_uploads.c.made_at < now - _KEPT))
            await connection.execute(
                insert(roster_uploads).values(
                    id=identifier,
                    filename=filename[:200],
                    content=content,
                    party=party,
                    duty=duty.value if duty else "",
                    made_at=now,
                    made_by=actor[:120],
                )
            )
        return identifier

    async def kept(self, identifier: str, *, actor: str, scope: str | None) -> Preview:
        """Read a kept file anew; only whoever sent it finds it."""
        query = select(roster_uploads).where(
            roster_uploads.c.id == identifier, roster_uploads.c.made_by == actor[:120]
        )
        async with reading(self._roster.database) as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise UnknownShiftError
        duty = Duty(row["duty"]) if row["duty"] else None
        return await self.preview(row["content"], row["filename"], scope=scope, party=row["party"], duty=duty)

    async def drop(self, identifier: str, *, actor: str) -> None:
        """Forget a kept file."""
        async with transaction(self._roster.database) as connection:
            await connection.execute(
                delete(roster_uploads).where(
                    roster_uploads.c.id == identifier, roster_uploads.c.made_by == actor[:120]
                )
            )


def _within(understanding: Understanding, scope: str | None) -> Understanding:
    """Turn what belongs to another party than the caller's into faults."""
    if scope is None:
        return understanding
    mine = tuple(one for one in understanding.shifts if one.shift.party == scope)
    strange = [one for one in understanding.shifts if one.shift.party != scope]
    doubts = [Doubt(one.place, one.text, _STRANGER) for one in strange]
    people = tuple(person for person in understanding.people if person.party == scope)
    return Understanding(mine, people, (*understanding.doubts, *doubts))
