"""Putting the pages together from what lies to their left; the composition root calls this once."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.aid_service import AidService
from alerting.attachments import EvidenceFolder
from alerting.drill_service import DrillService
from alerting.endpoint_service import EndpointService
from alerting.handover_service import HandoverService
from alerting.inspection_service import InspectionService
from alerting.notify.event import EventChannel
from alerting.rollcall_service import RollCallService
from alerting.roster_imports import RosterImports
from alerting.roster_links import RosterLinks
from alerting.roster_service import RosterService
from alerting.settings import EventSettings
from alerting.swap_service import SwapService
from dashboards.api_tokens import ApiTokens
from dashboards.auth import AuthService
from dashboards.deps import Acting, Deps, Monitoring
from dashboards.federation import Federation
from dashboards.live import Hub
from dashboards.maps import Maps
from dashboards.passwords import Passwords
from dashboards.records import StoredRecords
from dashboards.reports.sending import ReportSending
from dashboards.reports.service import ReportService
from dashboards.second_factor import SecondFactors
from dashboards.settings import PagesSettings
from dashboards.views.search import Index
from inventory.drawn import Draw
from inventory.models import Inventory, Target
from inventory.sealing import Sealing
from monitor.load_reading import LoadReading
from monitor.look_now import LookNow
from monitor.metrics import VantageFigures
from monitor.models import Verdict
from monitor.planned_service import PlannedService
from probes.once import OnceSeen

__all__ = ["assemble"]


def assemble(
    *,
    database: AsyncEngine,
    monitor: Monitoring,
    alerting: Acting,
    clock: Callable[[], datetime],
    token: Callable[[], str],
    sealing: Sealing,
    settings: PagesSettings,
    passwords: Passwords | None = None,
    planned: PlannedService | None = None,
    look_now: LookNow | None = None,
    aid: AidService | None = None,
    figures: Callable[[], Mapping[str, VantageFigures]] = dict,
    files: EvidenceFolder | None = None,
    draw: Draw | None = None,
    endpoints: EndpointService | None = None,
) -> Deps:
    """Answer what the pages stand on. ``token`` also names this process life for the live stream."""
    roster = RosterService(
        database=database, inventory=lambda: monitor.inventory, clock=clock, token=token, draw=draw
    )
    return Deps(
        monitor=monitor,
        alerting=alerting,
        records=StoredRecords(database, monitor),
        planned=planned or _planned(database, monitor, clock),
        look_now=look_now or _blind(database, monitor, clock),
        aid=aid or _aid(database, monitor, alerting, clock),
        **_reports(database, monitor, clock, draw, public_url=settings.public_url),
        auth=AuthService(
            database=database, clock=clock, token=token, settings=settings, passwords=passwords or Passwords()
        ),
        factors=SecondFactors(database=database, sealing=sealing, clock=clock, token=token),
        tokens=ApiTokens(database=database, clock=clock, token=token, draw=draw),
        federation=_federation(database, clock, token, settings),
        roster=roster,
        handing=HandoverService(roster),
        swapping=SwapService(roster, public_url=settings.public_url),
        **_field(database, monitor, clock, files, draw),
        endpoints=endpoints or _endpoints(database, sealing, clock, token, settings.public_url),
        imports=RosterImports(roster, token=token),
        roster_links=RosterLinks(token),
        figures=figures,
        hub=Hub(boot=token()[:12]),
        maps=Maps(),
        index=Index(),
        clock=clock,
        token=token,
        settings=settings,
    )


class _Reports(TypedDict):
    reports: ReportService
    sending: ReportSending


def _reports(
    database: AsyncEngine,
    monitor: Monitoring,
    clock: Callable[[], datetime],
    draw: Draw | None,
    *,
    public_url: str,
) -> _Reports:
    return _Reports(
        reports=ReportService(
            database=database, places=lambda: (monitor.inventory, monitor.topology), clock=clock, draw=draw
        ),
        sending=ReportSending(
            database=database, inventory=lambda: monitor.inventory, clock=clock, public_url=public_url
        ),
    )


class _Field(TypedDict):
    loads: LoadReading
    drills: DrillService
    inspections: InspectionService
    rollcall: RollCallService


def _field(
    database: AsyncEngine,
    monitor: Monitoring,
    clock: Callable[[], datetime],
    files: EvidenceFolder | None,
    draw: Draw | None,
) -> _Field:
    def inventory() -> Inventory:
        return monitor.inventory

    return _Field(
        loads=LoadReading(database, monitor),
        drills=DrillService(database=database, inventory=inventory, clock=clock, draw=draw),
        inspections=InspectionService(
            database=database, inventory=inventory, clock=clock, folder=files, draw=draw
        ),
        rollcall=RollCallService(database=database, inventory=inventory, clock=clock),
    )


def _federation(
    database: AsyncEngine, clock: Callable[[], datetime], token: Callable[[], str], settings: PagesSettings
) -> Federation | None:
    if settings.oidc is None:
        return None
    return Federation(
        settings=settings.oidc,
        database=database,
        clock=clock,
        token=token,
        public_url=settings.public_url,
    )


def _endpoints(
    database: AsyncEngine,
    sealing: Sealing,
    clock: Callable[[], datetime],
    token: Callable[[], str],
    public_url: str,
) -> EndpointService:
    channel = EventChannel(
        EventSettings(),
        database=database,
        sealing=sealing,
        clock=clock,
        public_url=public_url,
        party_name=str,
    )
    return EndpointService(database=database, sealing=sealing, clock=clock, token=token, channel=channel)


def _planned(database: AsyncEngine, monitor: Monitoring, clock: Callable[[], datetime]) -> PlannedService:
    return PlannedService(database=database, inventory=lambda: monitor.inventory, clock=clock)


def _aid(
    database: AsyncEngine, monitor: Monitoring, alerting: Acting, clock: Callable[[], datetime]
) -> AidService:
    def verdicts() -> dict[str, Verdict]:
        return {code: site.verdict for code, site in monitor.snapshot().sites.items()}

    return AidService(database=database, alerting=alerting, clock=clock, verdicts=verdicts)


def _blind(database: AsyncEngine, monitor: Monitoring, clock: Callable[[], datetime]) -> LookNow:
    """Answer what says, in a process without a vantage, that it does not look."""

    async def nowhere(_target: Target, _granted: float | None) -> OnceSeen:
        raise ConnectionError("this process does not look")

    return LookNow(
        database=database,
        places=lambda: (monitor.inventory, monitor.topology),
        look=nowhere,
        clock=clock,
        monotonic=lambda: clock().timestamp(),
    )
