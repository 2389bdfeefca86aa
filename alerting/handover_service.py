"""Handovers: two people agree, and the roster follows. Transactions around :mod:`alerting.handover`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting import roster_store as store
from alerting.handover import Handover, HandoverState, due_at
from alerting.models import LIVE
from alerting.oncall import on_duty
from alerting.roster import RosterShift
from alerting.roster_errors import ImpossibleShiftError, NotTheirsError, SettledError, UnknownShiftError
from alerting.roster_schema import handovers
from alerting.roster_service import RosterService
from alerting.store import incidents
from inventory.database import reading, transaction
from inventory.drawn import drawn_id
from inventory.models import Duty
from inventory.reasons import Reason

__all__ = ["HandoverService"]


class HandoverService:
    """What two people settle between them about a duty."""

    def __init__(self, roster: RosterService) -> None:
        self._roster = roster

    async def offer(
        self, party: str, duty: Duty, *, actor: str, scope: str | None, note: str = ""
    ) -> Handover:
        """Offer the duty that is held now to whoever holds it next, with the list of what is open."""
        if scope not in {None, party}:
            raise UnknownShiftError
        async with transaction(self._roster.database) as connection:
            now = self._roster.clock()
            view = await self._roster.view_in(connection, scope=party)
            mine = [shift for shift in view.shifts if shift.duty is duty]
            present, coming = _pair(mine, party, duty, now)
            for earlier in await store.handovers_of(connection, states=(HandoverState.OFFERED,), party=party):
                if earlier.duty is duty and earlier.is_open(now):
                    raise SettledError
            values = {
                **await drawn_id(connection, handovers.c.id, self._roster.draw),
                "party": party,
                "duty": duty.value,
                "outgoing": present.person,
                "incoming": coming.person,
                "boundary": coming.start,
                "ends_at": coming.end,
                "offered_at": now,
                "offered_by": actor[:120],
                "due_at": due_at(coming.start, now),
                "state": HandoverState.OFFERED.value,
                "note": note[:2000],
                "matters": await _matters(connection, party, view.inventory.parties[party].kind.value),
            }
            made = await connection.execute(insert(handovers).values(**values))
            identifier = made.inserted_primary_key[0] if made.inserted_primary_key else 0
            await store.note_change(
                connection, (party, duty), actor=actor, at=now, act="handover_offered", after=coming
            )
            return await _handover(connection, identifier, scope)

    async def accept(
        self, identifier: int, *, actor: str, scope: str | None, person: str = "", on_behalf: bool = False
    ) -> Handover:
        """Take the duty over; the first acceptance stands, and again is harmless.

        ``person`` is whom the caller is in the roster. With ``on_behalf`` they may accept for somebody else, which
        the audit then says; without it :class:`NotTheirsError`.
        """
        async with transaction(self._roster.database) as connection:
            found = await _handover(connection, identifier, scope)
            own = found.is_for(person)
            if not own and not on_behalf:
                raise NotTheirsError
            note = "" if own else f"thay mặt · on behalf of {found.incoming}"
            return await self._settle(connection, found, HandoverState.ACCEPTED, actor=actor, note=note)

    async def withdraw(self, identifier: int, *, actor: str, scope: str | None) -> Handover:
        """Take an offer back: the plan holds."""
        async with transaction(self._roster.database) as connection:
            found = await _handover(connection, identifier, scope)
            return await self._settle(connection, found, HandoverState.WITHDRAWN, actor=actor)

    async def _settle(
        self,
        connection: AsyncConnection,
        found: Handover,
        state: HandoverState,
        *,
        actor: str,
        note: str = "",
    ) -> Handover:
        now = self._roster.clock()
        if found.state is state:
            return found
        if not found.is_open(now):
            raise SettledError
        accepted = state is HandoverState.ACCEPTED
        await connection.execute(
            update(handovers)
            .where(handovers.c.id == found.id)
            .values(
                state=state.value,
                accepted_at=now if accepted else None,
                accepted_by=actor[:120] if accepted else "",
            )
        )
        key = (found.party, found.duty)
        await store.note_change(
            connection, key, actor=actor, at=now, act=f"handover_{state.value}", note=note
        )
        return await _handover(connection, found.id, None)

    async def open(self, *, scope: str | None) -> tuple[Handover, ...]:
        """Read the handovers that wait for acceptance."""
        async with reading(self._roster.database) as connection:
            found = await store.handovers_of(connection, states=(HandoverState.OFFERED,), party=scope)
        return tuple(one for one in found if one.is_open(self._roster.clock()))

    async def recent(self, *, scope: str | None, limit: int = 50) -> tuple[Handover, ...]:
        """Read handovers, newest first."""
        async with reading(self._roster.database) as connection:
            return await store.handovers_of(connection, party=scope, limit=limit)


def _pair(
    shifts: Sequence[RosterShift], party: str, duty: Duty, at: datetime
) -> tuple[RosterShift, RosterShift]:
    """Answer the shift that holds now (or ended last) and the one that begins next (or began, for a late offer)."""
    plain = {shift.plain(): shift for shift in shifts}
    holding = on_duty(plain, party=party, duty=duty, at=at)
    coming = min(
        (s for s in shifts if s.start > at and (holding is None or s.start <= holding.end)),
        key=lambda shift: shift.start,
        default=None,
    )
    if holding is None or coming is None:
        raise ImpossibleShiftError(
            Reason(
                "không có người đang trực hoặc không có ca kế tiếp liền sau; hãy bổ sung lịch trực trước",
                "nobody is on duty, or nobody follows at once; complete the roster first",
            )
        )
    if plain[holding].person == coming.person:
        raise ImpossibleShiftError(
            Reason(
                "ca kế tiếp vẫn là người này; không cần bàn giao",
                "the same person goes on; nothing to hand over",
            )
        )
    return plain[holding], coming


async def _handover(connection: AsyncConnection, identifier: int, scope: str | None) -> Handover:
    query = select(handovers).where(handovers.c.id == identifier)
    if scope is not None:
        query = query.where(handovers.c.party == scope)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise UnknownShiftError
    return Handover(**{**row, "duty": Duty(row["duty"]), "state": HandoverState(row["state"])})


async def _matters(connection: AsyncConnection, party: str, kind: str) -> list[dict[str, Any]]:
    """List what is open: the party's own incidents; for the department, everybody's."""
    owner = None if kind == "department" else party
    found = await incidents(connection, states=sorted(LIVE), owner=owner, limit=200)
    return [
        {
            "incident": one.id,
            "number": one.number,
            "title": one.title,
            "severity": one.severity.value,
            "state": one.state.value,
            "deadline_at": one.deadline_at.isoformat() if one.deadline_at else None,
        }
        for one in found
    ]
