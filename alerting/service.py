"""The service: transactions around decisions. Beliefs come in by ``absorb``, clocks by ``tick``, people by name.

State change, ledger entry and the messages that were decided on commit together; nothing here touches a
network. Subscribers hear of changed incidents after the commit, on the loop, and must be quick.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting import actions, families
from alerting.absorption import absorb_cause
from alerting.answers import Answers
from alerting.attached_files import AttachedFiles
from alerting.attachments import EvidenceFolder
from alerting.case import Case
from alerting.change_store import mark, mark_all, unprocessed
from alerting.contact_store import faults_of_contacts, mark_told
from alerting.errors import ChangedMeanwhileError, StaleIncidentError
from alerting.gauges import set_gauges
from alerting.handover import Handover
from alerting.handover_overdue import overdue_handovers, soonest_overdue, tell_overdue
from alerting.links import AcknowledgementLinks
from alerting.metrics import AlertingMetrics
from alerting.models import CauseClass, Incident
from alerting.numbers import Numbers
from alerting.oncall import PAGE_CHANNELS
from alerting.overdue import meet, set_going
from alerting.paging import tell_of_contact
from alerting.province import Province
from alerting.reported import Report, open_reported
from alerting.roster_gaps import PASSING
from alerting.run_store import due_runs, soonest_step
from alerting.store import due_incidents, soonest_deadline, unresolved_of
from inventory.database import reading, transaction
from inventory.models import ContactChannel, Inventory
from monitor.models import StateChange

__all__ = ["AlertingService", "Deed"]

log = structlog.get_logger(__name__)

_BATCH = 100
_TRIES = 5
_Result = TypeVar("_Result")

Deed = Callable[[Case, Province, datetime], Awaitable[object]]
"""Something that is done to one case inside the transaction that holds it."""


class AlertingService:
    """Who must act, and whether they did."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        inventory: Inventory,
        clock: Callable[[], datetime],
        token: Callable[[], str],
        public_url: str,
        metrics: AlertingMetrics | None = None,
        chance: Callable[[], int] | None = None,
        channels: frozenset[ContactChannel] = PAGE_CHANNELS,
        evidence: EvidenceFolder | None = None,
    ) -> None:
        self.token = token
        self.links = AcknowledgementLinks(token=token, public_url=public_url)
        self.metrics = metrics or AlertingMetrics(CollectorRegistry())
        self._database = database
        self._clock = clock
        self._numbers = Numbers(chance)
        self._province = Province(inventory, channels=channels, numbers=self._numbers)
        self.files = AttachedFiles(database, evidence, act=self.act)
        self.answers = Answers(
            database=database,
            links=self.links,
            clock=clock,
            province=lambda: self._province,
            acknowledge=self.acknowledge,
        )
        self._listeners: list[Callable[[Sequence[int]], None]] = []

    @property
    def inventory(self) -> Inventory:
        """The inventory that duty and ownership are read from now."""
        return self._province.inventory

    def swap(self, inventory: Inventory) -> None:
        """Read duty and ownership from ``inventory`` from now on; runs keep the policy that they began with."""
        self._province = Province(inventory, channels=self._province.channels, numbers=self._numbers)

    def subscribe(self, callback: Callable[[Sequence[int]], None]) -> Callable[[], None]:
        """Call ``callback`` with the ids of incidents that changed, after each commit; answers how to stop that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def _announce(self, incidents: Sequence[int]) -> None:
        for listener in tuple(self._listeners):
            listener(incidents)

    async def absorb(self) -> int:
        """Act on every unprocessed row of belief, in order; answers how many were taken off the queue.

        A row and its effect commit together, so its effect happens once. A row that fails is logged, counted
        and left for the next turn; later rows of the same cause wait behind it, and so do rows of its parts (a
        part is told once what took it over). Other causes do not wait.
        """
        taken = 0
        blocked: set[str] = set()
        while True:
            async with reading(self._database) as connection:
                causes, others = await unprocessed(connection, limit=_BATCH, skip=blocked)
            if not causes and not others:
                return taken
            if others:
                async with transaction(self._database) as connection:
                    taken += await mark_all(connection, others, self._clock())
            for change in causes:
                if {change.subject, change.evidence.get("into", "")} & blocked:
                    blocked.add(change.subject)
                elif await self._absorbed(change):
                    taken += 1
                else:
                    blocked.add(change.subject)

    async def _absorbed(self, change: StateChange) -> bool:
        try:
            changed = await self._retried(lambda connection: self._take(connection, change))
        except Exception:
            # A single malformed row must not keep every other incident from being opened.
            log.exception("cause not absorbed", subject=change.subject, change=change.id)
            self.metrics.failures.labels("absorb").inc()
            return False
        if changed is not None:
            self._announce([changed])
        return True

    async def _take(self, connection: AsyncConnection, change: StateChange) -> int | None:
        now = self._clock()
        if not await mark(connection, change.id, now):
            return None
        return await absorb_cause(connection, change, self._province, self._numbers, now)

    async def tick(self) -> int:
        """Do what is due: escalation steps, deadlines, handovers nobody accepted. Answers how many incidents changed."""
        async with reading(self._database) as connection:
            now = self._clock()
            due = [*await due_runs(connection, now), *await due_incidents(connection, now)]
            waiting = dict.fromkeys([*due, *await unresolved_of(connection, PASSING)])
            late = await overdue_handovers(connection, now)
        changed = [identifier for identifier in waiting if await self._met(identifier)]
        changed += [opened for one in late if (opened := await self._told(one)) is not None]
        if changed:
            self._announce(changed)
        return len(changed)

    async def _met(self, identifier: int) -> bool:
        async def work(connection: AsyncConnection) -> bool:
            return await meet(await Case.load(connection, identifier), self._province, self._clock())

        return bool(await self._carried_on(work, incident=identifier))

    async def _told(self, late: Handover) -> int | None:
        async def work(connection: AsyncConnection) -> int | None:
            return await tell_overdue(connection, late, self._province, self._clock())

        return await self._carried_on(work, handover=late.id)

    async def _carried_on(
        self, work: Callable[[AsyncConnection], Awaitable[_Result]], **named: int
    ) -> _Result | None:
        try:
            return await self._retried(work)
        except Exception:
            # One matter that cannot be carried on must not stop the clocks of the others.
            log.exception("deadline not met", **named)
            self.metrics.failures.labels("tick").inc()
            return None

    async def next_due(self) -> datetime | None:
        """Answer when :meth:`tick` will have something to do."""
        async with reading(self._database) as connection:
            late = await soonest_overdue(connection, self._clock())
            found = [await soonest_deadline(connection), await soonest_step(connection), late]
        return min((moment for moment in found if moment is not None), default=None)

    async def measure(self) -> None:
        """Set the gauges from what is stored and who is on duty now."""
        async with reading(self._database) as connection:
            await set_gauges(connection, self.metrics, self._province.inventory, self._clock())

    async def _retried(self, work: Callable[[AsyncConnection], Awaitable[_Result]]) -> _Result:
        """Do ``work`` in a transaction of its own, again from the start when somebody else was faster."""
        tries = 0
        while True:
            tries += 1
            try:
                async with transaction(self._database) as connection:
                    return await work(connection)
            except (StaleIncidentError, IntegrityError) as lost:
                if tries == _TRIES:
                    raise
                log.info("transaction begun again", reason=type(lost).__name__)

    async def _acted(
        self,
        identifier: int,
        work: Callable[[Case, datetime], Awaitable[object]],
        *,
        version: int | None = None,
    ) -> Incident:
        """Do ``work`` on one case; with ``version``, only while the incident still has that version."""

        async def inside(connection: AsyncConnection) -> tuple[Incident, bool]:
            case = await Case.load(connection, identifier)
            before = case.sequence
            if version is not None and version != before:
                raise ChangedMeanwhileError(before)
            await work(case, self._clock())
            return case.incident, case.sequence != before

        incident, changed = await self._retried(inside)
        if changed:
            self._announce([identifier])
        return incident

    async def acknowledge(
        self, incident: int, *, actor: str, person: str = "", note: str = "", version: int | None = None
    ) -> Incident:
        """Take the incident into ``actor``'s hands (``person``: their code in the roster). First wins; idempotent."""

        async def work(case: Case, at: datetime) -> None:
            opened_at = case.incident.opened_at
            if await actions.acknowledge(case, self._province, at, actor=actor, person=person, note=note):
                taken = case.incident
                seconds = (at - opened_at).total_seconds()
                self.metrics.acknowledge.labels(taken.severity.value, taken.owner).observe(seconds)

        return await self._acted(incident, work, version=version)

    async def progress(
        self,
        incident: int,
        *,
        actor: str,
        note: str,
        eta: datetime | None = None,
        version: int | None = None,
    ) -> Incident:
        """Tell what is being done about it; refused without words."""
        return await self._acted(
            incident,
            lambda case, at: actions.progress(case, self._province, at, actor=actor, note=note, eta=eta),
            version=version,
        )

    async def report_restored(
        self, incident: int, *, actor: str, note: str = "", version: int | None = None
    ) -> Incident:
        """Claim that service is back; the probes verify it."""
        return await self._acted(
            incident,
            lambda case, at: actions.report_restored(case, self._province, at, actor=actor, note=note),
            version=version,
        )

    async def close(
        self, incident: int, *, actor: str, cause: CauseClass, note: str, version: int | None = None
    ) -> Incident:
        """Sign off what was resolved, with its cause; refused without words."""
        return await self._acted(
            incident,
            lambda case, at: actions.close(case, self._province, at, actor=actor, cause=cause, note=note),
            version=version,
        )

    async def cancel(self, incident: int, *, actor: str, note: str, version: int | None = None) -> Incident:
        """Take back what was no incident; refused without words."""
        return await self._acted(
            incident,
            lambda case, at: actions.cancel(case, self._province, at, actor=actor, note=note),
            version=version,
        )

    async def note(self, incident: int, *, actor: str, note: str, version: int | None = None) -> Incident:
        """Write something down in the ledger."""
        return await self._acted(
            incident,
            lambda case, at: actions.annotate(case, self._province, at, actor=actor, note=note),
            version=version,
        )

    async def act(self, incident: int, deed: Deed, *, version: int | None = None) -> Incident:
        """Do ``deed``, a function of :mod:`alerting.actions`, ``direction`` or ``disputes`` with its keywords bound."""
        return await self._acted(incident, lambda case, at: deed(case, self._province, at), version=version)

    async def merge(
        self, child: int, into: int, *, actor: str, note: str, version: int | None = None
    ) -> Incident:
        """Lay an incident to the cause of another, which is what people act on from now."""

        async def work(case: Case, at: datetime) -> None:
            await families.merge(case, await Case.load(case.connection, into), at, actor=actor, note=note)

        merged = await self._acted(child, work, version=version)
        self._announce([into])
        return merged

    async def unmerge(self, child: int, *, actor: str, note: str, version: int | None = None) -> Incident:
        """Let a merged incident stand alone again."""
        return await self._acted(
            child,
            lambda case, at: families.unmerge(case, self._province, at, actor=actor, note=note),
            version=version,
        )

    async def report(self, report: Report) -> Incident:
        """Open an incident for what somebody told; the same report again is the same incident."""

        async def work(connection: AsyncConnection) -> tuple[Incident, bool]:
            case, new = await open_reported(connection, report, self._province, self._numbers, self._clock())
            return case.incident, new

        incident, new = await self._retried(work)
        if new:
            self._announce([incident.id])
        return incident

    @property
    def zone(self) -> str:
        """Name of the zone that times are told in."""
        return self._province.inventory.election.zone.key

    async def take_causes(self, causes: Sequence[StateChange]) -> int:
        """Act on causes that no probe saw (other systems' alerts, our own faults); answers how many changed anything."""
        changed = []
        for cause in causes:

            async def work(connection: AsyncConnection, cause: StateChange = cause) -> int | None:
                return await absorb_cause(connection, cause, self._province, self._numbers, self._clock())

            identifier = await self._retried(work)
            if identifier is not None:
                changed.append(identifier)
        if changed:
            self._announce(changed)
        return len(changed)

    async def page_anew(self, incident: int) -> None:
        """Mend an incident that stands still: its ladder begins again, or where none climbs its clock does."""
        await self._acted(incident, lambda case, at: set_going(case, self._province, at))

    async def tell_of_contacts(self) -> int:
        """Tell the department of every contact that was refused for good since the last time; answers how many."""
        async with reading(self._database) as connection:
            untold = await faults_of_contacts(connection, untold=True)
            self.metrics.contact_faults.set(len(await faults_of_contacts(connection)))
        for fault in untold:
            async with transaction(self._database) as connection:
                if await mark_told(connection, fault, self._clock()):
                    case = await Case.load(connection, fault.incident)
                    await tell_of_contact(case, fault, self._province, self._clock())
            self._announce([fault.incident])
        return len(untold)
