"""What a person reports becomes an incident like any that probes find: weighed, owned, paged, verified.

It also covers what no probe sees: a suspicious item, a late express letter, misuse of networks, a power cut. Nothing
measures such a matter, so that it is over is verified by a call to the place, never by the passing of time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.case import Case
from alerting.errors import ImpossibleTimeError, MissingReasonError, UnknownPartyError
from alerting.models import Incident, IncidentState, Matter
from alerting.numbers import Numbers
from alerting.paging import begin
from alerting.province import Province
from alerting.severity import Impact, Weight, severity_of
from alerting.store import with_condition
from alerting.titles import reported_titles
from inventory.models import PartyKind, SiteKind

__all__ = ["CALLBACK", "Report", "condition_of_report", "open_reported"]

CALLBACK = "callback"
"""How what nobody measures is verified: somebody calls the place."""

_IMPACT: Mapping[Matter, Impact] = {
    Matter.NO_SERVICE: Impact.ISOLATED,
    Matter.POOR_SERVICE: Impact.DEGRADED,
    Matter.POWER_LOSS: Impact.LAST_PATH,
    Matter.SUSPICIOUS_ITEM: Impact.ISOLATED,
    Matter.LATE_EXPRESS: Impact.LAST_PATH,
    Matter.NETWORK_MISUSE: Impact.LAST_PATH,
    Matter.SECURITY: Impact.ISOLATED,
    Matter.RADIO: Impact.REDUNDANT_PATH,
    Matter.OTHER: Impact.REDUNDANT_PATH,
}
"""How grave each matter counts in the matrix unless the reporter says otherwise; a place on battery is on its last path."""

_OWNER: Mapping[Matter, PartyKind] = {
    Matter.POWER_LOSS: PartyKind.POWER,
    Matter.SUSPICIOUS_ITEM: PartyKind.POST,
    Matter.LATE_EXPRESS: PartyKind.POST,
}
"""Whose matter each is unless the reporter names somebody; for everything else the department sorts it out."""


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody told. ``key`` makes the same report the same incident; ``confirmed``: beyond doubt already."""

    matter: Matter
    text: str
    reporter: str
    key: str
    site: str = ""
    area: str = ""
    owner: str = ""
    caller: str = ""
    phone: str = ""
    occurred_at: datetime | None = None
    impact: Impact | None = None
    confirmed: bool = True
    external: str = ""
    """What the ticket system of ``owner`` that reports it calls it."""

    def as_facts(self) -> dict[str, Any]:
        """Answer what the incident keeps of it, as JSON values."""
        named = {"external": {"id": self.external, "party": self.owner}} if self.external else {}
        return {
            **named,
            "matter": self.matter.value,
            "text": self.text,
            "site": self.site,
            "area": self.area,
            "caller": self.caller,
            "phone": self.phone,
        }


def condition_of_report(key: str) -> str:
    """Answer the condition of what was reported under ``key``."""
    return f"report:{key}"


async def open_reported(
    connection: AsyncConnection, report: Report, province: Province, numbers: Numbers, at: datetime
) -> tuple[Case, bool]:
    """Open the incident of ``report``; answers it, and whether it is new."""
    condition = condition_of_report(report.key)
    known = await with_condition(connection, condition)
    if known is not None:
        return await Case.load(connection, known.id), False
    _check(report, province, at)
    weight = _weigh(report, province, at)
    priority = _priority(report, province)
    owed = province.deadlines(weight.phase, priority)
    state = IncidentState.OPEN if report.confirmed else IncidentState.SUSPECTED
    title, title_en = reported_titles(report.matter, _place(report, province))
    began_at = report.occurred_at or at
    incident = Incident(
        id=await numbers.identifier(connection),
        number=await numbers.number(connection, at.astimezone(province.inventory.election.zone)),
        condition=condition,
        owner=_owner(report, province),
        state=state,
        severity=severity_of(weight),
        phase=weight.phase,
        generation=1 if report.confirmed else 0,
        title=title,
        title_en=title_en,
        began_at=began_at,
        opened_at=at,
        deadline_at=at + owed.acknowledge,
        restricted=report.matter.is_restricted,
        facts={
            "report": report.as_facts(),
            "verify": CALLBACK,
            "down": True,
            "evidence": {"sites": [report.site] if report.site else []},
            "impact": weight.as_facts(),
            "computed": severity_of(weight).value,
            "priority": priority,
            "acknowledge_by": (at + owed.acknowledge).isoformat(),
            "restore_by": (at + owed.restore).isoformat(),
        },
    )
    case = await Case.open(connection, incident, {"note": report.text}, actor=report.reporter)
    if report.confirmed:
        await begin(case, province, at)
    return case, True


def _check(report: Report, province: Province, at: datetime) -> None:
    inventory = province.inventory
    if not report.text.strip():
        raise MissingReasonError("a report", "a note")
    if report.site and report.site not in inventory.sites:
        raise UnknownPartyError("site", report.site)
    if report.area and report.area not in inventory.areas:
        raise UnknownPartyError("area", report.area)
    if report.owner and report.owner not in inventory.parties:
        raise UnknownPartyError("party", report.owner)
    if report.occurred_at is not None and report.occurred_at > at:
        raise ImpossibleTimeError(report.occurred_at, at, is_past=True)


def _owner(report: Report, province: Province) -> str:
    if report.owner:
        return report.owner
    kind = _OWNER.get(report.matter)
    parties = province.inventory.parties.values()
    return min((party.code for party in parties if party.kind is kind), default=province.department)


def _priority(report: Report, province: Province) -> str:
    site = province.inventory.sites.get(report.site)
    return site.priority.value if site else "B"


def _place(report: Report, province: Province) -> str:
    site = province.inventory.sites.get(report.site)
    area = province.inventory.areas.get(report.area)
    return site.name if site else area.name if area else ""


def _weigh(report: Report, province: Province, at: datetime) -> Weight:
    site = province.inventory.sites.get(report.site)
    impact = report.impact or _IMPACT[report.matter]
    is_tally = site is not None and site.kind is SiteKind.TALLY_SERVER and report.matter is Matter.NO_SERVICE
    if is_tally and report.impact is None:
        impact = Impact.TALLY_OR_WHOLE_CARRIER
    return Weight(
        impact=impact,
        phase=province.phase(at),
        sites=1 if site else 0,
        communes=1 if site or report.area else 0,
        voters=(site.voters or 0) if site else 0,
        isolated=1 if impact is Impact.ISOLATED and site else 0,
        last_path=1 if impact is Impact.LAST_PATH and site else 0,
        tally_sites=(site.code,) if is_tally and site else (),
    )
