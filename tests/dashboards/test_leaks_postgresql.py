"""What a carrier may learn does not hang on the database: one carrier's walk on PostgreSQL.

Every other walk of tests/dashboards/test_leaks.py runs there too when it is asked for: ``pytest --database postgresql``.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support import databases
from tests.support.postgres import POSTGRES_BIN
from tests.support.two_carriers_day import Day
from tests.support.two_carriers_story import a_day_of_two
from tests.support.walk import requests
from tests.support.walker import ALPHA, Walker, differing, reading, routes

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(POSTGRES_BIN is None, reason="needs PostgreSQL (apt-get install postgresql)"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def day(tmp_path_factory) -> AsyncIterator[Day]:
    folder = tmp_path_factory.mktemp("day")
    with pytest.MonkeyPatch.context() as patch:
        async with a_day_of_two(folder, patch.setattr, engine="postgresql") as made:
            yield made
    databases.chosen.forget(folder)


async def test_a_carrier_reads_nothing_of_another_on_postgresql(day):
    walker = Walker(day, ALPHA)
    for side in (*day.others, day.together):
        asked = [one for one in reading(requests(routes(day), side)) if "/files/" not in one.path]
        for one in asked:
            await walker.ask(one)
    assert not walker.found, walker.leaks()


async def test_what_is_another_carriers_answers_and_costs_as_what_never_was_on_postgresql(day):
    walker = Walker(day, ALPHA)
    different = await differing(walker, day, day.sides["BRAVO"], among=lambda one: not one.is_write)
    assert not different, "\n".join(different)
    assert not walker.found, walker.leaks()
