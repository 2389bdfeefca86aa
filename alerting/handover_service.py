"""Handovers and swaps: two people agree, and the roster follows. Transactions around :mod:`alerting.handover`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting import roster_store as store
from alerting.handover import Handover, HandoverState, due_at
from alerting.models import LIVE
from alerting.oncall import on_duty
from alerting.roster import Origin, RosterShift
from alerting.roster_errors import ImpossibleShiftError, NotTheirsError, SettledError, UnknownShiftError
from alerting.roster_schema import handovers, swaps
from alerting.roster_service import RosterService
from alerting.store import incidents
from inventory.database import reading, transaction
from inventory.models import Duty
from inventory.reasons import Reason

__all__ = ["HandoverService", "Swap"]


@dataclass(frozen=True, slots=True)
class Swap:
    """A request to take over ``shift``, for ``other`` in return where that is given. ``asked`` is who may accept."""

    id: int
    party: str
    shift: str
    other: str
    asked: str
    asked_by: str
    asked_at: datetime
    state: str
    answered_at: datetime | None
    answered_by: str
    note: str


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

    async def ask(
        self, shift: str, *, person: str, actor: str, scope: str | None, other: str = "", note: str = ""
    ) -> Swap:
        """Ask ``person`` to take ``shift``, or to exchange it for their own shift ``other``."""
        async with transaction(self._roster.database) as connection:
            now = self._roster.clock()
            mine = await self._roster.find(connection, shift, scope)
            theirs = await self._roster.find(connection, other, scope) if other else None
            view = await self._roster.view_in(connection, scope=mine.party)
            _check_swap(mine, theirs, person, view.inventory.people)
            made = await connection.execute(
                insert(swaps).values(
                    party=mine.party,
                    shift=shift,
                    other=other,
                    asked=person,
                    asked_by=actor[:120],
                    asked_at=now,
                    state="asked",
                    note=note[:500],
                )
            )
            identifier = made.inserted_primary_key[0] if made.inserted_primary_key else 0
            await store.note_change(
                connection, (mine.party, mine.duty), actor=actor, at=now, act="swap_asked", before=mine
            )
            return await _swap(connection, identifier, scope)

    async def answer(
        self, identifier: int, *, accepts: bool, actor: str, scope: str | None, person: str | None = None
    ) -> Swap:
        """Accept or decline; on acceptance the shifts change hands, confirmed. With ``person``, only theirs."""
        async with transaction(self._roster.database) as connection:
            now = self._roster.clock()
            swap = await _swap(connection, identifier, scope)
            if person is not None and swap.asked != person:
                raise UnknownShiftError
            if swap.state != "asked":
                raise SettledError
            if accepts:
                await self._exchange(connection, swap, actor=actor, at=now)
            await connection.execute(
                update(swaps)
                .where(swaps.c.id == identifier)
                .values(state="accepted" if accepts else "declined", answered_at=now, answered_by=actor[:120])
            )
            return await _swap(connection, identifier, scope)

    async def _exchange(self, connection: AsyncConnection, swap: Swap, *, actor: str, at: datetime) -> None:
        mine = await self._roster.find(connection, swap.shift, swap.party)
        if mine.end <= at:
            raise SettledError
        giver = mine.person
        pairs = [(mine, swap.asked)]
        if swap.other:
            theirs = await self._roster.find(connection, swap.other, swap.party)
            if theirs.person != swap.asked:
                raise SettledError
            pairs.append((theirs, giver))
        for shift, person in pairs:
            substitute = giver if shift.substitute == person else shift.substitute
            after = replace(shift, person=person, substitute=substitute, origin=Origin.SWAP)
            await self._roster.replace_shift(connection, shift, after, actor=actor, at=at, act="swapped")
            await store.confirm(connection, after, by=actor, at=at)

    async def swaps(self, *, scope: str | None, limit: int = 100) -> tuple[Swap, ...]:
        """Read requests, newest first."""
        query = select(swaps).order_by(swaps.c.id.desc()).limit(limit)
        if scope is not None:
            query = query.where(swaps.c.party == scope)
        async with reading(self._roster.database) as connection:
            return tuple(Swap(**row) for row in (await connection.execute(query)).mappings())


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


def _check_swap(mine: RosterShift, theirs: RosterShift | None, person: str, people: Any) -> None:
    if person not in people or people[person].party != mine.party:
        raise ImpossibleShiftError(
            Reason("người được hỏi phải thuộc cùng đơn vị", "the person asked must belong to the same party")
        )
    if person == mine.person or (theirs is not None and theirs.person != person):
        raise ImpossibleShiftError(
            Reason("chỉ đổi ca giữa hai người khác nhau", "a swap is between two different people")
        )


async def _handover(connection: AsyncConnection, identifier: int, scope: str | None) -> Handover:
    query = select(handovers).where(handovers.c.id == identifier)
    if scope is not None:
        query = query.where(handovers.c.party == scope)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise UnknownShiftError
    return Handover(**{**row, "duty": Duty(row["duty"]), "state": HandoverState(row["state"])})


async def _swap(connection: AsyncConnection, identifier: int, scope: str | None) -> Swap:
    query = select(swaps).where(swaps.c.id == identifier)
    if scope is not None:
        query = query.where(swaps.c.party == scope)
    row: RowMapping | None = (await connection.execute(query)).mappings().first()
    if row is None:
        raise UnknownShiftError
    return Swap(**row)


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
