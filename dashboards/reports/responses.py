"""Folding incidents into how fast people were: spreads, deadlines kept, and what did not hold. Pure.

What was cancelled was no incident, and what was merged is counted with the one that it was merged into; a drill is
folded apart. A spread holds only incidents that reached its end; its ``n`` says how many.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from alerting.models import LIVE, IncidentState
from dashboards.reports.arithmetic import Spread, elapsed, share, spread
from dashboards.reports.facts import Counted, Owed, ResponseFacts
from dashboards.reports.record import ReportedIncident
from inventory.models import Phase, Priority

__all__ = ["by_quality", "counted_incidents", "drills_of", "owed", "responses"]

_NOT_COUNTED = frozenset({IncidentState.CANCELLED, IncidentState.MERGED})


def counted_incidents(
    incidents: Iterable[ReportedIncident], *, since: datetime, until: datetime
) -> list[ReportedIncident]:
    """Answer the live incidents that a report counts: those that touch the window, each once, in order of opening."""
    return _counted((each for each in incidents if not each.is_drill), since, until)


def drills_of(
    incidents: Iterable[ReportedIncident], *, since: datetime, until: datetime
) -> list[ReportedIncident]:
    """Answer the drills' incidents in the window, in order of opening."""
    return _counted((each for each in incidents if each.is_drill), since, until)


def _counted(
    incidents: Iterable[ReportedIncident], since: datetime, until: datetime
) -> list[ReportedIncident]:
    once = {each.number: each for each in incidents}
    kept = [
        each
        for each in once.values()
        if each.state not in _NOT_COUNTED
        and not each.parent
        and each.began_at < until
        and (each.restored_at is None or each.restored_at > since or each.opened_at >= since)
    ]
    return sorted(kept, key=lambda each: (each.opened_at, each.number))


def by_quality(
    incidents: Iterable[ReportedIncident],
    quality: Callable[[ReportedIncident], str],
    order: Sequence[str] = (),
) -> tuple[Counted, ...]:
    """Count incidents by a quality, in ``order`` and then by name."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for each in incidents:
        found[quality(each)].append(each.number)
    places = {key: place for place, key in enumerate(order)}
    return tuple(
        Counted(key, len(found[key]), tuple(sorted(found[key])))
        for key in sorted(found, key=lambda key: (places.get(key, len(places)), key))
    )


def responses(incidents: Sequence[ReportedIncident], *, key: str = "", at: datetime) -> ResponseFacts:
    """Fold how fast ``incidents`` were noticed, taken on, bridged and ended."""
    return ResponseFacts(
        key=key,
        incidents=len(incidents),
        detect=_between(incidents, lambda each: (each.began_at, each.opened_at)),
        acknowledge=_between(incidents, lambda each: (each.opened_at, each.acknowledged_at)),
        acknowledge_from_page=_between(
            incidents, lambda each: (each.first_healthy_page_at, each.acknowledged_at)
        ),
        temporary=_between(incidents, lambda each: (each.opened_at, each.mitigated_at)),
        restore=_between(incidents, lambda each: (each.began_at, each.restored_at)),
        false_restorations=_times(incidents, lambda each: each.false_restorations),
        recurrences=_times(incidents, lambda each: each.recurrences),
        escalations=_times(incidents, lambda each: each.escalations),
        silences=_times(incidents, lambda each: each.silences),
        unacknowledged=_times(incidents, lambda each: int(_is_unanswered(each, at))),
        sources=tuple(sorted(each.number for each in incidents)),
    )


def _is_unanswered(incident: ReportedIncident, at: datetime) -> bool:
    if incident.acknowledged_at is not None:
        return False
    is_over = incident.state not in LIVE or incident.restored_at is not None
    return is_over or (incident.acknowledge_by is not None and at > incident.acknowledge_by)


def _between(
    incidents: Iterable[ReportedIncident],
    ends: Callable[[ReportedIncident], tuple[datetime | None, datetime | None]],
) -> Spread:
    values = []
    for each in incidents:
        start, end = ends(each)
        if start is not None and end is not None:
            values.append((elapsed(start, end), each.number))
    return spread(values)


def _times(incidents: Iterable[ReportedIncident], how_often: Callable[[ReportedIncident], int]) -> Counted:
    hit = [(each.number, how_often(each)) for each in incidents if how_often(each)]
    return Counted("", sum(count for _, count in hit), tuple(sorted(number for number, _ in hit)))


def owed(incidents: Iterable[ReportedIncident], *, at: datetime) -> tuple[Owed, ...]:
    """Fold deadlines kept, by priority and then by the phase that the incident was opened in."""
    groups: defaultdict[tuple[int, int], list[ReportedIncident]] = defaultdict(list)
    priorities, phases = list(Priority), list(Phase)
    for each in incidents:
        groups[priorities.index(each.priority), phases.index(each.phase)].append(each)
    return tuple(
        Owed(
            priority=priorities[priority],
            phase=phases[phase],
            incidents=len(some),
            acknowledge=share(
                ((each.number, each.acknowledged_at, each.acknowledge_by) for each in some), at=at
            ),
            temporary=share(
                (
                    (each.number, _earliest(each.mitigated_at, each.restored_at), each.temporary_by)
                    for each in some
                ),
                at=at,
            ),
            restore=share(((each.number, each.restored_at, each.restore_by) for each in some), at=at),
        )
        for (priority, phase), some in sorted(groups.items())
    )


def _earliest(*moments: datetime | None) -> datetime | None:
    """Service that is fully back is temporary service too."""
    return min((each for each in moments if each is not None), default=None)
