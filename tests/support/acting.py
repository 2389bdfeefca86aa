"""A small province to act in: one district of eleven communes, two carriers, a department, people and shifts.

Day D is 23 May 2021; ``NOON`` lies in the poll. Everything can be varied by keyword.
"""

import asyncio
import itertools
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

import monitor.schema  # noqa: F401 - its tables join the metadata
from alerting import schema
from alerting.attachments import EvidenceFolder
from alerting.incident import deadline_of
from alerting.ledger import fold, verify
from alerting.models import Incident, IncidentState
from alerting.service import AlertingService
from alerting.store import incident, ledger_of, messages_of
from inventory.database import open_engine, reading, transaction
from inventory.models import (
    Agency,
    Area,
    AreaKind,
    Contact,
    ContactChannel,
    Deadlines,
    Duty,
    Election,
    EscalationStep,
    Inventory,
    LookPolicy,
    Medium,
    Party,
    PartyKind,
    Path,
    Person,
    Phase,
    PhaseSpan,
    Policy,
    Priority,
    ProbeKind,
    Risk,
    RiskKind,
    Severity,
    Shift,
    Site,
    SiteKind,
    StepAudience,
    Target,
)
from monitor.models import ChangeReason, SubjectKind
from monitor.schema import state_changes
from tests.support import databases
from tests.support.tables import make_tables

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = date(2021, 5, 23)
NOON = datetime(2021, 5, 23, 5, 0, tzinfo=UTC)
RING = "VNPT-RING-947"
RING_SUBJECT = f"risk:{RING}"
COMMUNES = tuple(f"315{n:02d}" for n in range(1, 12))
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class Clock:
    """A clock that stands until it is told to move."""

    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, **span):
        self.now += timedelta(**span)
        return self.now


def tokens():
    numbers = itertools.count(1)
    return lambda: f"token-{next(numbers):04d}-abcdefghijkl"


def a_person(code, party, name, *, sms="", email="", rides_on="", mail_rides_on="FPT"):
    contacts = []
    if sms:
        contacts.append(Contact(ContactChannel.SMS, sms, rides_on))
    if email:
        contacts.append(Contact(ContactChannel.EMAIL, email, mail_rides_on))
    return Person(code, party, name, contacts=tuple(contacts))


PEOPLE = (
    a_person(
        "vnpt-1",
        "VNPT",
        "Trực ca VNPT 1",
        sms="+84910000001",
        rides_on="VNPT",
        email="truc1@vnpt.invalid",
    ),
    a_person(
        "vnpt-2",
        "VNPT",
        "Trực ca VNPT 2",
        sms="+84860000002",
        rides_on="VIETTEL",
        email="truc2@vnpt.invalid",
    ),
    a_person(
        "stttt-1", "STTTT", "Trực ban Sở 1", sms="+84980000003", rides_on="VIETTEL", email="truc@so.invalid"
    ),
    a_person(
        "stttt-2", "STTTT", "Lãnh đạo Sở", sms="+84980000004", rides_on="VIETTEL", email="lanhdao@so.invalid"
    ),
)


def a_shift(party, duty, person, *, start=NOON - timedelta(hours=6), hours=24, substitute=""):
    return Shift(party, duty, person, start, start + timedelta(hours=hours), substitute)


SHIFTS = (
    a_shift("VNPT", Duty.OPERATIONS, "vnpt-1", substitute="vnpt-2"),
    a_shift("STTTT", Duty.OPERATIONS, "stttt-1"),
    a_shift("STTTT", Duty.LEADERSHIP, "stttt-2"),
)


def a_ladder():
    owner, department = StepAudience.OWNER, StepAudience.DEPARTMENT
    return (
        EscalationStep(timedelta(0), owner, Duty.OPERATIONS),
        EscalationStep(3 * MINUTE, owner, Duty.OPERATIONS, substitute=True),
        EscalationStep(5 * MINUTE, department, Duty.OPERATIONS),
        EscalationStep(8 * MINUTE, department, Duty.LEADERSHIP),
    )


def a_policy(**changes):
    owed = Deadlines(timedelta(minutes=10), timedelta(minutes=30), timedelta(hours=2))
    policy = Policy(
        looks={},
        default_look=LookPolicy(),
        deadlines={},
        default_deadlines=owed,
        escalation=MappingProxyType(dict.fromkeys(Severity, a_ladder())),
        escalation_repeat=timedelta(minutes=5),
        verify_seconds=30.0,
    )
    return replace(policy, **changes)


