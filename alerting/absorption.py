"""What a belief does to incidents: a cause that went down or came up opens, grows, restores or reopens one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.actions import unpaused
from alerting.case import Case
from alerting.direction import escalate
from alerting.families import merge
from alerting.models import LIVE, Incident, IncidentEvent, IncidentState
from alerting.numbers import Numbers
from alerting.paging import begin, inform, resume, stop
from alerting.planned import quiet_until
from alerting.province import Province
from alerting.run_store import active_run
from alerting.severity import Weight, graver, severity_of, weigh
from alerting.store import add_outages, latest_of_condition
from alerting.store import incident as read_incident
from alerting.titles import titles
from inventory.models import Phase, Severity
from monitor.models import StateChange

__all__ = ["REOPEN_WITHIN", "absorb_cause"]

REOPEN_WITHIN = timedelta(minutes=60)
"""A cause that fails again this soon after it was resolved was not resolved; later it is a new matter."""
REOPEN_TALLY_WITHIN = timedelta(hours=24)
"""The same for a tally server on election day."""

DOWN = "down"


@dataclass(frozen=True, slots=True)
class _Cause:
    """One row of belief about a cause, weighed against the province at the moment of acting."""

    change: StateChange
    weight: Weight
    province: Province
    at: datetime

    def facts(self) -> dict[str, Any]:
        """Answer what the incident keeps of the row; its targets are kept as rows of their own."""
        evidence = {key: value for key, value in self.change.evidence.items() if key != "targets"}
        return {
            "down": self.change.new == DOWN,
            "evidence": evidence,
            "impact": self.weight.as_facts(),
            "computed": severity_of(self.weight).value,
            "priority": evidence.get("priority", ""),
            "targets": len(self.change.evidence.get("targets", ())),
        }

    def titles(self) -> tuple[str, str]:
        """Answer what the incident is called now, in Vietnamese and in English."""
        return titles(self.change.subject, self.change.evidence, self.weight, self.province)

    def sites(self) -> dict[str, str]:
        """Answer the site that each target speaks for; empty where it speaks for a risk group or is gone."""
        known = self.province.inventory.targets
        site_of = self.province.topology.site_of
        targets = self.change.evidence.get("targets", ())
        return {code: (site_of(code) or "") if code in known else "" for code in targets}


async def absorb_cause(
    connection: AsyncConnection, change: StateChange, province: Province, numbers: Numbers, at: datetime
) -> int | None:
    """Let one cause's change take effect; answers the incident that it changed, if any."""
    last = await latest_of_condition(connection, change.subject)
    if last is not None and await _is_child(connection, last):
        return await _measured(await Case.load(connection, last.id), change, at)
    if change.new != DOWN:
        if last is None or last.state not in LIVE - {IncidentState.RESOLVED}:
            return None
        return await _restored(await Case.load(connection, last.id), change, province, at)
    weight = weigh(
        change.evidence, phase=province.phase(at), inventory=province.inventory, topology=province.topology
    )
    cause = _Cause(change, weight, province, at)
    if last is not None and await _joined(connection, last, change, at):
        return last.id
    if last is None or last.state not in LIVE or _is_past(last, change):
        return await _opened(connection, cause, numbers, earlier=last)
    return await _felt(await Case.load(connection, last.id), cause)


async def _joined(connection: AsyncConnection, last: Incident, change: StateChange, at: datetime) -> bool:
    """Merge an incident into that of the wider cause that took over what it was opened for, if both stand."""
    wider = str(change.evidence.get("into", ""))
    parent = await latest_of_condition(connection, wider) if wider else None
    if parent is None or not {last.state, parent.state} <= LIVE - {IncidentState.RESOLVED}:
        return False
    if (parent.owner, parent.restricted) != (last.owner, last.restricted):
        return False
    child = await Case.load(connection, last.id)
    await merge(
        child, await Case.load(connection, parent.id), at, actor="", note=f"{change.subject} → {wider}"
    )
    return True


async def _is_child(connection: AsyncConnection, last: Incident) -> bool:
    """Answer whether ``last`` is merged into an incident that still stands for its cause."""
    if last.state is not IncidentState.MERGED or last.parent is None:
        return False
    parent = await read_incident(connection, last.parent)
    return parent.state in LIVE - {IncidentState.RESOLVED}


async def _measured(child: Case, change: StateChange, at: datetime) -> int:
    """Write what is measured of a merged incident into its own ledger; its parent is what people act on."""
    down = change.new == DOWN
    spell = {"spell_at": change.at.isoformat()} if down and not child.incident.facts.get("down") else {}
    await child.record(
        IncidentEvent.MEASURED,
        at=at,
        details={"change": change.id, "down": down},
        ended_at=None if down else change.at,
        facts={"down": down, **spell},
    )
    return child.incident.id


def _is_past(last: Incident, change: StateChange) -> bool:
    resolved = last.resolved_at if last.state is IncidentState.RESOLVED else None
    return resolved is not None and change.at - resolved > _reopen_within(last)


