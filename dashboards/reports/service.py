"""Reports as people order, edit, freeze and check them: transactions around pure building.

A report is built off the loop, in a thread; ``progress`` tells how far it is. Editing a text or a field queues it
again. A final one is frozen by the transaction that writes its files: after that nothing of it changes.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.scoped import scope_of
from dashboards.reports import store
from dashboards.reports.building import Built, build
from dashboards.reports.drafts import drafts
from dashboards.reports.errors import ReportRefusedError, UnknownReportError
from dashboards.reports.folding import UnreconciledError
from dashboards.reports.gathering import Rows, assembled, gather
from dashboards.reports.models import BuildState, Report, seal_of
from dashboards.reports.order import Fields, Kind, Order, Stage
from dashboards.reports.record import Record
from dashboards.reports.record_store import record_began
from dashboards.reports.sentences import contradictions
from dashboards.reports.tongue import Tongue
from inventory.database import reading, transaction
from inventory.drawn import Draw
from inventory.models import Inventory
from inventory.topology import Topology

__all__ = ["ReportService", "Verification", "window_fault"]

log = structlog.get_logger(__name__)
_PLACES = Callable[[], tuple[Inventory, Topology]]


@dataclass(frozen=True, slots=True)
class Verification:
    """What is known of a file: the report that it belongs to, and whether the chain of seals holds."""

    sha256: str
    report: Report | None = None
    format: str = ""
    broken_at: int | None = None
    """The first frozen report whose seal does not hold; None when all do."""

    @property
    def holds(self) -> bool:
        """Whether the file is one of a frozen report, unchanged, in a whole chain."""
        return self.report is not None and self.report.is_frozen and self.broken_at is None


def window_fault(since: datetime, until: datetime) -> str:
    """Answer what is wrong with a window; empty: nothing."""
    return "" if since < until else "the end must be after the start"


class ReportService:
    """Orders, builds, keeps and verifies reports."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        places: _PLACES,
        clock: Callable[[], datetime],
        draw: Draw | None = None,
    ) -> None:
        self._database = database
        self._places = places
        self._clock = clock
        self._draw = draw
        self.progress: dict[int, tuple[int, int]] = {}
        """Reports that are being built: steps done, of how many."""
        self.wakened = asyncio.Event()

    async def order(
        self,
        order: Order,
        since: datetime,
        until: datetime,
        *,
        by: str,
        slot: str | None = None,
        amends: int | None = None,
    ) -> int:
        """Queue a report; answers its id. Raises :class:`ReportRefusedError` for a window without length."""
        if fault := window_fault(since, until):
            raise ReportRefusedError(fault)
        values = {
            "kind": order.kind.value,
            "stage": order.stage.value,
            "language": order.language.value,
            "since": since,
            "until": until,
            "party": order.party,
            "incident": order.incident,
            "area": order.area,
            "amends": amends,
            "slot": slot,
            "fields": _stored(order.fields),
            "state": BuildState.QUEUED.value,
            "ordered_at": self._clock(),
            "ordered_by": by,
        }
        async with transaction(self._database) as connection:
            identifier = await store.add_report(connection, values, draw=self._draw)
        self.wakened.set()
        return identifier

    async def order_slot(self, order: Order, since: datetime, until: datetime, *, slot: str) -> int | None:
        """Queue a slot's report once; None where it was ordered before, or where nothing was watched by then.

        A service that is set up half an hour after a slot has nothing to tell of it, and says nothing.
        """
        async with reading(self._database) as connection:
            began = await record_began(connection)
            if began is None or began > until or await store.is_slot_taken(connection, slot):
                return None
        try:
            return await self.order(order, since, until, by="lịch", slot=slot)
        except IntegrityError:
            return None  # another service was faster

    async def report(self, identifier: int, *, scope: str | None) -> Report:
        """Read one report; raises :class:`UnknownReportError`."""
        async with reading(self._database) as connection:
            found = await store.report(connection, identifier, scope=scope)
        if found is None:
            raise UnknownReportError(identifier)
        return found

    async def reports(self, *, scope: str | None, limit: int = 50, offset: int = 0) -> list[Report]:
        """Read reports, newest first."""
        async with reading(self._database) as connection:
            return await store.report_pages(connection, scope=scope, limit=limit, offset=offset)

    async def knows_incident(self, number: str, *, scope: str | None) -> bool:
        """Answer whether there is such an incident in scope that a dossier may be made of."""
        async with reading(self._database) as connection:
            return await store.incident_exists(connection, number, scope=scope)

    async def content(self, report: Report, form: str) -> bytes:
        """Read one file of a report; raises :class:`UnknownReportError`."""
        async with reading(self._database) as connection:
            found = await store.content_of(connection, report.id, form)
        if found is None:
            raise UnknownReportError(report.id)
        return found

    async def edit(
        self, identifier: int, *, texts: Mapping[str, str], fields: Fields | None, by: str
    ) -> None:
        """Write texts and form fields and queue the report again; refused once it is frozen."""
        found = await self.report(identifier, scope=None)
        drafted = {each.section: each for each in found.texts}
        async with transaction(self._database) as connection:
            changes: dict[str, Any] = {"state": BuildState.QUEUED.value, "error": ""}
            if fields is not None:
                changes["fields"] = _stored(fields)
            if not await store.change_report(connection, identifier, **changes):
                raise ReportRefusedError("a final report is not changed; order an addendum")
            for section, text in texts.items():
                known = drafted.get(section)
                if known is not None and text != known.shown:
                    kept = None if text == known.draft else text
                    await store.edit_text(connection, identifier, section, kept, at=self._clock(), by=by)
        self.wakened.set()

    async def finalise(self, identifier: int, *, by: str) -> None:
        """Have a report built a last time and frozen; an edited text that the record denies stops it."""
        stage = Stage.ADDENDUM if (await self.report(identifier, scope=None)).amends else Stage.FINAL
        async with transaction(self._database) as connection:
            values = {"stage": stage.value, "state": BuildState.QUEUED.value, "error": "", "frozen_by": by}
            if not await store.change_report(connection, identifier, **values):
                raise ReportRefusedError("the report is final already")
        self.wakened.set()

    async def amend(self, identifier: int, *, by: str) -> int:
        """Order an addendum to a final report: a new one of the same kind and window."""
        old = await self.report(identifier, scope=None)
        if not old.is_frozen:
            raise ReportRefusedError("only a final report gets an addendum")
        order = replace(old.order(), stage=Stage.INITIAL, texts={}, fields=replace(old.fields, number=""))
        return await self.order(order, old.since, old.until, by=by, amends=old.id)

    async def build_next(self) -> int | None:
        """Build the report that waited longest; answers its id, None when none waits."""
        async with reading(self._database) as connection:
            identifier = await store.next_queued(connection)
            found = await store.report(connection, identifier) if identifier is not None else None
            amended = (
                await store.report(connection, found.amends)
                if found is not None and found.amends is not None
                else None
            )
        if found is None:
            return None
        self.progress[found.id] = (0, 7)
        try:
            places = self._places()
            rows = await gather(self._database, places[0], found.since, found.until, incident=found.incident)
            built, drafted = await asyncio.to_thread(self._build, found, amended, rows, places)
            await self._keep(found, built, drafted)
        except (ReportRefusedError, UnreconciledError) as refused:
            await self._fail(found, str(refused))
        finally:
            self.progress.pop(found.id, None)
        return found.id

    async def fail(self, identifier: int, error: str) -> None:
        """Note that a report cannot be built, so that it does not stand in the way of the next."""
        async with transaction(self._database) as connection:
            await store.change_report(connection, identifier, state=BuildState.FAILED.value, error=error)

    async def queued(self) -> int | None:
        """Answer the report that has waited longest."""
        async with reading(self._database) as connection:
            return await store.next_queued(connection)

    def _build(
        self, found: Report, amended: Report | None, rows: Rows, places: tuple[Inventory, Topology]
    ) -> tuple[Built, Mapping[str, str]]:
        inventory, topology = places
        record = assembled(
            rows,
            inventory,
            topology,
            since=found.since,
            until=found.until,
            taken_at=self._clock(),
            scope=scope_of(found.party or None, inventory) if found.kind is Kind.DOSSIER else None,
        )
        order = found.order(_named(amended, record))

        def step(done: int, of: int) -> None:
            self.progress[found.id] = (done, of)

        built = build(order, record, on_step=step)
        tongue = Tongue(order.language, record.election.zone, record.names)
        if found.is_final:
            _refuse_contradictions(found, built, tongue)
        drafted = {
            section.value: text for section, text in drafts(order.kind.value, built.facts, tongue).items()
        }
        return built, drafted

    async def _keep(self, found: Report, built: Built, drafted: Mapping[str, str]) -> None:
        files = {form.value: (sha256(content).hexdigest(), content) for form, content in built.files.items()}
        now = self._clock()
        values: dict[str, Any] = {
            "state": BuildState.READY.value,
            "error": "",
            "built_at": now,
            "digest": built.digest,
        }
        async with transaction(self._database) as connection:
            current = await store.report(connection, found.id)
            if current is None or current.order() != found.order():
                return  # edited meanwhile: it stays queued, and is built again as it reads now
            await store.put_files(connection, found.id, files)
            await store.put_drafts(connection, found.id, drafted)
            if found.is_final:
                previous = await store.last_seal(connection)
                hashes = {form: digest for form, (digest, _) in files.items()}
                seal = seal_of(
                    report=found.id,
                    kind=found.kind.value,
                    digest=built.digest,
                    files=hashes,
                    frozen_at=now,
                    frozen_by=found.frozen_by,
                    previous=previous,
                )
                values |= {"frozen_at": now, "previous_seal": previous, "seal": seal}
            await store.change_report(connection, found.id, **values)
        log.info("report built", report=found.id, kind=found.kind.value, final=found.is_final)

    async def _fail(self, found: Report, error: str) -> None:
        """Note why it was not built; one that was to be final goes back to being edited."""
        stage = Stage.INITIAL if found.is_final else found.stage
        async with transaction(self._database) as connection:
            await store.change_report(
                connection, found.id, state=BuildState.FAILED.value, error=error, stage=stage.value
            )

    async def verify(self, content: bytes) -> Verification:
        """Say what is known of a file, and whether every seal up to now holds."""
        digest = sha256(content).hexdigest()
        async with reading(self._database) as connection:
            named = await store.by_hash(connection, digest)
            found = await store.report(connection, named[0]) if named else None
            frozen = await store.frozen_reports(connection)
        broken = _broken(frozen)
        return Verification(digest, found, named[1] if named else "", broken)


