"""The election's calendar: which phase holds, which one leads, which one comes next.

Phases overlap (the tally begins while late polling units still vote), so at any moment one leads: the one that
asks most of people. Order of leading: tally, poll, ready; then post, rerun and close, which follow one another;
then freeze, inspect, early, prepare. DOMAIN.md, section 1.4.
"""

import re
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from inventory.models import Election, Phase, PhaseSpan
from inventory.reasons import expected

__all__ = ["DUTY_PHASES", "LEADING", "local_time", "next_span", "offset", "phase_at", "span_of"]

LEADING = (
    Phase.TALLY,
    Phase.POLL,
    Phase.READY,
    Phase.POST,
    Phase.RERUN,
    Phase.CLOSE,
    Phase.FREEZE,
    Phase.INSPECT,
    Phase.EARLY,
    Phase.PREPARE,
)
"""Of the phases that hold, the first one here leads."""

DUTY_PHASES = (Phase.READY, Phase.POLL, Phase.TALLY)
"""Phases in which duty is kept round the clock without a gap."""

_OFFSET = re.compile(r"D([+-][0-9]{1,3})? ([01][0-9]|2[0-3]):([0-5][0-9])")


def phase_at(election: Election, at: datetime) -> Phase:
    """Answer the leading phase at ``at``.

    Before the first phase it is the first one, after the last the last one, and in a gap the one that ended
    last: work that was begun goes on until the calendar names the next.
    """
    holding = {span.phase for span in election.spans if span.start <= at < span.end}
    for phase in LEADING:
        if phase in holding:
            return phase
    ended = [span for span in election.spans if span.end <= at]
    if ended:
        return max(ended, key=lambda span: (span.end, span.start)).phase
    return min(election.spans, key=lambda span: span.start).phase


def span_of(election: Election, phase: Phase) -> PhaseSpan | None:
    """Answer when ``phase`` holds; ``None`` if this election has no such phase."""
    return next((span for span in election.spans if span.phase is phase), None)


def next_span(election: Election, at: datetime) -> PhaseSpan | None:
    """Answer the phase that begins next after ``at``; ``None`` after the last beginning."""
    return min(
        (span for span in election.spans if span.start > at), key=lambda span: span.start, default=None
    )


def offset(text: str, *, day: date, zone: ZoneInfo) -> datetime:
    """Answer ``D-12 07:30``, ``D 05:00`` or ``D+1 19:00`` as a point in time, in UTC."""
    parts = _OFFSET.fullmatch(text)
    if not parts:
        raise expected(
            "phải là mốc so với ngày bầu cử, như “D-12 07:30”, “D 05:00” hoặc “D+1 19:00”",
            "must be an offset from election day, such as “D-12 07:30”, “D 05:00” or “D+1 19:00”",
        )
    that_day = day + timedelta(days=int(parts[1] or 0))
    return local_time(datetime.combine(that_day, time_of_day(int(parts[2]), int(parts[3]))), zone=zone)


def local_time(naive: datetime, *, zone: ZoneInfo) -> datetime:
    """Answer a local time in UTC; one that the clocks skip or show twice cannot be meant, and is refused."""
    early, late = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early != late:
        raise expected(
            f"giờ này không có hoặc có hai lần ở múi giờ {zone.key} (đổi giờ); hãy chọn giờ khác",
            f"this hour does not exist or comes twice in {zone.key} (clocks change); choose another",
        )
    return early
