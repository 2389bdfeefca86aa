"""Disputes: a party does not accept the cause, that it is its matter, or what is said of the restoration.

A dispute runs beside the incident's own deadline and never leaves it without an owner: while it is disputed whose
it is, the department answers for it. The leader on duty decides; until that, the leader is paged again and again.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from alerting.actions import noted, report_restored, require
from alerting.case import Case
from alerting.direction import hand_over, reopen
from alerting.errors import ImpossibleDeedError, UnknownPartyError
from alerting.models import CauseClass, DisputeKind, IncidentEvent, IncidentState
from alerting.paging import call_leader, inform
from alerting.province import Province
from alerting.timers import DECIDE, started, stopped
from alerting.verification import not_restored, verify

__all__ = ["decide", "dispute", "open_dispute"]


def open_dispute(facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Answer the dispute that waits for a decision, if there is one."""
    found: Mapping[str, Any] | None = facts.get("dispute")
    return found if found and not found.get("decided_at") else None


async def dispute(
    case: Case,
    province: Province,
    at: datetime,
    *,
    actor: str,
    kind: DisputeKind,
    note: str,
    cause: CauseClass | None = None,
) -> None:
    """Refuse to accept something of the incident; ``cause`` is what the party takes for the true one."""
    require(note, IncidentEvent.DISPUTED)
    held = case.incident
    if open_dispute(held.facts) is not None:
        raise ImpossibleDeedError("a dispute about it waits for a decision already")
    if kind is DisputeKind.OWNER and held.owner == province.department:
        raise ImpossibleDeedError("the department answers for it; reassign it instead")
    owed = province.deadlines(held.phase, str(held.facts.get("priority", "")))
    until = at + owed.temporary
    told = {
        "kind": kind.value,
        "by": actor,
        "at": at.astimezone(UTC).isoformat(),
        "decide_by": until.astimezone(UTC).isoformat(),
        "note": note.strip(),
        "owner": held.owner,
        "cause": cause.value if cause else None,
    }
    await case.record(
        IncidentEvent.DISPUTED,
        at=at,
        actor=actor,
        details={**noted(note), "kind": kind.value},
        facts={"dispute": told, **started(held, DECIDE, until)},
    )
    if kind is DisputeKind.OWNER:
        await hand_over(case, province, at, actor=actor, owner=province.department, note="")
    await inform(case, "disputed", province, at)
    await call_leader(case, DECIDE, province, at)


async def decide(
    case: Case,
    province: Province,
    at: datetime,
    *,
    actor: str,
    upheld: bool,
    note: str,
    owner: str = "",
) -> None:
    """Decide the dispute that is open: ``upheld`` when the party is right, then with the ``owner`` it truly has."""
    require(note, IncidentEvent.DECIDED)
    told = open_dispute(case.incident.facts)
    if told is None:
        raise ImpossibleDeedError("there is no dispute to decide")
    kind = DisputeKind(told["kind"])
    if kind is DisputeKind.OWNER and upheld and owner not in province.inventory.parties:
        raise UnknownPartyError("party", owner)
    cause = CauseClass(told["cause"]) if kind is DisputeKind.CAUSE and upheld and told["cause"] else None
    await case.record(
        IncidentEvent.DECIDED,
        at=at,
        actor=actor,
        details={**noted(note), "kind": kind.value, "upheld": upheld},
        facts={
            "dispute": {
                **told,
                "decided_at": at.astimezone(UTC).isoformat(),
                "decided_by": actor,
                "upheld": upheld,
            },
            **stopped(case.incident, DECIDE),
        },
        **({"cause": cause} if cause else {}),
    )
    if kind is DisputeKind.OWNER:
        accountable = owner if upheld else str(told["owner"])
        if accountable != case.incident.owner:
            await hand_over(case, province, at, actor=actor, owner=accountable, note="")
    elif kind is DisputeKind.RESTORATION and upheld:
        await _restoration(case, province, at, actor=actor, note=note)
    await inform(case, "decided", province, at)


async def _restoration(case: Case, province: Province, at: datetime, *, actor: str, note: str) -> None:
    """Turn what is believed of the restoration: what was held to be back is not, what was held to be down is back."""
    match case.incident.state:
        case IncidentState.RESTORED:
            await not_restored(case, province, at, actor=actor, note=note)
        case IncidentState.RESOLVED:
            await reopen(case, province, at, actor=actor, note=note)
        case _:
            await report_restored(case, province, at, actor=actor, note=note)
            await verify(case, province, at, actor=actor, holds=True, note=note)
