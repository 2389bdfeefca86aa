"""One pure fold of the record into every figure of every report."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alerting.models import LIVE, CauseClass, IncidentState
from dashboards.reports.arithmetic import Times, elapsed, spread, widened
from dashboards.reports.downtime import Downtime, downtime
from dashboards.reports.facts import AidFacts, Control, Counted, Facts, GapFacts, Line, Lost
from dashboards.reports.record import AidGiven, Record, ReportedIncident, RosterGap, SiteLoss
from dashboards.reports.responses import by_quality, counted_incidents, drills_of, owed, responses
from dashboards.reports.rolls import roll, roll_by_phase, roll_controls
from inventory.models import Duty, Phase, Severity
from monitor.availability import clipped, length

__all__ = ["CLASSES", "UnreconciledError", "fold"]

CLASSES = ("up", "down", "mitigated", "disputed", "planned", "unobserved")
"""Classes of time, as :class:`Times` names them; together they are the window times the objects."""


class UnreconciledError(Exception):
    """Parts of a table do not sum to its whole: a fault of ours, and no report leaves with it."""

    def __init__(self, controls: Sequence[Control]) -> None:
        super().__init__(
            "; ".join(f"{each.name}: parts {each.parts}, whole {each.whole}" for each in controls)
        )
        self.controls = tuple(controls)


def fold(record: Record) -> Facts:
    """Fold the record; raises :class:`UnreconciledError` if any parts do not sum to their whole."""
    window = widened(record.since, record.until)
    ends = {"since": record.since, "until": record.until}
    incidents = counted_incidents(record.incidents, **ends)
    losses = _losses(record)
    down = downtime(record)
    gaps = _gaps(record.gaps, record)
    called, called_in = roll(record), roll_by_phase(record)
    facts = Facts(
        since=window[0],
        until=window[1],
        taken_at=widened(record.taken_at, record.taken_at)[0],
        **_times(down),
        lengths=spread((each.times.lost, each.path) for each in down.outages if each.times.lost),
        losses=losses,
        loss_lengths=spread((each.end - each.start, each.site) for each in losses),
        incidents=len(incidents),
        **_counts(incidents),
        response=responses(incidents, at=record.taken_at),
        response_by_owner=tuple(
            responses([each for each in incidents if each.owner == owner], key=owner, at=record.taken_at)
            for owner in sorted({each.owner for each in incidents})
        ),
        owed=owed(incidents, at=record.taken_at),
        roster_gaps=gaps,
        roster_gap_seconds=sum(each.seconds for each in gaps),
        congestions=record.congestions,
        links=len(record.links),
        links_measured=len(record.links_measured),
        aid=_aid(record.aid),
        roll=called,
        roll_by_phase=called_in,
        drills=responses(drills_of(record.incidents, **ends), at=record.taken_at),
        unobserved_sources=tuple(
            sorted({each.identifier for each in record.unseen if each.started_at < record.until})
        ),
        names=_names(record, down),
        controls=(*_controls(down, incidents, window[1] - window[0]), *roll_controls(called, called_in)),
    )
    if not facts.reconciles:
        raise UnreconciledError([each for each in facts.controls if not each.holds])
    return facts


def _times(down: Downtime) -> dict[str, Any]:
    return {
        "whole": down.whole,
        **{f"by_{name}": lines for name, lines in down.lines.items()},
        "by_phase": down.by_phase,
        "by_cause": down.by_cause,
        "outages": down.outages,
    }


def _counts(incidents: Sequence[ReportedIncident]) -> dict[str, Any]:
    live = [each for each in incidents if each.state in LIVE and each.restored_at is None]
    return {
        "open_incidents": _named(live),
        "disputed": _named(each for each in incidents if each.is_disputed),
        "incidents_by_owner": by_quality(incidents, lambda each: each.owner),
        "incidents_by_severity": by_quality(incidents, lambda each: each.severity.value, list(Severity)),
        "incidents_by_cause": by_quality(incidents, lambda each: each.cause.value, list(CauseClass)),
        "incidents_by_phase": by_quality(incidents, lambda each: each.phase.value, list(Phase)),
        "incidents_by_state": by_quality(incidents, lambda each: each.state.value, list(IncidentState)),
    }


def _named(incidents: Iterable[ReportedIncident]) -> Counted:
    numbers = tuple(sorted(each.number for each in incidents))
    return Counted("", len(numbers), numbers)


def _losses(record: Record) -> tuple[Lost, ...]:
    window = widened(record.since, record.until)
    by_site: defaultdict[str, dict[str, SiteLoss]] = defaultdict(dict)
    for loss in record.losses:
        by_site[loss.site][loss.identifier] = loss
    found = []
    for site, rows in by_site.items():
        raw = {
            name: widened(row.started_at, max(row.started_at, row.ended_at or record.until))
            for name, row in rows.items()
        }
        for union in clipped(raw.values(), window):
            own = {name for name, each in raw.items() if each[0] < union[1] and union[0] < each[1]}
            first = rows[min(own)]
            found.append(
                Lost(
                    site=site,
                    name=first.name,
                    commune=first.commune,
                    start=union[0],
                    end=union[1],
                    is_open=any(_lasts(rows[name], record) for name in own),
                    sources=tuple(sorted(own)),
                )
            )
    return tuple(sorted(found, key=lambda each: (each.start, each.site)))


def _lasts(loss: SiteLoss, record: Record) -> bool:
    return loss.ended_at is None or loss.ended_at > record.until


def _gaps(gaps: Iterable[RosterGap], record: Record) -> tuple[GapFacts, ...]:
    window = widened(record.since, record.until)
    rows: defaultdict[tuple[str, Duty], dict[str, RosterGap]] = defaultdict(dict)
    for gap in gaps:
        rows[gap.party, gap.duty][gap.identifier] = gap
    duties = list(Duty)
    found = []
    for (party, duty), own in sorted(rows.items(), key=lambda item: (item[0][0], duties.index(item[0][1]))):
        joined = clipped((widened(each.started_at, each.ended_at) for each in own.values()), window)
        if joined:
            found.append(GapFacts(party, duty, length(joined), len(joined), tuple(sorted(own))))
    return tuple(found)


def _aid(aid: Iterable[AidGiven]) -> tuple[AidFacts, ...]:
    once = {each.identifier: each for each in aid if not each.is_drill}
    groups: defaultdict[tuple[str, str, str], list[AidGiven]] = defaultdict(list)
    for each in once.values():
        groups[each.kind, each.giver, each.receiver].append(each)
    return tuple(
        AidFacts(
            *key,
            asked=len(some),
            activated=sum(each.activated_at is not None for each in some),
            lead=spread(
                (elapsed(each.requested_at, each.activated_at), each.identifier)
                for each in some
                if each.activated_at is not None
            ),
            sources=tuple(sorted(each.identifier for each in some)),
        )
        for key, some in sorted(groups.items())
    )


def _names(record: Record, down: Downtime) -> Mapping[str, tuple[str, str]]:
    """Keep the names of what the facts speak of, no others."""
    used = {line.key for lines in down.lines.values() for line in lines}
    used |= {each.owner for each in record.incidents} | {each.party for each in record.gaps}
    used |= {name for each in record.aid for name in (each.giver, each.receiver)}
    used |= {each.commune for each in record.losses}
    used |= {name for each in record.calls for name in (each.commune, each.carrier)}
    return {code: record.names[code] for code in sorted(used) if code in record.names}


def _controls(down: Downtime, incidents: Sequence[ReportedIncident], window: int) -> tuple[Control, ...]:
    whole = down.whole
    tables = {**down.lines, "phase": down.by_phase}
    found = [Control("classes", sum(getattr(whole.times, name) for name in CLASSES), window * whole.objects)]
    for name, lines in tables.items():
        found += _sums(name, lines, whole)
    found.append(Control("cause.lost", sum(line.times.lost for line in down.by_cause), whole.times.lost))
    found.append(Control("cause.outages", sum(line.outages for line in down.by_cause), whole.outages))
    found.append(Control("outages.lost", sum(each.times.lost for each in down.outages), whole.times.lost))
    found.append(
        Control("outages.planned", sum(each.times.planned for each in down.outages), whole.times.planned)
    )
    for name, counted in _counts(incidents).items():
        if name.startswith("incidents_by") and isinstance(counted, tuple):
            found.append(Control(name, sum(each.n for each in counted), len(incidents)))
    return tuple(found)


def _sums(name: str, lines: Sequence[Line], whole: Line) -> Iterable[Control]:
    total = sum((line.times for line in lines), Times())
    yield Control(f"{name}.lost", total.lost, whole.times.lost)
    yield Control(f"{name}.whole", total.whole, whole.times.whole)
    yield Control(f"{name}.outages", sum(line.outages for line in lines), whole.outages)
    if name != "phase":
        yield Control(f"{name}.objects", sum(line.objects for line in lines), whole.objects)
