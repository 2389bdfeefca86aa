"""Reports from a real database: gathered, built, edited, frozen, verified, amended, ordered by the calendar."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

import dashboards.reports.schema
from dashboards.i18n import Language
from dashboards.reports.building import build
from dashboards.reports.errors import ReportRefusedError, UnknownReportError
from dashboards.reports.gathering import assembled, gather
from dashboards.reports.models import BuildState
from dashboards.reports.order import Fields, Kind, Order, Stage, narrowed
from dashboards.reports.record import AidGiven
from dashboards.reports.schema import report_files
from dashboards.reports.service import ReportService
from dashboards.reports.windows import default_window, moment_of
from dashboards.reports.worker import ReportWorker, slots_due
from inventory.database import transaction
from inventory.models import Duty, Shift
from monitor.metrics import ServiceMetrics
from monitor.schema import state_changes
from monitor.service import MonitorService
from tests.support.duty_room import SCENES, a_duty_room

assert dashboards.reports.schema


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as opened:
        yield opened


@pytest.fixture
def service(room):
    return ReportService(
        database=room.database,
        places=lambda: (room.inventory, room.monitor.topology),
        clock=room.clock,
    )


async def record_of(room, **more):
    since, until = room.now - timedelta(hours=1), room.now
    rows = await gather(room.database, room.inventory, since, until, **more)
    return assembled(rows, room.inventory, room.monitor.topology, since=since, until=until, taken_at=room.now)


async def test_a_cut_ring_is_told_with_its_paths_incident_and_cause(room):
    await SCENES["closed"](room)
    record = await record_of(room)
    built = build(Order(Kind.POST_ELECTION), record, formats=())
    facts = built.facts
    carriers = {line.key: line for line in facts.by_carrier}
    assert facts.incidents == 1
    assert carriers["VNPT"].outages > 10
    assert carriers["VIETTEL"].outages == 0
    assert [line.key for line in facts.by_cause if line.times.lost] == ["fibre_cut"]
    [incident] = record.incidents
    assert incident.chain_broken_at is None
    assert incident.acknowledged_at is not None
    assert {outage.incident for outage in record.outages} == {incident.number}


async def test_aid_is_told_and_a_helper_is_never_told_whom_it_helps(room):
    aid = AidGiven("HT-1", "roaming", "VNPT", "VIETTEL", "active", room.now, None, room.now, None, "SC-21-1")
    record = replace(await record_of(room), aid=(aid,))
    helper = narrowed(record, Order(Kind.CARRIER, party="VNPT")).aid
    assert (helper[0].receiver, helper[0].incident) == ("", "")
    assert narrowed(record, Order(Kind.CARRIER, party="VIETTEL")).aid == (aid,)


async def test_what_nobody_could_see_is_told_as_unseen(room):
    await room.advance(120, step=10)
    await room.advance(120, step=10, canaries=False)
    await room.advance(120, step=10)
    built = build(Order(Kind.DAILY), await record_of(room), formats=())
    assert built.facts.whole.times.unobserved > 0
    assert built.facts.unobserved_sources


async def test_time_before_a_path_was_first_seen_is_unseen_not_up(room):
    await room.advance(600, step=60)
    rows = await gather(room.database, room.inventory, room.now - timedelta(hours=3), room.now)
    record = assembled(
        rows,
        room.inventory,
        room.monitor.topology,
        since=room.now - timedelta(hours=3),
        until=room.now,
        taken_at=room.now,
    )
    times = build(Order(Kind.DAILY), record, formats=()).facts.whole.times
    assert times.up <= 601 * len(record.paths)
    assert times.unobserved >= (3 * 3600 - 602) * len(record.paths)


async def times_since(room, since):
    rows = await gather(room.database, room.inventory, since, room.now)
    record = assembled(
        rows, room.inventory, room.monitor.topology, since=since, until=room.now, taken_at=room.now
    )
    facts = build(Order(Kind.DAILY), record, formats=()).facts
    return facts.whole.times, len(record.paths), {each.reason for each in record.unseen}


async def test_time_in_which_the_service_was_off_is_unseen_not_up(room):
    await room.advance(300, step=5)
    since = room.now
    await room.advance(60, step=5)
    room.now += timedelta(minutes=10)
    room.monitor = MonitorService(
        database=room.database, inventory=room.inventory, clock=room.clock, metrics=ServiceMetrics()
    )
    await room.monitor.start()
    await room.advance(60, step=5)
    times, paths, reasons = await times_since(room, since)
    assert 600 * paths <= times.unobserved <= 606 * paths
    assert times.up == 720 * paths - times.unobserved
    assert "not_running" in reasons


async def test_a_report_made_while_nothing_is_heard_tells_that_time_as_unseen(room):
    await room.advance(300, step=5)
    since = room.now
    await room.advance(60, step=5)
    room.now += timedelta(minutes=10)
    times, paths, reasons = await times_since(room, since)
    assert times.unobserved == 600 * paths
    assert times.up == 60 * paths
    assert reasons == {"silent"}


async def test_turns_gaps_and_people_are_those_of_the_live_roster(room):
    inventory, roster = room.inventory, room.deps.roster
    party = next(each for each in inventory.parties.values() if Duty.OPERATIONS in each.duties)
    duty = Duty.OPERATIONS
    [before] = [
        each
        for each in inventory.shifts
        if (each.party, each.duty) == (party.code, duty) and each.start <= room.now < each.end
    ]
    other = next(
        each.code
        for each in inventory.people.values()
        if each.party == party.code and each.code != before.person
    )
    await room.advance(60, step=20)
    shift = Shift(party.code, duty, other, room.now - timedelta(minutes=30), room.now)
    await roster.add(shift, actor="trucban", scope=None, as_override=True)
    turns = [each for each in (await record_of(room)).turns if (each.party, each.duty) == (party.code, duty)]
    assert (other, shift.start, shift.end) in {(each.person, each.start, each.end) for each in turns}
    mine = next(each for each in (await roster.view()).shifts if each.person == other and each.duty is duty)
    await roster.remove(mine.id, actor="trucban", scope=None)
    record = await record_of(room)
    assert other not in {
        each.person
        for each in record.turns
        if (each.party, each.duty, each.start) == (party.code, duty, shift.start)
    }
    assert (shift.start, shift.end) in {
        (each.started_at, each.ended_at)
        for each in record.gaps
        if (each.party, each.duty) == (party.code, duty)
    }


async def test_a_dossier_holds_the_ledger_and_one_incident(room):
    await SCENES["after"](room)
    [incident] = await room.incidents()
    record = await record_of(room, incident=incident.number)
    built = build(Order(Kind.DOSSIER, incident=incident.number), record, formats=())
    [table] = [block for block in built.document.blocks if getattr(block, "name", "") == "ledger"]
    assert len(table.rows) == len(await room.deps.records.ledger(incident.id))


async def ordered(service, room, order=None, **more):
    order = order or Order(Kind.POST_ELECTION)
    identifier = await service.order(order, room.now - timedelta(hours=1), room.now, by="trucban", **more)
    assert await service.build_next() == identifier
    return await service.report(identifier, scope=None)


async def test_a_report_is_ordered_built_and_read_back(room, service):
    await SCENES["closed"](room)
    report = await ordered(service, room)
    assert report.state is BuildState.READY
    assert {file.format for file in report.files} == {"pdf", "docx", "xlsx", "csv", "json"}
    assert (await service.content(report, "pdf")).startswith(b"%PDF")
    assert {text.section for text in report.texts} >= {"lessons", "proposals"}
    assert await service.build_next() is None


async def test_an_edit_is_kept_apart_and_builds_again(room, service):
    await SCENES["closed"](room)
    report = await ordered(service, room)
    before = {text.section: text.draft for text in report.texts}
    await service.edit(
        report.id,
        texts={"lessons": "Bài học riêng.", "weak": before["weak"]},
        fields=Fields(number="45", signer="Nguyễn Văn A"),
        by="trucban",
    )
    assert await service.build_next() == report.id
    again = await service.report(report.id, scope=None)
    texts = {text.section: text for text in again.texts}
    assert texts["lessons"].text == "Bài học riêng."
    assert texts["lessons"].draft == before["lessons"]
    assert texts["weak"].text is None
    assert again.digest == report.digest
    assert again.fields.number == "45"


async def test_a_final_report_is_frozen_and_its_files_verify(room, service):
    await SCENES["closed"](room)
    report = await ordered(service, room)
    await service.finalise(report.id, by="lanhdao")
    await service.build_next()
    final = await service.report(report.id, scope=None)
    assert final.is_frozen
    assert final.frozen_by == "lanhdao"
    content = await service.content(final, "pdf")
    found = await service.verify(content)
    assert found.holds
    assert (found.report.id, found.format) == (report.id, "pdf")
    assert not (await service.verify(content + b" ")).holds
    with pytest.raises(ReportRefusedError, match="addendum"):
        await service.edit(report.id, texts={"lessons": "khác"}, fields=None, by="trucban")


async def test_a_file_that_was_swapped_in_the_database_breaks_the_seal(room, service):
    await SCENES["closed"](room)
    report = await ordered(service, room)
    await service.finalise(report.id, by="lanhdao")
    await service.build_next()
    content = await service.content(report, "csv")
    async with room.database.begin() as connection:
        await connection.execute(
            update(report_files).where(report_files.c.format == "pdf").values(sha256="0" * 64)
        )
    found = await service.verify(content)
    assert not found.holds
    assert found.broken_at == report.id


async def test_an_addendum_names_what_it_corrects_and_continues_the_chain(room, service):
    await SCENES["closed"](room)
    report = await ordered(service, room)
    with pytest.raises(ReportRefusedError, match="only a final report"):
        await service.amend(report.id, by="trucban")
    await service.finalise(report.id, by="lanhdao")
    await service.build_next()
    second = await service.amend(report.id, by="trucban")
    await service.build_next()
    await service.finalise(second, by="lanhdao")
    await service.build_next()
    first, addendum = await service.report(report.id, scope=None), await service.report(second, scope=None)
    assert addendum.stage is Stage.ADDENDUM
    assert addendum.previous_seal == first.seal
    assert (await service.verify(await service.content(addendum, "json"))).holds


async def test_a_text_that_the_record_denies_keeps_a_report_from_being_final(room, service):
    await SCENES["closed"](room)
    report = await ordered(service, room)
    claim = "Bảo đảm thông suốt, không xảy ra nghẽn mạng, mất liên lạc."
    await service.edit(report.id, texts={"strong": claim}, fields=None, by="trucban")
    await service.build_next()
    await service.finalise(report.id, by="lanhdao")
    await service.build_next()
    refused = await service.report(report.id, scope=None)
    assert not refused.is_frozen
    assert refused.state is BuildState.FAILED
    assert "strong" in refused.error
    assert "gián đoạn" in refused.error


async def test_an_edit_during_the_build_is_never_lost(room, service):
    report = await ordered(service, room)
    await service.finalise(report.id, by="lanhdao")
    read = await service.report(report.id, scope=None)
    rows = await gather(room.database, room.inventory, read.since, read.until)
    built, drafted = service._build(read, None, rows, (room.inventory, room.monitor.topology))
    await service.edit(report.id, texts={"lessons": "muộn"}, fields=None, by="trucban")
    await service._keep(read, built, drafted)
    assert not (await service.report(report.id, scope=None)).is_frozen
    assert await service.queued() == report.id


async def test_a_carrier_reads_only_what_was_made_for_it(room, service):
    own = await ordered(service, room, Order(Kind.CARRIER, party="VNPT"))
    await ordered(service, room, Order(Kind.CARRIER, party="VIETTEL"))
    assert [each.id for each in await service.reports(scope="VNPT")] == [own.id]
    with pytest.raises(UnknownReportError):
        await service.report(own.id, scope="VIETTEL")


async def test_a_slot_is_reported_once(room, service):
    slot = next(each for each in room.inventory.election.report_slots if each > room.now)
    room.now = slot + timedelta(seconds=3)
    worker = ReportWorker(service=service, election=lambda: room.inventory.election, clock=room.clock)
    await worker.order_slots()
    await worker.order_slots()
    [report] = await service.reports(scope=None)
    assert (report.kind, report.until) == (Kind.QUICK, slot)


async def test_a_slot_before_the_first_belief_is_not_reported(room, service):
    slot = next(each for each in room.inventory.election.report_slots if each > room.now)
    room.now = slot + timedelta(minutes=24)
    async with transaction(room.database) as connection:
        await connection.execute(update(state_changes).values(noticed_at=slot + timedelta(minutes=20)))
    worker = ReportWorker(service=service, election=lambda: room.inventory.election, clock=room.clock)
    await worker.order_slots()
    assert await service.reports(scope=None) == []


def test_a_slot_long_past_is_not_made_up_for(room):
    election = room.inventory.election
    last = election.report_slots[-1]
    assert slots_due(election, last + timedelta(hours=3)) == []
    [(since, until, _)] = slots_due(election, last)
    assert until == last
    assert since == election.report_slots[-2]


async def test_a_window_without_length_is_refused(room, service):
    with pytest.raises(ReportRefusedError, match="end must be after"):
        await service.order(Order(Kind.DAILY), room.now, room.now, by="x")


def test_a_window_that_nobody_says_is_the_kind_s_own(room):
    election = room.inventory.election
    since, until = default_window(Kind.POST_ELECTION, election, room.now)
    assert since < room.now < until
    assert default_window(Kind.HANDOVER, election, room.now)[0] == room.now - timedelta(hours=8)
    assert moment_of("2021-05-23", election.zone) == datetime.fromisoformat("2021-05-22T17:00:00+00:00")


async def test_the_same_database_gives_the_same_bytes(room):
    await SCENES["closed"](room)
    one, two = [build(Order(Kind.DAILY, language=Language.EN), await record_of(room)) for _ in range(2)]
    assert one.files == two.files
    assert replace(one.facts) == two.facts
