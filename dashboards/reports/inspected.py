"""Visits of the inspection campaign as reports tell of them: the checklist in words, findings with owner and due date."""

from collections.abc import Iterable

from alerting.inspections import CHECKLIST, Inspection, InspectionState, Result
from dashboards.reports.record import Inspection as Visit
from inventory.models import Inventory

__all__ = ["inspected"]

_PRINTED = {Result.OK: "ok", Result.FAULT: "fault", Result.NOT_HERE: "–"}


def inspected(found: Iterable[Inspection], inventory: Inventory) -> tuple[Visit, ...]:
    """Answer the visits that were made, in the order in which they were."""
    made = [one for one in found if one.state in {InspectionState.VISITED, InspectionState.CLOSED}]
    return tuple(_visit(one, inventory) for one in sorted(made, key=lambda each: (each.planned_at, each.id)))


def _visit(one: Inspection, inventory: Inventory) -> Visit:
    zone, parties = inventory.election.zone, inventory.parties
    answers = tuple(
        (
            words[0],
            _PRINTED[one.answers[code].result] if code in one.answers else "",
            one.answers[code].remark if code in one.answers else "",
        )
        for code, words in CHECKLIST.items()
    )
    findings = tuple(
        (
            each.text,
            parties[each.owner].name if each.owner in parties else each.owner,
            f"{each.due_at.astimezone(zone):%d/%m/%Y}",
        )
        for each in one.findings
    )
    return Visit(
        identifier=f"KT-{one.id}",
        area=one.area,
        at=one.visited_at or one.planned_at,
        inspectors=one.inspectors,
        hosts=one.hosts,
        answers=answers,
        findings=findings,
        is_closed=one.state is InspectionState.CLOSED,
    )
