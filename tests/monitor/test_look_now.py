"""Looking now at a site because a person asks: what is looked at, what never is, how often, and who may know."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from sqlalchemy import select

import inventory.schema
from inventory.database import open_engine
from inventory.models import ProbeKind, Target
from inventory.topology import Topology
from monitor.asked import NotAsked
from monitor.look_now import Asker, LookNow, NoVantageError, TooSoonError, targets_asked
from probes.models import Answer, Outcome
from probes.once import OnceSeen
from tests.support import databases
from tests.support.monitoring import an_inventory
from tests.support.tables import make_tables

AT = datetime(2021, 5, 23, 12, 0, tzinfo=UTC)
OFFICER = Asker("trucban", "10.0.0.7")


def a_place(*more):
    known = an_inventory()
    made = replace(known, targets={**known.targets, **{each.code: each for each in more}})
    return made, Topology.of(made)


class Field:
    """Answers for the network: by target code, OK where nothing else was said; ``hastened`` is what the vantage heard."""

    def __init__(self, database, *more, vantage="V1"):
        self.inventory, self.topology = a_place(*more)
        self.site = next(site for site in self.inventory.sites if self.topology.targets_of_site(site))
        self.answers, self.looked, self.hastened, self.now = {}, [], [], 1000.0
        self.gate = asyncio.Event()
        self.gate.set()
        self.looks = LookNow(
            database=database,
            places=lambda: (self.inventory, self.topology),
            vantage=lambda: vantage,
            look=self._look,
            hasten=self.hastened.extend,
            clock=lambda: AT,
            monotonic=lambda: self.now,
        )

    async def _look(self, target, granted):
        self.looked.append((target.code, granted))
        await self.gate.wait()
        if (answer := self.answers.get(target.code)) is not None and not isinstance(answer, Answer):
            raise answer
        return OnceSeen(answer or Answer(Outcome.OK, rtt=0.004), target.address, 0.0, 0.004)


@pytest_asyncio.fixture
async def database(tmp_path):
    engine = open_engine(databases.at(tmp_path / "looks.db"))
    await make_tables(engine)
    yield engine
    await engine.dispose()


async def audited(database):
    async with database.connect() as connection:
        return (await connection.execute(select(inventory.schema.audit))).all()


async def test_every_address_of_the_site_is_looked_at_once_and_the_vantage_hears_of_it(database):
    field = Field(database)
    targets = field.topology.targets_of_site(field.site)
    field.answers[targets[0]] = Answer(Outcome.TIMEOUT)
    looked = await field.looks.look(field.site, OFFICER)
    assert [each.target.code for each in looked.seen] == list(targets)
    assert [each.seen.answer.outcome for each in looked.seen][:1] == [Outcome.TIMEOUT]
    assert field.hastened == list(targets)
    assert all(granted <= 10 for _, granted in field.looked)
    assert (looked.at, looked.vantage) == (AT, "V1")


async def test_no_telephone_rings_and_nobody_asks_what_reports_by_itself(database):
    path = next(iter(an_inventory().paths))
    ring = Target("CALL", path, ProbeKind.SIP_CALL, "10.9.8.7")
    beat = Target("BEAT", path, ProbeKind.HEARTBEAT, "")
    far = Target("FAR", path, ProbeKind.ICMP, "10.9.8.6", vantages=("V9",))
    field = Field(database, ring, beat, far)
    site = field.inventory.paths[path].site
    looked = await field.looks.look(site, OFFICER, path=path)
    why = {each.target.code: each.why_not for each in looked.seen}
    assert why["CALL"] is NotAsked.RINGS
    assert why["BEAT"] is NotAsked.COMES_TO_US
    assert why["FAR"] is NotAsked.FROM_ELSEWHERE
    assert not {"CALL", "BEAT", "FAR"} & {*field.hastened, *(code for code, _ in field.looked)}


async def test_who_asked_about_what_and_from_where_is_on_record_before_anything_is_sent(database):
    field = Field(database)
    field.gate.clear()
    asking = asyncio.create_task(field.looks.look(field.site, OFFICER))
    async with asyncio.timeout(60):
        while not field.looked:
            await asyncio.sleep(0)
    [entry] = await audited(database)
    field.gate.set()
    await asking
    assert (entry.actor, entry.act, entry.subject) == ("trucban", "looked_now", field.site)
    assert (entry.address, entry.details) == ("10.0.0.7", "V1")


async def test_a_storm_of_clicks_is_no_storm_of_looks_and_says_when_to_come_again(database):
    field = Field(database)
    several = [Asker(f"o{number}") for number in range(10)]
    for asker in several[:3]:
        await field.looks.look(field.site, asker)
    for asker in several[3:]:
        with pytest.raises(TooSoonError) as refused:
            await field.looks.look(field.site, asker)
        assert 0 < refused.value.seconds <= 5
    assert len(await audited(database)) == 3
    field.now += 5
    await field.looks.look(field.site, several[0])


async def test_one_person_cannot_go_round_all_sites_at_once(database):
    field = Field(database)
    sites = [site for site in field.inventory.sites if field.topology.targets_of_site(site)]
    done = await asyncio.gather(
        *(field.looks.look(site, OFFICER) for site in sites * 7), return_exceptions=True
    )
    assert 3 <= sum(not isinstance(each, TooSoonError) for each in done) <= 6


async def test_a_process_without_a_vantage_says_so_and_spends_nobodys_turn(database):
    field = Field(database, vantage="")
    for _ in range(9):
        with pytest.raises(NoVantageError):
            await field.looks.look(field.site, OFFICER)
    assert not field.looks.looks
    assert await audited(database) == []


async def test_a_vantage_that_stopped_meanwhile_is_said_to_be_none(database):
    field = Field(database)
    for code in field.topology.targets_of_site(field.site):
        field.answers[code] = ConnectionError("gone")
    with pytest.raises(NoVantageError):
        await field.looks.look(field.site, OFFICER)


async def test_a_site_of_which_nothing_is_looked_at_is_as_unknown_as_one_that_is_not(database):
    field = Field(database)
    for asked in ("NO-SUCH", field.site):
        with pytest.raises(LookupError):
            await field.looks.look(asked, Asker("x", scope="NOBODY"))
    assert field.looked == []


async def test_a_carrier_has_its_own_paths_looked_at_and_no_others(database):
    field = Field(database)
    for carrier in {path.carrier for path in field.inventory.paths.values()}:
        for site in field.inventory.sites:
            asked = targets_asked(field.inventory, field.topology, site, scope=carrier)
            assert all(field.inventory.paths[path].carrier == carrier for path, _ in asked)


async def test_anothers_clicks_do_not_make_a_carrier_wait(database):
    field = Field(database)
    carrier = field.inventory.paths[field.topology.paths_of_site(field.site)[0]].carrier
    for number in range(3):
        await field.looks.look(field.site, Asker(f"o{number}"))
    with pytest.raises(TooSoonError):
        await field.looks.look(field.site, Asker("o9"))
    await field.looks.look(field.site, Asker("theirs", scope=carrier))
