"""What pages and alerting read back is what was decided."""

from datetime import timedelta

import pytest

from inventory.database import reading
from monitor import store
from monitor.models import SubjectKind
from monitor.moments import moment
from tests.support.monitoring import NOON, an_inventory, belief_on, ns

HOUR = timedelta(hours=1)


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "b.db", an_inventory()) as service:
        await service.all_answer(at=0)
        await service.fall("X-31-FIXED", at=10)
        await service.rise("X-31-FIXED", at=20)
        await service.fall("X-32-FIXED", at=30)
        yield service


@pytest.fixture
async def connection(duty):
    async with reading(duty.database) as opened:
        yield opened


async def test_the_newest_changes_come_first_and_a_page_goes_on_where_one_ended(connection):
    first = await store.recent_changes(connection, limit=2, kinds=[SubjectKind.TARGET])
    assert [(c.subject, c.new) for c in first] == [("X-32-FIXED", "down"), ("X-31-FIXED", "up")]
    more = await store.recent_changes(connection, limit=1, kinds=[SubjectKind.TARGET], before_id=first[-1].id)
    assert [(c.subject, c.new) for c in more] == [("X-31-FIXED", "down")]


async def test_the_changes_of_one_subject_are_told_in_order(connection):
    told = await store.changes_of(connection, SubjectKind.TARGET, "X-31-FIXED", NOON - HOUR, NOON + HOUR)
    assert [(c.new, c.at) for c in told] == [
        ("up", NOON),
        ("down", moment(ns(10))),
        ("up", moment(ns(20))),
    ]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [(0, 60, 1), (0, 10, 0), (15, 16, 1), (20, 60, 0), (19, 60, 1)],
    ids=["around", "before", "within", "after", "its end"],
)
async def test_outages_that_overlap_are_found(connection, since, until, found):
    rows = await store.outages_of(connection, ["X-31-FIXED"], moment(ns(since)), moment(ns(until)))
    assert len(rows) == found


async def test_an_open_outage_overlaps_everything_after_its_start(connection):
    rows = await store.outages_of(connection, ["X-32-FIXED", "X-31-FIXED"], NOON + HOUR, NOON + 2 * HOUR)
    assert [row.target for row in rows] == ["X-32-FIXED"]


async def test_thousands_of_targets_can_be_asked_at_once(connection):
    codes = [f"nowhere-{number}" for number in range(40_000)]
    assert len(await store.outages_of(connection, [*codes, "X-32-FIXED"], NOON, NOON + HOUR)) == 1


async def test_a_path_and_its_site_change_with_their_target(connection):
    path = await store.changes_of(connection, SubjectKind.PATH, "X-31-FIXED", NOON, NOON + HOUR)
    site = await store.changes_of(connection, SubjectKind.SITE, "X-31", NOON, NOON + HOUR)
    assert [c.new for c in path] == ["up", "down", "up"]
    assert [c.new for c in site] == ["ready", "degraded", "ready"]
    assert site[0].evidence == {"independent_up": 2, "independent_declared": 2}
