"""SQL of the live roster. Takes a connection, never commits, never asks for the time.

:func:`living` is the one place where the roster that is kept here is laid over the inventory's: whoever decides about
people (paging, notices, the duty board) asks it inside the transaction of the decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.handover import Handover, HandoverState, held_over
from alerting.roster import Origin, RosterShift, seeded
from alerting.roster_schema import (
    confirmations,
    handovers,
    roster_changes,
    roster_duties,
    roster_people,
    roster_shifts,
)
from inventory.models import Contact, ContactChannel, Duty, Inventory, Person, Shift

__all__ = [
    "Place",
    "RosterChange",
    "TakenDuty",
    "add_people",
    "add_shifts",
    "changes",
    "confirm",
    "drop_shifts",
    "give_back",
    "handovers_of",
    "living",
    "note_change",
    "people_of",
    "roster_of",
    "save_shift",
    "take",
    "taken",
    "unconfirm",
]

_Key = tuple[str, Duty]
Place = tuple[datetime, str, int]
"""Where in the audit a reader is: the time, the party and the number of the last line that was read."""


@dataclass(frozen=True, slots=True)
class TakenDuty:
    """A party's duty whose shifts are kept here. ``version`` goes up with every change."""

    party: str
    duty: Duty
    taken_at: datetime
    taken_by: str
    version: int


@dataclass(frozen=True, slots=True)
class RosterChange:
    """One line of the roster's audit. ``number`` counts the lines of its party, from 1."""

    number: int
    at: datetime
    actor: str
    act: str
    party: str
    duty: str
    shift: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    note: str


async def taken(connection: AsyncConnection) -> dict[_Key, TakenDuty]:
    """Read which duties are kept here rather than in the files."""
    rows = (await connection.execute(select(roster_duties))).mappings()
    found = (TakenDuty(**{**row, "duty": Duty(row["duty"])}) for row in rows)
    return {(one.party, one.duty): one for one in found}


async def people_of(connection: AsyncConnection, inventory: Inventory) -> Mapping[str, Person]:
    """Answer everybody by code: who came with a roster, and over them whom the files name."""
    rows = (await connection.execute(select(roster_people))).mappings().all()
    return {**{row["code"]: _person(row) for row in rows}, **inventory.people} if rows else inventory.people


def _person(row: RowMapping) -> Person:
    contacts = tuple(
        Contact(ContactChannel(each["channel"]), each["address"], each["rides_on"])
        for each in row["contacts"]
    )
    return Person(row["code"], row["party"], row["name"], row["position"], contacts)


async def _kept(connection: AsyncConnection, keys: Mapping[_Key, TakenDuty]) -> list[RosterShift]:
    if not keys:
        return []
    rows = (await connection.execute(select(roster_shifts))).mappings()
    return [
        RosterShift(**{**row, "duty": Duty(row["duty"]), "origin": Origin(row["origin"])}) for row in rows
    ]


async def roster_of(
    connection: AsyncConnection, inventory: Inventory, *, party: str | None = None
) -> tuple[RosterShift, ...]:
    """Read the whole live roster, or one party's, by party, duty and start; with who confirmed."""
    keys = await taken(connection)
    shifts = [seeded(shift) for shift in inventory.shifts if (shift.party, shift.duty) not in keys]
    shifts += await _kept(connection, keys)
    query = select(confirmations)
    confirmed = {_said(row): row["at"] for row in (await connection.execute(query)).mappings()}
    order = list(Duty)
    return tuple(
        replace(shift, confirmed_at=confirmed.get(_standing(shift)))
        for shift in sorted(shifts, key=lambda one: (one.party, order.index(one.duty), one.start, one.id))
        if party is None or shift.party == party
    )


def _said(row: RowMapping) -> tuple[Any, ...]:
    return (row["party"], row["duty"], row["person"], row["start"], row["end"])


def _standing(shift: RosterShift) -> tuple[Any, ...]:
    return (shift.party, shift.duty.value, shift.person, shift.start, shift.end)


async def living(connection: AsyncConnection, inventory: Inventory, at: datetime) -> Inventory:
    """Lay the live roster over ``inventory``: its shifts with handovers that nobody accepted yet, and its people."""
    keys = await taken(connection)
    people = await people_of(connection, inventory)
    passing = await handovers_of(connection, states=(HandoverState.OFFERED,))
    if not keys and not passing and people is inventory.people:
        return inventory
    plain: list[Shift] = [s for s in inventory.shifts if (s.party, s.duty) not in keys]
    plain += [shift.plain() for shift in await _kept(connection, keys)]
    return replace(inventory, people=people, shifts=held_over(plain, passing, at))


async def take(
    connection: AsyncConnection,
    inventory: Inventory,
    key: _Key,
    *,
    actor: str,
    at: datetime,
) -> int:
    """Keep a party's duty here from now on (its shifts in the files become rows); answer its new version."""
    party, duty = key
    mine = (roster_duties.c.party == party) & (roster_duties.c.duty == duty.value)
    moved = await connection.execute(
        update(roster_duties).where(mine).values(version=roster_duties.c.version + 1)
    )
    if moved.rowcount:
        return (await taken(connection))[key].version
    await connection.execute(
        insert(roster_duties).values(
            party=party, duty=duty.value, taken_at=at, taken_by=actor[:120], version=1
        )
    )
    shifts = {s.id: s for s in (seeded(s) for s in inventory.shifts if (s.party, s.duty) == key)}
    await add_shifts(connection, list(shifts.values()))
    await note_change(connection, key, actor=actor, at=at, act="taken_over", note=f"{len(shifts)}")
    return 1


