"""A drill goes through the whole pipeline and everybody can tell it from the real thing; real trouble gets out of it."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import insert, select

from alerting.drill_service import DrillService, make_real
from alerting.drills import MARK, marked
from alerting.errors import ImpossibleDeedError
from alerting.field_errors import FieldRefusedError, UnknownFieldWorkError
from alerting.field_schema import drills as drill_table
from alerting.models import IncidentState
from alerting.notify.channel import Letter
from alerting.notify.messages import short_text, spoken_text, subject, text
from inventory.database import transaction
from tests.support.acting import NOON, a_duty_room

HOUR = timedelta(hours=1)


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


@pytest.fixture
def drills(room):
    return DrillService(database=room.database, inventory=lambda: room.service.inventory, clock=room.clock)


def planned(drills, **changes):
    wanted = {
        "scenario": "Đứt vòng ring Mỹ Xuyên",
        "parties": ["VNPT"],
        "starts_at": NOON - HOUR,
        "ends_at": NOON + HOUR,
        "actor": "trực ban",
    }
    return drills.plan("Diễn tập ring", **{**wanted, **changes})


async def test_what_opens_in_a_drill_says_so_in_every_message(room, drills):
    drill = await planned(drills)
    incident = await room.cut()
    assert incident.title.startswith(MARK[0])
    assert incident.title_en.startswith(MARK[1])
    assert incident.facts["drill"] == {"id": drill.id, "name": "Diễn tập ring"}
    page = next(m for m in await room.messages() if m.kind == "page")
    letter = Letter(page, "https://ts.invalid/a/x", "12345678")
    assert MARK[0] in subject(letter)
    assert MARK[0] in text(letter)
    assert MARK[1] in text(letter)
    assert "[DIEN TAP]" in short_text(letter, fold=True)
    assert MARK[0] in spoken_text(letter)


async def test_the_mark_stays_while_the_incident_grows_and_is_restored(room, drills):
    await planned(drills)
    await room.cut()
    await room.cut(communes=9)
    assert (await room.incident()).title.startswith(MARK[0])
    assert (await room.mend()).title.startswith(MARK[0])


@pytest.mark.parametrize(
    "window",
    [{"starts_at": NOON + HOUR, "ends_at": NOON + 2 * HOUR}, {"parties": ["VIETTEL"]}],
    ids=["before the drill", "of a party that takes no part"],
)
async def test_trouble_outside_a_drill_is_real(room, drills, window):
    await planned(drills, **window)
    incident = await room.cut()
    assert "drill" not in incident.facts
    assert not incident.title.startswith("[")


async def test_a_drill_that_was_ended_marks_nothing_more(room, drills):
    drill = await planned(drills)
    await drills.end(drill.id, actor="trực ban")
    assert "drill" not in (await room.cut()).facts
    with pytest.raises(UnknownFieldWorkError):
        await drills.end(drill.id, actor="trực ban")


async def test_real_trouble_in_a_drill_loses_the_mark_and_is_called_for_anew(room, drills):
    await planned(drills)
    await room.cut()
    await room.service.acknowledge(1, actor="Trực ca VNPT 1", person="vnpt-1")
    before = len(await room.pages())
    real = partial(make_real, actor="Trực ban Sở 1", note="xã gọi báo mất thật")
    incident = await room.service.act(1, real)
    assert incident.state is IncidentState.OPEN
    assert not incident.title.startswith("[")
    assert incident.facts["drill"] is None
    fresh = [m for m in await room.messages() if m.kind == "page"][before:]
    assert fresh
    assert not any(m.body["title"].startswith("[") for m in fresh)
    with pytest.raises(ImpossibleDeedError):
        await room.service.act(1, real)
    await room.incident()


async def test_a_drills_incidents_are_listed_with_it_and_each_party_sees_its_own(room, drills):
    drill = await planned(drills, parties=["VNPT", "VIETTEL"])
    await room.cut()
    _, found = await drills.one(drill.id, scope=None)
    assert [one.id for one in found] == [1]
    assert (await drills.one(drill.id, scope="VIETTEL"))[1] == ()
    other = await planned(drills, parties=["STTTT"])
    with pytest.raises(UnknownFieldWorkError):
        await drills.one(other.id, scope="VNPT")
    assert [one.id for one in await drills.drills(scope="VNPT")] == [drill.id]


async def test_a_partys_own_drill_is_never_pushed_out_by_those_of_others(room, drills):
    own = await planned(drills, starts_at=NOON - 3 * HOUR, parties=["VIETTEL", "VNPT"])
    async with transaction(room.database) as connection:
        row = dict((await connection.execute(select(drill_table))).mappings().one())
        others = [
            {**row, "id": 1000 + number, "parties": ["VNPT-2", "vnpt"], "starts_at": NOON}
            for number in range(300)
        ]
        await connection.execute(insert(drill_table), others)
    assert [(one.id, one.parties) for one in await drills.drills(scope="VNPT")] == [(own.id, ("VNPT",))]
    assert len(await drills.drills(scope=None)) == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"parties": []},
        {"parties": ["AI-DO"]},
        {"ends_at": NOON - 2 * HOUR},
        {"starts_at": NOON - 3 * HOUR, "ends_at": NOON - HOUR},
        {"ends_at": NOON + 100 * HOUR},
    ],
)
async def test_a_drill_that_cannot_be_is_refused(drills, wrong):
    with pytest.raises(FieldRefusedError):
        await planned(drills, **wrong)


def test_the_mark_is_laid_once():
    assert marked(marked("Vòng ring")) == "[DIỄN TẬP] Vòng ring"
