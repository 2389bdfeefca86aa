"""People are asked to confirm their shifts in time, by a link and a code of their own; who is silent is told of."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from alerting.models import DeliveryState, IncidentState
from alerting.notify.channel import Letter
from alerting.notify.messages import short_text, subject, text
from alerting.outbox import Outbox
from alerting.roster import RosterShift
from alerting.roster_asking import Asked, Leads, Step, due, standing
from alerting.roster_asking_service import UNHEARD, RosterAsking, ShiftOccasion
from alerting.roster_links import Purpose, RosterLinks
from alerting.roster_service import RosterService
from alerting.schema import outbox as outbox_table
from inventory.database import reading
from inventory.models import ContactChannel, Duty, Shift
from tests.support.acting import MINUTE, NOON, a_duty_room, a_shift, an_inventory, tokens

HOUR = timedelta(hours=1)
OPS = ("VNPT", Duty.OPERATIONS)
LEADS = Leads(24 * HOUR, 6 * HOUR, 2 * HOUR)
SHIFT = RosterShift("s1", *OPS, "vnpt-2", NOON + 48 * HOUR, NOON + 56 * HOUR)


def steps_of(shift, *, since, until, confirmed_at=None, declined_at=None):
    """Answer the steps that are taken, minute by minute, with the hours left to the start."""
    asked, taken, at = None, [], since
    while at < until:
        if declined_at == at:
            asked = replace(asked or Asked(*OPS, shift.person, shift.start, shift.end), declined_at=at)
        now = replace(shift, confirmed_at=at) if confirmed_at and at >= confirmed_at else shift
        step = due(now, asked, LEADS, at)
        if step is not None:
            taken.append((step, (shift.start - at) / HOUR))
            field = {Step.ASK: "asked_at", Step.REMIND: "reminded_at", Step.TELL: "told_at"}[step]
            asked = replace(asked or Asked(*OPS, shift.person, shift.start, shift.end), **{field: at})
        at += 5 * MINUTE
    return taken


def test_somebody_silent_is_asked_reminded_and_told_of_once_each():
    taken = steps_of(SHIFT, since=NOON, until=SHIFT.end + HOUR)
    assert taken == [(Step.ASK, 24), (Step.REMIND, 6), (Step.TELL, 2)]


def test_a_word_in_time_ends_it():
    assert steps_of(SHIFT, since=NOON, until=SHIFT.end, confirmed_at=SHIFT.start - 20 * HOUR) == [
        (Step.ASK, 24)
    ]
    taken = steps_of(SHIFT, since=NOON, until=SHIFT.end, declined_at=SHIFT.start - 20 * HOUR)
    assert taken == [(Step.ASK, 24), (Step.TELL, 20)]


def test_a_shift_that_is_entered_late_is_asked_about_at_once_and_leaves_time_to_answer():
    taken = steps_of(SHIFT, since=SHIFT.start - HOUR, until=SHIFT.end)
    assert [step for step, _ in taken] == [Step.ASK, Step.TELL]
    assert taken[0][1] - taken[1][1] == pytest.approx(10 / 60)


def test_what_had_begun_before_anybody_was_asked_is_left_alone():
    assert steps_of(SHIFT, since=SHIFT.start, until=SHIFT.end) == []


@pytest.fixture
async def room(tmp_path):
    shifts = (a_shift(*OPS, "vnpt-1", hours=30), a_shift("STTTT", Duty.OPERATIONS, "stttt-1", hours=72))
    async with a_duty_room(tmp_path, inventory=an_inventory(shifts=shifts)) as room:
        yield room


@pytest.fixture
def roster(room):
    return RosterService(
        database=room.database, inventory=lambda: room.service.inventory, clock=room.clock, token=tokens()
    )


@pytest.fixture
def asking(room):
    return RosterAsking(
        database=room.database,
        inventory=lambda: room.service.inventory,
        clock=room.clock,
        alerting=room.service,
        metrics=room.service.metrics,
        leads=LEADS,
        public_url="https://ts.invalid/",
    )


@pytest.fixture
def outbox(room):
    links = RosterLinks(tokens())
    occasion = ShiftOccasion(
        links=links, inventory=lambda: room.service.inventory, public_url="https://ts.invalid/"
    )
    made = Outbox(
        database=room.database,
        clock=room.clock,
        links=room.service.links,
        lease=timedelta(seconds=30),
        occasions={"confirm_shift": occasion, "confirm_again": occasion},
    )
    made.roster_links = links
    return made


@pytest.fixture
async def shift(roster):
    """VNPT's next shift, a day and an hour away."""
    return await roster.add(
        Shift(*OPS, "vnpt-2", NOON + 25 * HOUR, NOON + 33 * HOUR), actor="vnpt", scope="VNPT"
    )


async def written(room):
    """Answer (what, person, channel) of everything in the outbox about shifts."""
    async with reading(room.database) as connection:
        rows = (await connection.execute(select(outbox_table).order_by(outbox_table.c.id))).mappings()
        return [
            (row["body"]["what"], row["person"], row["channel"]) for row in rows if "shift" in row["body"]
        ]


async def test_the_person_is_asked_once_over_two_ways_and_nobody_else_hears(room, asking, shift):
    assert await asking.tick() == 0
    room.clock.advance(hours=1)
    assert await asking.tick() == 1
    assert await asking.tick() == 0
    assert await written(room) == [("confirm_shift", "vnpt-2", "email"), ("confirm_shift", "vnpt-2", "sms")]


