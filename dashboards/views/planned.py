"""Planned work as pages show it: lines by what runs, comes and is over, and the mark of an incident."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerting.models import Incident
from inventory.models import Inventory
from inventory.topology import Topology
from monitor.planned import MARK, PlannedWork, WorkKind, name_of, targets_of

__all__ = ["PlannedMark", "WorkLine", "planned_of", "work_lines", "works_of_targets"]


@dataclass(frozen=True, slots=True)
class WorkLine:
    """One work in words."""

    id: int
    kind: WorkKind
    subject: str
    name: str
    starts_at: datetime
    ends_at: datetime
    owner: str
    reference: str
    note: str
    entered_by: str
    is_running: bool
    is_over: bool
    is_cancelled: bool
    can_cancel: bool


@dataclass(frozen=True, slots=True)
class WorkName:
    """Whose work it is, and under which number."""

    owner: str
    reference: str


@dataclass(frozen=True, slots=True)
class PlannedMark:
    """What of an incident is planned; ``until`` is when the first of its windows ends."""

    works: tuple[WorkName, ...]
    whole: bool
    until: datetime


def planned_of(incident: Incident) -> PlannedMark | None:
    """Answer the mark that an incident's facts carry, if they do."""
    mark = incident.facts.get("evidence", {}).get(MARK)
    if not mark:
        return None
    works = tuple(WorkName(str(work["owner"]), str(work["reference"])) for work in mark["works"])
    return PlannedMark(works, bool(mark["whole"]), datetime.fromisoformat(mark["until"]))


def work_lines(
    works: Iterable[PlannedWork], inventory: Inventory, now: datetime, *, may_cancel: bool
) -> tuple[WorkLine, ...]:
    """Answer works as lines: those that run first, then those to come by their start, then those that are over."""
    lines = [_line(work, inventory, now, may_cancel=may_cancel) for work in works]
    return tuple(sorted(lines, key=lambda line: (line.is_over, not line.is_running, line.starts_at, line.id)))


def _line(work: PlannedWork, inventory: Inventory, now: datetime, *, may_cancel: bool) -> WorkLine:
    party = inventory.parties.get(work.owner)
    is_cancelled = work.cancelled_at is not None
    is_over = is_cancelled or work.ends_at <= now
    return WorkLine(
        id=work.id,
        kind=work.kind,
        subject=work.subject,
        name=name_of(work.kind, work.subject, inventory),
        starts_at=work.starts_at,
        ends_at=work.ends_at,
        owner=party.name if party else work.owner,
        reference=work.reference,
        note=work.note if work.note != work.reference else "",
        entered_by=work.entered_by,
        is_running=work.is_running(now),
        is_over=is_over,
        is_cancelled=is_cancelled,
        can_cancel=may_cancel and not is_over,
    )


def works_of_targets(
    works: Iterable[PlannedWork],
    targets: Iterable[str],
    *,
    inventory: Inventory,
    topology: Topology,
    now: datetime,
) -> tuple[WorkLine, ...]:
    """Answer the works, not over yet, that cover any of these targets."""
    wanted = set(targets)
    found = [work for work in works if wanted & targets_of(work, inventory, topology)]
    return tuple(line for line in work_lines(found, inventory, now, may_cancel=False) if not line.is_over)
