"""From a belief to a closed sheet: the service on a real database, with a clock that is moved by hand."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from alerting.errors import IllegalTransitionError, MissingReasonError, UnknownIncidentError
from alerting.models import CauseClass, IncidentState
from alerting.schema import escalation_runs
from alerting.store import incidents, outages_of_incident, tally
from inventory.database import reading, transaction
from inventory.models import ContactChannel, Severity
from monitor.models import SubjectKind
from monitor.schema import state_changes
from tests.support.acting import (
    MINUTE,
    NOON,
    PEOPLE,
    RING,
    SECOND,
    SHIFTS,
    a_duty_room,
    a_ladder,
    a_person,
    a_policy,
    an_inventory,
    by_code,
    ring_evidence,
)


@pytest.fixture
async def room(tmp_path, database_url):
    async with a_duty_room(tmp_path, url=database_url) as room:
        yield room


async def unprocessed(room):
    async with reading(room.database) as connection:
        rows = await connection.execute(
            select(state_changes.c.id).where(state_changes.c.processed_at.is_(None))
        )
        return list(rows.scalars())


async def test_a_cut_ring_opens_one_incident_that_names_the_carrier_and_pages_its_person_on_duty(room):
    incident = await room.cut(communes=3)
    assert incident.state is IncidentState.OPEN
    assert (incident.owner, incident.assignee) == ("VNPT", "vnpt-1")
    assert incident.number == "SC-21-0001"
    assert incident.title == "Vòng ring Mỹ Xuyên: 3 xã mất đường VNPT"
    assert incident.title_en == f"Ring {RING} (Mỹ Xuyên): 3 communes lost VNPT"
    assert incident.severity is Severity.P2
    assert (incident.began_at, incident.opened_at) == (NOON - 5 * SECOND, NOON)
    assert incident.deadline_at == NOON + 3 * MINUTE
    assert incident.facts["impact"]["last_path"] == 3
    assert await room.pages() == [("vnpt-1", "email", "pending"), ("vnpt-1", "sms", "pending")]
    assert await room.notices() == []
    assert room.changed == [incident.id]
    assert await unprocessed(room) == []


async def test_the_incident_lists_the_targets_that_it_counts_with_their_sites(room):
    incident = await room.cut(communes=2)
    async with reading(room.database) as connection:
        found = await outages_of_incident(connection, incident.id)
    assert [(one.target, one.site, one.started_at) for one in found] == [
        ("UB-31501-DT-1", "UB-31501", NOON - 5 * SECOND),
        ("UB-31502-DT-1", "UB-31502", NOON - 5 * SECOND),
    ]


async def test_rows_that_speak_of_no_cause_pass_by_without_effect(room):
    for kind in (SubjectKind.TARGET, SubjectKind.SITE, SubjectKind.VANTAGE):
        await room.believe("UB-31501-DT-1", kind=kind)
    assert await room.service.absorb() == 3
    assert await room.incidents() == []
    assert await unprocessed(room) == []


async def test_a_cause_that_comes_up_without_an_incident_passes_by(room):
    await room.believe(new="up")
    assert await room.service.absorb() == 1
    assert await room.incidents() == []


async def test_absorbing_again_finds_nothing_and_pages_nobody_twice(room):
    await room.cut()
    assert await room.service.absorb() == 0
    assert len(await room.messages()) == 2


async def test_two_services_on_one_database_open_one_incident_and_page_once(room, tmp_path):
    async with a_duty_room(tmp_path) as other:
        for _ in range(5):
            await room.believe()
        await asyncio.gather(*(service.absorb() for service in (room.service, other.service) * 3))
        assert len(await room.incidents()) == 1
        assert len(await room.messages()) == 2


async def test_a_cause_that_grows_changes_its_incident_and_pages_nobody_again(room):
    await room.cut(communes=3)
    incident = await room.cut(communes=5)
    assert incident.title.endswith("5 xã mất đường VNPT")
    assert await room.events() == ["opened", "escalated", "grew"]
    assert len(await room.messages()) == 2
    assert len(await room.incidents()) == 1


async def test_the_same_belief_told_twice_leaves_no_trace(room):
    await room.cut(communes=3)
    await room.cut(communes=3)
    assert await room.events() == ["opened", "escalated"]


async def test_a_cause_that_becomes_graver_is_paged_anew_even_to_whoever_holds_it(room):
    first = await room.cut(communes=3)
    await room.service.acknowledge(first.id, actor="Trực ca VNPT 1", person="vnpt-1")
    incident = await room.cut(communes=3, isolated=1)
    assert (incident.severity, incident.state) == (Severity.P1, IncidentState.OPEN)
    assert (incident.generation, incident.acknowledged_by) == (2, "")
    assert [page[2] for page in await room.pages()] == ["withdrawn", "withdrawn", "pending", "pending"]


async def test_becoming_graver_before_anybody_answered_replaces_the_pages_that_had_not_left(room):
    await room.cut(communes=3)
    incident = await room.cut(communes=11)
    assert (incident.severity, incident.generation) == (Severity.P1, 2)
    assert [page[2] for page in await room.pages()] == ["withdrawn", "withdrawn", "pending", "pending"]


async def test_a_severity_never_falls_by_itself(room):
    await room.cut(communes=3, isolated=1)
    incident = await room.cut(communes=4)
    assert incident.severity is Severity.P1


async def test_an_acknowledgement_stops_the_paging_and_tells_the_department(room):
    incident = await room.cut()
    taken = await room.service.acknowledge(incident.id, actor="Trực ca VNPT 1", person="vnpt-1")
    assert (taken.state, taken.acknowledged_by, taken.assignee) == (
        IncidentState.ACKNOWLEDGED, "Trực ca VNPT 1", "vnpt-1",
    )  # fmt: skip
    assert taken.acknowledged_at == NOON
    assert taken.deadline_at == NOON + 30 * MINUTE
    assert [page[2] for page in await room.pages()] == ["withdrawn", "withdrawn"]
    assert await room.notices() == [("acknowledged", "stttt-1")]
    await room.pass_time(minutes=20)
    assert len(await room.messages()) == 3


async def test_the_first_acknowledgement_wins_and_the_rest_are_written_down_once(room):
    incident = await room.cut()
    await room.service.acknowledge(incident.id, actor="A")
    for actor in ("B", "A", "B"):
        await room.service.acknowledge(incident.id, actor=actor)
    held = await room.incident()
    assert held.acknowledged_by == "A"
    assert held.facts["also_acknowledged_by"] == ["B"]
    assert await room.events() == ["opened", "escalated", "acknowledged", "note"]


async def test_ten_who_acknowledge_at_once_make_one_winner(room):
    incident = await room.cut()
    actors = [f"người {n}" for n in range(10)]
    await asyncio.gather(*(room.service.acknowledge(incident.id, actor=actor) for actor in actors))
    held = await room.incident()
    assert sorted([held.acknowledged_by, *held.facts["also_acknowledged_by"]]) == sorted(actors)
    assert (await room.events()).count("acknowledged") == 1


async def test_whoever_acknowledges_and_falls_silent_loses_it_and_paging_begins_anew(room):
    incident = await room.cut()
    await room.service.acknowledge(incident.id, actor="Trực ca VNPT 1", person="vnpt-1")
    await room.pass_time(minutes=30)
    silent = await room.incident()
    assert (silent.state, silent.generation, silent.acknowledged_by) == (IncidentState.OPEN, 2, "")
    assert [page for page in await room.pages() if page[2] == "pending"] == [
        ("vnpt-1", "email", "pending"), ("vnpt-1", "sms", "pending"),
    ]  # fmt: skip


async def test_progress_keeps_it_and_a_promise_brings_the_next_word_forward(room):
    incident = await room.cut()
    await room.service.acknowledge(incident.id, actor="A")
    await room.pass_time(minutes=29)
    eta = room.clock() + 10 * MINUTE
    working = await room.service.progress(incident.id, actor="A", note="đang hàn nối cáp", eta=eta)
    assert (working.state, working.deadline_at) == (IncidentState.IN_PROGRESS, eta)
    assert working.facts["progress"] == "đang hàn nối cáp"
    await room.pass_time(minutes=9)
    assert (await room.incident()).state is IncidentState.IN_PROGRESS
    await room.pass_time(minutes=1)
    assert (await room.incident()).state is IncidentState.OPEN


async def test_with_nobody_answering_the_ladder_climbs_to_the_leader_and_stays_there(room):
    await room.cut()
    await room.pass_time(minutes=18)
    called = [page[0] for page in await room.pages() if page[1] == "sms"]
    assert called == ["vnpt-1", "vnpt-2", "stttt-1", "stttt-2", "stttt-2", "stttt-2"]
    assert (await room.incident()).assignee == "stttt-2"
    assert await room.notices() == []


async def test_a_ladder_that_begins_later_pages_later_and_not_before(tmp_path):
    late = tuple(replace(step, after=step.after + 20 * MINUTE) for step in a_ladder())
    inventory = an_inventory(policy=a_policy(escalation=dict.fromkeys(Severity, late)))
    async with a_duty_room(tmp_path, inventory=inventory) as room:
        incident = await room.cut()
        assert incident.deadline_at == NOON + 20 * MINUTE
        await room.pass_time(minutes=19)
        assert await room.pages() == []
        await room.pass_time(minutes=1)
        assert {page[0] for page in await room.pages()} == {"vnpt-1"}


async def test_an_open_incident_whose_ladder_was_lost_begins_one_anew(room):
    await room.cut()
    async with transaction(room.database) as connection:
        await connection.execute(update(escalation_runs).values(ended_at=NOON))
    await room.pass_time(minutes=3)
    assert [page[0] for page in await room.pages() if page[1] == "sms"] == ["vnpt-1"]
    assert (await room.incident()).deadline_at == room.clock() + 3 * MINUTE


async def test_an_unfilled_duty_is_skipped_recorded_and_told_to_the_department_once(tmp_path):
    inventory = an_inventory(shifts=tuple(s for s in SHIFTS if s.party != "VNPT"))
    async with a_duty_room(tmp_path, inventory=inventory) as room:
        incident = await room.cut()
        assert incident.assignee == "stttt-1"
        assert await room.events() == ["opened", "roster_gap", "roster_gap", "escalated"]
        assert await room.notices() == [("roster_gap", "stttt-1")]
        await room.pass_time(minutes=20)
        assert await room.notices() == [("roster_gap", "stttt-1")]


async def test_with_an_empty_roster_the_incident_still_has_a_deadline_and_asks_again(tmp_path):
    async with a_duty_room(tmp_path, inventory=an_inventory(shifts=(), people=by_code([]))) as room:
        incident = await room.cut()
        assert incident.deadline_at == NOON + 5 * MINUTE
        assert await room.messages() == []
        people = by_code(PEOPLE)
        room.service.swap(an_inventory(people=people, shifts=SHIFTS))
        await room.pass_time(minutes=5)
        assert {page[0] for page in await room.pages()} == {"stttt-2"}


async def test_a_restoration_is_dated_by_the_first_good_sample_and_believed_after_it_held(room):
    await room.cut()
    room.clock.advance(minutes=2)
    back = await room.mend(at=NOON + MINUTE)
    assert (back.state, back.ended_at) == (IncidentState.RESTORED, NOON + MINUTE)
    assert back.deadline_at == room.clock() + 30 * SECOND
    assert [page[2] for page in await room.pages()] == ["withdrawn", "withdrawn"]
    assert await room.notices() == [("restored", "stttt-1")]
    await room.pass_time(seconds=30)
    resolved = await room.incident()
    assert (resolved.state, resolved.resolved_at) == (IncidentState.RESOLVED, room.clock())
    assert resolved.ended_at == NOON + MINUTE
    assert await room.notices() == [("restored", "stttt-1"), ("resolved", "stttt-1")]


async def test_a_line_that_falls_again_before_it_was_believed_goes_back_to_whoever_holds_it(room):
    incident = await room.cut()
    await room.service.acknowledge(incident.id, actor="A")
    await room.mend()
    room.clock.advance(seconds=10)
    again = await room.cut()
    assert (again.state, again.acknowledged_by, again.ended_at) == (IncidentState.IN_PROGRESS, "A", None)
    assert again.facts["false_restorations"] == 1
    assert await room.notices() == [
        ("acknowledged", "stttt-1"), ("restored", "stttt-1"), ("verify_failed", "stttt-1"),
    ]  # fmt: skip


async def test_a_line_that_flaps_does_not_hold_the_ladder_at_its_first_rung(room):
    await room.cut()
    for _ in range(8):
        await room.mend()
        await room.pass_time(seconds=20)
        await room.cut()
        await room.pass_time(seconds=20)
    called = [page[0] for page in await room.pages() if page[1] == "sms" and page[2] == "pending"]
    assert called[-2:] == ["vnpt-2", "stttt-1"]
    assert (await room.incident()).facts["false_restorations"] == 8


async def test_a_claim_that_the_probes_do_not_share_is_taken_back(room):
    incident = await room.cut()
    await room.service.acknowledge(incident.id, actor="A")
    claimed = await room.service.report_restored(incident.id, actor="A", note="đã thông")
    assert (claimed.state, claimed.ended_at) == (IncidentState.RESTORED, None)
    await room.service.report_restored(incident.id, actor="A")
    await room.pass_time(seconds=30)
    back = await room.incident()
    assert (back.state, back.facts["false_restorations"]) == (IncidentState.IN_PROGRESS, 1)


async def test_a_claim_that_the_probes_come_to_share_is_believed_with_their_time(room):
    incident = await room.cut()
    await room.service.report_restored(incident.id, actor="A")
    await room.mend(at=NOON + 3 * SECOND)
    await room.pass_time(seconds=30)
    resolved = await room.incident()
    assert (resolved.state, resolved.ended_at) == (IncidentState.RESOLVED, NOON + 3 * SECOND)


async def test_a_false_claim_that_nobody_held_sends_the_ladder_on(room):
    incident = await room.cut()
    await room.service.report_restored(incident.id, actor="A")
    await room.pass_time(seconds=30)
    back = await room.incident()
    assert (back.state, back.generation) == (IncidentState.OPEN, 2)
    assert [page[2] for page in await room.pages()] == ["withdrawn", "withdrawn", "pending", "pending"]


async def resolved(room):
    await room.cut()
    await room.mend()
    await room.pass_time(seconds=30)
    return await room.incident()


async def test_a_cause_that_fails_within_the_hour_reopens_its_incident(room):
    await resolved(room)
    room.clock.advance(minutes=59)
    again = await room.cut()
    assert (again.id, again.state, again.generation) == (1, IncidentState.OPEN, 2)
    assert (again.resolved_at, again.ended_at) == (None, None)
    async with reading(room.database) as connection:
        starts = {one.started_at for one in await outages_of_incident(connection, 1)}
    assert len(starts) == 2


async def test_a_cause_that_fails_later_is_a_new_incident_that_names_the_earlier_one(room):
    await resolved(room)
    room.clock.advance(minutes=61)
    room.clock.advance(seconds=5)
    again = await room.cut()
    assert (again.id, again.number, again.facts["earlier"]) == (2, "SC-21-0002", "SC-21-0001")
    assert (await room.incident(1)).state is IncidentState.RESOLVED
    mended = await room.mend()
    assert (mended.id, mended.state) == (2, IncidentState.RESTORED)


async def test_closing_needs_a_cause_and_words_and_ends_the_matter(room):
    incident = await resolved(room)
    with pytest.raises(MissingReasonError, match="closed needs a note"):
        await room.service.close(incident.id, actor="B", cause=CauseClass.FIBRE_CUT, note="  ")
    closed = await room.service.close(incident.id, actor="B", cause=CauseClass.FIBRE_CUT, note="đứt cáp")
    assert (closed.state, closed.cause) == (IncidentState.CLOSED, CauseClass.FIBRE_CUT)
    assert (closed.closed_at, closed.deadline_at) == (room.clock(), None)
    again = await room.cut()
    assert (again.id, again.facts["earlier"]) == (2, "SC-21-0001")


async def test_what_waits_for_its_closing_too_long_is_remembered_every_day(room):
    await resolved(room)
    await room.pass_time(hours=49)
    assert [what for what, _ in await room.notices()][-2:] == ["close_overdue", "close_overdue"]
    assert (await room.incident()).state is IncidentState.RESOLVED


async def test_an_open_incident_cannot_be_closed_and_nothing_changes(room):
    incident = await room.cut()
    with pytest.raises(IllegalTransitionError, match="an incident that is open cannot be closed"):
        await room.service.close(incident.id, actor="B", cause=CauseClass.UNKNOWN, note="x")
    assert await room.incident() == incident
    assert await room.events() == ["opened", "escalated"]


async def test_what_was_no_incident_is_cancelled_with_a_reason_and_its_pages_withdrawn(room):
    incident = await room.cut()
    with pytest.raises(MissingReasonError):
        await room.service.cancel(incident.id, actor="B", note="")
    cancelled = await room.service.cancel(incident.id, actor="B", note="diễn tập của nhà mạng")
    assert cancelled.state is IncidentState.CANCELLED
    assert {page[2] for page in await room.pages()} == {"withdrawn"}
    await room.pass_time(hours=1)
    assert len(await room.messages()) == 2


async def test_nothing_can_be_acknowledged_that_nobody_waits_for(room):
    incident = await resolved(room)
    with pytest.raises(IllegalTransitionError, match="cannot be acknowledged"):
        await room.service.acknowledge(incident.id, actor="A")
    with pytest.raises(UnknownIncidentError, match="no incident 77"):
        await room.service.acknowledge(77, actor="A")


async def test_a_note_is_written_down_and_changes_nothing(room):
    incident = await room.cut()
    assert await room.service.note(incident.id, actor="B", note="xã báo qua điện thoại") == incident
    entry = (await room.ledger(incident.id))[-1]
    assert (entry.actor, entry.details["note"]) == ("B", "xã báo qua điện thoại")


async def test_a_cause_of_nobody_known_belongs_to_the_department(room):
    incident = await room.cut(owner="NOBODY")
    assert incident.owner == "STTTT"


async def test_a_malformed_belief_waits_and_keeps_no_other_incident_from_being_opened(room):
    broken = await room.believe("risk:BROKEN", evidence={"sites": 5})
    later = await room.believe("risk:BROKEN", evidence=ring_evidence())
    await room.believe()
    assert await room.service.absorb() == 1
    assert [one.condition for one in await room.incidents()] == [f"risk:{RING}"]
    assert await unprocessed(room) == [broken, later]
    assert room.service.metrics.failures.labels("absorb")._value.get() == 1


async def test_a_part_waits_for_its_wider_cause_while_that_is_malformed(room):
    """Else it would stand beside it for good: what is part of what is told once."""
    part = await room.cut(communes=2)
    broken = await room.believe("risk:CORE", evidence={"sites": 5})
    waits = await room.believe(evidence=ring_evidence(communes=2, into="risk:CORE"))
    over = await room.believe(new="up", evidence=ring_evidence(communes=2, into="risk:CORE"))
    assert await room.service.absorb() == 0
    assert await unprocessed(room) == [broken, waits, over]
    async with transaction(room.database) as connection:
        mended = update(state_changes).where(state_changes.c.id == broken)
        await connection.execute(mended.values(evidence=ring_evidence()))
    assert await room.service.absorb() == 3
    child = await room.incident(part.id)
    assert (child.state, child.parent, child.facts["down"]) == (IncidentState.MERGED, part.id + 1, False)


async def test_carriers_read_their_own_incidents_only(room):
    await room.cut()
    async with reading(room.database) as connection:
        assert await incidents(connection, owner="VIETTEL", limit=10) == []
        assert len(await incidents(connection, owner="VNPT", limit=10)) == 1
        assert await incidents(connection, states=[IncidentState.CLOSED], limit=10) == []
        assert await tally(connection) == [("open", "P2", "VNPT", 1)]


async def test_the_gauges_tell_of_live_incidents_waiting_messages_and_gaps(room):
    await room.cut()
    room.service.swap(an_inventory(shifts=tuple(s for s in SHIFTS if s.party != "STTTT")))
    room.clock.advance(seconds=40)
    await room.service.measure()
    metrics = room.service.metrics
    assert metrics.incidents.labels("open", "P2", "VNPT")._value.get() == 1
    assert metrics.outbox_oldest._value.get() == 40
    assert metrics.roster_gap.labels("VNPT", "operations")._value.get() == 0


async def test_a_department_officer_without_mail_is_told_by_other_means(tmp_path):
    people = by_code([*PEOPLE, a_person("stttt-1", "STTTT", "Trực ban Sở 1", sms="+84980000003")])
    async with a_duty_room(tmp_path, inventory=an_inventory(people=people)) as room:
        incident = await room.cut()
        await room.service.acknowledge(incident.id, actor="A")
        notice = (await room.messages())[-1]
        assert (notice.kind.value, notice.channel) == ("notice", ContactChannel.SMS)


async def test_ids_drawn_by_chance_do_not_hide_which_matter_was_the_last(tmp_path):
    draws = iter((*(900, 1_000_000), *(100, 1_000_001)))  # id and number of the first, and of the second
    async with a_duty_room(tmp_path, chance=lambda: next(draws)) as room:
        closed = await room.cut()
        await room.mend()
        await room.pass_time(minutes=2)
        await room.service.close(closed.id, actor="Trực ban", cause=CauseClass.FIBRE_CUT, note="hàn cáp")
        room.clock.advance(minutes=5)
        await room.believe()
        await room.service.absorb()
        second = next(one for one in await room.incidents() if one.id != closed.id)
        assert second.id < closed.id
        await room.mend()
        await room.pass_time(minutes=2)
        await room.believe()
        await room.service.absorb()
        found = {one.id: one.state for one in await room.incidents()}
        assert found == {closed.id: IncidentState.CLOSED, second.id: IncidentState.OPEN}
