"""The auditor: looks every 30 seconds whether what acting promises holds, mends what it can and raises its voice else.

What is found for the first time is repaired; what is found again is an alarm: an incident of the department's own,
logged and counted. A finding is one of

    overdue     the deadline of a live incident passed and nothing happened
    timeless    a live incident has no deadline
    unclimbed   an open incident has no ladder in its present generation
    unpaged     the ledger says that somebody was called, and there is no page
    stuck       a message that is due lies untouched
    contact     a contact was refused for good: its people are told, once (no alarm)
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting import audit_store as store
from alerting.metrics import AlertingMetrics
from alerting.service import AlertingService
from inventory.database import reading
from monitor.models import ChangeReason, StateChange, SubjectKind

__all__ = ["EVERY_SECONDS", "Auditor", "Finding", "FindingKind", "own_cause"]

log = structlog.get_logger(__name__)

EVERY_SECONDS = 30.0
_PATIENCE = timedelta(seconds=60)
"""How late a loop may be before that is a finding."""
_LOOKED_BACK = timedelta(minutes=10)
_SUBJECT = "service:delivery"
_WORDS = {
    "vi": "Thông Suốt: việc gọi người trực không chạy đúng",
    "en": "Thông Suốt: calling people on duty does not work as it should",
}


class FindingKind(StrEnum):
    """What can be wrong."""

    OVERDUE = "overdue"
    TIMELESS = "timeless"
    UNCLIMBED = "unclimbed"
    UNPAGED = "unpaged"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise that does not hold: ``incident`` and ``about`` say where."""

    kind: FindingKind
    incident: int = 0
    about: str = ""


class Auditor:
    """Finds, repairs once, then alarms."""

    def __init__(
        self,
        *,
        service: AlertingService,
        database: AsyncEngine,
        clock: Callable[[], datetime],
        metrics: AlertingMetrics,
        wake_outbox: Callable[[], None] = lambda: None,
    ) -> None:
        self._service = service
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._wake_outbox = wake_outbox
        self._seen: frozenset[Finding] = frozenset()
        self._alarmed = False

    @property
    def is_alarmed(self) -> bool:
        """Whether the last audit found something that its repair had not mended."""
        return self._alarmed

    async def run(self, stop: asyncio.Event) -> None:
        """Audit until ``stop`` is set."""
        while not stop.is_set():
            self._metrics.turns.labels("auditor").inc()
            try:
                await self.audit()
            except Exception:
                # The edge of the loop: who watches must not end; its last success tells how long it did not look.
                log.exception("audit failed")
                self._metrics.failures.labels("auditor").inc()
            else:
                self._metrics.last_success.labels("auditor").set(self._clock().timestamp())
            await _waited(stop, EVERY_SECONDS)

    async def audit(self) -> Sequence[Finding]:
        """Look once; answers what was found."""
        found = await self._found()
        again = [finding for finding in found if finding in self._seen]
        for finding in found:
            await (self._alarm(finding) if finding in self._seen else self._repair(finding))
        self._seen = frozenset(found)
        if bool(again) != self._alarmed:
            self._alarmed = bool(again)
            await self._service.take_causes([own_cause(_SUBJECT, self._alarmed, self._clock(), _WORDS)])
        await self._service.tell_of_contacts()
        return found

    async def _found(self) -> list[Finding]:
        now = self._clock()
        async with reading(self._database) as connection:
            late = await store.overdue(connection, now - _PATIENCE)
            timeless = await store.without_deadline(connection)
            unclimbed = await store.without_run(connection, now)
            unpaged = await store.calls_without_pages(connection, now - _LOOKED_BACK)
            waiting = await store.stuck(connection, now - _PATIENCE)
        return [
            *(Finding(FindingKind.OVERDUE, one) for one in late),
            *(Finding(FindingKind.TIMELESS, one) for one in timeless),
            *(Finding(FindingKind.UNCLIMBED, one) for one in unclimbed),
            *(Finding(FindingKind.UNPAGED, one, f"{sequence}.{place}") for one, sequence, place in unpaged),
            *(Finding(FindingKind.STUCK, about=key) for key in waiting),
        ]

    async def _repair(self, finding: Finding) -> None:
        self._metrics.findings.labels(finding.kind.value, "repaired").inc()
        log.warning(
            "audit: repairing", kind=finding.kind.value, incident=finding.incident, about=finding.about
        )
        match finding.kind:
            case FindingKind.STUCK:
                self._wake_outbox()
            case FindingKind.OVERDUE:
                await self._service.tick()
            case _:
                await self._service.page_anew(finding.incident)

    async def _alarm(self, finding: Finding) -> None:
        self._metrics.findings.labels(finding.kind.value, "alarmed").inc()
        log.error(
            "audit: not mended", kind=finding.kind.value, incident=finding.incident, about=finding.about
        )


def own_cause(subject: str, is_down: bool, at: datetime, words: Mapping[str, str]) -> StateChange:  # noqa: FBT001 - a belief is down or not
    """Answer a cause that is the service's own: nobody owns it, so the department does."""
    return StateChange(
        kind=SubjectKind.CAUSE,
        subject=subject,
        old="up" if is_down else "down",
        new="down" if is_down else "up",
        at=at,
        noticed_at=at,
        reason=ChangeReason.EXPLAINED,
        evidence={"owner": "", "sites": [], "targets": [], "explanation": dict(words)},
    )


async def _waited(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
