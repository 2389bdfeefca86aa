"""What people do to incidents beyond acknowledging: waiting, mitigating, disputing, reassigning, merging, reopening."""

from datetime import timedelta
from functools import partial

import pytest

from alerting import actions, direction, disputes
from alerting.errors import (
    IllegalTransitionError,
    ImpossibleDeedError,
    ImpossibleTimeError,
    UnknownPartyError,
)
from alerting.models import CauseClass, DisputeKind, IncidentState, Matter, PendingReason
from alerting.reported import Report
from alerting.verification import verify
from inventory.models import Severity
from tests.support.acting import MINUTE, NOON, a_duty_room, a_policy, an_inventory, ring_evidence

S = IncidentState
CARRIER = "Trực ca VNPT 1"
OFFICER = "Trực ban Sở 1"
LEADER = "Lãnh đạo Sở"


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


async def held(room, **evidence):
    incident = await room.cut(**evidence)
    await room.service.acknowledge(incident.id, actor=CARRIER)
    return await room.incident(incident.id)


async def do(room, incident, deed, **keywords):
    return await room.service.act(incident.id, partial(deed, **keywords))


@pytest.mark.parametrize(
    ("reason", "moved"), [(PendingReason.POWER, 20 * MINUTE), (PendingReason.PARTS, timedelta(0))]
)
async def test_a_wait_moves_the_time_to_restore_only_by_what_the_carrier_can_do_nothing_about(
    room, reason, moved
):
    incident = await held(room)
    before = incident.facts["restore_by"]
    await do(
        room, incident, actions.pause, actor=CARRIER, reason=reason, until=NOON + 60 * MINUTE, note="chờ"
    )
    room.clock.advance(minutes=20)
    await do(room, incident, actions.start, actor=CARRIER)
    after = await room.incident(incident.id)
    assert after.state is S.IN_PROGRESS
    stamps = [a_time(one) for one in (before, after.facts["restore_by"])]
    assert stamps[1] - stamps[0] == moved


def a_time(text):
    return type(NOON).fromisoformat(text)


async def test_who_lets_a_wait_run_out_is_taken_for_gone(room):
    incident = await held(room)
    until = room.clock() + 15 * MINUTE
    await do(
        room, incident, actions.pause, actor=CARRIER, reason=PendingReason.WEATHER, until=until, note="bão"
    )
    assert (await room.incident()).deadline_at == until
    await room.pass_time(minutes=15)
    after = await room.incident()
    assert (after.state, after.generation) == (S.OPEN, incident.generation + 1)


async def test_a_wait_ends_later_than_now_and_no_later_than_in_three_days(room):
    incident = await held(room)
    wait = partial(do, room, incident, actions.pause, actor=CARRIER, reason=PendingReason.PARTS, note="chờ")
    with pytest.raises(ImpossibleTimeError):
        await wait(until=room.clock())
    await wait(until=room.clock() + timedelta(days=30))
    assert (await room.incident()).deadline_at == room.clock() + actions.LONGEST_WAIT


async def test_temporary_service_ends_the_paging_until_it_runs_out(room):
    incident = await room.cut()
    until = room.clock() + 90 * MINUTE
    await do(room, incident, actions.mitigate, actor=OFFICER, note="dùng đường Viettel", until=until)
    await room.pass_time(minutes=89)
    assert (await room.incident()).state is S.MITIGATED
    assert "sms" not in [channel for _, channel, state in await room.pages() if state == "pending"]
    await room.pass_time(minutes=1)
    assert (await room.events())[-3:-1] == ["mitigated", "mitigation_lost"]
    assert (await room.incident()).state is S.OPEN


async def test_who_says_it_is_not_theirs_loses_it_to_the_department_until_the_leader_decides(room):
    incident = await held(room)
    await do(room, incident, disputes.dispute, actor=CARRIER, kind=DisputeKind.OWNER, note="cáp của Viettel")
    between = await room.incident()
    assert (between.owner, between.state, between.generation) == ("STTTT", S.OPEN, incident.generation + 1)
    assert ("stttt-2", "sms", "pending") in await room.pages()
    await do(room, incident, disputes.decide, actor=LEADER, upheld=True, owner="VIETTEL", note="đúng")
    after = await room.incident()
    assert (after.owner, after.state) == ("VIETTEL", S.OPEN)
    assert after.facts["dispute"]["upheld"] is True
    assert "timers" not in after.facts or not after.facts["timers"]