async def test_the_link_and_the_code_are_for_this_person_and_this_shift_and_end_with_it(
    room, asking, outbox, shift
):
    room.clock.advance(hours=1)
    await asking.tick()
    [letter] = await outbox.claim(ContactChannel.SMS, limit=5)
    assert await outbox.may_leave(letter)
    token = letter.link.removeprefix("https://ts.invalid/c/")
    async with reading(room.database) as connection:
        links, now = outbox.roster_links, room.clock()
        opening = await links.find(connection, token, Purpose.SHIFT, now)
        assert (opening.party, opening.duty, opening.person, opening.start, opening.end) == standing(shift)
        assert await links.find_code(connection, f" {letter.code[:4]} {letter.code[4:]}", now) == opening
        assert await links.find(connection, token, Purpose.CONFIRM, now) is None
        assert await links.find(connection, token, Purpose.SHIFT, shift.end) is None
        assert await links.find_code(connection, letter.code, shift.end) is None


async def test_what_was_confirmed_meanwhile_does_not_leave(room, roster, asking, outbox, shift):
    room.clock.advance(hours=1)
    await asking.tick()
    [letter] = await outbox.claim(ContactChannel.EMAIL, limit=5)
    await roster.confirm([shift.id], by="vnpt-2", scope="VNPT", person="vnpt-2")
    assert not await outbox.may_leave(letter)
    async with reading(room.database) as connection:
        states = (await connection.execute(select(outbox_table.c.state))).scalars().all()
    assert DeliveryState.WITHDRAWN in states


async def test_a_shift_that_was_given_to_somebody_else_is_asked_of_them(room, roster, asking, outbox, shift):
    room.clock.advance(hours=1)
    await asking.tick()
    [letter] = await outbox.claim(ContactChannel.EMAIL, limit=5)
    await roster.change(shift.id, actor="vnpt", scope="VNPT", person="vnpt-1")
    assert not await outbox.may_leave(letter)
    await asking.tick()
    assert ("confirm_shift", "vnpt-1", "sms") in await written(room)


async def test_silence_becomes_a_matter_of_the_department_until_somebody_confirms(
    room, roster, asking, shift
):
    room.clock.advance(hours=1)
    await asking.tick()
    room.clock.advance(hours=18)
    await asking.tick()
    room.clock.advance(hours=4)
    await asking.tick()
    incident = await room.incident()
    assert incident.condition == f"{UNHEARD}VNPT.operations"
    assert (incident.owner, incident.state) == ("STTTT", IncidentState.OPEN)
    assert (
        incident.title
        == "Chưa xác nhận: ca trực ca vận hành, 13:00–21:00 24/05, VNPT Sóc Trăng, Trực ca VNPT 2"
    )
    assert {person for person, _, _ in await room.pages(incident.id)} == {"stttt-1"}
    told = {(person, way) for what, person, way in await written(room) if what == "unconfirmed"}
    assert told == {(person, way) for person in ("vnpt-1", "vnpt-2") for way in ("email", "sms")}
    await asking.tick()
    assert len(await room.incidents()) == 1
    await roster.confirm([shift.id], by="trực ban", scope=None)
    await asking.tick()
    assert (await room.incident()).state is IncidentState.RESTORED


async def test_who_cannot_come_is_told_of_at_once_with_their_word(room, roster, asking, shift):
    room.clock.advance(hours=1)
    await asking.tick()
    await roster.decline(shift, by="Trực ca VNPT 2", note="con ốm")
    await asking.tick()
    assert (await room.incident()).state is IncidentState.OPEN
    async with reading(room.database) as connection:
        rows = (await connection.execute(select(outbox_table.c.body))).scalars().all()
    [note] = {row["note"] for row in rows if row["what"] == "unconfirmed"}
    assert note == "con ốm"
    acts = [line.act for line in await roster.changes(scope="VNPT", limit=5)]
    assert acts[0] == "declined"


async def test_the_message_says_which_shift_and_how_to_answer_in_both_languages(room, asking, outbox, shift):
    room.clock.advance(hours=1)
    await asking.tick()
    [letter] = await outbox.claim(ContactChannel.EMAIL, limit=5)
    told = text(letter)
    assert "Đề nghị xác nhận ca trực: Ca trực ca vận hành, 13:00–21:00 24/05, VNPT Sóc Trăng" in subject(
        letter
    )
    assert letter.link in told
    assert "Từ 13:00:00 24/05/2021 đến 21:00:00 24/05/2021" in told
    assert "Open this link and press “I will hold this shift”" in told
    assert f"{letter.code[:4]} {letter.code[4:]}" in told
    short = short_text(letter, fold=True)
    assert len(short) <= 160
    assert letter.link in short
    assert "xac nhan" in short.lower()


async def test_the_last_word_to_the_people_of_the_party_needs_no_link(room, roster, asking, outbox, shift):
    room.clock.advance(hours=1)
    await roster.decline(shift, by="Trực ca VNPT 2", note="con ốm")
    await asking.tick()
    letters = await outbox.claim(ContactChannel.EMAIL, limit=9)
    [first, *_] = [each for each in letters if "shift" in each.message.body]
    assert isinstance(first, Letter)
    assert not first.link
    assert "Người trực: Trực ca VNPT 2" in text(first)
    assert "Lời nhắn: con ốm" in text(first)
