"""A calendar of maintenance becomes planned work, or a list of what to mend, line by line."""

from datetime import UTC, datetime

import pytest

from monitor.planned import WorkKind
from monitor.planned_calendar import read_calendar
from monitor.planned_service import PlannedService
from tests.support.monitoring import an_inventory, belief_on

INVENTORY = an_inventory()


def a_calendar(*events, head="VERSION:2.0\nPRODID:-//VNPT//NOC//VI"):
    body = "\n".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT" for event in events)
    return f"BEGIN:VCALENDAR\n{head}\n{body}\nEND:VCALENDAR\n".replace("\n", "\r\n").encode()


def an_event(**changes):
    lines = {
        "UID": "vnpt-1",
        "DTSTART": "20210523T150000Z",
        "DTEND": "20210523T160000Z",
        "SUMMARY": "Thay card OLT",
        "LOCATION": "risk:OLT-1",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    return "\n".join(f"{name}:{value}" for name, value in lines.items() if value is not None)


def the_works(*events):
    found = read_calendar(a_calendar(*events), "lich.ics", INVENTORY)
    assert found.faults == ()
    return found.works


def test_an_entry_as_an_office_writes_it():
    [work] = the_works(an_event())
    assert (work.kind, work.subject, work.owner, work.reference) == (
        WorkKind.RISK,
        "OLT-1",
        "VNPT",
        "Thay card OLT",
    )
    assert work.starts_at == datetime(2021, 5, 23, 15, tzinfo=UTC)
    assert work.uid == "vnpt-1#risk:OLT-1"


def test_a_maintenance_notice_names_several_subjects_its_provider_and_its_number():
    event = an_event(X_MAINTNOTE_PROVIDER="vietnam", X_MAINTNOTE_MAINTENANCE_ID="MT-77", LOCATION=None)
    event += "\nX-MAINTNOTE-OBJECT-ID:BTS-31\nX-MAINTNOTE-OBJECT-ID:BTS-32"
    works = the_works(event.replace("vietnam", "viettel"))
    assert [(w.subject, w.owner, w.reference) for w in works] == [
        ("BTS-31", "VIETTEL", "MT-77"),
        ("BTS-32", "VIETTEL", "MT-77"),
    ]


def test_the_description_says_what_for_by_whom_and_under_which_number():
    words = "Kính gửi Sở\\nĐối tượng: X-31 X-32\\nĐơn vị: VNPT\\nSố: 45/CV-VNPT"
    works = the_works(an_event(DESCRIPTION=words, LOCATION="Mỹ Xuyên"))
    assert [(w.kind, w.subject, w.owner, w.reference) for w in works] == [
        (WorkKind.SITE, "X-31", "VNPT", "45/CV-VNPT"),
        (WorkKind.SITE, "X-32", "VNPT", "45/CV-VNPT"),
    ]


def test_times_without_a_zone_and_whole_days_are_local():
    [work] = the_works(an_event(DTSTART="20210523T220000", DTEND="20210523T230000"))
    assert work.starts_at == datetime(2021, 5, 23, 15, tzinfo=UTC)
    [day] = the_works("UID:1\nDTSTART;VALUE=DATE:20210524\nSUMMARY:x\nLOCATION:OLT-1")
    assert day.starts_at == datetime(2021, 5, 23, 17, tzinfo=UTC)
    assert (day.ends_at - day.starts_at).total_seconds() == 86400


def test_a_length_stands_for_an_end():
    [work] = the_works(an_event(DTEND=None, DURATION="PT90M"))
    assert (work.ends_at - work.starts_at).total_seconds() == 5400


def test_repetitions_are_written_out_one_by_one():
    works = the_works(an_event(RRULE="FREQ=DAILY;COUNT=3", EXDATE="20210524T150000Z"))
    assert [work.starts_at.day for work in works] == [23, 25]
    assert len({work.uid for work in works}) == 2


@pytest.mark.parametrize("skipped", ["20210524T220000", "20210524T150000Z"])
def test_a_repetition_left_out_is_left_out_whichever_way_its_time_is_written(skipped):
    event = an_event(DTSTART="20210523T220000", DTEND="20210523T230000", RRULE="FREQ=DAILY;COUNT=3")
    assert [work.starts_at.day for work in the_works(f"{event}\nEXDATE:{skipped}")] == [23, 25]


def test_a_day_left_out_of_whole_days_is_left_out():
    days = "UID:1\nDTSTART;VALUE=DATE:20210524\nSUMMARY:x\nLOCATION:OLT-1\nRRULE:FREQ=DAILY;COUNT=3"
    works = the_works(f"{days}\nEXDATE;VALUE=DATE:20210525")
    assert [work.starts_at.day for work in works] == [24, 26]


@pytest.mark.parametrize("until", ["20210525T220000", "20210525", "20210525T150000Z"])
def test_a_last_day_is_understood_whichever_way_it_is_written(until):
    event = an_event(DTSTART="20210523T220000", DTEND="20210523T230000", RRULE=f"FREQ=DAILY;UNTIL={until}")
    assert [work.starts_at.day for work in the_works(event)] == [23, 24, 25]


def test_a_night_that_was_moved_stands_once_where_it_is_now():
    series = an_event(RRULE="FREQ=DAILY;COUNT=3")
    moved = an_event(DTSTART="20210524T180000Z", DTEND="20210524T190000Z", RECURRENCE_ID="20210524T150000Z")
    works = the_works(series, moved)
    assert sorted((w.starts_at.day, w.starts_at.hour) for w in works) == [(23, 15), (24, 18), (25, 15)]


async def test_what_a_later_calendar_no_longer_says_is_off_and_one_night_called_off_is_one_night(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        planned = PlannedService(database=duty.database, inventory=lambda: INVENTORY, clock=duty.clock)

        async def nights(*events):
            done = await planned.take_calendar(a_calendar(*events), "lich.ics", actor="Trực ban")
            assert done.faults == ()
            return [work.starts_at.day for work in await planned.known() if work.cancelled_at is None]

        series = an_event(RRULE="FREQ=DAILY;COUNT=4")
        other = an_event(UID="vnpt-2", DTSTART="20210530T150000Z", DTEND="20210530T160000Z")
        assert await nights(series, other) == [23, 24, 25, 26, 30]
        assert await nights(an_event(STATUS="CANCELLED", RECURRENCE_ID="20210524T150000Z")) == [
            23,
            25,
            26,
            30,
        ]
        assert await nights(f"{series}\nEXDATE:20210524T150000Z,20210525T150000Z") == [23, 26, 30]


@pytest.mark.parametrize(
    ("changes", "line", "column", "said"),
    [
        ({"DTSTART": None}, 4, "start", "missing"),
        ({"DTSTART": "tomorrow"}, 6, "start", "not a date and time"),
        ({"DTEND": "20210523T140000Z"}, 7, "end", "after it starts"),
        ({"LOCATION": None}, 4, "subject", "say what it is for"),
        ({"LOCATION": "OLT-1O"}, 9, "subject", "did you mean OLT-1?"),
        ({"RRULE": "FREQ=DAILY"}, 10, "repeat", "repeats for ever"),
        ({"RRULE": "FREQ=DAILY;COUNT=500"}, 10, "repeat", "more than 200"),
        ({"RDATE": "20210525T150000Z"}, 10, "repeat", "no RDATE"),
        ({"X_MAINTNOTE_PROVIDER": "NOBODY"}, 10, "owner", "no party"),
    ],
)
def test_a_fault_names_its_line_and_says_how_to_mend(changes, line, column, said):
    found = read_calendar(a_calendar(an_event(**changes)), "lich.ics", INVENTORY)
    assert found.works == ()
    [*_, fault] = [each for each in found.faults if said in each.reason_en]
    assert (fault.file, fault.line, fault.column) == ("lich.ics", line, column)
    assert fault.reason


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no VEVENT"),
        (b"BEGIN:VCALENDAR\r\nwhat is this\r\nEND:VCALENDAR\r\n", "not a well-formed"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"x" * (1 << 20) + b"y", "larger than 1 MB"),
        (a_calendar(), "no VEVENT"),
    ],
    ids=["empty", "not a line", "another encoding", "huge", "no entry"],
)
def test_what_is_no_calendar_is_said_to_be_none(body, said):
    [fault] = read_calendar(body, "x.ics", INVENTORY).faults
    assert said in fault.reason_en


async def test_an_import_is_whole_or_not_at_all_and_twice_is_once(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        register = PlannedService(database=duty.database, inventory=lambda: INVENTORY, clock=duty.clock)

        async def taken(*events, **more):
            return await register.take_calendar(a_calendar(*events), "x.ics", actor="trucban", **more)

        good, bad = an_event(), an_event(UID="2", LOCATION="nothing")
        assert len((await taken(good, bad)).faults) == 1
        assert await register.known() == []
        assert len((await taken(good, is_dry=True)).entered) == 1
        assert await register.known() == []
        first, again = await taken(good), await taken(good)
        assert (len(first.entered), len(again.entered), again.unchanged) == (1, 0, 1)
        moved = await taken(an_event(DTEND="20210523T170000Z"))
        assert len(moved.entered) == 1
        assert [work.cancelled_at is not None for work in await register.known()] == [True, False]
        gone = await taken(an_event(STATUS="CANCELLED"))
        assert gone.cancelled == 1
        assert all(work.cancelled_at is not None for work in await register.known())