async def test_a_dispute_that_is_not_upheld_gives_the_incident_back(room):
    incident = await held(room)
    await do(room, incident, disputes.dispute, actor=CARRIER, kind=DisputeKind.OWNER, note="không phải")
    await do(room, incident, disputes.decide, actor=LEADER, upheld=False, note="cáp là của VNPT")
    assert (await room.incident()).owner == "VNPT"
    with pytest.raises(ImpossibleDeedError):
        await do(room, incident, disputes.decide, actor=LEADER, upheld=False, note="lần nữa")


async def test_a_dispute_that_nobody_decides_pages_the_leader_again(room):
    incident = await held(room)
    await do(room, incident, disputes.dispute, actor=CARRIER, kind=DisputeKind.CAUSE, note="do bên thi công")
    await do(room, incident, actions.progress, actor=CARRIER, note="đang hàn", eta=None)
    called = [p for p in await room.messages() if p.body["what"] == "decide"]
    await room.pass_time(minutes=30)
    again = [p for p in await room.messages() if p.body["what"] == "decide"]
    assert len(again) > len(called) > 0


async def test_an_upheld_cause_becomes_the_incidents(room):
    incident = await held(room)
    third = CauseClass.THIRD_PARTY
    kind = DisputeKind.CAUSE
    await do(room, incident, disputes.dispute, actor=CARRIER, kind=kind, cause=third, note="máy xúc")
    await do(room, incident, disputes.decide, actor=LEADER, upheld=True, note="đúng")
    assert (await room.incident()).cause is third


async def test_the_leader_can_decide_that_service_is_back_though_the_probes_say_no(room):
    incident = await held(room)
    kind = DisputeKind.RESTORATION
    await do(room, incident, disputes.dispute, actor=CARRIER, kind=kind, note="đã thông")
    await do(room, incident, disputes.decide, actor=LEADER, upheld=True, note="đã gọi xã, máy thông")
    assert (await room.incident()).state is S.RESOLVED


async def test_reassigning_pages_the_new_owner_and_starts_its_clocks(room):
    incident = await held(room)
    room.clock.advance(minutes=7)
    await do(room, incident, direction.reassign, actor=OFFICER, owner="STTTT", note="hạ tầng của Sở")
    after = await room.incident()
    assert (after.owner, after.state, after.acknowledged_at) == ("STTTT", S.OPEN, None)
    assert a_time(after.facts["acknowledge_by"]) == room.clock() + 10 * MINUTE
    with pytest.raises(UnknownPartyError):
        await do(room, incident, direction.reassign, actor=OFFICER, owner="NOBODY", note="x")


async def two(room):
    first = await room.cut()
    await room.believe("path:UB-31505-DT", evidence={"owner": "VNPT", "sites": ["UB-31505"], "priority": "B"})
    await room.service.absorb()
    return first, (await room.incidents())[-1]


async def test_a_merged_incident_is_silent_keeps_its_ledger_and_follows_its_measurements(room):
    parent, child = await two(room)
    await room.service.merge(child.id, parent.id, actor=OFFICER, note="cùng một tuyến cáp")
    merged = await room.incident(child.id)
    assert (merged.state, merged.parent, merged.deadline_at) == (S.MERGED, parent.id, None)
    pages = len(await room.pages(child.id))
    await room.believe("path:UB-31505-DT", new="up")
    await room.service.absorb()
    assert (await room.incident(child.id)).facts["down"] is False
    await room.pass_time(hours=1)
    assert len(await room.pages(child.id)) == pages
    assert len(await room.incidents()) == 2


async def test_when_the_parent_is_resolved_a_child_that_is_still_down_stands_alone_at_once(room):
    parent, child = await two(room)
    await room.service.merge(child.id, parent.id, actor=OFFICER, note="cùng một tuyến cáp")
    await room.mend()
    await room.pass_time(seconds=31)
    assert (await room.incident(parent.id)).state is S.RESOLVED
    alone = await room.incident(child.id)
    assert (alone.state, alone.parent, alone.generation) == (S.OPEN, None, 2)