def _broken(frozen: list[Report]) -> int | None:
    """Answer the first frozen report whose seal does not follow from what is stored."""
    previous = ""
    for each in frozen:
        expected = seal_of(
            report=each.id,
            kind=each.kind.value,
            digest=each.digest,
            files={file.format: file.sha256 for file in each.files},
            frozen_at=each.frozen_at or each.ordered_at,
            frozen_by=each.frozen_by,
            previous=previous,
        )
        if each.previous_seal != previous or each.seal != expected:
            return each.id
        previous = each.seal
    return None


def _refuse_contradictions(found: Report, built: Built, tongue: Tongue) -> None:
    for each in found.texts:
        if each.text is not None and (against := contradictions(each.text, built.facts, tongue)):
            raise ReportRefusedError(f"{each.section}: {'; '.join(against)}")


def _named(amended: Report | None, record: Record) -> str:
    if amended is None:
        return ""
    number = amended.fields.number or f"#{amended.id}"
    day = amended.frozen_at or record.taken_at
    return f"{number} ({day.astimezone(record.election.zone):%d/%m/%Y})"


def _stored(fields: Fields) -> dict[str, Any]:
    """Answer the form's fields as JSON values."""
    return {
        "number": fields.number,
        "issued_on": fields.issued_on.isoformat() if fields.issued_on else None,
        "addressee": fields.addressee,
        "recipients": list(fields.recipients),
        "authority": list(fields.authority),
        "signer": fields.signer,
        "urgency": fields.urgency,
    }
