"""An election from two days before to the day after, with three carriers: every message, its reader and its time.

The services are the product's own on a database file; what they send goes over SMTP, an SMS gateway and a webhook on
loopback. Only the clock is set by hand, so three days take seconds. Incidents and people are those of
tests/support/acting.py; ``MESSAGES`` is what must arrive, worked out from the ladder, the roster and the policy.
"""

import pytest

from alerting.aid import AidEvent, AidKind, AidState
from alerting.aid_service import AidOrder, UnverifiedAidError
from alerting.auditor import Auditor
from alerting.disputes import decide, dispute
from alerting.errors import UnknownLinkError
from alerting.handover import HandoverState
from alerting.models import CauseClass, DisputeKind, IncidentState
from alerting.oncall import board
from alerting.roster import findings
from alerting.roster_errors import NotTheirsError, UnknownShiftError
from inventory.models import Duty
from tests.alerting.test_roster_import import book
from tests.support.acting import COMMUNES, MINUTE, RING, ring_evidence
from tests.support.played_day import CORE, OLTS, STATION, a_played_day, local

MESSAGES = """
22/05 18:20:00 email vnpt-1 SC-21-0001 P4 page
22/05 18:22:00 email stttt-1 SC-21-0001 P4 acknowledged
22/05 19:02:00 email vnpt-1 SC-21-0002 P4 page
22/05 19:04:30 email stttt-3 SC-21-0002 P4 acknowledged
22/05 19:30:00 email stttt-3 SC-21-0001 P4 restored
22/05 19:30:30 email stttt-3 SC-21-0001 P4 resolved
22/05 19:32:00 email stttt-3 SC-21-0002 P4 restored
22/05 19:32:30 email stttt-3 SC-21-0002 P4 resolved

23/05 05:10:00 email vnpt-2 SC-21-0003 P2 page
23/05 05:10:00 sms vnpt-2 SC-21-0003 P2 page
23/05 05:13:00 email vnpt-1 SC-21-0003 P2 page
23/05 05:13:00 sms vnpt-1 SC-21-0003 P2 page
23/05 05:15:00 email stttt-3 SC-21-0003 P2 page
23/05 05:15:00 sms stttt-3 SC-21-0003 P2 page
23/05 05:16:30 email stttt-3 SC-21-0003 P2 acknowledged
23/05 05:30:00 email stttt-2 SC-21-0003 P2 decide
23/05 05:30:00 email stttt-3 SC-21-0003 P2 disputed
23/05 05:30:00 sms stttt-2 SC-21-0003 P2 decide
23/05 06:00:00 email stttt-2 SC-21-0003 P2 decide
23/05 06:00:00 sms stttt-2 SC-21-0003 P2 decide
23/05 06:04:00 email stttt-3 SC-21-0003 P2 decided
23/05 06:10:00 email stttt-3 SC-21-0003 P2 restored
23/05 06:10:30 email stttt-3 SC-21-0003 P2 resolved

23/05 10:00:00 email vt-1 SC-21-0004 P1 page
23/05 10:00:00 sms vt-1 SC-21-0004 P1 page
23/05 10:00:00 webhook vt-1 SC-21-0004 P1 page
23/05 10:01:30 email stttt-1 SC-21-0004 P1 acknowledged
23/05 10:05:00 email mf-1 UC-21-0001 UC aid_requested
23/05 10:05:00 sms mf-1 UC-21-0001 UC aid_requested
23/05 10:08:00 email stttt-1 UC-21-0001 UC aid_accepted
23/05 10:08:00 email vt-1 UC-21-0001 UC aid_accepted
23/05 10:08:00 sms stttt-1 UC-21-0001 UC aid_accepted
23/05 10:08:00 sms vt-1 UC-21-0001 UC aid_accepted
23/05 10:10:00 email mf-1 UC-21-0001 UC aid_activated
23/05 10:10:00 sms mf-1 UC-21-0001 UC aid_activated
23/05 10:22:00 email mf-1 UC-21-0001 UC aid_verified
23/05 10:22:00 email stttt-1 SC-21-0004 P1 mitigated
23/05 10:22:00 email stttt-1 UC-21-0001 UC aid_verified
23/05 10:22:00 email vt-1 UC-21-0001 UC aid_verified
23/05 10:22:00 sms mf-1 UC-21-0001 UC aid_verified
23/05 10:22:00 sms stttt-1 UC-21-0001 UC aid_verified
23/05 10:22:00 sms vt-1 UC-21-0001 UC aid_verified
23/05 11:30:00 email stttt-1 SC-21-0004 P1 restored
23/05 11:30:30 email stttt-1 SC-21-0004 P1 resolved
23/05 11:35:00 email mf-1 UC-21-0001 UC aid_released
23/05 11:35:00 email stttt-1 UC-21-0001 UC aid_released
23/05 11:35:00 email vt-1 UC-21-0001 UC aid_released
23/05 11:35:00 sms mf-1 UC-21-0001 UC aid_released
23/05 11:35:00 sms stttt-1 UC-21-0001 UC aid_released
23/05 11:35:00 sms vt-1 UC-21-0001 UC aid_released
23/05 11:50:00 email stttt-1 UC-21-0001 UC aid_closed
23/05 11:50:00 sms stttt-1 UC-21-0001 UC aid_closed

23/05 21:30:00 email mf-2 SC-21-0005 P3 page
23/05 21:30:00 sms mf-2 SC-21-0005 P3 page
23/05 21:33:00 email mf-1 SC-21-0005 P3 page
23/05 21:35:00 email stttt-3 SC-21-0005 P3 page
23/05 21:50:00 email stttt-3 SC-21-0005 P3 restored
23/05 21:50:30 email stttt-3 SC-21-0005 P3 resolved
"""

