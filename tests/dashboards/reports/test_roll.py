"""Roll calls in the facts of reports: who was asked, who answered what when, how many of how many; and who may know."""

import json
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import openpyxl
import pytest

from alerting.rollcall import RollAnswer
from alerting.rollcall_service import Answered
from dashboards.i18n import Language
from dashboards.reports.building import Format, build
from dashboards.reports.document import Paragraph, Table
from dashboards.reports.folding import fold
from dashboards.reports.gathering import assembled, gather
from dashboards.reports.order import Kind, Order, narrowed
from dashboards.reports.record import Called, Heard
from dashboards.reports.sentences import contradictions, objections, situation
from dashboards.reports.tongue import Tongue
from inventory.models import Phase
from tests.support.duty_room import SCENES, a_duty_room
from tests.support.election_day import at, reference_day

ROLL = {"S1": frozenset({"VNPT", "VIETTEL"}), "S2": frozenset({"VNPT", "VIETTEL"}), "S3": frozenset({"VNPT"})}
NAMES = {"S1": ("UBBC phường 5", "31498"), "S2": ("UBBC xã Kế An", "31537"), "S3": ("Điểm 3", "31537")}
CLEAR, PARTIAL, LOST, SILENT = Heard.CLEAR, Heard.PARTIAL, Heard.LOST, Heard.NO_CONTACT


def a_call(number, site, clock, answer, path="", carrier=""):
    return Called(
        f"rollcall:{number}",
        site,
        *NAMES[site],
        at(clock),
        answer,
        path,
        carrier,
        "VIETTEL",
        "trực ban",
        "ghi",
    )


CALLS = (
    a_call(1, "S1", "-1 23:50:00", CLEAR, "V1", "VNPT"),
    a_call(2, "S1", "06:05:00", SILENT, "V1", "VNPT"),
    a_call(3, "S1", "06:20:00", CLEAR, "T1", "VIETTEL"),
    a_call(4, "S2", "06:59:59", LOST, "V2", "VNPT"),
    a_call(5, "S2", "07:00:00", PARTIAL, "V2", "VNPT"),
    a_call(6, "S3", "20:10:00", SILENT),
)
"""Six calls to three sites: one the night before, three between six and seven, one at seven, one while counting."""


def a_day(**changes):
    return reference_day(calls=CALLS, roll=ROLL, **changes)


def tables(made):
    return {block.name: block for block in made.document.blocks if isinstance(block, Table)}


def paragraphs(made):
    return " ".join(block.text for block in made.document.blocks if isinstance(block, Paragraph))


def test_each_hour_tells_how_many_of_how_many_answered_and_what():
    facts = fold(a_day())
    told = [(hour.calls, hour.called, hour.answered, dict(hour.answers)) for hour in facts.roll.hours]
    assert told == [
        (1, 1, 1, {CLEAR: 1}),
        (3, 2, 2, {CLEAR: 1, LOST: 1}),
        (1, 1, 1, {PARTIAL: 1}),
        (1, 1, 0, {SILENT: 1}),
    ]
    assert [hour.start for hour in facts.roll.hours] == [
        int(at(text).timestamp()) for text in ("-1 23:00:00", "06:00:00", "07:00:00", "20:00:00")
    ]
    assert facts.roll.hours[1].sources == ("rollcall:2", "rollcall:3", "rollcall:4")


def test_a_site_counts_once_with_its_newest_answer():
    roll = fold(a_day()).roll
    assert (roll.sites, roll.calls, roll.called, roll.answered) == (3, 6, 3, 2)
    assert dict(roll.answers) == {CLEAR: 1, PARTIAL: 1, SILENT: 1}
    newest = {each.site: each for each in roll.by_site}
    assert (newest["S1"].calls, newest["S1"].answer, newest["S1"].by) == (3, CLEAR, "trực ban")
    assert newest["S2"].at == int(at("07:00:00").timestamp())
    assert (roll.troubled.n, roll.troubled.sources) == (1, ("rollcall:4", "rollcall:5"))


def test_what_was_said_in_each_phase_is_told_apart_and_sums():
    facts = fold(a_day())
    assert {each.key: (each.calls, each.answered) for each in facts.roll_by_phase} == {
        Phase.READY: (1, 1),
        Phase.POLL: (4, 2),
        Phase.TALLY: (1, 0),
    }
    assert facts.reconciles
    assert {each.name for each in facts.controls} >= {"roll.hours", "roll.phases", "roll.sites", "roll.calls"}


def test_no_figure_depends_on_the_order_in_which_calls_were_read_nor_on_one_read_twice():
    shuffled = replace(a_day(), calls=(*reversed(CALLS), CALLS[2]))
    assert fold(shuffled).roll == fold(a_day()).roll


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Kind.QUICK, {"roll_hours", "roll_troubled"}),
        (Kind.DAILY, {"roll_hours", "roll_troubled", "roll_sites"}),
        (Kind.HANDOVER, {"roll_hours", "roll_troubled"}),
        (Kind.POST_ELECTION, {"roll_hours", "roll_sites"}),
    ],
)
def test_a_report_of_the_department_has_its_roll_calls_in_their_place(kind, names):
    made = build(Order(kind), a_day(), formats=())
    assert {name for name in tables(made) if name.startswith("roll")} == names
    hours = tables(made)["roll_hours"]
    assert [cell.text for cell in hours.rows[1][:4]] == ["06:00, 23/05/2021", "3", "2", "2/3 (66,66%)"]
    assert "6 = 6" in hours.control
    assert "2/3 điểm trả lời" in paragraphs(made) or kind is Kind.POST_ELECTION