async def test_a_wider_cause_takes_over_the_incidents_of_its_parts_and_one_stands(room):
    part = await room.cut(communes=2)
    await room.believe("risk:CORE", evidence=ring_evidence(communes=3))
    await room.believe(evidence=ring_evidence(communes=2, into="risk:CORE"))
    await room.service.absorb()
    child, parent = await room.incident(part.id), await room.incident(part.id + 1)
    assert (child.state, child.parent, parent.state) == (S.MERGED, parent.id, S.OPEN)
    await room.mend()
    await room.believe("risk:CORE", "up")
    await room.service.absorb()
    await room.pass_time(minutes=2)
    assert (await room.incident(parent.id)).state is S.RESOLVED
    assert (await room.incident(part.id)).state is S.MERGED


async def test_a_part_that_somebody_took_on_keeps_that_and_its_ledger_and_nobody_is_called_for_it_again(room):
    part = await held(room, communes=2)
    wrote, called = await room.ledger(part.id), len(await room.pages(part.id))
    await room.believe("risk:CORE", evidence=ring_evidence(communes=3))
    await room.believe(evidence=ring_evidence(communes=2, into="risk:CORE"))
    await room.service.absorb()
    joined = await room.incident(part.id)
    assert joined.state is S.MERGED
    assert (joined.acknowledged_at, joined.acknowledged_by) == (part.acknowledged_at, part.acknowledged_by)
    assert (await room.ledger(part.id))[: len(wrote)] == wrote
    await room.pass_time(hours=1)
    assert len(await room.pages(part.id)) == called
    assert await room.pages(part.id + 1)


async def test_what_a_wider_cause_of_another_owner_explains_stays_with_its_owner(room):
    part = await room.cut(communes=2)
    await room.believe("risk:CORE", evidence=ring_evidence(communes=3, owner="VIETTEL"))
    await room.believe(evidence=ring_evidence(communes=2, into="risk:CORE"))
    await room.service.absorb()
    assert (await room.incident(part.id)).state is S.OPEN


async def test_what_is_merged_by_mistake_comes_back(room):
    parent, child = await two(room)
    await room.service.merge(child.id, parent.id, actor=OFFICER, note="cùng")
    await room.service.unmerge(child.id, actor=OFFICER, note="không cùng")
    assert (await room.incident(child.id)).state is S.OPEN
    with pytest.raises(ImpossibleDeedError):
        await room.service.merge(parent.id, parent.id, actor=OFFICER, note="vào chính nó")


async def test_a_lowered_severity_stays_lowered_until_worse_is_computed(room):
    incident = await room.cut(communes=3)
    await do(room, incident, direction.regrade, actor=OFFICER, severity=Severity.P4, note="không ảnh hưởng")
    assert (await room.cut(communes=4)).severity is Severity.P4
    assert (await room.cut(communes=4, isolated=2)).severity is Severity.P1


async def test_raising_the_severity_pages_anew(room):
    incident = await held(room)
    await do(room, incident, direction.regrade, actor=OFFICER, severity=Severity.P1, note="phòng họp tỉnh")
    after = await room.incident()
    assert (after.severity, after.state, after.generation) == (Severity.P1, S.OPEN, incident.generation + 1)


async def closed(room):
    incident = await held(room)
    await room.mend()
    await room.pass_time(seconds=31)
    await room.service.close(incident.id, actor=OFFICER, cause=CauseClass.FIBRE_CUT, note="hàn cáp")
    return incident


async def test_what_was_closed_can_be_reopened_for_a_day(room):
    incident = await closed(room)
    await do(room, incident, direction.reopen, actor=OFFICER, note="xã báo lại mất")
    assert (await room.incident()).state is S.OPEN


async def test_what_was_closed_longer_ago_or_stands_again_already_stays_closed(room):
    incident = await closed(room)
    room.clock.advance(hours=2)
    await room.believe()
    await room.service.absorb()
    with pytest.raises(ImpossibleDeedError):
        await do(room, incident, direction.reopen, actor=OFFICER, note="lại mất")
    room.clock.advance(hours=23)
    with pytest.raises(ImpossibleDeedError):
        await do(room, incident, direction.reopen, actor=OFFICER, note="lại mất")


def a_report(**changes):
    told = {
        "matter": Matter.NO_SERVICE,
        "text": "xã báo mất hết",
        "reporter": OFFICER,
        "key": "k1",
        **changes,
    }
    return Report(**told)


