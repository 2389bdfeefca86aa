"""A link that is too busy for too long: hours kept, a congestion kept, and one incident for its carrier."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from alerting.models import IncidentState
from inventory.database import reading
from inventory.models import Link, ProbeKind, Severity, Target
from inventory.topology import Topology
from monitor.load_service import LoadService
from monitor.load_store import busy_hours, congestions_between, hours_between
from monitor.measured import MeasureBook
from monitor.metrics import ServiceMetrics
from monitor.moments import nanoseconds
from probes.models import Look, Measure, Outcome, batch_of
from tests.support.acting import NOON, Clock, a_duty_room, an_inventory, by_code

LINK = Link("L-947", "Truyền dẫn VNPT Mỹ Xuyên", "VNPT", "947", "94", capacity_mbps=1000.0)


def a_province():
    probed = Target("L-947-snmp", LINK.code, ProbeKind.SNMP, "127.9.9.1", port=161)
    plain = an_inventory()
    return replace(plain, links=by_code([LINK]), targets=by_code([*plain.targets.values(), probed]))


@dataclass
class Looking:
    """What was measured, as the service that believes has it."""

    inventory: object
    measures: MeasureBook

    @property
    def topology(self):
        return Topology.of(self.inventory)


class Links:
    """A duty room whose clock moves by slots, with what the link carried in each."""

    def __init__(self, room, inventory):
        self.room = room
        self.looking = Looking(inventory, MeasureBook(inventory))
        self.begin()

    def begin(self):
        self.service = LoadService(
            database=self.room.database,
            measured=self.looking,
            clock=self.room.clock,
            metrics=ServiceMetrics(),
        )

    async def carry(self, *mbps):
        """Let five minutes pass for each figure; None: nobody could look."""
        row = list(self.looking.inventory.targets).index("L-947-snmp")
        for number in mbps:
            if number is not None:
                figures = {Measure.RATE_IN_BITS: 1e6, Measure.RATE_OUT_BITS: number * 1e6}
                look = Look(row, nanoseconds(self.room.clock()), Outcome.OK, measures=figures)
                fleet = self.looking.inventory.digest
                self.looking.measures.take(batch_of([look], vantage="V1", fleet=fleet, epoch=1, sequence=1))
            self.room.clock.now += timedelta(minutes=5)
        self.room.clock.now += timedelta(minutes=1)
        await self.service.turn()
        self.room.clock.now -= timedelta(minutes=1)
        await self.room.service.absorb()

    async def kept(self):
        since, until = NOON - timedelta(hours=1), NOON + timedelta(days=1)
        async with reading(self.room.database) as connection:
            return await congestions_between(connection, since, until), await hours_between(
                connection, since, until, link=LINK.code
            )


@pytest.fixture
async def links(tmp_path, database_url):
    inventory = a_province()
    async with a_duty_room(tmp_path, inventory=inventory, clock=Clock(), url=database_url) as room:
        yield Links(room, inventory)


def clock_times(row):
    return [at and at.strftime("%H:%M") for at in (row.started_at, row.until, row.ended_at)]


async def test_a_quarter_of_an_hour_over_the_norm_is_one_incident_of_the_link_s_carrier(links):
    await links.carry(500, 810, 900, 850)
    (incident,) = await links.room.incidents()
    assert (incident.owner, incident.condition, incident.state) == ("VNPT", "load:L-947", IncidentState.OPEN)
    assert incident.title == "Truyền dẫn VNPT Mỹ Xuyên (VNPT): nghẽn"
    assert incident.began_at == NOON + timedelta(minutes=5)
    assert incident.severity is not Severity.P1
    assert incident.facts["evidence"]["explanation"]["vi"].endswith("tải 90 % dung lượng, mức cho phép 80 %")


async def test_nothing_is_said_of_a_peak_of_ten_minutes(links):
    await links.carry(500, 950, 990, 500, 950, 990, 500)
    found, _ = await links.kept()
    assert (await links.room.incidents(), found) == ([], [])


async def test_when_the_load_falls_the_incident_is_restored_and_the_interval_is_kept(links):
    await links.carry(810, 900, 850)
    await links.carry(400)
    (incident,) = await links.room.incidents()
    assert incident.state is IncidentState.RESTORED
    ((row,), _) = await links.kept()
    noon = NOON.astimezone(row.started_at.tzinfo).strftime("%H")
    assert clock_times(row) == [f"{noon}:00", f"{noon}:15", f"{noon}:15"]
    assert (row.carrier, row.direction, round(row.peak, 6), row.norm) == ("VNPT", "out", 0.9, 0.8)


async def test_what_was_over_before_it_was_noticed_is_kept_and_calls_nobody(links):
    await links.carry(810, 900, 850, 400)
    found, _ = await links.kept()
    assert (await links.room.incidents(), len(found)) == ([], 1)


async def test_hours_hold_the_mean_the_peak_and_the_busy_slots(links):
    await links.carry(100, 300)
    await links.carry(800)
    _, hours = await links.kept()
    (out,) = [hour for hour in hours if hour.direction == "out"]
    assert (out.slots, round(out.load, 6), round(out.peak, 6), out.busy) == (3, 0.4, 0.8, 1)


async def test_the_busy_hour_of_a_local_day_is_the_busiest_of_both_directions(links):
    await links.carry(*[100] * 12, *[700] * 12, *[300] * 12)
    async with reading(links.room.database) as connection:
        found = await busy_hours(connection, NOON - timedelta(days=1), NOON + timedelta(days=1))
    zone = links.looking.inventory.election.zone
    (day,) = found[LINK.code]
    assert day == NOON.astimezone(zone).date()
    assert found[LINK.code][day].at == NOON + timedelta(hours=1)
    assert round(found[LINK.code][day].load, 6) == 0.7


async def test_a_restart_goes_on_with_what_lasts(links):
    await links.carry(900, 900, 900)
    links.begin()
    await links.carry(950, 400)
    ((row,), _) = await links.kept()
    assert (row.ended_at - row.started_at, round(row.peak, 6)) == (timedelta(minutes=20), 0.95)
    assert len(await links.room.incidents()) == 1


async def test_what_nobody_measures_any_more_ended_when_it_was_last_seen(links):
    await links.carry(900, 900, 900)
    await links.carry(*[None] * 7)
    ((row,), _) = await links.kept()
    assert row.ended_at == row.until == row.started_at + timedelta(minutes=15)
    (incident,) = await links.room.incidents()
    assert incident.state is IncidentState.RESTORED


async def test_a_link_that_left_the_inventory_is_no_longer_congested(links):
    await links.carry(900, 900, 900)
    links.looking.inventory = an_inventory()
    links.looking.measures.swap(links.looking.inventory)
    links.room.clock.now += timedelta(minutes=5)
    await links.service.turn()
    ((row,), _) = await links.kept()
    assert row.ended_at == row.until


async def test_a_turn_that_the_database_refused_is_taken_again_whole(links, monkeypatch):
    async def refuse(*_given, **_more):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("monitor.load_store.add_slots", refuse)
        with pytest.raises(OSError, match="disk is full"):
            await links.carry(900, 900, 900)
    links.room.clock.now += timedelta(minutes=1)
    await links.service.turn()
    found, hours = await links.kept()
    assert (len(found), [hour.slots for hour in hours]) == (1, [3, 3])