HEADS = ["Ngày", "Đơn vị", "Nhiệm vụ", "Ca trực", "Họ và tên", "Dự phòng"]
TURNS = {
    "VNPT": ("Trực ca VNPT 1", "Trực ca VNPT 2"),
    "VIETTEL": ("Trực ca Viettel 1", "Trực ca Viettel 2"),
    "MOBIFONE": ("Trực ca MobiFone 1", "Trực ca MobiFone 2"),
    "STTTT": ("Trực ban Sở 1", "Trực ban Sở 3"),
}


def the_roster():
    """Four days of everybody's turns as an office writes them: the date once, day and night below each other."""
    sheets = []
    for party, (by_day, by_night) in TURNS.items():
        rows = [HEADS]
        for day in ("21/5/2021", "22/5/2021", "23/5/2021", "24/5/2021"):
            rows.append([day, party, "Trực ca", "7h00-19h00", by_day, by_night])
            rows.append([None, party, "Trực ca", "19h00-7h00", by_night, by_day])
            if party == "STTTT":
                rows.append([None, party, "Trực lãnh đạo", "7h00-7h00", "Lãnh đạo Sở", None])
        sheets.append((party, rows, []))
    return book(*sheets)


def lost(communes, *, kind, owner):
    """The evidence of a cut of one kind of path in so many communes, each of which has another path left."""
    sites = [f"UB-{code}" for code in COMMUNES[:communes]]
    paths = [f"{site}-{kind}" for site in sites]
    return ring_evidence(owner=owner, sites=sites, paths=paths, targets=[], last_path=[])


async def on_duty(day, party):
    inventory = await day.roster.living()
    rows = {(row.party, row.duty): row.person for row in board(inventory, day.room.clock())}
    return rows[party, Duty.OPERATIONS]


async def two_days_before(day):
    preview = await day.imports.preview(the_roster(), "lich-truc.xlsx", scope=None)
    assert preview.understanding.faults == ()
    assert preview.understanding.people == ()
    assert preview.findings == ()
    assert await day.imports.take(preview, actor="Trực ban Sở 1", scope=None) == 4 * 2 * 4 + 4
    await day.at("21/05 09:00")
    view = await day.roster.view()
    for person in view.inventory.people.values():
        mine = [shift.id for shift in view.shifts if shift.person == person.code]
        await day.roster.confirm(mine, by=person.name, scope=person.party, person=person.code)
    others = next(shift.id for shift in view.shifts if shift.person == "vnpt-1")
    with pytest.raises(UnknownShiftError):
        await day.roster.confirm([others], by="Trực ca VNPT 2", scope="VNPT", person="vnpt-2")
    view = await day.roster.view()
    until = local("25/05 07:00")
    assert findings(view.shifts, view.inventory, since=local("21/05 07:00"), until=until) == ()


