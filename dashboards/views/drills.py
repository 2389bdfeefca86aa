"""How a drill's incidents were answered: seconds to acknowledge and to restore, beside what was owed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting.models import Incident

__all__ = ["DrillLine", "answered"]


@dataclass(frozen=True, slots=True)
class DrillLine:
    """One incident of a drill. ``in_time`` is None while nobody has acknowledged."""

    incident: Incident
    acknowledged_after: timedelta | None
    restored_after: timedelta | None
    in_time: bool | None


def answered(incidents: Iterable[Incident]) -> tuple[DrillLine, ...]:
    """Answer the incidents, the first opened first."""
    return tuple(_line(one) for one in sorted(incidents, key=lambda each: (each.opened_at, each.id)))


def _line(one: Incident) -> DrillLine:
    owed = one.facts.get("acknowledge_by")
    taken = one.acknowledged_at
    in_time = taken <= datetime.fromisoformat(owed) if taken is not None and owed else None
    return DrillLine(
        one,
        taken - one.opened_at if taken is not None else None,
        one.ended_at - one.began_at if one.ended_at is not None else None,
        in_time,
    )
