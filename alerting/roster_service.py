"""The roster as people work on it: every change is one transaction with its line of audit.

``scope`` is the only party that the caller may touch (None: all); a shift of another one is as unknown as one that
never was. ``inventory`` is asked anew each time, so that a reload is seen at once.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting import roster_asking_store as asking
from alerting import roster_store as store
from alerting.errors import ChangedMeanwhileError
from alerting.roster import (
    SHARED,
    Finding,
    Origin,
    RosterShift,
    changed_places,
    cut_by,
    findings,
    impossibilities,
)
from alerting.roster_asking import Asked, standing
from alerting.roster_errors import ImpossibleShiftError, UnknownShiftError
from alerting.roster_rotation import Rotation, expanded
from alerting.roster_store import RosterChange, TakenDuty
from inventory.database import reading, transaction
from inventory.drawn import Draw
from inventory.models import Duty, Inventory, Person, Shift
from inventory.reasons import UnusableError

__all__ = ["RosterService", "RosterView"]


@dataclass(frozen=True, slots=True)
class RosterView:
    """The live roster with its people and who keeps which duty. ``inventory`` has the roster laid over it."""

    inventory: Inventory
    shifts: tuple[RosterShift, ...]
    taken: dict[tuple[str, Duty], TakenDuty]

    def findings(self, since: datetime, until: datetime, party: str | None = None) -> tuple[Finding, ...]:
        """Answer what is wrong between two moments."""
        return findings(self.shifts, self.inventory, since=since, until=until, party=party)


class RosterService:
    """Reads and changes the live roster."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        inventory: Callable[[], Inventory],
        clock: Callable[[], datetime],
        token: Callable[[], str],
        draw: Draw | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self._inventory = inventory
        self._token = token
        self.draw = draw

    @property
    def inventory(self) -> Inventory:
        """What the files say."""
        return self._inventory()

    def new_ids(self) -> Iterator[str]:
        """Answer ids for new shifts, as many as wanted."""
        return (f"s{self._token()[:16]}" for _ in itertools.count())

    async def living(self) -> Inventory:
        """Answer the inventory with the live roster laid over it, as it holds now."""
        async with reading(self.database) as connection:
            return await store.living(connection, self.inventory, self.clock())

    async def view(self, *, scope: str | None = None) -> RosterView:
        """Read the roster, of one party or of all."""
        async with reading(self.database) as connection:
            return await self.view_in(connection, scope=scope)

    async def view_in(self, connection: AsyncConnection, *, scope: str | None = None) -> RosterView:
        """Read the roster inside a transaction of the caller's."""
        inventory = self.inventory
        shifts = await store.roster_of(connection, inventory, party=scope)
        everybody = await store.people_of(connection, inventory)
        people = {c: p for c, p in everybody.items() if scope in {None, p.party}}
        kept = await store.taken(connection)
        plain = tuple(shift.plain() for shift in shifts)
        return RosterView(
            replace(inventory, people=people, shifts=plain),
            shifts,
            {key: one for key, one in kept.items() if scope in {None, key[0]}},
        )

    async def changes(
        self, *, scope: str | None, limit: int, before: store.Place | None = None
    ) -> tuple[RosterChange, ...]:
        """Read who changed what, newest first."""
        async with reading(self.database) as connection:
            return await store.changes(connection, party=scope, limit=limit, before=before)

    async def add(
        self,
        shift: Shift,
        *,
        actor: str,
        scope: str | None,
        note: str = "",
        as_override: bool = False,
        version: int | None = None,
    ) -> RosterShift:
        """Add a shift, with ``version`` only to that version of its duty; an override takes its time from who has it."""
        origin = Origin.OVERRIDE if as_override else Origin.EDIT
        made = RosterShift(next(self.new_ids()), *_fields(shift), note=note, origin=origin)
        await self.lay_down(
            [made], actor=actor, scope=scope, over=as_override, act=origin.value, version=version
        )
        return made

    async def rotate(
        self, rotation: Rotation, *, actor: str, scope: str | None, replacing: bool
    ) -> tuple[RosterShift, ...]:
        """Write a rotation out as shifts, in place of what holds the duty then (``replacing``) or beside it."""
        try:
            shifts = expanded(rotation, zone=self.inventory.election.zone)
        except UnusableError as error:
            raise ImpossibleShiftError(error.reason) from error
        ids = self.new_ids()
        made = [RosterShift(next(ids), *_fields(shift), origin=Origin.ROTATION) for shift in shifts]
        await self.lay_down(made, actor=actor, scope=scope, over=replacing, act=Origin.ROTATION.value)
        return tuple(made)

    async def lay_down(
        self,
        made: Sequence[RosterShift],
        *,
        actor: str,
        scope: str | None,
        over: bool,
        act: str,
        people: Sequence[Person] = (),
        version: int | None = None,
    ) -> None:
        """Add shifts and new people, all or none; ``over``: room is made for each in what stands."""
        async with transaction(self.database) as connection:
            now = self.clock()
            for person in people:
                if scope not in {None, person.party}:
                    raise UnknownShiftError
            await store.add_people(connection, people, actor=actor, at=now)
            for shift in made:
                await self._checked(connection, shift, scope)
                await _still(connection, shift, version)
            keys = dict.fromkeys((shift.party, shift.duty) for shift in made)
            for key in keys:
                await store.take(connection, self.inventory, key, actor=actor, at=now)
            if over:
                for key in keys:
                    mine = [shift for shift in made if (shift.party, shift.duty) == key]
                    await self._make_room(connection, key, mine, actor=actor, at=now)
            await store.add_shifts(connection, made)
            for shift in made:
                key = (shift.party, shift.duty)
                await store.note_change(connection, key, actor=actor, at=now, act=act, after=shift)

    async def _make_room(
        self,
        connection: AsyncConnection,
        key: tuple[str, Duty],
        coming: Sequence[RosterShift],
        *,
        actor: str,
        at: datetime,
    ) -> None:
        coming_people = {shift.person for shift in coming}
        standing = {
            shift.id: shift
            for shift in await store.roster_of(connection, self.inventory, party=key[0])
            if shift.duty is key[1] and (shift.duty not in SHARED or shift.person in coming_people)
        }
        before = dict(standing)
        for start, end in _joined(coming):
            changed, added, removed = cut_by(standing.values(), start, end, new_id=self.new_ids())
            standing |= {shift.id: shift for shift in (*changed, *added)}
            for identifier in removed:
                del standing[identifier]
        for identifier, was in before.items():
            left = standing.get(identifier)
            if left == was:
                continue
            act = "removed" if left is None else "cut"
            await store.note_change(connection, key, actor=actor, at=at, act=act, before=was, after=left)
            if left is None:
                await store.drop_shifts(connection, [identifier])
            else:
                await store.save_shift(connection, left)
        await store.add_shifts(connection, [s for s in standing.values() if s.id not in before])

    async def change(
        self,
        identifier: str,
        *,
        actor: str,
        scope: str | None,
        person: str | None = None,
        substitute: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        note: str | None = None,
        version: int | None = None,
    ) -> RosterShift:
        """Change what is given of a shift; with ``version``, only while its duty still has that version."""
        given = {
            "person": person,
            "substitute": substitute,
            "start": start,
            "end": end,
            "note": note,
        }
        wanted = {name: value for name, value in given.items() if value is not None}
        async with transaction(self.database) as connection:
            now = self.clock()
            before = await self._on_version(connection, identifier, scope, version)
            after = replace(before, **wanted, origin=Origin.EDIT)  # type: ignore[arg-type]  # mypy does not follow the names of a filtered dict
            await self._checked(connection, after, scope)
            await self.replace_shift(connection, before, after, actor=actor, at=now, act="changed")
        return after

    async def exchange(
        self,
        identifiers: tuple[str, str],
        *,
        actor: str,
        scope: str | None,
        versions: tuple[int | None, int | None] = (None, None),
    ) -> None:
        """Let the people of two shifts of a party hold each other's; both or neither.

        Unlike a swap (:mod:`alerting.swaps`) nobody is asked: it is for whoever keeps the roster.
        """
        async with transaction(self.database) as connection:
            now = self.clock()
            one, other = [
                await self._on_version(connection, identifier, scope, version)
                for identifier, version in zip(identifiers, versions, strict=True)
            ]
            for before, after in changed_places(one, other):
                await self._checked(connection, after, scope)
                await self.replace_shift(connection, before, after, actor=actor, at=now, act="exchanged")

    async def replace_shift(
        self,
        connection: AsyncConnection,
        before: RosterShift,
        after: RosterShift,
        *,
        actor: str,
        at: datetime,
        act: str,
    ) -> None:
        """Write one shift over another inside a transaction of the caller's, with its line of audit."""
        key = (before.party, before.duty)
        await store.take(connection, self.inventory, key, actor=actor, at=at)
        await store.save_shift(connection, after)
        await store.note_change(connection, key, actor=actor, at=at, act=act, before=before, after=after)

    async def remove(
        self,
        identifier: str,
        *,
        actor: str,
        scope: str | None,
        note: str = "",
        version: int | None = None,
    ) -> None:
        """Take a shift out; the gap that it leaves is shown."""
        async with transaction(self.database) as connection:
            now = self.clock()
            before = await self._on_version(connection, identifier, scope, version)
            key = (before.party, before.duty)
            await store.take(connection, self.inventory, key, actor=actor, at=now)
            await store.drop_shifts(connection, [identifier])
            await store.note_change(
                connection, key, actor=actor, at=now, act="removed", before=before, note=note
            )

    async def give_back(self, party: str, duty: Duty, *, actor: str, scope: str | None) -> None:
        """Drop what was edited of a duty: the files are its roster again. What stood stays in the audit."""
        async with transaction(self.database) as connection:
            now = self.clock()
            if scope not in {None, party} or (party, duty) not in await store.taken(connection):
                raise UnknownShiftError
            for shift in await store.roster_of(connection, self.inventory, party=party):
                if shift.duty is duty:
                    await store.note_change(
                        connection, (party, duty), actor=actor, at=now, act="given_back", before=shift
                    )
            await store.give_back(connection, (party, duty))

    async def confirm(
        self, identifiers: Sequence[str], *, by: str, scope: str | None, person: str | None = None
    ) -> tuple[RosterShift, ...]:
        """Note that the people of shifts will be there. With ``person``, only shifts of that person."""
        async with transaction(self.database) as connection:
            now = self.clock()
            found = []
            for identifier in identifiers:
                shift = await self.find(connection, identifier, scope)
                if person is not None and shift.person != person:
                    raise UnknownShiftError
                await store.confirm(connection, shift, by=by, at=now)
                await store.note_change(
                    connection, (shift.party, shift.duty), actor=by, at=now, act="confirmed", after=shift
                )
                found.append(replace(shift, confirmed_at=shift.confirmed_at or now))
        return tuple(found)

    async def decline(self, shift: RosterShift, *, by: str, note: str) -> None:
        """Note that the person of a shift cannot come; a confirmation given before is taken back."""
        async with transaction(self.database) as connection:
            now = self.clock()
            standing_now = await self.find(connection, shift.id, shift.party)
            if standing(standing_now) != standing(shift):
                raise UnknownShiftError
            await store.unconfirm(connection, shift)
            await asking.decline(connection, shift, note=note, at=now)
            key = (shift.party, shift.duty)
            await store.note_change(connection, key, actor=by, at=now, act="declined", after=shift, note=note)

    async def asked(self, *, scope: str | None = None) -> dict[object, Asked]:
        """Read whom we asked to confirm, by the shift as it stood (:func:`alerting.roster_asking.standing`)."""
        async with reading(self.database) as connection:
            return await asking.requests(connection, party=scope)

    async def find(self, connection: AsyncConnection, identifier: str, scope: str | None) -> RosterShift:
        """Read one shift, if the caller may see it."""
        for shift in await store.roster_of(connection, self.inventory, party=scope):
            if shift.id == identifier:
                return shift
        raise UnknownShiftError

    async def one(self, identifier: str, *, scope: str | None) -> tuple[RosterShift, int]:
        """Read one shift and the version of its duty: 0 while the files are the roster."""
        async with reading(self.database) as connection:
            shift = await self.find(connection, identifier, scope)
            return shift, await _version(connection, shift)

    async def _on_version(
        self, connection: AsyncConnection, identifier: str, scope: str | None, version: int | None
    ) -> RosterShift:
        shift = await self.find(connection, identifier, scope)
        await _still(connection, shift, version)
        return shift

    async def _checked(self, connection: AsyncConnection, shift: RosterShift, scope: str | None) -> None:
        inventory = self.inventory
        if scope not in {None, shift.party} or shift.party not in inventory.parties:
            raise UnknownShiftError
        people = await store.people_of(connection, inventory)
        # Who is kept to one party must not find out which codes stand for people of others.
        known = {code for code, person in people.items() if scope in {None, person.party}}
        for reason in impossibilities(shift, known):
            raise ImpossibleShiftError(reason)


async def _still(connection: AsyncConnection, shift: RosterShift, version: int | None) -> None:
    """Raise where the duty of ``shift`` has not ``version`` any more."""
    present = await _version(connection, shift)
    if version is not None and version != present:
        raise ChangedMeanwhileError(present)


async def _version(connection: AsyncConnection, shift: RosterShift) -> int:
    kept = (await store.taken(connection)).get((shift.party, shift.duty))
    return kept.version if kept else 0


def _fields(shift: Shift) -> tuple[str, Duty, str, datetime, datetime, str]:
    return shift.party, shift.duty, shift.person, shift.start, shift.end, shift.substitute


def _joined(shifts: Sequence[RosterShift]) -> list[tuple[datetime, datetime]]:
    """Answer the intervals that ``shifts`` cover together."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted((shift.start, shift.end) for shift in shifts):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