async def the_evening_before(day):
    await day.at("22/05 18:20")
    first = await day.believe(OLTS[0], "down", evidence=lost(1, kind="DT", owner="VNPT"))
    await day.at("22/05 18:22")
    await day.service.answers.acknowledge_by_link(day.last("email vnpt-1 SC-21-0001").link)
    await day.at("22/05 18:40")
    await day.service.progress(first.id, actor="Trực ca VNPT 1", note="Tổ kỹ thuật đang tới trạm")
    await day.at("22/05 18:50")
    offered = await day.handovers.offer("VNPT", Duty.OPERATIONS, actor="Trực ca VNPT 1", scope="VNPT")
    assert (offered.outgoing, offered.incoming) == ("vnpt-1", "vnpt-2")
    assert [matter["number"] for matter in offered.matters] == ["SC-21-0001"]

    await day.at("22/05 19:02")
    assert await on_duty(day, "VNPT") == "vnpt-1"  # nobody has relieved them
    assert await on_duty(day, "STTTT") == "stttt-3"  # changed by the plan
    second = await day.believe(OLTS[1], "down", evidence=lost(1, kind="DT", owner="VNPT"))
    await day.at("22/05 19:04")
    with pytest.raises(NotTheirsError):
        await day.handovers.accept(offered.id, actor="Trực ca VNPT 1", scope="VNPT", person="vnpt-1")
    accepted = await day.handovers.accept(offered.id, actor="Trực ca VNPT 2", scope="VNPT", person="vnpt-2")
    assert accepted.state is HandoverState.ACCEPTED
    assert await on_duty(day, "VNPT") == "vnpt-2"
    await day.at("22/05 19:04:30")
    await day.service.acknowledge(second.id, actor="Trực ca VNPT 2", person="vnpt-2")
    await day.at("22/05 19:08")
    await day.service.progress(first.id, actor="Trực ca VNPT 2", note="Đã nhận bàn giao, đang thay nguồn")
    await day.at("22/05 19:30")
    await day.believe(OLTS[0], "up", evidence={})
    await day.at("22/05 19:32")
    await day.believe(OLTS[1], "up", evidence={})
    await day.at("22/05 20:00")
    for incident in (first, second):
        await day.service.close(
            incident.id, actor="Trực ban Sở 3", cause=CauseClass.EQUIPMENT, note="Đã thay bộ nguồn"
        )


async def a_ring_is_cut_at_the_opening(day):
    await day.at("23/05 05:10")
    cut = await day.believe(RING, "down", evidence=ring_evidence())
    await day.at("23/05 05:16:30")
    [taken] = await day.service.answers.acknowledge_by_link(day.last("sms vnpt-1 SC-21-0003").link)
    assert taken.acknowledged_by == "Trực ca VNPT 1"
    await day.at("23/05 05:25")
    eta = local("23/05 05:50")
    told = await day.service.progress(cut.id, actor="Trực ca VNPT 1", note="Đang hàn nối", eta=eta)
    assert told.deadline_at == eta

    await day.at("23/05 05:30")
    await day.service.act(
        cut.id,
        lambda case, province, at: dispute(
            case,
            province,
            at,
            actor="Trực ca VNPT 1",
            kind=DisputeKind.CAUSE,
            cause=CauseClass.POWER_LOSS,
            note="Cáp không đứt: trạm mất điện lưới",
        ),
    )
    await day.at("23/05 05:45")
    await day.service.progress(cut.id, actor="Trực ca VNPT 1", note="Máy nổ đã tới trạm")
    await day.at("23/05 06:04")  # the leader was called at 05:30 and, because nothing was decided, at 06:00
    decided = await day.service.act(
        cut.id,
        lambda case, province, at: decide(
            case, province, at, actor="Lãnh đạo Sở", upheld=True, note="Điện lực xác nhận mất điện"
        ),
    )
    assert decided.cause is CauseClass.POWER_LOSS
    await day.at("23/05 06:10")
    await day.believe(RING, "up", evidence={})
    await day.at("23/05 08:00")
    await day.service.close(
        cut.id, actor="Trực ban Sở 1", cause=CauseClass.POWER_LOSS, note="Mất điện lưới, đã có máy nổ"
    )


