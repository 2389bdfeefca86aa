"""Asking people to confirm their shifts: transactions around :mod:`alerting.roster_asking`, and the loop that keeps time.

The mark that somebody was asked and the notices that ask commit together, so that each is asked once a step. A notice
carries its link only when it leaves, and does not leave when the shift was confirmed, changed or given away meanwhile.
A matter of the department's stands for every duty with a shift of which nothing was heard; it is over by itself once
those shifts are confirmed, changed or over.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting import roster_asking_store as asking
from alerting import roster_store as store
from alerting.auditor import own_cause
from alerting.duty_notices import notices, shift_titles
from alerting.links import Issued
from alerting.message_store import add_messages
from alerting.metrics import AlertingMetrics
from alerting.models import Message
from alerting.oncall import on_duty
from alerting.roster import RosterShift
from alerting.roster_asking import Asked, Leads, Step, due, is_unheard, standing
from alerting.roster_links import Opening, Purpose, RosterLinks
from alerting.service import AlertingService
from alerting.store import incident as read_incident
from alerting.store import unresolved_of
from inventory.database import reading, transaction
from inventory.models import Duty, Inventory, Person

__all__ = ["UNHEARD", "RosterAsking", "ShiftOccasion"]

log = structlog.get_logger(__name__)

UNHEARD = "unconfirmed:"
"""How the condition of every matter begins that stands for shifts of which nothing was heard."""
_WHAT = {Step.ASK: "confirm_shift", Step.REMIND: "confirm_again", Step.TELL: "unconfirmed"}
_EVERY_SECONDS = 15.0


class ShiftOccasion:
    """What a notice that asks for a confirmation leaves with: a link bound to its person and its shift."""

    def __init__(self, *, links: RosterLinks, inventory: Callable[[], Inventory], public_url: str) -> None:
        self._links = links
        self._inventory = inventory
        self._public_url = public_url.rstrip("/")

    async def is_wanted(self, connection: AsyncConnection, held: Message, at: datetime) -> bool:
        """Answer whether the shift still stands as it was asked about, and nobody confirmed it."""
        wanted = _opening(held)
        if wanted.start is None or wanted.start <= at:
            return False
        asked = await asking.requests(connection, party=wanted.party)
        for shift in await store.roster_of(connection, self._inventory(), party=wanted.party):
            if standing(shift) == (wanted.party, wanted.duty, wanted.person, wanted.start, wanted.end):
                found = asked.get(standing(shift))
                return shift.confirmed_at is None and (found is None or found.declined_at is None)
        return False

    async def issue(self, connection: AsyncConnection, held: Message, at: datetime) -> Issued:
        """Make the link, good until the shift ends."""
        opening = _opening(held)
        issued = await self._links.issue_coded(connection, opening, at=at, expires_at=opening.end or at)
        return Issued(f"{self._public_url}{issued.link}", issued.code)


def _opening(held: Message) -> Opening:
    body = held.body
    start, end = (datetime.fromisoformat(body[name]) for name in ("start", "end"))
    return Opening(Purpose.SHIFT, body["party"], held.person, body["duty"], start, end)


class RosterAsking:
    """Asks, reminds and tells."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        inventory: Callable[[], Inventory],
        clock: Callable[[], datetime],
        alerting: AlertingService,
        metrics: AlertingMetrics,
        leads: Leads,
        public_url: str,
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._clock = clock
        self._alerting = alerting
        self._metrics = metrics
        self._leads = leads
        self._page = f"{public_url.rstrip('/')}/roster"

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until ``stop`` is set."""
        while not stop.is_set():
            self._metrics.turns.labels("confirmations").inc()
            try:
                await self.tick()
            except Exception:
                # The edge of the loop: who could not be asked now is asked in the next turn.
                log.exception("shifts not asked about")
                self._metrics.failures.labels("confirmations").inc()
            else:
                self._metrics.last_success.labels("confirmations").set(self._clock().timestamp())
            try:
                async with asyncio.timeout(_EVERY_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue

    async def tick(self) -> int:
        """Take every step that is due; answers how many shifts were asked, reminded or told about."""
        async with transaction(self._database) as connection:
            now = self._clock()
            inventory = await store.living(connection, self._inventory(), now)
            shifts = await store.roster_of(connection, self._inventory())
            known = await asking.requests(connection)
            count = 0
            for shift in shifts:
                step = due(shift, known.get(standing(shift)), self._leads, now)
                if step is not None:
                    known[standing(shift)] = await asking.mark(connection, shift, step, at=now)
                    await add_messages(connection, self._messages(shift, step, known, inventory, now))
                    count += 1
        await self._say([shift for shift in shifts if is_unheard(shift, known, now)], inventory, now)
        return count

    def _messages(
        self,
        shift: RosterShift,
        step: Step,
        known: Mapping[object, Asked],
        inventory: Inventory,
        at: datetime,
    ) -> list[Message]:
        readers = [shift.person] if step is not Step.TELL else _concerned(shift, inventory, at)
        people = [inventory.people[code] for code in readers if code in inventory.people]
        asked = known.get(standing(shift))
        about = {
            "whose": _name(inventory, shift.person) if step is Step.TELL else "",
            "note": asked.note if asked is not None and step is Step.TELL else "",
            "page": self._page if step is Step.TELL else "",
        }
        return notices(shift, _WHAT[step], people, inventory, at, about=about, until=_until(shift, step, at))

    async def _say(self, unheard: Iterable[RosterShift], inventory: Inventory, at: datetime) -> None:
        """Let a matter of the department's stand for every duty with such shifts, and for no other."""
        wanted: dict[str, list[RosterShift]] = {}
        for shift in unheard:
            wanted.setdefault(f"{UNHEARD}{shift.party}.{shift.duty.value}", []).append(shift)
        async with reading(self._database) as connection:
            ids = await unresolved_of(connection, UNHEARD)
            standing_now = {
                one.condition: one.title
                for one in [await read_incident(connection, identifier) for identifier in ids]
                if one.facts.get("down")
            }
        causes = [
            own_cause(condition, True, at, words)
            for condition, shifts in wanted.items()
            for words in [_words(shifts, inventory)]
            if standing_now.get(condition) != words["vi"]
        ]
        causes += [own_cause(each, False, at, {}) for each in standing_now.keys() - wanted.keys()]
        if causes:
            await self._alerting.take_causes(causes)


