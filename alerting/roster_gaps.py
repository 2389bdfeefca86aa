"""The incident of a duty that nobody could be called for: whose it is, what it is called, when it is over. Pure.

The party that left the duty empty cannot be called for it, so the department answers for the incident until somebody
who can be reached holds the duty.
"""

from collections.abc import Mapping
from datetime import datetime

from alerting.escalation import RosterGap
from alerting.models import Incident, IncidentState
from alerting.oncall import on_duty, reachable
from alerting.province import Province
from alerting.severity import Impact, Weight, severity_of
from inventory.models import Duty, Inventory

__all__ = ["condition_of", "gap_incident", "is_filled", "is_gap"]

_PREFIX = "roster:"
_DUTIES: Mapping[Duty, tuple[str, str]] = {
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


def condition_of(party: str, duty: Duty) -> str:
    """Answer what stands for a duty of a party among the conditions of incidents."""
    return f"{_PREFIX}{party}.{duty.value}"


def is_gap(condition: str) -> bool:
    """Answer whether an incident was opened for a duty that nobody held."""
    return condition.startswith(_PREFIX)


def is_filled(condition: str, inventory: Inventory, at: datetime) -> bool:
    """Answer whether somebody who can be reached holds the duty that ``condition`` stands for."""
    party, _, duty = condition.removeprefix(_PREFIX).rpartition(".")
    shift = on_duty(inventory.shifts, party=party, duty=Duty(duty), at=at)
    return shift is not None and reachable(inventory.people.get(shift.person))


def gap_incident(
    gap: RosterGap, province: Province, at: datetime, *, identifier: int, number: str
) -> Incident:
    """Make the incident of a gap that was met at ``at``."""
    vi, en = _DUTIES[gap.duty]
    name = province.party_name(gap.party)
    weight = Weight(Impact.REDUNDANT_PATH, province.phase(at), 0, 0, 0, 0, 0)
    owed = province.deadlines(weight.phase, "")
    return Incident(
        id=identifier,
        number=number,
        condition=condition_of(gap.party, gap.duty),
        owner=province.department,
        state=IncidentState.OPEN,
        severity=severity_of(weight),
        phase=weight.phase,
        generation=1,
        title=f"Thiếu người trực: {vi}, {name}",
        title_en=f"Nobody on duty: {en}, {name}",
        began_at=at,
        opened_at=at,
        deadline_at=at + owed.acknowledge,
        facts={
            "gap": {"party": gap.party, "duty": gap.duty.value, "person": gap.person},
            "down": True,
            "evidence": {"sites": []},
            "impact": weight.as_facts(),
            "computed": severity_of(weight).value,
            "priority": "",
            "acknowledge_by": (at + owed.acknowledge).isoformat(),
            "restore_by": (at + owed.restore).isoformat(),
        },
    )