def _reopen_within(last: Incident) -> timedelta:
    """Answer how long a resolved cause stays the same matter: a tally server's, on the day, the whole day."""
    on_the_day = last.phase in {Phase.POLL, Phase.TALLY, Phase.RERUN}
    is_tally = bool(last.facts.get("impact", {}).get("tally_sites"))
    return REOPEN_TALLY_WITHIN if on_the_day and is_tally else REOPEN_WITHIN


async def _felt(case: Case, cause: _Cause) -> int | None:
    match case.incident.state:
        case IncidentState.RESOLVED:
            return await _again(case, IncidentEvent.RECURRED, cause)
        case IncidentState.RESTORED:
            return await _again(case, IncidentEvent.VERIFY_FAILED, cause)
        case _:
            return await _grew(case, cause)


async def _opened(
    connection: AsyncConnection, cause: _Cause, numbers: Numbers, *, earlier: Incident | None
) -> int:
    province, at = cause.province, cause.at
    facts = cause.facts()
    owed = province.deadlines(cause.weight.phase, facts["priority"])
    facts |= {
        "spell_at": cause.change.at.isoformat(),
        "acknowledge_by": (at + owed.acknowledge).isoformat(),
        "restore_by": (at + owed.restore).isoformat(),
        "earlier": earlier.number if earlier else "",
    }
    title, title_en = cause.titles()
    incident = Incident(
        id=await numbers.identifier(connection),
        number=await numbers.number(connection, at.astimezone(province.inventory.election.zone)),
        condition=cause.change.subject,
        owner=province.owner(str(cause.change.evidence.get("owner", ""))),
        state=IncidentState.OPEN,
        severity=severity_of(cause.weight),
        phase=cause.weight.phase,
        generation=1,
        title=title,
        title_en=title_en,
        began_at=cause.change.at,
        opened_at=at,
        deadline_at=at + owed.acknowledge,
        facts=facts,
    )
    case = await Case.open(connection, incident, {"change": cause.change.id})
    await _note_outages(case, cause)
    await begin(case, province, at)
    return case.incident.id


async def _grew(case: Case, cause: _Cause) -> int | None:
    facts = cause.facts()
    before = case.incident
    if all(before.facts.get(key) == value for key, value in facts.items()):
        return None
    severity = _regraded(before, severity_of(cause.weight))
    title, title_en = cause.titles()
    await case.record(
        IncidentEvent.GREW,
        at=cause.at,
        details={"change": cause.change.id},
        severity=severity,
        facts=facts,
        title=title,
        title_en=title_en,
    )
    await _note_outages(case, cause)
    if severity is not before.severity or await _must_call_now(case, before, cause.at):
        await escalate(case, before.severity, cause.province, cause.at)
    return case.incident.id


async def _must_call_now(case: Case, before: Incident, at: datetime) -> bool:
    """Answer whether nobody was called because all was planned, and now more is down than that, or for longer."""
    was_quiet = before.state is IncidentState.OPEN and quiet_until(before.facts, before.opened_at) is not None
    if not was_quiet or quiet_until(case.incident.facts, at) is not None:
        return False
    return await active_run(case.connection, before.id) is None


def _regraded(before: Incident, computed: Severity) -> Severity:
    """Answer the severity after growing: what the department lowered stays so until worse is computed than then."""
    lowered_from = before.facts.get("lowered_from")
    if lowered_from and graver(Severity(lowered_from), computed) is Severity(lowered_from):
        return before.severity
    return graver(before.severity, computed)


async def _again(case: Case, event: IncidentEvent, cause: _Cause) -> int:
    """Take back a restoration that did not hold."""
    before = case.incident
    facts = {**cause.facts(), "spell_at": cause.change.at.isoformat(), "claimed_at": None}
    if event is IncidentEvent.VERIFY_FAILED:
        facts["false_restorations"] = before.facts.get("false_restorations", 0) + 1
    held = before.acknowledged_at is not None and event is IncidentEvent.VERIFY_FAILED
    entered = IncidentState.IN_PROGRESS if held else IncidentState.OPEN
    title, title_en = cause.titles()
    await case.record(
        event,
        at=cause.at,
        details={"change": cause.change.id},
        severity=_regraded(before, severity_of(cause.weight)),
        facts=facts,
        deadline_at=cause.province.deadline(before, entered, cause.at),
        title=title,
        title_en=title_en,
    )
    await _note_outages(case, cause)
    if event is IncidentEvent.RECURRED:
        await begin(case, cause.province, cause.at)
    elif not held:
        await resume(case, cause.province, cause.at)
    else:
        await inform(case, "verify_failed", cause.province, cause.at)
    return case.incident.id


async def _restored(case: Case, change: StateChange, province: Province, at: datetime) -> int:
    await stop(case, at)
    await case.record(
        IncidentEvent.RESTORED,
        at=at,
        details={"change": change.id},
        ended_at=change.at,
        deadline_at=province.deadline(case.incident, IncidentState.RESTORED, at),
        facts={"down": False, **unpaused(case, at)},
    )
    await inform(case, "restored", province, at)
    return case.incident.id


async def _note_outages(case: Case, cause: _Cause) -> None:
    await add_outages(
        case.connection,
        case.incident.id,
        cause.sites(),
        started_at=cause.change.at,
        spell_at=datetime.fromisoformat(case.incident.facts["spell_at"]),
    )
