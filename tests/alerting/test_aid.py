"""Mutual aid from a draft to its actuals: through the department, told to each side, verified before it counts."""

import pytest

from alerting.aid import AidEvent, AidKind, AidRefusedError, AidState
from alerting.aid_access import deeds_of, seen_by
from alerting.aid_service import (
    AidOrder,
    AidService,
    FaultyAidError,
    UnknownAidError,
    UnverifiedAidError,
)
from alerting.errors import MissingReasonError, UnknownIncidentError
from alerting.models import IncidentState
from alerting.notify.channel import Letter
from alerting.notify.messages import short_text, subject, text
from inventory.models import Duty
from monitor.models import Verdict
from tests.support.acting import (
    MINUTE,
    NOON,
    PEOPLE,
    SHIFTS,
    a_duty_room,
    a_person,
    a_shift,
    an_inventory,
    by_code,
)

VIETTEL = a_person(
    "vt-1", "VIETTEL", "Trực ca Viettel", sms="+84970000009", rides_on="VIETTEL", email="truc@vt.invalid"
)
CALL = {"by_call": True, "note": "Gọi 0979 000 001, thuê bao VNPT gọi được qua Viettel"}


@pytest.fixture
async def room(tmp_path):
    people = by_code([*PEOPLE, VIETTEL])
    shifts = (*SHIFTS, a_shift("VIETTEL", Duty.OPERATIONS, "vt-1"))
    async with a_duty_room(tmp_path, inventory=an_inventory(people=people, shifts=shifts)) as room:
        room.verdicts = {}
        room.aid = AidService(
            database=room.database, alerting=room.service, clock=room.clock, verdicts=lambda: room.verdicts
        )
        yield room


def an_order(**changes):
    values = {
        "incident": 1,
        "kind": AidKind.ROAMING,
        "helper": "VIETTEL",
        "area": "947",
        "need": "Chuyển vùng thoại và tin nhắn cho 3 xã",
        "minutes": 120,
    }
    return AidOrder(**(values | changes))


async def asked(room, **changes):
    if not await room.incidents():
        await room.cut(communes=3, isolated=2)
    aid = await room.aid.draft(an_order(**changes), actor="Trực ban")
    return await room.aid.request(aid.id, actor="Lãnh đạo Sở")


async def activating(room, **changes):
    aid = await asked(room, **changes)
    await room.aid.answer(
        aid.id, AidEvent.ACCEPTED, actor="Viettel", party="VIETTEL", terms={"lead_minutes": 20}
    )
    return await room.aid.do(aid.id, AidEvent.ACTIVATED, actor="Trực ban", party=None)


async def told(room, what):
    return {m.person for m in await room.messages() if m.body["what"] == what}


async def test_from_a_draft_to_its_actuals(room):
    aid = await activating(room)
    assert (aid.number, aid.state, aid.requester) == ("UC-21-0001", AidState.ACTIVATING, "VNPT")
    assert aid.deadline_at == NOON + 20 * MINUTE
    room.clock.advance(minutes=15)
    aid = await room.aid.verify(aid.id, actor="Trực ban", **CALL)
    assert aid.state is AidState.ACTIVE
    assert aid.verified_by.startswith("call: Gọi 0979")
    incident = await room.incident(1)
    assert incident.state is IncidentState.MITIGATED
    aid = await room.aid.extend(aid.id, minutes=60, actor="Trực ban")
    aid = await room.aid.do(aid.id, AidEvent.RELEASED, actor="Trực ban", party=None)
    aid = await room.aid.close(
        aid.id, actuals={"users": 9800, "minutes": 240, "capacity": "3 BTS"}, actor="Viettel", party="VIETTEL"
    )
    assert aid.state is AidState.CLOSED
    assert aid.actuals == {"users": 9800, "minutes": 240, "capacity": "3 BTS"}
    _, record = await room.aid.aid(aid.id, party=None)
    assert [entry.event.value for entry in record] == [
        "drafted", "requested", "accepted", "activated", "verified", "extended", "released", "closed",
    ]  # fmt: skip
    notes = [e for e in await room.ledger(1) if e.details.get("aid") == aid.id]
    assert len(notes) == 8


async def test_the_partner_is_told_what_is_needed_and_nothing_of_the_incident(room):
    aid = await asked(room)
    assert await told(room, "aid_requested") == {"vt-1"}
    [mail, _] = [m for m in await room.messages() if m.body["what"] == "aid_requested"]
    letter = Letter(mail, link="")
    for words in (subject(letter), text(letter), short_text(letter, fold=True)):
        assert "SC-21" not in words
        assert "VNPT" not in words
    assert "Mỹ Xuyên" in text(letter)
    assert "120 phút" in text(letter)
    assert set(seen_by(aid, "VNPT")) - set(seen_by(aid, "VIETTEL")) == {"incident", "requester"}


async def test_a_draft_is_no_partner_s_yet_and_others_never_see_it(room):
    await room.cut(communes=3)
    aid = await room.aid.draft(an_order(), actor="VNPT", scope="VNPT")
    for party in ("VIETTEL", "FPT"):
        with pytest.raises(UnknownAidError):
            await room.aid.aid(aid.id, party=party)
    assert await room.aid.aids(party="VIETTEL") == []
    assert [each.id for each in await room.aid.aids(party="VNPT")] == [aid.id]
    await room.aid.request(aid.id, actor="Trực ban")
    assert [each.id for each in await room.aid.aids(party="VIETTEL")] == [aid.id]
    with pytest.raises(UnknownIncidentError):
        await room.aid.draft(an_order(), actor="VIETTEL", scope="VIETTEL")