def an_election():
    def moment(days, hour):
        local = datetime(2021, 5, 23, hour, tzinfo=ZONE) + timedelta(days=days)
        return local.astimezone(UTC)

    spans = (
        PhaseSpan(Phase.PREPARE, moment(-66, 0), moment(-2, 0)),
        PhaseSpan(Phase.READY, moment(-2, 0), moment(0, 5)),
        PhaseSpan(Phase.POLL, moment(0, 5), moment(0, 21)),
        PhaseSpan(Phase.TALLY, moment(0, 19), moment(1, 19)),
        PhaseSpan(Phase.POST, moment(1, 19), moment(10, 0)),
    )
    agency = Agency("Sở Thông tin và Truyền thông", "Department of Information and Communications", "STTTT")
    return Election("bau-cu-2021", "Bầu cử 2021", "Election 2021", DAY, ZONE, agency, spans)


def by_code(records):
    return MappingProxyType({record.code: record for record in records})


def an_inventory(**changes):
    """Eleven communes of Mỹ Xuyên, each with a VNPT fixed line on one ring and a Viettel mobile."""
    areas = [
        Area("94", None, AreaKind.PROVINCE, "Sóc Trăng"),
        Area("947", "94", AreaKind.RURAL_DISTRICT, "Mỹ Xuyên"),
    ]
    sites, paths, targets = [], [], []
    for number, code in enumerate(COMMUNES, start=1):
        areas.append(Area(code, "947", AreaKind.COMMUNE, f"Xã {number}"))
        site = f"UB-{code}"
        sites.append(
            Site(site, code, SiteKind.COMMUNE_COMMITTEE, f"UBND Xã {number}", Priority.B, voters=3000)
        )
        paths.append(Path(f"{site}-DT", site, Medium.FIXED_LINE, "VNPT", risks=(RING,)))
        paths.append(Path(f"{site}-DD", site, Medium.MOBILE, "VIETTEL", risks=(f"VT-BTS-{code}",)))
        targets.append(Target(f"{site}-DT-1", f"{site}-DT", ProbeKind.ICMP, f"127.9.4.{number}"))
        targets.append(Target(f"{site}-DD-1", f"{site}-DD", ProbeKind.ICMP, f"127.9.5.{number}"))
    risks = [Risk(RING, RiskKind.RING, "Vòng ring Mỹ Xuyên", "VNPT", area="947")]
    risks += [Risk(f"VT-BTS-{code}", RiskKind.BTS, f"BTS {code}", "VIETTEL", area=code) for code in COMMUNES]
    parties = (
        Party("STTTT", PartyKind.DEPARTMENT, "Sở TTTT", duties=(Duty.OPERATIONS, Duty.LEADERSHIP)),
        Party("VNPT", PartyKind.CARRIER, "VNPT Sóc Trăng", duties=(Duty.OPERATIONS,)),
        Party("VIETTEL", PartyKind.CARRIER, "Viettel Sóc Trăng", duties=(Duty.OPERATIONS,)),
    )
    inventory = Inventory(
        election=an_election(),
        policy=a_policy(),
        parties=by_code(parties),
        vantages=MappingProxyType({}),
        areas=by_code(areas),
        sites=by_code(sites),
        paths=by_code(paths),
        risks=by_code(risks),
        links=MappingProxyType({}),
        targets=by_code(targets),
        people=by_code(PEOPLE),
        shifts=SHIFTS,
        digest="small",
    )
    return replace(inventory, **changes)


def ring_evidence(*, communes=3, isolated=0, owner="VNPT", **changes):
    """What a CAUSE row tells of the ring with so many communes cut, of which so many have nothing left."""
    sites = [f"UB-{code}" for code in COMMUNES[:communes]]
    return {
        "owner": owner,
        "sites": sites,
        "paths": [f"{site}-DT" for site in sites],
        "targets": [f"{site}-DT-1" for site in sites],
        "priority": "B",
        "last_path": sites[isolated:],
        "isolated": sites[:isolated],
        "explanation": {"vi": "Vòng ring đứt", "en": "The ring is cut"},
        **changes,
    }


def an_incident(**changes):
    """An open incident as a value, with a deadline that runs."""
    owed = a_policy().default_deadlines
    incident = Incident(
        id=1,
        number="SC-21-0001",
        condition=RING_SUBJECT,
        owner="VNPT",
        state=IncidentState.OPEN,
        severity=Severity.P2,
        phase=Phase.POLL,
        generation=1,
        title="Vòng ring",
        title_en="Ring",
        began_at=NOON - 5 * SECOND,
        opened_at=NOON,
        deadline_at=deadline_of(IncidentState.OPEN, NOON, deadlines=owed, verify=30 * SECOND),
    )
    return replace(incident, **changes)