async def give_back(connection: AsyncConnection, key: _Key) -> None:
    """Forget what was edited here: the files are the roster again."""
    party, duty = key[0], key[1].value
    for table in (roster_shifts, roster_duties):
        await connection.execute(delete(table).where(table.c.party == party, table.c.duty == duty))


def _row(shift: RosterShift) -> dict[str, Any]:
    values = {name: value for name, value in asdict(shift).items() if name != "confirmed_at"}
    return {**values, "duty": shift.duty.value, "origin": shift.origin.value}


async def add_shifts(connection: AsyncConnection, shifts: Sequence[RosterShift]) -> None:
    """Insert shifts."""
    if shifts:
        await connection.execute(insert(roster_shifts), [_row(shift) for shift in shifts])


async def save_shift(connection: AsyncConnection, shift: RosterShift) -> None:
    """Write a shift over the one with its id."""
    await connection.execute(
        update(roster_shifts).where(roster_shifts.c.id == shift.id).values(**_row(shift))
    )


async def drop_shifts(connection: AsyncConnection, identifiers: Sequence[str]) -> None:
    """Delete shifts."""
    if identifiers:
        await connection.execute(delete(roster_shifts).where(roster_shifts.c.id.in_(identifiers)))


async def add_people(
    connection: AsyncConnection, people: Sequence[Person], *, actor: str, at: datetime
) -> None:
    """Insert people who came with a roster; who was there already is written anew."""
    if not people:
        return
    codes = [person.code for person in people]
    await connection.execute(delete(roster_people).where(roster_people.c.code.in_(codes)))
    rows = [
        {
            "code": person.code,
            "party": person.party,
            "name": person.name,
            "position": person.position,
            "contacts": [
                {"channel": each.channel.value, "address": each.address, "rides_on": each.rides_on}
                for each in person.contacts
            ],
            "added_at": at,
            "added_by": actor[:120],
        }
        for person in people
    ]
    await connection.execute(insert(roster_people), rows)


async def confirm(connection: AsyncConnection, shift: RosterShift, *, by: str, at: datetime) -> None:
    """Note that the person of ``shift`` will be there; the first word stays."""
    values = {name: getattr(shift, name) for name in ("party", "duty", "person", "start", "end")}
    mine = [getattr(confirmations.c, name) == value for name, value in values.items()]
    if (await connection.execute(select(confirmations.c.at).where(*mine))).first() is None:
        await connection.execute(insert(confirmations).values(**values, at=at, by=by[:120]))


async def unconfirm(connection: AsyncConnection, shift: RosterShift) -> None:
    """Forget that the person of ``shift`` said that they will be there."""
    values = {name: getattr(shift, name) for name in ("party", "duty", "person", "start", "end")}
    await connection.execute(
        delete(confirmations).where(*(getattr(confirmations.c, name) == one for name, one in values.items()))
    )


def _told(shift: RosterShift | None) -> dict[str, Any] | None:
    if shift is None:
        return None
    return {**_row(shift), "start": shift.start.isoformat(), "end": shift.end.isoformat()}


async def note_change(
    connection: AsyncConnection,
    key: _Key,
    *,
    actor: str,
    at: datetime,
    act: str,
    before: RosterShift | None = None,
    after: RosterShift | None = None,
    note: str = "",
) -> None:
    """Write a line of the audit."""
    shift = after or before
    mine = select(func.coalesce(func.max(roster_changes.c.number), 0) + 1).where(
        roster_changes.c.party == key[0]
    )
    await connection.execute(
        insert(roster_changes).values(
            number=mine.scalar_subquery(),
            at=at,
            actor=actor[:120],
            act=act,
            party=key[0],
            duty=key[1].value,
            shift=shift.id if shift else "",
            before=_told(before),
            after=_told(after),
            note=note[:500],
        )
    )


async def changes(
    connection: AsyncConnection, *, party: str | None, limit: int, before: Place | None = None
) -> tuple[RosterChange, ...]:
    """Read the audit, newest first, after the place where a reader left off."""
    c = roster_changes.c
    place = (c.at, c.party, c.number)
    query = select(*(column for column in c if column is not c.id)).limit(limit)
    query = query.order_by(*(column.desc() for column in place))
    if party is not None:
        query = query.where(c.party == party)
    if before is not None:
        query = query.where(tuple_(*place) < tuple_(*before, types=[column.type for column in place]))
    return tuple(RosterChange(**row) for row in (await connection.execute(query)).mappings())


async def handovers_of(
    connection: AsyncConnection,
    *,
    states: Sequence[HandoverState] | None = None,
    party: str | None = None,
    limit: int = 200,
) -> tuple[Handover, ...]:
    """Read handovers, newest first."""
    query = select(handovers).order_by(handovers.c.offered_at.desc(), handovers.c.id.desc()).limit(limit)
    if states is not None:
        query = query.where(handovers.c.state.in_([state.value for state in states]))
    if party is not None:
        query = query.where(handovers.c.party == party)
    return tuple(
        Handover(**{**row, "duty": Duty(row["duty"]), "state": HandoverState(row["state"])})
        for row in (await connection.execute(query)).mappings()
    )
