"""No party learns anything of another: every route of the application is walked as each role, and every answer read.

What is walked is the application's own routing table, so a page or an API that is added is walked too, or fails the
test by name until it has an example. What is looked for are the marks that every secret of a party carries, and
answers that differ between what is another's and what never was.
"""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from inventory.database import metadata
from inventory.database import reading as reading_of
from tests.support.two_carriers import CARRIERS, mark
from tests.support.two_carriers_day import Day, account_of
from tests.support.two_carriers_story import a_day_of_two, nobody
from tests.support.walk import Asked, missing, requests
from tests.support.walker import (
    ALPHA,
    NOT_RESTRICTED,
    Walker,
    differing,
    opens_without_account,
    reading,
    routes,
    spelt,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

EVERYBODY = ("admin2", "leader", "officer", *NOT_RESTRICTED)
MANY = 10**5
"""No list of a province is as long as that, so an id above it was drawn, not counted."""
NOWHERE = {"10.71.0.1", "10.72.0.1"} | {
    mark(party, kind) for party in CARRIERS for kind in ("means", "meanscontact")
}
"""What no page shows to anybody yet; it is watched for all the same."""
KEPT_OF_LOOKING = {"accounts", "sessions", "access_audit", "attempts", "api_tokens", "idempotency_keys"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def day(tmp_path_factory) -> AsyncIterator[Day]:
    with pytest.MonkeyPatch.context() as patch:
        async with a_day_of_two(tmp_path_factory.mktemp("day"), patch.setattr) as made:
            yield made


async def test_every_route_has_an_example(day):
    side = day.sides["ALPHA"]
    told = "say in tests/support/walk.py and walk_bodies.py what to ask these with"
    assert missing(routes(day), side) == [], told
    assert len(requests(routes(day), side)) > 150


async def test_a_carrier_reads_nothing_of_another_whatever_it_opens(day):
    walker = Walker(day, ALPHA)
    for side in (*day.others, day.together, *day.sides.values(), nobody()):
        for asked in reading(requests(routes(day), side)):
            if side.party == "ALPHA" or not opens_without_account(asked):
                await walker.ask(asked)
    assert not walker.found, walker.leaks()


async def test_a_carriers_own_program_reads_nothing_of_another_and_nothing_restricted(day):
    walker = Walker(day, "alpha-machine", by_token=True)
    for side in (day.sides["ALPHA"], day.sides["BRAVO"], day.restricted["ALPHA"]):
        for asked in reading(requests(routes(day), side)):
            if asked.is_api:
                await walker.ask(asked)
    assert not walker.found, walker.leaks()


async def test_a_helper_is_told_what_is_needed_and_not_whose_trouble_it_is(day):
    walker = Walker(day, "charlie")
    for side in day.sides.values():
        for asked in reading(requests(routes(day), side)):
            if not opens_without_account(asked):
                await walker.ask(asked)
    assert not walker.found, walker.leaks()


@pytest.mark.parametrize("name", ["", *EVERYBODY])
async def test_each_role_reads_only_what_it_may(day, name):
    """Strangers read nothing; who may not know of restricted matters reads none; nobody ever reads a secret again."""
    walker = Walker(day, name)
    for side in (day.sides["ALPHA"], day.restricted["BRAVO"]):
        for asked in reading(requests(routes(day), side)):
            if name or asked.names == () or not opens_without_account(asked):
                await walker.ask(asked)
    for asked in reading(requests(routes(day), day.together)):
        if name and asked.route[1].startswith(("/drills/", "/api/v1/drills/")):
            await walker.ask(asked)
    assert not walker.found, walker.leaks()


async def test_every_mark_is_really_there_to_be_found(day):
    """A mark that the administrator never sees would prove nothing by not being seen by others."""
    walker = Walker(day, "admin2")
    walker._watched = {
        re.compile(spelt(text), re.IGNORECASE): text
        for text, whose in day.marks.items()
        if not (whose.is_for_nobody or whose.is_own_only)
    }
    for side in (*day.sides.values(), *day.restricted.values(), *day.others, day.together):
        for asked in reading(requests(routes(day), side)):
            await walker.ask(Asked(asked.route, asked.path))
    seen = set().union(*walker.found.values())
    unseen = set(walker._watched.values()) - seen - NOWHERE
    assert not unseen, sorted(unseen)


async def test_what_is_another_carriers_answers_as_what_never_was_to_a_browser(day):
    before = await _state(day)
    walker = Walker(day, ALPHA)
    different = await differing(walker, day, day.sides["BRAVO"])
    assert not different, "\n".join(different)
    assert not walker.found, walker.leaks()
    assert await _changed(day, before) == []


async def test_what_is_another_carriers_answers_as_what_never_was_to_a_program(day):
    before = await _state(day)
    for name in (ALPHA, "alpha-machine"):
        walker = Walker(day, name, by_token=True)
        different = await differing(walker, day, day.sides["BRAVO"], among=lambda one: one.is_api)
        assert not different, "\n".join(different)
        assert not walker.found, walker.leaks()
    assert await _changed(day, before) == []


@pytest.mark.parametrize("name", [*NOT_RESTRICTED, "alpha-machine"])
async def test_a_restricted_matter_answers_as_one_that_never_was(day, name):
    side = day.restricted["ALPHA" if name == "alpha-machine" else "BRAVO"]
    for by_token in (False, True):
        walker = Walker(day, name, by_token=by_token)
        chosen = _of_incidents_by_program if by_token else _of_incidents
        different = await differing(walker, day, side, among=chosen)
        assert not different, "\n".join(different)
        assert not walker.found, walker.leaks()


def _of_incidents(asked: Asked) -> bool:
    """What else the forms of the walk name is nobody's in a restricted side."""
    return not asked.route[1].startswith(("/roster", "/account"))


def _of_incidents_by_program(asked: Asked) -> bool:
    return asked.is_api


async def test_what_a_carrier_does_with_its_own_tells_it_nothing_of_another(day):
    walker = Walker(day, ALPHA)
    for asked in requests(routes(day), day.sides["ALPHA"]):
        if asked.is_write:
            await walker.ask(asked)
    assert not walker.found, walker.leaks()
    assert walker.statuses[303] + walker.statuses[200] + walker.statuses[201] > 15, walker.statuses
    assert walker.statuses[400] < 10, walker.statuses


async def test_ids_that_a_carrier_sees_do_not_count_what_others_have(day):
    side = day.sides["ALPHA"]
    counted = [side.aid, side.work, side.report, side.handover, side.incident, side.swap, side.drill,
               side.inspection, side.finding, side.token, side.hook]  # fmt: skip
    assert [each for each in counted if int(each) < MANY] == []


async def test_the_lines_of_a_partys_roster_are_numbered_for_it_alone(day):
    for party in CARRIERS:
        async with day.browser(account_of(party)) as client:
            told = (await client.get("/api/v1/roster/changes", params={"limit": 2})).json()
            rest = await client.get("/api/v1/roster/changes", params={"cursor": told["next"]})
        lines = [*told["items"], *rest.json()["items"]]
        assert [line["number"] for line in lines] == list(range(len(lines), 0, -1))
        assert {line["party"] for line in lines} == {party}


async def _state(day: Day) -> dict[str, list]:
    """Read everything that is kept of matters; not who looked, when, and how often."""
    async with reading_of(day.service.database) as connection:
        return {
            table.name: sorted(map(repr, (await connection.execute(table.select())).all()))
            for table in metadata.sorted_tables
            if table.name not in KEPT_OF_LOOKING
        }


async def _changed(day: Day, before: dict[str, list]) -> list[str]:
    now = await _state(day)
    return [f"{name}: {set(rows) ^ set(before[name])}" for name, rows in now.items() if rows != before[name]]
