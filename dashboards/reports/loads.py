"""Congestion as reports tell it: intervals of links, cut to the window, and what was measured at all. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime

from dashboards.reports.record import Congested
from inventory.models import Inventory
from monitor.load_store import CongestionRow

__all__ = ["congested"]


def congested(
    rows: Iterable[CongestionRow], inventory: Inventory, *, since: datetime, until: datetime
) -> tuple[Congested, ...]:
    """Answer the congestions of the window ``since`` to ``until``, by start; a link that is gone keeps its code."""
    found = []
    for row in rows:
        start, end = max(row.started_at, since), min(row.ended_at or row.until, until)
        if start < end:
            link = inventory.links.get(row.link)
            found.append(
                Congested(
                    identifier=f"{row.link}/{row.direction}/{row.started_at.astimezone(UTC):%Y%m%dT%H%MZ}",
                    link=row.link,
                    name=link.name if link else row.link,
                    carrier=row.carrier,
                    direction=row.direction,
                    started_at=start,
                    ended_at=end,
                    is_open=row.ended_at is None or row.ended_at > until,
                    peak=row.peak,
                    norm=row.norm,
                )
            )
    return tuple(sorted(found, key=lambda each: (each.started_at, each.identifier)))