def test_the_post_election_report_tells_the_test_of_all_numbers_before_during_and_after():
    made = build(Order(Kind.POST_ELECTION), a_day(), formats=())
    said = paragraphs(made)
    before, during, after = (said.index(f"{n}/3 điểm trả lời") for n in (1, 2, 0))
    assert before < during < after


def test_a_report_of_a_day_on_which_nobody_called_says_nothing_of_it():
    for kind in Kind:
        order = Order(kind, party="VNPT" if kind is Kind.CARRIER else "", incident="SC-21-2")
        made = build(order, reference_day(roll=ROLL), formats=())
        assert not [name for name in tables(made) if name.startswith("roll")]


def test_every_call_is_in_the_workbook_and_in_english_too():
    made = build(Order(Kind.DAILY, language=Language.EN), a_day(), formats=(Format.XLSX, Format.JSON))
    rows = list(
        openpyxl.load_workbook(BytesIO(made.files[Format.XLSX]))["Roll calls"].iter_rows(values_only=True)
    )
    assert len(rows) == 1 + len(CALLS)
    assert rows[5][1] == "UBBC xã Kế An"
    assert rows[5][3].casefold() == "partly lost"
    told = json.loads(made.files[Format.JSON])["facts"]["roll"]
    assert told["troubled"]["sources"] == ["rollcall:4", "rollcall:5"]


def test_what_a_site_said_was_lost_keeps_the_set_sentence_out():
    quiet = {"outages": (), "unseen": (), "incidents": (), "losses": ()}
    tongue = Tongue(Language.VI, a_day().election.zone)
    well = fold(reference_day(calls=CALLS[:1], roll=ROLL, **quiet))
    assert "không xảy ra nghẽn mạng" in situation(well, tongue)
    lost = fold(reference_day(calls=CALLS[3:4], roll=ROLL, **quiet))
    assert any("điểm danh" in each for each in objections(lost, tongue))
    assert contradictions("Không xảy ra mất liên lạc.", lost, tongue)


def of(party):
    return narrowed(a_day(), Order(Kind.CARRIER, party=party))


def test_a_carrier_is_told_of_the_calls_to_its_own_lines_alone():
    mine = of("VIETTEL")
    [call] = mine.calls
    assert (call.site, call.path, call.answer) == ("S1", "T1", Heard.CONFIRMED)
    assert (call.by, call.network, call.note, call.identifier) == ("", "", "", "rollcall:1")
    assert fold(mine).roll.sites == 2


def test_what_a_carrier_is_told_does_not_depend_on_how_others_lines_are():
    """All lost tells of others' lines as partly lost does: of its own line a carrier hears confirmed or not confirmed."""
    told = {}
    for answer in (CLEAR, PARTIAL, LOST, SILENT):
        day = reference_day(calls=(a_call(9, "S2", "07:00:00", answer, "V2", "VNPT"), *CALLS[2:3]), roll=ROLL)
        told[answer] = build(Order(Kind.CARRIER, party="VNPT"), day, formats=(Format.JSON,)).files
    assert told[CLEAR] == told[PARTIAL]
    assert told[LOST] == told[SILENT]
    assert told[CLEAR] != told[LOST]


def test_a_carriers_annex_and_dossier_name_nobody_elses_calls():
    orders = Order(Kind.CARRIER, party="VIETTEL"), Order(Kind.DOSSIER, party="VIETTEL", incident="SC-21-2")
    for order in orders:
        made = build(order, a_day(aid=()), formats=(Format.JSON, Format.XLSX))
        text = made.files[Format.JSON].decode()
        assert "trực ban" not in text
        assert "Kế An" not in text.partition('"roll":')[2].partition("}]")[0]
        assert made.facts.roll.calls == 1


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as opened:
        yield opened


async def record_of(room, **more):
    since, until = room.now - timedelta(hours=1), room.now
    rows = await gather(room.database, room.inventory, since, until, **more)
    return assembled(rows, room.inventory, room.monitor.topology, since=since, until=until, taken_at=room.now)


async def test_what_an_officer_wrote_down_is_in_the_days_facts_and_in_the_dossier_of_that_site(room):
    await SCENES["after"](room)
    [incident] = await room.incidents()
    hit = incident.facts["evidence"]["sites"][0]
    far = next(code for code in room.inventory.sites if code not in incident.facts["evidence"]["sites"])
    for site in (hit, far):
        await room.deps.rollcall.answer(Answered(site, RollAnswer.LOST, note="mất hết"), actor="trucban")
    room.now += timedelta(seconds=1)
    facts = build(Order(Kind.DAILY), await record_of(room), formats=()).facts
    assert (facts.roll.sites, facts.roll.calls, facts.roll.troubled.n) == (len(room.inventory.sites), 2, 2)
    room.now += timedelta(days=1)
    later = await record_of(room, incident=incident.number)
    made = build(Order(Kind.DOSSIER, incident=incident.number), later, formats=())
    rows = tables(made)["roll_calls"].rows
    assert [(row[1].text, row[-1].text) for row in rows] == [(room.inventory.sites[hit].name, "mất hết")]
    foreign = replace(later, calls=tuple(replace(each, carrier="VIETTEL") for each in later.calls))
    assert narrowed(foreign, Order(Kind.DOSSIER, party="VNPT", incident=incident.number)).calls == ()
