"""Which window a kind of report has where nobody says one, and how people write one. Pure."""

from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from dashboards.reports.order import Kind
from inventory.models import Election, Phase
from inventory.phases import span_of

__all__ = ["default_window", "moment_of"]

_SHIFT = timedelta(hours=8)


def default_window(kind: Kind, election: Election, now: datetime) -> tuple[datetime, datetime]:
    """Answer the window of a kind: the local day so far, the last shift, or ready to tally for the whole election."""
    midnight = datetime.combine(now.astimezone(election.zone).date(), time_of_day(), election.zone)
    if kind is Kind.HANDOVER:
        return now - _SHIFT, now
    if kind in {Kind.POST_ELECTION, Kind.CARRIER}:
        first, last = span_of(election, Phase.READY), span_of(election, Phase.TALLY)
        poll = span_of(election, Phase.POLL)
        start = first or poll
        end = last or poll
        if start is not None and end is not None:
            return start.start, end.end
    day = midnight.astimezone(UTC)
    return (day, now) if now > day else (day - timedelta(days=1), day)


def moment_of(text: str, zone: ZoneInfo) -> datetime:
    """Read ``2021-05-23``, ``2021-05-23 07:00`` or ISO 8601; without an offset it is local time. Raises ValueError."""
    found = datetime.fromisoformat(text.strip())
    return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)
