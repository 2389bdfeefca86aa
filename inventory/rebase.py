"""The same election on another day: a sample of 2021 becomes today's, for a lab or a drill.

Everything that hangs on day D moves by whole days in local time, so that a shift that began at 06:00 still
does; everything else is kept, and the digest says that it is another inventory.
"""

import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from inventory.models import Inventory

__all__ = ["rebased"]


def rebased(inventory: Inventory, day: date) -> Inventory:
    """Answer ``inventory`` with election day ``day``."""
    election = inventory.election
    days = day - election.day
    if not days:
        return inventory

    def moved(moment: datetime) -> datetime:
        return _moved(moment, days=days, zone=election.zone)

    return replace(
        inventory,
        election=replace(
            election,
            day=day,
            spans=tuple(
                replace(span, start=moved(span.start), end=moved(span.end)) for span in election.spans
            ),
            report_slots=tuple(map(moved, election.report_slots)),
        ),
        shifts=tuple(
            replace(shift, start=moved(shift.start), end=moved(shift.end)) for shift in inventory.shifts
        ),
        digest=hashlib.sha256(f"{inventory.digest} {day.isoformat()}".encode()).hexdigest(),
    )


def _moved(moment: datetime, *, days: timedelta, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    return (local + days).astimezone(moment.tzinfo)
