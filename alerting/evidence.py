"""What was found out about an incident by asking the network, written into its ledger beside what people say."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from alerting.case import Case
from alerting.models import LIVE, IncidentEvent
from alerting.province import Province
from probes.traceroute import Route

__all__ = ["TRACED", "attach_routes"]

TRACED: Final = "traced"
"""The fact that names the targets whose routes stand in the ledger."""


async def attach_routes(
    case: Case, _province: Province, at: datetime, *, routes: Mapping[str, Route], vantage: str
) -> None:
    """Write down where the ways to some of its targets break, as seen from ``vantage``; once an incident."""
    if case.incident.state not in LIVE or TRACED in case.incident.facts:
        return
    told = []
    for target, route in routes.items():
        vi, en = route.told()
        hops = [[hop.distance, hop.address, round(hop.rtt * 1000, 2)] for hop in route.hops]
        told.append({"target": target, "address": route.address, "hops": hops, "vi": vi, "en": en})
    await case.record(
        IncidentEvent.NOTE,
        at=at,
        details={"routes": told, "vantage": vantage},
        facts={TRACED: sorted(routes)},
    )
