"""The live roster on a real database: who is paged after an edit, what a reload does, who may touch what."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerting.errors import ChangedMeanwhileError
from alerting.handover_service import HandoverService
from alerting.roster import FindingKind, Origin
from alerting.roster_errors import (
    ImpossibleShiftError,
    NotTheirsError,
    RosterRefusedError,
    SettledError,
    UnknownShiftError,
)
from alerting.roster_imports import RosterImports
from alerting.roster_rotation import Rotation
from alerting.roster_service import RosterService
from inventory.models import Contact, ContactChannel, Duty, Person, Shift
from tests.alerting.test_roster_import import INVENTORY, three_carriers
from tests.support.acting import NOON, SHIFTS, ZONE, a_duty_room, a_shift, an_inventory, tokens

HOUR = timedelta(hours=1)
OPS = ("VNPT", Duty.OPERATIONS)


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


def roster_over(room, inventory=None):
    found = {"now": inventory}
    return RosterService(
        database=room.database,
        inventory=lambda: found["now"] or room.service.inventory,
        clock=room.clock,
        token=tokens(),
    )


@pytest.fixture
def roster(room):
    return roster_over(room)


async def held_by(roster, party="VNPT", duty=Duty.OPERATIONS):
    view = await roster.view()
    return [(s.person, s.origin) for s in view.shifts if (s.party, s.duty) == (party, duty)]


async def test_the_files_are_the_roster_until_somebody_edits(roster):
    view = await roster.view()
    assert {s.plain() for s in view.shifts} == set(SHIFTS)
    assert not view.taken


async def test_the_page_goes_to_whom_the_roster_names_now(room, roster):
    (mine,) = [s for s in (await roster.view()).shifts if s.party == "VNPT"]
    await roster.change(mine.id, actor="trực ban", scope=None, person="vnpt-2", substitute="vnpt-1")
    await room.cut()
    assert {person for person, _, _ in await room.pages()} == {"vnpt-2"}
    await room.pass_time(minutes=3)
    assert {person for person, _, _ in await room.pages()} == {"vnpt-2", "vnpt-1"}


async def test_a_person_who_came_with_a_roster_is_paged_and_their_link_works(room, roster):
    new = Person("VNPT-MOI", "VNPT", "Người Mới", contacts=(Contact(ContactChannel.SMS, "+84911111111"),))
    shift = Shift(*OPS, "VNPT-MOI", NOON, NOON + 8 * HOUR)
    ids = roster.new_ids()
    made = replace(
        (await roster.view()).shifts[0],
        id=next(ids),
        party=shift.party,
        duty=shift.duty,
        person=shift.person,
        start=shift.start,
        end=shift.end,
        substitute="",
        origin=Origin.IMPORT,
    )
    await roster.lay_down([made], actor="máy", scope=None, over=True, act="import", people=[new])
    incident = await room.cut()
    assert {person for person, _, _ in await room.pages()} == {"VNPT-MOI"}
    async with room.database.begin() as connection:
        issued = await room.service.links.issue(
            connection, incident=incident.id, person="VNPT-MOI", expires_at=NOON + HOUR
        )
    found = await room.service.answers.by_link(issued.link.rsplit("/", 1)[1])
    assert found is not None
    assert found[1].name == "Người Mới"


async def test_what_was_edited_outlives_a_restart_and_a_reload_that_says_otherwise(room, roster):
    (mine,) = [s for s in (await roster.view()).shifts if s.party == "VNPT"]
    await roster.change(mine.id, actor="trực ban", scope=None, person="vnpt-2", substitute="")
    other = an_inventory(shifts=(a_shift(*OPS, "vnpt-1", hours=48), *SHIFTS[1:]))
    again = roster_over(room, other)
    assert await held_by(again) == [("vnpt-2", Origin.EDIT)]
    await again.give_back(*OPS, actor="trực ban", scope=None)
    assert await held_by(again) == [("vnpt-1", Origin.FILE)]
    acts = [line.act for line in await again.changes(scope=None, limit=10)]
    assert acts == ["given_back", "changed", "taken_over"]


async def test_a_duty_that_nobody_edited_follows_the_files(room, roster):
    await roster.add(
        Shift("VIETTEL", Duty.OPERATIONS, "vnpt-1", NOON, NOON + HOUR), actor="trực ban", scope=None
    )
    other = an_inventory(shifts=(a_shift(*OPS, "vnpt-2"), *SHIFTS[1:]))
    assert await held_by(roster_over(room, other)) == [("vnpt-2", Origin.FILE)]


async def test_an_override_takes_its_hours_and_leaves_the_rest(roster):
    await roster.add(
        Shift(*OPS, "vnpt-2", NOON + HOUR, NOON + 3 * HOUR), actor="trực ban", scope=None, as_override=True
    )
    view = await roster.view()
    mine = sorted((s.start, s.end, s.person) for s in view.shifts if s.party == "VNPT")
    assert [(p, (e - s) / HOUR) for s, e, p in mine] == [("vnpt-1", 7), ("vnpt-2", 2), ("vnpt-1", 15)]
    kinds = {f.kind for f in view.findings(NOON - 6 * HOUR, NOON + 18 * HOUR, "VNPT")}
    assert not kinds & {FindingKind.GAP, FindingKind.OVERLAP}


async def test_a_rotation_replaces_what_stood(roster):
    local = NOON.astimezone(ZONE).replace(tzinfo=None)
    made = await roster.rotate(
        Rotation(*OPS, ("vnpt-1", "vnpt-2"), local, local + timedelta(days=1)),
        actor="trực ban",
        scope=None,
        replacing=True,
    )
    assert [s.person for s in made] == ["vnpt-1", "vnpt-2", "vnpt-1"]
    view = await roster.view()
    assert not [f for f in view.findings(NOON, NOON + 24 * HOUR, "VNPT") if f.kind is FindingKind.OVERLAP]


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (Shift(*OPS, "ai-do", NOON, NOON + HOUR), "nobody has the code"),
        (Shift(*OPS, "vnpt-1", NOON, NOON), "must be after the start"),
        (Shift(*OPS, "vnpt-1", NOON, NOON + 200 * HOUR), "not longer than 7 days"),
        (Shift(*OPS, "vnpt-1", NOON, NOON + HOUR, "vnpt-1"), "somebody else"),
        (Shift(*OPS, "vnpt-1", NOON, NOON + HOUR, "ai-do"), "of the substitute"),
    ],
)
async def test_a_shift_that_cannot_be_is_refused_in_words_and_nothing_changes(roster, shift, words):
    with pytest.raises(ImpossibleShiftError, match=words):
        await roster.add(shift, actor="trực ban", scope=None)
    assert not (await roster.view()).taken


async def test_a_carrier_touches_its_own_roster_and_cannot_tell_anothers_from_none(roster):
    view = await roster.view()
    theirs = next(s for s in view.shifts if s.party == "STTTT")
    with pytest.raises(UnknownShiftError):
        await roster.remove(theirs.id, actor="vnpt", scope="VNPT")
    with pytest.raises(UnknownShiftError):
        await roster.add(
            Shift("VIETTEL", Duty.OPERATIONS, "vnpt-1", NOON, NOON + HOUR), actor="vnpt", scope="VNPT"
        )
    with pytest.raises(UnknownShiftError):
        await roster.confirm([theirs.id], by="vnpt", scope="VNPT")
    mine = await roster.view(scope="VNPT")
    assert {s.party for s in mine.shifts} == {"VNPT"}


async def test_a_confirmation_belongs_to_the_shift_as_it_stands(roster):
    (mine,) = (await roster.view(scope="VNPT")).shifts
    await roster.confirm([mine.id], by="Trực ca VNPT 1", scope="VNPT", person="vnpt-1")
    (mine,) = (await roster.view(scope="VNPT")).shifts
    assert mine.confirmed_at == NOON
    await roster.change(mine.id, actor="vnpt", scope="VNPT", end=mine.end + HOUR)
    (mine,) = (await roster.view(scope="VNPT")).shifts
    assert mine.confirmed_at is None


async def test_two_people_change_places_and_back_and_each_keeps_what_they_confirmed(roster):
    view = await roster.view()
    one = next(s for s in view.shifts if (s.party, s.duty) == OPS)
    # Who stands in for the one: they change places as well.
    person = one.substitute
    other = await roster.add(
        replace(one.plain(), person=person, substitute="", start=one.end, end=one.end + HOUR),
        actor="x",
        scope=None,
    )
    await roster.confirm([one.id], by=one.person, scope=None)
    stood = await roster.view()
    by = {"actor": "trucban", "scope": "VNPT"}
    await roster.exchange((one.id, other.id), **by)
    turned = {s.id: s for s in (await roster.view()).shifts}
    assert (turned[one.id].person, turned[other.id].person) == (other.person, one.person)
    assert turned[one.id].confirmed_at is None
    with pytest.raises(ChangedMeanwhileError):
        await roster.exchange((one.id, other.id), versions=(0, 0), **by)
    await roster.exchange((one.id, other.id), **by)
    again = {s.id: s for s in (await roster.view()).shifts}
    for was in (s for s in stood.shifts if s.id in {one.id, other.id}):
        assert replace(again[was.id], origin=was.origin) == was


async def test_people_of_two_parties_never_change_places(roster):
    shifts = (await roster.view()).shifts
    mine = next(s for s in shifts if s.party == "VNPT")
    theirs = next(s for s in shifts if s.party != "VNPT")
    with pytest.raises(ImpossibleShiftError, match="cùng đơn vị"):
        await roster.exchange((mine.id, theirs.id), actor="x", scope=None)
    with pytest.raises(UnknownShiftError):
        await roster.exchange((mine.id, theirs.id), actor="x", scope="VNPT")


async def test_a_gap_is_filled_only_on_the_roster_that_was_looked_at(roster):
    held = next(s for s in (await roster.view()).shifts if s.party == "VNPT")
    await roster.remove(held.id, actor="x", scope=None)
    with pytest.raises(ChangedMeanwhileError):
        await roster.add(held.plain(), actor="y", scope=None, version=0)
    await roster.add(held.plain(), actor="y", scope=None, version=1)


async def test_nobody_confirms_for_somebody_else(roster):
    (mine,) = (await roster.view(scope="VNPT")).shifts
    with pytest.raises(UnknownShiftError):
        await roster.confirm([mine.id], by="Trực ca VNPT 2", scope="VNPT", person="vnpt-2")


@pytest.fixture
def two_shifts(room, roster):
    async def make():
        (mine,) = (await roster.view(scope="VNPT")).shifts
        await roster.change(mine.id, actor="vnpt", scope="VNPT", end=NOON + HOUR)
        await roster.add(Shift(*OPS, "vnpt-2", NOON + HOUR, NOON + 9 * HOUR), actor="vnpt", scope="VNPT")
        return HandoverService(roster)

    return make


async def test_pages_go_to_the_outgoing_person_until_the_incoming_one_accepts(room, two_shifts):
    handing = await two_shifts()
    await room.cut()
    offered = await handing.offer(*OPS, actor="vnpt-1", scope="VNPT", note="cáp Mỹ Xuyên đang hàn")
    assert [matter["number"] for matter in offered.matters] == [(await room.incident()).number]
    room.clock.advance(minutes=70)
    living = await handing._roster.living()
    assert {s.person for s in living.shifts if s.party == "VNPT" and s.start <= room.clock() < s.end} == {
        "vnpt-1"
    }
    await handing.accept(offered.id, actor="Trực ca VNPT 2", scope="VNPT", person="vnpt-2")
    living = await handing._roster.living()
    assert {s.person for s in living.shifts if s.party == "VNPT" and s.start <= room.clock() < s.end} == {
        "vnpt-2"
    }


async def test_a_duty_is_offered_once_and_accepted_by_its_own_party(room, two_shifts):
    handing = await two_shifts()
    offered = await handing.offer(*OPS, actor="vnpt-1", scope="VNPT")
    with pytest.raises(SettledError):
        await handing.offer(*OPS, actor="vnpt-1", scope="VNPT")
    with pytest.raises(UnknownShiftError):
        await handing.accept(offered.id, actor="viettel", scope="VIETTEL", person="vnpt-2")


@pytest.mark.parametrize("person", ["", "vnpt-1"])
async def test_neither_a_colleague_nor_a_shared_account_accepts_for_the_incoming_person(two_shifts, person):
    handing = await two_shifts()
    offered = await handing.offer(*OPS, actor="vnpt-1", scope="VNPT")
    with pytest.raises(NotTheirsError):
        await handing.accept(offered.id, actor="VNPT", scope="VNPT", person=person)
    assert [one.id for one in await handing.open(scope="VNPT")] == [offered.id]


async def test_the_department_accepts_on_somebodys_behalf_and_the_audit_names_both(roster, two_shifts):
    handing = await two_shifts()
    offered = await handing.offer(*OPS, actor="vnpt-1", scope="VNPT")
    done = await handing.accept(
        offered.id, actor="Trực ban Sở 1", scope=None, person="stttt-1", on_behalf=True
    )
    assert done.accepted_by == "Trực ban Sở 1"
    last, *_ = await roster.changes(scope="VNPT", limit=1)
    assert (last.act, last.actor) == ("handover_accepted", "Trực ban Sở 1")
    assert last.note == "thay mặt · on behalf of vnpt-2"


async def test_every_change_leaves_what_stood_before_and_after(roster):
    (mine,) = (await roster.view(scope="VNPT")).shifts
    await roster.change(mine.id, actor="Nguyễn Văn A", scope="VNPT", person="vnpt-2", substitute="")
    (line, _) = await roster.changes(scope="VNPT", limit=10)
    assert line.actor == "Nguyễn Văn A"
    assert line.before is not None
    assert line.after is not None
    assert (line.before["person"], line.after["person"]) == ("vnpt-1", "vnpt-2")
    assert await roster.changes(scope="VIETTEL", limit=10) == ()


async def test_a_file_is_taken_in_whole_or_not_at_all(room):
    roster = roster_over(room, INVENTORY)
    imports = RosterImports(roster, token=tokens())
    content = three_carriers()
    identifier = await imports.keep(content, "lich.xlsx", actor="trực ban")
    preview = await imports.kept(identifier, actor="trực ban", scope=None)
    with pytest.raises(RosterRefusedError, match="6 cells"):
        await imports.take(preview, actor="trực ban", scope=None)
    assert not (await roster.view()).taken
    count = await imports.take(preview, actor="trực ban", scope=None, leaving_out=True)
    view = await roster.view()
    assert count == len([s for s in view.shifts if s.origin is Origin.IMPORT])
    imported = {s.party for s in view.shifts if s.origin is Origin.IMPORT}
    assert imported == {"VNPT", "VIETTEL", "MOBIFONE", "STTTT"}
    assert view.inventory.people["VNPT-NGUYEN-VAN-AN"].name == "Nguyễn Văn An"
    with pytest.raises(UnknownShiftError):
        await imports.kept(identifier, actor="người khác", scope=None)


async def test_a_carrier_takes_in_its_own_party_only(roster):
    imports = RosterImports(roster, token=tokens())
    preview = await imports.preview(three_carriers(), "lich.xlsx", scope="VNPT")
    assert {one.shift.party for one in preview.understanding.shifts} == {"VNPT"}
    assert "đơn vị mình" in preview.understanding.faults[-1].reason.vi
    assert {person.party for person in preview.view.inventory.people.values()} == {"VNPT"}