async def test_what_a_commune_tells_becomes_an_incident_like_any_other(room):
    made = await room.service.report(a_report(site="UB-31501", owner="VNPT", caller="Anh Ba", phone="0912"))
    assert (made.owner, made.state, made.severity) == ("VNPT", S.OPEN, Severity.P1)
    assert made.facts["impact"]["impact"] == "isolated"
    assert ("vnpt-1", "sms", "pending") in await room.pages(made.id)
    again = await room.service.report(a_report(site="UB-31501", owner="VNPT"))
    assert again.id == made.id
    assert len(await room.incidents()) == 1


async def test_what_nobody_measures_is_over_when_a_call_says_so_and_not_when_time_has_passed(room):
    made = await room.service.report(a_report(owner="VNPT"))
    await room.service.acknowledge(made.id, actor=CARRIER)
    await room.service.report_restored(made.id, actor=CARRIER, note="đã thông")
    claimed_at = room.clock()
    await room.pass_time(hours=1)
    assert (await room.incident()).state is S.RESTORED
    assert "callback_due" in [what for what, _ in await room.notices(made.id)]
    await do(room, made, verify, actor=OFFICER, holds=True)
    after = await room.incident()
    assert (after.state, after.ended_at) == (S.RESOLVED, claimed_at)


async def test_a_call_that_tells_the_contrary_counts_a_false_restoration(room):
    made = await room.service.report(a_report(owner="VNPT"))
    await room.service.acknowledge(made.id, actor=CARRIER)
    await room.service.report_restored(made.id, actor=CARRIER)
    await do(room, made, verify, actor=OFFICER, holds=False, note="xã vẫn mất")
    after = await room.incident()
    assert (after.state, after.facts["false_restorations"]) == (S.IN_PROGRESS, 1)


async def test_an_unconfirmed_report_pages_nobody_until_it_is_confirmed_or_nobody_looked(room):
    made = await room.service.report(a_report(confirmed=False))
    assert (made.state, await room.pages(made.id)) == (S.SUSPECTED, [])
    await room.pass_time(minutes=10)
    assert (await room.incident()).state is S.OPEN


async def test_a_suspicious_item_is_restricted_and_its_message_does_not_tell_what_it_is(room):
    made = await room.service.report(a_report(matter=Matter.SUSPICIOUS_ITEM, text="gói có bột trắng"))
    assert made.restricted
    told = [message.body["title"] for message in await room.messages(made.id)]
    assert told
    assert all("Bưu gửi" not in title for title in told)


@pytest.mark.parametrize("wrong", [{"site": "X"}, {"area": "X"}, {"owner": "X"}])
async def test_a_report_of_what_the_inventory_does_not_know_is_refused(room, wrong):
    with pytest.raises(UnknownPartyError):
        await room.service.report(a_report(**wrong))


async def test_the_gravest_need_the_leaders_own_word_besides_the_acknowledgement(tmp_path):
    policy = a_policy(countersign=frozenset({Severity.P1}), countersign_within=5 * MINUTE)
    async with a_duty_room(tmp_path, inventory=an_inventory(policy=policy)) as room:
        incident = await room.cut(isolated=2)
        await room.service.acknowledge(incident.id, actor=CARRIER, person="vnpt-1")
        await room.pass_time(minutes=5)
        leader = [m for m in await room.messages() if m.body["what"] == "countersign"]
        assert {message.person for message in leader} == {"stttt-2"}
        await room.service.acknowledge(incident.id, actor=LEADER, person="stttt-2")
        after = await room.incident()
        assert (after.facts["countersigned_by"], after.acknowledged_by) == (LEADER, CARRIER)
        await room.pass_time(minutes=20)
        assert len([m for m in await room.messages() if m.body["what"] == "countersign"]) == len(leader)


async def test_a_deed_that_the_state_does_not_allow_changes_nothing(room):
    incident = await room.cut()
    before = await room.incident()
    wait = {"reason": PendingReason.POWER, "until": NOON + 9 * MINUTE, "note": "x"}
    with pytest.raises(IllegalTransitionError):
        await do(room, incident, actions.pause, actor=CARRIER, **wait)
    assert await room.incident() == before
