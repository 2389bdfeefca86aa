"""What pages need from the layers to their left, as the smallest protocols: who builds them is not our business."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerting.aid_service import AidService
from alerting.answers import Answers
from alerting.attached_files import AttachedFiles
from alerting.drill_service import DrillService
from alerting.endpoint_service import EndpointService
from alerting.handover_service import HandoverService
from alerting.inspection_service import InspectionService
from alerting.models import CauseClass, Incident, IncidentState, LedgerEntry, Message
from alerting.reported import Report
from alerting.rollcall_service import RollCallService
from alerting.roster_imports import RosterImports
from alerting.roster_links import RosterLinks
from alerting.roster_service import RosterService
from alerting.service import Deed
from alerting.swap_service import SwapService
from dashboards.api_tokens import ApiTokens
from dashboards.auth import AuthService
from dashboards.federation import Federation
from dashboards.live import Hub
from dashboards.maps import Maps
from dashboards.reports.record import ReportedIncident
from dashboards.reports.sending import ReportSending
from dashboards.reports.service import ReportService
from dashboards.second_factor import SecondFactors
from dashboards.series import Series
from dashboards.settings import PagesSettings
from dashboards.views.search import Index
from inventory.models import ContactChannel, Inventory, Severity
from inventory.topology import Topology
from monitor.load_reading import LoadReading
from monitor.look_now import LookNow
from monitor.measured import MeasureBook
from monitor.metrics import VantageFigures
from monitor.minutes import HistorySlice
from monitor.models import Outage, StateChange, Unobserved
from monitor.planned_service import PlannedService
from monitor.snapshot import Snapshot

__all__ = ["Acting", "Deps", "Minutes", "Monitoring", "Records", "TitledIncident"]


@dataclass(frozen=True, slots=True)
class TitledIncident:
    """An incident as a search knows it."""

    id: int
    number: str
    title: str
    title_en: str
    state: IncidentState
    severity: Severity


class Minutes(Protocol):
    """The history of every target (monitor.history.History)."""

    async def read(
        self, target: str, since: datetime, until: datetime, *, points: int | None = None
    ) -> HistorySlice:
        """Answer the minutes of a target, thinned to ``points`` rows."""


class Monitoring(Protocol):
    """What is believed now (monitor.service.MonitorService)."""

    @property
    def inventory(self) -> Inventory:
        """What exists, as last swapped in."""

    @property
    def topology(self) -> Topology:
        """The same, indexed."""

    @property
    def history(self) -> Minutes:
        """Looks by minute; another one after a swap."""

    @property
    def measures(self) -> MeasureBook:
        """Figures that looks yielded."""

    def snapshot(self) -> Snapshot:
        """Answer everything believed now, as one value."""

    def subscribe(self, callback: Callable[[Sequence[StateChange]], None]) -> Callable[[], None]:
        """Call back after changes were committed; answer how to stop that."""


class Acting(Protocol):
    """What people do to incidents (alerting.service.AlertingService)."""

    async def act(self, incident: int, deed: Deed, *, version: int | None = None) -> Any:
        """Do ``deed`` on the incident in one transaction."""

    async def acknowledge(self, incident: int, *, actor: str, person: str = "", note: str = "") -> Any:
        """Take the incident on; the first one wins."""

    async def progress(self, incident: int, *, actor: str, note: str, eta: datetime | None = None) -> Any:
        """Say how it goes and when it will be done."""

    async def report_restored(self, incident: int, *, actor: str, note: str = "") -> Any:
        """Claim that service is back; measurement verifies it."""

    async def close(self, incident: int, *, actor: str, cause: CauseClass, note: str) -> Any:
        """Name the cause and close."""

    async def note(self, incident: int, *, actor: str, note: str) -> Any:
        """Write into the timeline; changes nothing else."""

    async def merge(self, child: int, into: int, *, actor: str, note: str) -> Any:
        """Lay an incident to the cause of another."""

    async def unmerge(self, child: int, *, actor: str, note: str) -> Any:
        """Let a merged incident stand alone again."""

    async def report(self, report: Report) -> Incident:
        """Open an incident for what somebody told."""

    @property
    def files(self) -> AttachedFiles:
        """Files attached as evidence."""

    @property
    def answers(self) -> Answers:
        """What links and codes of messages stand for, and acknowledging several at once."""

    def subscribe(self, callback: Callable[[Sequence[int]], None]) -> Callable[[], None]:
        """Call back with the incidents that changed, after the commit; answer how to stop that."""


class Records(Protocol):
    """What is stored. ``owner`` is the actor's scope: with one, nobody else's incident is ever read.

    ``restricted``: whether restricted matters are read too; who does not say so does not see them.
    """

    async def live(self, *, owner: str | None, restricted: bool = False) -> tuple[Incident, ...]:
        """Read every incident in which somebody still owes something."""

    async def ended(
        self, *, owner: str | None, limit: int, offset: int, restricted: bool = False
    ) -> tuple[Incident, ...]:
        """Read incidents that are over, newest first."""

    async def incident(self, number: int, *, owner: str | None, restricted: bool = False) -> Incident | None:
        """Read one incident, if it is in scope."""

    async def conducted(self, *, owner: str | None, since: datetime) -> tuple[ReportedIncident, ...]:
        """Read incidents opened since then as reports tell them, without their messages; restricted ones never."""

    async def titles(self, *, owner: str | None, restricted: bool = False) -> tuple[TitledIncident, ...]:
        """Read what incidents are called, the newest first."""

    async def refused_contacts(self) -> Mapping[tuple[ContactChannel, str], str]:
        """Read which contacts a gateway refused for good, and what it said."""

    async def ledger(self, incident: int, *, owner: str | None = None) -> tuple[LedgerEntry, ...]:
        """Read an incident's timeline, oldest first; with ``owner``, of the times in which it was accountable."""

    async def messages(self, incident: int, *, owner: str | None = None) -> tuple[Message, ...]:
        """Read what was sent about an incident, oldest first; with ``owner``, to that party's own people."""

    async def carriers_of(self, messages: Sequence[Message], *, owner: str | None) -> Mapping[int, str]:
        """Read the numbers of the incidents, in scope, whose messages carried some of ``messages`` with them."""

    async def recent(self, *, limit: int) -> tuple[StateChange, ...]:
        """Read the newest changes of sites, causes and vantages, newest first."""

    async def recent_acts(self, *, owner: str | None, limit: int) -> tuple[tuple[Incident, LedgerEntry], ...]:
        """Read the newest ledger entries with their incidents, newest first."""

    async def outages(self, targets: Sequence[str], since: datetime, until: datetime) -> tuple[Outage, ...]:
        """Read outages of targets that touch the interval."""

    async def unobserved(self, since: datetime, until: datetime) -> tuple[Unobserved, ...]:
        """Read when no vantage could look, where that touches the interval."""

    async def series(self, targets: Sequence[str], since: datetime, until: datetime) -> Mapping[str, Series]:
        """Read looks by minute for each target."""


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything that the pages stand on."""

    monitor: Monitoring
    alerting: Acting
    records: Records
    planned: PlannedService
    look_now: LookNow
    loads: LoadReading
    aid: AidService
    reports: ReportService
    sending: ReportSending
    auth: AuthService
    factors: SecondFactors
    tokens: ApiTokens
    federation: Federation | None
    roster: RosterService
    handing: HandoverService
    swapping: SwapService
    drills: DrillService
    inspections: InspectionService
    endpoints: EndpointService
    rollcall: RollCallService
    imports: RosterImports
    roster_links: RosterLinks
    figures: Callable[[], Mapping[str, VantageFigures]]
    """What each vantage of this process counts of its own work."""
    hub: Hub
    maps: Maps
    index: Index
    clock: Callable[[], datetime]
    token: Callable[[], str]
    settings: PagesSettings