def _until(shift: RosterShift, step: Step, at: datetime) -> datetime:
    return shift.end if step is Step.TELL else max(shift.start, at + timedelta(minutes=1))


def _words(shifts: list[RosterShift], inventory: Inventory) -> dict[str, str]:
    """Name the first of the shifts and the number of the others."""
    first = min(shifts, key=lambda shift: (shift.start, shift.person))
    vi, en = shift_titles(first, inventory)
    name, more = _name(inventory, first.person), len(shifts) - 1
    return {
        "vi": f"Chưa xác nhận: {vi}, {name}{f' và {more} ca nữa' if more else ''}",
        "en": f"Not confirmed: {en}, {name}{f' and {more} more' if more else ''}",
    }


def _concerned(shift: RosterShift, inventory: Inventory, at: datetime) -> list[str]:
    """Answer who of the party is told: the person, their substitute, who stands there now, and who leads."""
    now = [
        on_duty(inventory.shifts, party=shift.party, duty=duty, at=at)
        for duty in (shift.duty, Duty.LEADERSHIP)
    ]
    codes = [shift.person, shift.substitute, *(one.person for one in now if one is not None)]
    return [code for code in dict.fromkeys(codes) if code]


def _name(inventory: Inventory, code: str) -> str:
    person: Person | None = inventory.people.get(code)
    return person.name if person else code
