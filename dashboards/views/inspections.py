"""Inspections as lists: which areas have been visited, which findings are left. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerting.inspections import Finding, FindingState, Inspection, InspectionState
from inventory.models import Area, AreaKind, Inventory

__all__ = ["Coverage", "OpenFinding", "areas_to_inspect", "coverage", "open_findings"]

_COMMUNES = {AreaKind.COMMUNE, AreaKind.WARD, AreaKind.TOWNSHIP}
_ORDER = {FindingState.LATE: 0, FindingState.OPEN: 1, FindingState.FIXED: 2}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the areas that must be inspected were visited, and which were not."""

    visited: int
    total: int
    missing: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A finding that is not verified, with where it was found."""

    finding: Finding
    area: str
    state: FindingState


def areas_to_inspect(inventory: Inventory) -> tuple[Area, ...]:
    """Answer what a campaign goes through: every district, or every commune where there are no districts (since 2025)."""
    communes = [area for area in inventory.areas.values() if area.kind in _COMMUNES]
    districts = {area.parent for area in communes if area.parent}
    found = [inventory.areas[code] for code in districts if code in inventory.areas]
    middle = [area for area in found if area.parent is not None]
    return tuple(sorted(middle or communes, key=lambda area: area.code))


def coverage(found: Iterable[Inspection], inventory: Inventory) -> Coverage:
    """Answer how far the campaign is; a visit of a commune counts for its district."""
    wanted = areas_to_inspect(inventory)
    codes = {area.code for area in wanted}
    done: set[str] = set()
    for one in found:
        if one.state in {InspectionState.VISITED, InspectionState.CLOSED}:
            code: str | None = one.area
            while code is not None and code not in codes:
                area = inventory.areas.get(code)
                code = area.parent if area is not None else None
            if code is not None:
                done.add(code)
    return Coverage(len(done), len(wanted), tuple(area for area in wanted if area.code not in done))


def open_findings(found: Sequence[Inspection], at: datetime) -> tuple[OpenFinding, ...]:
    """Answer what is left to mend or to verify, the late first."""
    left = [
        OpenFinding(finding, one.area, finding.state(at))
        for one in found
        for finding in one.findings
        if finding.state(at) is not FindingState.VERIFIED
    ]
    return tuple(sorted(left, key=lambda each: (_ORDER[each.state], each.finding.due_at)))
