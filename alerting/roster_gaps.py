"""The incidents of duties: one that nobody could be called for, one whose handover nobody accepted. Pure.

The party that left the duty empty cannot be called for it, so the department answers for the incident until somebody
who can be reached holds the duty; in the same way it answers for a handover until that is accepted, taken back or over.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerting.escalation import RosterGap
from alerting.handover import Handover
from alerting.models import Incident, IncidentState
from alerting.oncall import on_duty, reachable
from alerting.province import Province
from alerting.severity import Impact, Weight, severity_of
from inventory.models import Duty, Inventory

__all__ = [
    "DUTY_WORDS",
    "PASSING",
    "condition_of",
    "gap_incident",
    "is_filled",
    "is_gap",
    "is_passing",
    "passing_condition",
    "passing_incident",
]

_PREFIX = "roster:"
PASSING = "handover:"
"""How the condition of every incident begins that was opened for a handover."""
DUTY_WORDS: Mapping[Duty, tuple[str, str]] = {
    Duty.LEADERSHIP: ("trực lãnh đạo", "leadership"),
    Duty.COMMAND: ("trực chỉ huy", "command"),
    Duty.OPERATIONS: ("trực ca vận hành", "operations"),
    Duty.RESPONSE: ("trực ứng cứu thông tin", "response"),
    Duty.SOFTWARE_SUPPORT: ("tổ phần mềm", "software support"),
    Duty.HOTLINE: ("trực đường dây nóng", "hotline"),
    Duty.SECURITY_WATCH: ("trực giám sát an toàn thông tin", "security watch"),
    Duty.POST: ("trực bưu chính", "post"),
    Duty.RADIO: ("trực truyền thanh", "radio"),
}
"""Every duty in the words of messages and titles, Vietnamese and English."""


def condition_of(party: str, duty: Duty) -> str:
    """Answer what stands for a duty of a party among the conditions of incidents."""
    return f"{_PREFIX}{party}.{duty.value}"


def is_gap(condition: str) -> bool:
    """Answer whether an incident was opened for a duty that nobody held."""
    return condition.startswith(_PREFIX)


def passing_condition(party: str, duty: Duty) -> str:
    """Answer what stands for the handover of a duty among the conditions of incidents."""
    return f"{PASSING}{party}.{duty.value}"


def is_passing(condition: str) -> bool:
    """Answer whether an incident was opened for a handover that nobody accepted."""
    return condition.startswith(PASSING)


def is_filled(condition: str, inventory: Inventory, at: datetime) -> bool:
    """Answer whether somebody who can be reached holds the duty that ``condition`` stands for."""
    party, _, duty = condition.removeprefix(_PREFIX).rpartition(".")
    shift = on_duty(inventory.shifts, party=party, duty=Duty(duty), at=at)
    return shift is not None and reachable(inventory.people.get(shift.person))


def gap_incident(
    gap: RosterGap, province: Province, at: datetime, *, identifier: int, number: str
) -> Incident:
    """Make the incident of a gap that was met at ``at``."""
    return _incident(
        gap,
        ("Thiếu người trực", "Nobody on duty"),
        province,
        at,
        condition=condition_of(gap.party, gap.duty),
        facts={"gap": {"party": gap.party, "duty": gap.duty.value, "person": gap.person}},
        identifier=identifier,
        number=number,
    )


def passing_incident(
    late: Handover, province: Province, at: datetime, *, identifier: int, number: str
) -> Incident:
    """Make the incident of a handover that was found overdue at ``at``."""
    return _incident(
        late,
        ("Chưa nhận bàn giao", "Handover not accepted"),
        province,
        at,
        condition=passing_condition(late.party, late.duty),
        facts={"handover": {"id": late.id, "party": late.party, "duty": late.duty.value}},
        identifier=identifier,
        number=number,
    )


def _incident(
    about: RosterGap | Handover,
    wrong: tuple[str, str],
    province: Province,
    at: datetime,
    *,
    condition: str,
    facts: Mapping[str, Any],
    identifier: int,
    number: str,
) -> Incident:
    """Make the incident of a duty; ``wrong`` says in Vietnamese and in English what is amiss with it."""
    (vi, en), name = DUTY_WORDS[about.duty], province.party_name(about.party)
    weight = Weight(Impact.REDUNDANT_PATH, province.phase(at), 0, 0, 0, 0, 0)
    owed = province.deadlines(weight.phase, "")
    return Incident(
        id=identifier,
        number=number,
        condition=condition,
        owner=province.department,
        state=IncidentState.OPEN,
        severity=severity_of(weight),
        phase=weight.phase,
        generation=1,
        title=f"{wrong[0]}: {vi}, {name}",
        title_en=f"{wrong[1]}: {en}, {name}",
        began_at=at,
        opened_at=at,
        deadline_at=at + owed.acknowledge,
        facts={
            **facts,
            "down": True,
            "evidence": {"sites": []},
            "impact": weight.as_facts(),
            "computed": severity_of(weight).value,
            "priority": "",
            "acknowledge_by": (at + owed.acknowledge).isoformat(),
            "restore_by": (at + owed.restore).isoformat(),
        },
    )
