"""Swaps: somebody offers a shift, a colleague takes it or a lead approves, and the roster follows, with its history.

What leads to a swap is told through the outbox to whom it concerns: who is asked, and then who asked.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting import roster_store as store
from alerting.duty_notices import notices
from alerting.message_store import add_messages
from alerting.roster import RosterShift
from alerting.roster_errors import ImpossibleShiftError, NotTheirsError, SettledError, UnknownShiftError
from alerting.roster_schema import swaps as table
from alerting.roster_service import RosterService, RosterView
from alerting.swaps import Swap, SwapState, check_offer, check_taker, colleagues, exchanged
from inventory.database import reading, transaction
from inventory.drawn import drawn_id
from inventory.reasons import Reason

__all__ = ["SwapService"]


class SwapService:
    """Offers of shifts and their answers. ``scope`` is the only party that the caller may touch (None: all)."""

    def __init__(self, roster: RosterService, *, public_url: str = "") -> None:
        self._roster = roster
        self._page = f"{public_url.rstrip('/')}/roster/swaps"

    async def ask(
        self,
        shift: str,
        *,
        actor: str,
        scope: str | None,
        person: str = "",
        other: str = "",
        note: str = "",
        mine: str | None = None,
    ) -> Swap:
        """Offer ``shift`` to ``person`` (empty: to every colleague), or in exchange for their own shift ``other``.

        With ``mine`` only a shift of that person may be offered.
        """
        async with transaction(self._roster.database) as connection:
            now = self._roster.clock()
            offered = await self._roster.find(connection, shift, scope)
            if mine is not None and offered.person != mine:
                raise NotTheirsError
            wanted = await self._roster.find(connection, other, scope) if other else None
            view = await self._roster.view_in(connection, scope=offered.party)
            check_offer(offered, wanted, person=person, people=view.inventory.people, at=now)
            await self._refuse_second(connection, shift)
            values = {
                **await drawn_id(connection, table.c.id, self._roster.draw),
                "party": offered.party,
                "shift": shift,
                "other": other,
                "asked": person,
                "asked_by": actor[:120],
                "asked_at": now,
                "state": SwapState.ASKED.value,
                "note": note[:500],
            }
            made = await connection.execute(insert(table).values(**values))
            identifier = made.inserted_primary_key[0] if made.inserted_primary_key else 0
            await self._note(connection, offered, "swap_asked", actor=actor, at=now, note=note)
            readers = [person] if person else colleagues(offered, view.shifts)
            await self._tell(connection, offered, "swap_asked", readers, view, mark=identifier, note=note)
            return await _swap(connection, identifier, scope)

    async def answer(
        self,
        identifier: int,
        *,
        accepts: bool,
        actor: str,
        scope: str | None,
        person: str | None = None,
        taker: str = "",
    ) -> Swap:
        """Accept or decline; on acceptance the shifts change hands, confirmed.

        ``person`` answers for themselves alone. None: a lead answers, for whoever was asked, or names the ``taker`` of
        what was offered to all.
        """
        async with transaction(self._roster.database) as connection:
            now = self._roster.clock()
            swap = await _waiting(connection, identifier, scope)
            if person is not None and swap.asked not in {"", person}:
                raise UnknownShiftError
            view = await self._roster.view_in(connection, scope=swap.party)
            offered = _shift(view, swap.shift)
            who = person or swap.asked or taker
            if accepts:
                await self._exchange(connection, swap, who, view, actor=actor, leads=person is None)
            elif offered is not None:
                await self._note(connection, offered, "swap_declined", actor=actor, at=now)
            state = SwapState.ACCEPTED if accepts else SwapState.DECLINED
            if not accepts and not swap.asked and person is not None:
                return swap  # one colleague's no leaves the offer open to the others
            await _settle(connection, identifier, state, actor=actor, at=now)
            if offered is not None:
                note = f"{'nhận · taken' if accepts else 'không nhận · declined'}: {actor}"
                readers = [offered.person]
                await self._tell(
                    connection, offered, "swap_answered", readers, view, mark=identifier, note=note
                )
            return await _swap(connection, identifier, scope)

    async def withdraw(
        self, identifier: int, *, actor: str, scope: str | None, person: str | None = None
    ) -> Swap:
        """Take an offer back; with ``person``, only one for their own shift."""
        async with transaction(self._roster.database) as connection:
            now = self._roster.clock()
            swap = await _waiting(connection, identifier, scope)
            view = await self._roster.view_in(connection, scope=swap.party)
            offered = _shift(view, swap.shift)
            if person is not None and (offered is None or offered.person != person):
                raise NotTheirsError
            await _settle(connection, identifier, SwapState.WITHDRAWN, actor=actor, at=now)
            if offered is not None:
                await self._note(connection, offered, "swap_withdrawn", actor=actor, at=now)
            return await _swap(connection, identifier, scope)

    async def swaps(self, *, scope: str | None, limit: int = 100) -> tuple[Swap, ...]:
        """Read offers, newest first."""
        query = select(table).order_by(table.c.asked_at.desc(), table.c.id.desc()).limit(limit)
        if scope is not None:
            query = query.where(table.c.party == scope)
        async with reading(self._roster.database) as connection:
            return tuple(_made(row) for row in (await connection.execute(query)).mappings())

    async def _exchange(
        self,
        connection: AsyncConnection,
        swap: Swap,
        taker: str,
        view: RosterView,
        *,
        actor: str,
        leads: bool,
    ) -> None:
        now, people = self._roster.clock(), view.inventory.people
        offered = _shift(view, swap.shift)
        wanted = _shift(view, swap.other) if swap.other else None
        if offered is None or (swap.other and wanted is None):
            raise SettledError
        if not taker:
            raise ImpossibleShiftError(
                Reason("chưa chọn người nhận ca", "nobody was named to take the shift")
            )
        if leads:
            check_offer(offered, wanted, person=taker, people=people, at=now)
        elif not swap.asked:
            check_taker(offered, taker, view.shifts, people)
        for before, after in exchanged(offered, wanted, taker=taker, shifts=view.shifts, at=now):
            await self._roster.replace_shift(connection, before, after, actor=actor, at=now, act="swapped")
            await store.confirm(connection, after, by=actor, at=now)

    async def _note(
        self,
        connection: AsyncConnection,
        shift: RosterShift,
        act: str,
        *,
        actor: str,
        at: datetime,
        note: str = "",
    ) -> None:
        key = (shift.party, shift.duty)
        await store.note_change(connection, key, actor=actor, at=at, act=act, before=shift, note=note)

    async def _tell(
        self,
        connection: AsyncConnection,
        shift: RosterShift,
        what: str,
        readers: Iterable[str],
        view: RosterView,
        *,
        mark: int,
        note: str,
    ) -> None:
        known = view.inventory.people
        whose = known[shift.person].name if shift.person in known else shift.person
        about: dict[str, Any] = {"whose": whose, "note": note[:300], "page": self._page}
        people = [known[code] for code in readers if code in known]
        await add_messages(
            connection,
            notices(
                shift,
                what,
                people,
                view.inventory,
                self._roster.clock(),
                about=about,
                until=shift.end,
                mark=f".{mark}",
            ),
        )

    @staticmethod
    async def _refuse_second(connection: AsyncConnection, shift: str) -> None:
        query = select(table.c.id).where(table.c.shift == shift, table.c.state == SwapState.ASKED.value)
        if (await connection.execute(query)).first() is not None:
            raise ImpossibleShiftError(
                Reason(
                    "ca này đang chờ trả lời đề nghị đổi; hãy rút đề nghị cũ trước",
                    "this shift is offered already; take that offer back first",
                )
            )


def _shift(view: RosterView, identifier: str) -> RosterShift | None:
    return next((shift for shift in view.shifts if shift.id == identifier), None)


async def _waiting(connection: AsyncConnection, identifier: int, scope: str | None) -> Swap:
    swap = await _swap(connection, identifier, scope)
    if swap.state is not SwapState.ASKED:
        raise SettledError
    return swap


async def _settle(
    connection: AsyncConnection, identifier: int, state: SwapState, *, actor: str, at: datetime
) -> None:
    here = (table.c.id == identifier) & (table.c.state == SwapState.ASKED.value)
    values = {"state": state.value, "answered_at": at, "answered_by": actor[:120]}
    done = await connection.execute(update(table).where(here).values(**values))
    if not done.rowcount:
        raise SettledError


async def _swap(connection: AsyncConnection, identifier: int, scope: str | None) -> Swap:
    query = select(table).where(table.c.id == identifier)
    if scope is not None:
        query = query.where(table.c.party == scope)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise UnknownShiftError
    return _made(row)


def _made(row: RowMapping) -> Swap:
    return Swap(**{**row, "state": SwapState(row["state"])})