class DutyRoom:
    """The service on a real database file, a clock to move, and questions to ask afterwards."""

    def __init__(self, database, service, clock):
        self.database = database
        self.service = service
        self.clock = clock
        self.changed = []
        service.subscribe(self.changed.extend)

    async def believe(
        self, subject=RING_SUBJECT, new="down", *, at=None, evidence=None, kind=SubjectKind.CAUSE
    ):
        """Store a row of belief, as the monitor would; answers its id."""
        row = {
            "kind": kind.value,
            "subject": subject,
            "old": "up" if new == "down" else "down",
            "new": new,
            "at": at or self.clock() - 5 * SECOND,
            "noticed_at": self.clock(),
            "reason": ChangeReason.EXPLAINED.value,
            "evidence": ring_evidence() if evidence is None else evidence,
        }
        async with transaction(self.database) as connection:
            added = await connection.execute(insert(state_changes).values(**row))
        return added.inserted_primary_key[0]

    async def cut(self, **evidence):
        """Believe that the ring is down and act on it; answers the incident."""
        await self.believe(evidence=ring_evidence(**evidence))
        await self.service.absorb()
        return await self.incident()

    async def mend(self, at=None):
        """Believe that the ring is up again and act on it; answers the incident."""
        await self.believe(new="up", at=at)
        await self.service.absorb()
        return await self.incident()

    async def pass_time(self, **span):
        """Move the clock and do what is due, second by second of deadlines rather than of time."""
        until = self.clock() + timedelta(**span)
        while (due := await self.service.next_due()) is not None and due <= until:
            self.clock.now = max(due, self.clock())
            await self.service.tick()
        self.clock.now = until

    async def incidents(self):
        async with reading(self.database) as connection:
            return [await incident(connection, identifier) for identifier in await self._numbers(connection)]

    @staticmethod
    async def _numbers(connection):
        known = schema.incidents.c
        return (
            (
                await connection.execute(
                    select(known.id).where(known.condition.not_like("roster:%")).order_by(known.id)
                )
            )
            .scalars()
            .all()
        )

    async def incident(self, identifier=None):
        """Read one incident (the newest by default) and hold it against its own ledger."""
        async with reading(self.database) as connection:  # one snapshot: the service may be writing beside us
            number = identifier or (await self._numbers(connection))[-1]
            chosen = await incident(connection, number)
            entries = await ledger_of(connection, number)
        assert verify(entries) is None
        assert fold(entries) == chosen
        return chosen

    async def gaps(self):
        """Answer the incidents that were opened for duties that nobody held."""
        known = schema.incidents.c
        async with reading(self.database) as connection:
            query = select(known.id).where(known.condition.like("roster:%")).order_by(known.id)
            return [await incident(connection, each) for each in (await connection.execute(query)).scalars()]

    async def ledger(self, identifier):
        async with reading(self.database) as connection:
            return await ledger_of(connection, identifier)

    async def events(self, identifier=1):
        return [entry.event.value for entry in await self.ledger(identifier)]

    async def messages(self, identifier=1):
        async with reading(self.database) as connection:
            return await messages_of(connection, identifier)

    async def pages(self, identifier=1):
        """Answer (person, channel, state) of every page."""
        return [
            (m.person, m.channel.value, m.state.value)
            for m in await self.messages(identifier)
            if m.kind == "page"
        ]

    async def notices(self, identifier=1):
        """Answer (what, person) of every notice."""
        return [(m.body["what"], m.person) for m in await self.messages(identifier) if m.kind == "notice"]


@asynccontextmanager
async def a_database(url):
    """A real database with every table."""
    engine = open_engine(url)
    await make_tables(engine)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def a_duty_room(tmp_path, *, inventory=None, clock=None, url="", chance=None):
    """The service over a database file in ``tmp_path``, or over the database at ``url``."""
    async with a_database(url or databases.at(tmp_path / "acting.sqlite")) as engine:
        yield over(
            engine, tmp_path, inventory=inventory or an_inventory(), clock=clock or Clock(), chance=chance
        )


def over(engine, folder, *, inventory, clock, chance=None):
    """The service over a database that is open and has its tables."""
    service = AlertingService(
        database=engine,
        inventory=inventory,
        clock=clock,
        token=tokens(),
        public_url="https://ts.invalid",
        chance=chance,
        evidence=EvidenceFolder(folder / "evidence"),
    )
    return DutyRoom(engine, service, clock)


async def until(condition, *, within=60.0):
    """Wait for an awaitable condition to hold, with a deadline; answers what it answered."""
    async with asyncio.timeout(within):
        while not (answer := await condition()):
            await asyncio.sleep(0.01)
        return answer
