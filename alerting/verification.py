"""Whether what was restored is: what the probes saw, or what a call to the place told.

Each function holds one case of one transaction, like those of :mod:`alerting.actions`.
"""

from datetime import datetime
from typing import Any

from alerting.actions import noted, require
from alerting.case import SYSTEM, Case
from alerting.families import release_those_still_down
from alerting.models import IncidentEvent, IncidentState
from alerting.paging import inform, resume
from alerting.province import Province
from alerting.reported import CALLBACK

__all__ = ["meet_verification", "not_restored", "verify"]


async def meet_verification(case: Case, province: Province, at: datetime) -> None:
    """Believe a restoration that held, whoever claimed it; take back one that the probes never saw.

    What no probe sees is believed when somebody has called the place, and until then the officer is reminded.
    """
    if case.incident.facts.get("verify") == CALLBACK and case.incident.ended_at is None:
        again = at + province.inventory.policy.escalation_repeat
        await case.record(IncidentEvent.ESCALATED, at=at, details={"call": True}, deadline_at=again)
        await inform(case, "callback_due", province, at)
    elif case.incident.facts.get("down", False):
        await not_restored(case, province, at, actor=SYSTEM)
    else:
        due_at = province.deadline(case.incident, IncidentState.RESOLVED, at)
        await case.record(IncidentEvent.VERIFIED, at=at, deadline_at=due_at)
        await inform(case, "resolved", province, at)
        await release_those_still_down(case, province, at, actor=SYSTEM)


async def verify(
    case: Case, province: Province, at: datetime, *, actor: str, holds: bool, note: str = ""
) -> None:
    """Say what a call to the place told: service is back (``holds``), or it is not.

    The fault of an incident that no probe sees ends where it was claimed to have ended.
    """
    if holds:
        held = case.incident
        claimed_at = datetime.fromisoformat(held.facts.get("claimed_at") or at.isoformat())
        await case.record(
            IncidentEvent.VERIFIED,
            at=at,
            actor=actor,
            details=noted(note),
            ended_at=held.ended_at or claimed_at,
            facts={"down": False},
            deadline_at=province.deadline(held, IncidentState.RESOLVED, at),
        )
        await inform(case, "resolved", province, at)
        await release_those_still_down(case, province, at, actor=actor)
        return
    require(note, IncidentEvent.VERIFY_FAILED)
    await not_restored(case, province, at, actor=actor, note=note)


async def not_restored(
    case: Case, province: Province, at: datetime, *, actor: str, note: str = "", **facts: Any
) -> None:
    """Take back a restoration: to whoever holds the incident, or to the ladder where nobody does."""
    held = case.incident.acknowledged_at is not None
    entered = IncidentState.IN_PROGRESS if held else IncidentState.OPEN
    failures = case.incident.facts.get("false_restorations", 0) + 1
    await case.record(
        IncidentEvent.VERIFY_FAILED,
        at=at,
        actor=actor,
        details=noted(note),
        facts={**facts, "false_restorations": failures, "claimed_at": None},
        deadline_at=province.deadline(case.incident, entered, at),
    )
    await inform(case, "verify_failed", province, at)
    if not held:
        await resume(case, province, at)