async def test_help_counts_only_once_measurement_or_a_call_says_so(room):
    aid = await activating(room)
    with pytest.raises(UnverifiedAidError) as refused:
        await room.aid.verify(aid.id, by_call=False, note="", actor="Trực ban")
    assert len(refused.value.sites) == 2
    with pytest.raises(MissingReasonError):
        await room.aid.verify(aid.id, by_call=True, note="", actor="Trực ban")
    assert (await room.incident(1)).state is not IncidentState.MITIGATED
    room.verdicts = dict.fromkeys(refused.value.sites, Verdict.AT_RISK)
    aid = await room.aid.verify(aid.id, by_call=False, note="", actor="Trực ban")
    assert aid.verified_by == "probe"
    assert (await room.incident(1)).state is IncidentState.MITIGATED


async def test_a_request_that_nobody_answers_runs_out_and_the_department_hears_of_it(room):
    aid = await asked(room)
    room.clock.advance(minutes=9)
    assert await room.aid.tick() == 0
    room.clock.advance(minutes=1)
    assert await room.aid.tick() == 1
    found, _ = await room.aid.aid(aid.id, party=None)
    assert (found.state, found.deadline_at) == (AidState.EXPIRED, None)
    assert await told(room, "aid_lapsed") == {"stttt-1", "vnpt-1"}
    assert await room.aid.next_due() is None


async def test_help_that_is_late_is_reminded_of_until_it_works(room):
    await activating(room)
    for _ in range(3):
        room.clock.now = await room.aid.next_due()
        assert await room.aid.tick() == 1
    assert await told(room, "aid_reminded") == {"stttt-1", "vt-1"}
    assert await room.aid.next_due() == room.clock.now + 15 * MINUTE


async def test_the_first_that_suffices_wins_and_the_others_are_withdrawn(room):
    first = await asked(room)
    people_of_vnpt = await asked(room, helper="STTTT")
    generator = await asked(room, helper="STTTT", kind=AidKind.GENERATOR)
    await room.aid.answer(first.id, AidEvent.ACCEPTED, actor="Viettel", party="VIETTEL")
    states = {each.id: each.state for each in await room.aid.aids(party=None)}
    assert states == {
        first.id: AidState.ACCEPTED,
        people_of_vnpt.id: AidState.WITHDRAWN,
        generator.id: AidState.REQUESTED,
    }


async def test_other_terms_are_the_department_s_to_agree_to(room):
    aid = await asked(room)
    with pytest.raises(MissingReasonError):
        await room.aid.answer(aid.id, AidEvent.COUNTERED, actor="Viettel", party="VIETTEL")
    aid = await room.aid.answer(
        aid.id,
        AidEvent.COUNTERED,
        actor="Viettel",
        party="VIETTEL",
        terms={"capacity": "chỉ thoại"},
        note="quá tải",
    )
    assert deeds_of(aid, scope="VIETTEL", may_order=False, may_act=True) == {AidEvent.DECLINED, AidEvent.NOTE}
    aid = await room.aid.do(aid.id, AidEvent.AGREED, actor="Trực ban", party=None)
    assert (aid.state, aid.terms) == (AidState.ACCEPTED, {"capacity": "chỉ thoại"})


async def test_help_stands_by_before_it_is_needed(room):
    aid = await asked(room, is_standby=True)
    aid = await room.aid.answer(
        aid.id, AidEvent.ACCEPTED, actor="Viettel", party="VIETTEL", terms={"valid_minutes": 600}
    )
    assert aid.deadline_at == NOON + 600 * MINUTE
    aid = await room.aid.do(aid.id, AidEvent.ACTIVATED, actor="Trực ban", party=None)
    assert aid.state is AidState.ACTIVATING


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"helper": "NOBODY"}, "no party"),
        ({"helper": "VNPT"}, "owner of the incident"),
        ({"area": "0"}, "no area"),
        ({"need": " "}, "what is needed"),
        ({"minutes": 0}, "1 minute to 14 days"),
    ],
)
async def test_an_order_that_cannot_be_says_why(room, changes, said):
    await room.cut(communes=3)
    with pytest.raises(FaultyAidError, match=said):
        await room.aid.draft(an_order(**changes), actor="Trực ban")
    assert await room.aid.aids(party=None) == []


async def test_what_cannot_be_done_changes_nothing(room):
    aid = await asked(room)
    with pytest.raises(AidRefusedError):
        await room.aid.verify(aid.id, actor="Trực ban", **CALL)
    with pytest.raises(UnknownAidError):
        await room.aid.answer(aid.id, AidEvent.ACCEPTED, actor="VNPT", party="VNPT")
    with pytest.raises(FaultyAidError):
        await room.aid.close(aid.id, actuals={}, actor="Viettel", party="VIETTEL")
    found, record = await room.aid.aid(aid.id, party=None)
    assert (found.state, len(record)) == (AidState.REQUESTED, 2)
