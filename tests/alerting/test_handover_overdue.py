"""A handover that nobody accepts: told once, to all concerned, an incident of the department until it is settled."""

from datetime import timedelta

import pytest

from alerting.handover_service import HandoverService
from alerting.models import IncidentState
from alerting.notify.channel import Letter
from alerting.notify.messages import subject, text
from alerting.roster_service import RosterService
from inventory.models import Duty, Shift
from tests.support.acting import NOON, a_duty_room, tokens

HOUR = timedelta(hours=1)
OPS = ("VNPT", Duty.OPERATIONS)
OVER = {IncidentState.RESTORED, IncidentState.RESOLVED}


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


@pytest.fixture
async def handing(room):
    """VNPT's operations pass from vnpt-1 to vnpt-2 an hour after noon."""
    roster = RosterService(
        database=room.database, inventory=lambda: room.service.inventory, clock=room.clock, token=tokens()
    )
    (mine,) = (await roster.view(scope="VNPT")).shifts
    await roster.change(mine.id, actor="vnpt", scope="VNPT", end=NOON + HOUR)
    await roster.add(Shift(*OPS, "vnpt-2", NOON + HOUR, NOON + 9 * HOUR), actor="vnpt", scope="VNPT")
    return HandoverService(roster)


@pytest.fixture
async def offered(handing):
    return await handing.offer(*OPS, actor="vnpt-1", scope="VNPT")


async def told(room):
    """Answer who was told that the handover is overdue, of every incident."""
    found = []
    for one in await room.incidents():
        found += [(m.person, m.channel.value) for m in await room.messages(one.id) if is_notice(m)]
    return found


def is_notice(message):
    return message.body["what"] == "handover_overdue"


async def test_all_concerned_are_told_once_at_the_deadline_and_not_before(room, offered):
    await room.pass_time(minutes=74, seconds=59)
    assert not await room.incidents()
    await room.pass_time(seconds=1)
    expected = {
        (person, way) for person in ("vnpt-2", "vnpt-1", "stttt-1", "stttt-2") for way in ("email", "sms")
    }
    first = await told(room)
    assert set(first) == expected
    assert len(first) == len(expected)
    await room.pass_time(minutes=30)
    assert await told(room) == first


async def test_the_deadline_wakes_the_loop_by_itself(room, offered):
    assert await room.service.next_due() == offered.due_at == NOON + HOUR + timedelta(minutes=15)


async def test_the_department_answers_for_it_until_somebody_accepts(room, handing, offered):
    await room.pass_time(minutes=75)
    incident = await room.incident()
    assert (incident.owner, incident.state) == ("STTTT", IncidentState.OPEN)
    assert incident.title == "Chưa nhận bàn giao: trực ca vận hành, VNPT Sóc Trăng"
    assert {person for person, _, _ in await room.pages(incident.id)} >= {"stttt-1"}
    await handing.accept(offered.id, actor="Trực ca VNPT 2", scope="VNPT", person="vnpt-2")
    await room.service.tick()
    assert (await room.incident()).state in OVER
    await room.pass_time(minutes=30)
    assert (await room.incident()).state is IncidentState.RESOLVED
    assert len(await room.incidents()) == 1


async def test_it_is_over_too_when_the_offer_is_taken_back(room, handing, offered):
    await room.pass_time(minutes=75)
    await handing.withdraw(offered.id, actor="vnpt-1", scope="VNPT")
    await room.service.tick()
    assert (await room.incident()).state in OVER


async def test_it_is_over_when_the_turn_that_nobody_took_ends(room, offered):
    await room.pass_time(minutes=75)
    room.clock.now = offered.ends_at
    await room.service.tick()
    assert (await room.incident()).state in OVER


async def test_what_was_accepted_in_time_is_never_told(room, handing, offered):
    await room.pass_time(minutes=70)
    await handing.accept(offered.id, actor="Trực ca VNPT 2", scope="VNPT", person="vnpt-2")
    await room.pass_time(hours=3)
    assert not await room.incidents()


async def test_the_notice_says_who_is_called_meanwhile_in_both_languages(room, offered):
    await room.pass_time(minutes=75)
    incident = await room.incident()
    notice = next(m for m in await room.messages(incident.id) if is_notice(m))
    written = text(Letter(notice))
    assert "Trực ca VNPT 2 chưa nhận bàn giao; Trực ca VNPT 1 vẫn được gọi" in written
    assert "Trực ca VNPT 2 has not accepted; Trực ca VNPT 1 is called until somebody has." in written
    assert "Quá giờ nhận bàn giao ca: Chưa nhận bàn giao" in subject(Letter(notice))