async def viettel_is_helped_by_mobifone(day):
    await day.at("23/05 10:00")
    whole = lost(len(COMMUNES), kind="DD", owner="VIETTEL")
    core = await day.believe(CORE, "down", evidence=whole)
    await day.at("23/05 10:01:30")
    await day.service.answers.acknowledge_by_code(day.last("email vt-1 SC-21-0004").code)
    await day.at("23/05 10:03")
    order = AidOrder(core.id, AidKind.ROAMING, "MOBIFONE", "947", "Chuyển vùng thoại cho 11 xã", 120)
    aid = await day.aid.draft(order, actor="Trực ca Viettel 1", scope="VIETTEL")
    assert await day.aid.aids(party="MOBIFONE") == []
    await day.at("23/05 10:05")
    await day.aid.request(aid.id, actor="Lãnh đạo Sở")
    await day.at("23/05 10:08")
    await day.aid.answer(
        aid.id, AidEvent.ACCEPTED, actor="Trực ca MobiFone 1", party="MOBIFONE", terms={"lead_minutes": 20}
    )
    await day.at("23/05 10:10")
    await day.aid.do(aid.id, AidEvent.ACTIVATED, actor="Trực ban Sở 1", party=None)
    await day.at("23/05 10:20")
    with pytest.raises(UnverifiedAidError):
        await day.aid.verify(aid.id, by_call=False, note="", actor="Trực ban Sở 1")
    await day.at("23/05 10:22")
    called = "Gọi 0970 000 006, nhận được qua MobiFone"
    await day.aid.verify(aid.id, by_call=True, note=called, actor="Trực ban Sở 1")
    assert (await day.room.incident(core.id)).state is IncidentState.MITIGATED
    await day.at("23/05 11:30")
    await day.believe(CORE, "up", evidence={})
    await day.at("23/05 11:35")
    await day.aid.do(aid.id, AidEvent.RELEASED, actor="Trực ban Sở 1", party=None)
    await day.at("23/05 11:50")
    actuals = {"users": 9800, "minutes": 73, "capacity": "11 xã"}
    await day.aid.close(aid.id, actuals=actuals, actor="Trực ca MobiFone 1", party="MOBIFONE")
    await day.at("23/05 12:00")
    await day.service.close(
        core.id, actor="Trực ban Sở 1", cause=CauseClass.EQUIPMENT, note="Thay card điều khiển"
    )
    return aid.id


async def a_station_fails_in_the_count(day):
    await day.at("23/05 21:30")
    station = await day.believe(STATION, "down", evidence=lost(3, kind="MF", owner="MOBIFONE"))
    await day.at(
        "23/05 21:36"
    )  # neither of MobiFone answered; the officer who takes it need not be told of it
    await day.service.answers.acknowledge_by_link(day.last("email stttt-3 SC-21-0005").link)
    await day.at("23/05 21:50")
    await day.believe(STATION, "up", evidence={})
    return station.id


async def the_day_after(day, station):
    await day.at("24/05 08:00")
    await day.service.close(
        station, actor="Trực ban Sở 1", cause=CauseClass.POWER_LOSS, note="Mất điện lưới 20 phút"
    )
    await day.at("24/05 23:59:59")
    over = await day.room.incidents()
    assert [incident.number for incident in over] == [f"SC-21-000{number}" for number in range(1, 6)]
    for incident in over:  # each is held against its own ledger
        assert (await day.room.incident(incident.id)).state is IncidentState.CLOSED
    assert await day.room.gaps() == []
    assert await day.service.next_due() is None
    assert await day.aid.next_due() is None
    assert await day.handovers.open(scope=None) == ()
    auditor = Auditor(
        service=day.service, database=day.room.database, clock=day.room.clock, metrics=day.service.metrics
    )
    assert not await auditor.audit()
    with pytest.raises(UnknownLinkError):
        await day.service.answers.acknowledge_by_link(day.last("sms vnpt-1 SC-21-0003").link)


async def test_from_two_days_before_to_the_day_after_everybody_hears_what_they_must_and_nothing_else(
    tmp_path,
):
    async with a_played_day(tmp_path, start="21/05 08:00") as day:
        await two_days_before(day)
        assert day.arrived == []
        await the_evening_before(day)
        await a_ring_is_cut_at_the_opening(day)
        aid = await viettel_is_helped_by_mobifone(day)
        station = await a_station_fails_in_the_count(day)
        await the_day_after(day, station)
        helped, record = await day.aid.aid(aid, party=None)
        outcomes = await day.outcomes()

    expected = [line for line in MESSAGES.splitlines() if line]
    assert [arrival.line for arrival in day.arrived] == expected
    assert outcomes == {"sent": len(expected)}
    assert helped.state is AidState.CLOSED
    assert helped.actuals == {"users": 9800, "minutes": 73, "capacity": "11 xã"}
    assert helped.active_at - helped.requested_at == 17 * MINUTE
    assert [entry.event for entry in record] == [
        AidEvent.DRAFTED,
        AidEvent.REQUESTED,
        AidEvent.ACCEPTED,
        AidEvent.ACTIVATED,
        AidEvent.VERIFIED,
        AidEvent.RELEASED,
        AidEvent.CLOSED,
    ]
    partner = [arrival.words for arrival in day.arrived if " mf-1 UC-" in arrival.line]
    assert not any("SC-21" in words or "Viettel" in words for words in partner)
