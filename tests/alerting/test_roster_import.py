"""Rosters as offices write them: merged cells, Vietnamese dates and hours, lost zeros, old encodings, mistakes."""

import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from alerting.roster_import import understand
from alerting.roster_sheets import _TCVN3, read_grids
from alerting.roster_words import clock_of, dates_of, folded, number_of, people_of
from inventory.models import Duty, Party, PartyKind
from inventory.reasons import UnusableError
from tests.support.acting import DAY, ZONE, an_inventory

MOBIFONE = Party("MOBIFONE", PartyKind.CARRIER, "MobiFone Sóc Trăng", duties=(Duty.OPERATIONS,))
INVENTORY = an_inventory(parties={**an_inventory().parties, MOBIFONE.code: MOBIFONE})


def book(*sheets):
    """Make a workbook of (name, rows, merged ranges)."""
    made = Workbook()
    made.remove(made.active)
    for name, rows, merged in sheets:
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def read(content, name="lich-truc.xlsx", **options):
    return understand(read_grids(content, name), INVENTORY, **options)


def lines(found):
    """Answer (party, duty, who, local start, local end, substitute) of every shift."""
    return [
        (
            one.shift.party,
            one.shift.duty,
            one.name,
            f"{one.shift.start.astimezone(ZONE):%d/%m %H:%M}",
            f"{one.shift.end.astimezone(ZONE):%d/%m %H:%M}",
            one.substitute_name,
        )
        for one in found.shifts
    ]


def three_carriers():
    """Five days of three carriers, and three of the department, each written another way, with people's mistakes."""
    vnpt = [
        ["LỊCH TRỰC CA VNPT SÓC TRĂNG PHỤC VỤ BẦU CỬ"],
        [],
        ["Thứ, ngày", "Ca trực", "Họ và tên", "Chức vụ", "Điện thoại", "Ghi chú"],
        ["Thứ Sáu 21/5/2021", "7h00-19h00", "Đ/c Nguyễn Văn An", "Kỹ sư", 912345678.0, ""],
        [None, "19h00-7h00", "Trần Thị Bích", "Kỹ sư", "0987.654.321", ""],
        ["22/5", "7h00-19h00", "Nguyễn Văn An", None, None, ""],
        [None, "19h00-7h00", "Trần Thị Bích", None, None, ""],
        ["Thứ Hai 23/5/2021", "7h00-19h00", "Nguyễn Văn An", None, None, "sai thứ"],
        ["24/5", "7h00-19h00", "Lê Văn Cường", None, "09123", "số thiếu"],
        ["25/5", "7h00-19h00", "Hùng", None, None, "thiếu họ"],
        ["31/6", "7h00-19h00", "Nguyễn Văn An", None, None, "không có ngày này"],
    ]
    viettel = [
        ["Viettel Sóc Trăng – trực lãnh đạo và trực ca"],
        ["", "21/5", "22/5", "Chủ nhật 23/5", "24/5", "25/5"],
        ["Trực lãnh đạo", "Phạm Minh Đức (Giám đốc)\n0961 111 222", None, None, "Vũ Thu Hà", None],
        ["Ca 1: 6h-14h", "Đỗ Văn Em, Hồ Thị Gấm", "Đỗ Văn Em", "Đỗ Văn Em", "Đỗ Văn Em", "Đỗ Văn Em"],
        ["Ca 2", "Hồ Thị Gấm", "Hồ Thị Gấm", "-", "Hồ Thị Gấm", "Hồ Thị Gấm"],
        ["Ca 3", "Ngô Văn Ích và Mai Kim", "Ngô Văn Ích", "Ngô Văn Ích", "??", "Ngô Văn Ích"],
    ]
    mobifone = [
        ["MOBIFONE SÓC TRĂNG"],
        ["BẢNG PHÂN CÔNG TRỰC CA BẢO ĐẢM THÔNG TIN"],
        ["STT", "Ngày", "Thời gian", "Người trực", "Số ĐT", "Người dự phòng"],
        [1, "21-05-2021", "00:00 - 12:00", "Lý Thị Hoa", "0901234567", "Sơn Minh Khôi"],
        [2, "21-05-2021", "12:00 - 24:00", "Sơn Minh Khôi", "+84 93 765 4321", "Lý Thị Hoa"],
        [3, "22-05-2021", "00:00 - 12:00", "Lý Thị Hoa", "", ""],
        [4, None, "12:00 - 24:00", "Sơn Minh Khôi", "", ""],
        [5, "23-05-2021", "00:00 - 12:00", "Lý Thị Hoa", "", ""],
        [6, None, "12:00 - 24:00", "Sơn Minh Khôi", "", ""],
        [7, "24-05-2021", "0h-12h", "Lý Thị Hoa", "", ""],
        [8, None, "12h-24h", "Sơn Minh Khôi", "", ""],
        [9, "25-05-2021", "0h-12h", "Lý Thị Hoa", "", ""],
        [10, None, "12h-25h", "Sơn Minh Khôi", "", ""],
    ]
    department = [
        ["Ngày", "Sáng", "Chiều", "Đêm"],
        [datetime(2021, 5, 21), "Trực ban Sở 1", "Lãnh đạo Sở", "Trực ban Sở 1"],  # noqa: DTZ001 - as a sheet holds it
        ["22-23/5", "Lãnh đạo Sở", "Trực ban Sở 1", "Lãnh đạo Sở"],
    ]
    return book(
        ("VNPT", vnpt, ["A1:F1", "A4:A5", "A6:A7"]),
        ("Viettel", viettel, ["B3:D3", "E3:F3"]),
        ("MobiFone", mobifone, ["A1:F1", "B6:B7", "B8:B9", "B10:B11", "B12:B13"]),
        ("STTTT", department, []),
    )


@pytest.fixture(scope="module")
def mixed():
    return read(three_carriers())


def test_a_list_with_merged_dates_titles_and_lost_zeros_is_understood(mixed):
    mine = [line for line in lines(mixed) if line[0] == "VNPT"]
    assert mine[:4] == [
        ("VNPT", Duty.OPERATIONS, "Nguyễn Văn An", "21/05 07:00", "21/05 19:00", ""),
        ("VNPT", Duty.OPERATIONS, "Trần Thị Bích", "21/05 19:00", "22/05 07:00", ""),
        ("VNPT", Duty.OPERATIONS, "Nguyễn Văn An", "22/05 07:00", "22/05 19:00", ""),
        ("VNPT", Duty.OPERATIONS, "Trần Thị Bích", "22/05 19:00", "23/05 07:00", ""),
    ]
    numbers = {person.name: [c.address for c in person.contacts] for person in mixed.people}
    assert numbers["Nguyễn Văn An"] == ["+84912345678"]
    assert numbers["Trần Thị Bích"] == ["+84987654321"]


def test_a_week_with_one_person_over_several_days_is_understood(mixed):
    leaders = [line for line in lines(mixed) if line[:2] == ("VIETTEL", Duty.LEADERSHIP)]
    assert [(name, start) for _, _, name, start, _, _ in leaders] == [
        ("Phạm Minh Đức", "21/05 00:00"),
        ("Phạm Minh Đức", "22/05 00:00"),
        ("Phạm Minh Đức", "23/05 00:00"),
        ("Vũ Thu Hà", "24/05 00:00"),
        ("Vũ Thu Hà", "25/05 00:00"),
    ]
    turns = [line for line in lines(mixed) if line[:2] == ("VIETTEL", Duty.OPERATIONS)]
    assert turns[0][2:] == ("Đỗ Văn Em", "21/05 06:00", "21/05 14:00", "Hồ Thị Gấm")
    assert ("Hồ Thị Gấm", "21/05 14:00", "21/05 22:00", "") in [line[2:] for line in turns]
    assert ("Ngô Văn Ích", "21/05 22:00", "22/05 06:00", "Mai Kim") in [line[2:] for line in turns]
    assert len(turns) == 13


def test_a_numbered_table_with_times_and_substitutes_is_understood(mixed):
    mine = [line[1:] for line in lines(mixed) if line[0] == "MOBIFONE"]
    assert mine[:3] == [
        (Duty.OPERATIONS, "Lý Thị Hoa", "21/05 00:00", "21/05 12:00", "Sơn Minh Khôi"),
        (Duty.OPERATIONS, "Sơn Minh Khôi", "21/05 12:00", "22/05 00:00", "Lý Thị Hoa"),
        (Duty.OPERATIONS, "Lý Thị Hoa", "22/05 00:00", "22/05 12:00", ""),
    ]
    assert len(mine) == 9  # ten were typed, and the last ends at 25 o'clock


def test_the_file_holds_five_days_of_three_carriers(mixed):
    for carrier in ("VNPT", "VIETTEL", "MOBIFONE"):
        days = {line[3][:5] for line in lines(mixed) if line[0] == carrier}
        wrong = {"23/05", "24/05", "25/05"} if carrier == "VNPT" else set()
        assert days | wrong == {"21/05", "22/05", "23/05", "24/05", "25/05"}, carrier


def test_a_calendar_names_people_who_are_known_already(mixed):
    mine = [line for line in lines(mixed) if line[0] == "STTTT"]
    assert len(mine) == 9
    assert mine[0][2:] == ("Trực ban Sở 1", "21/05 06:00", "21/05 14:00", "")
    assert {one.shift.person for one in mixed.shifts if one.shift.party == "STTTT"} == {"stttt-1", "stttt-2"}


def test_every_mistake_is_told_with_its_cell_its_reason_and_how_to_mend_it(mixed):
    told = {doubt.place: doubt.reason.vi for doubt in mixed.faults}
    assert told.keys() == {"VNPT!A8", "VNPT!E9", "VNPT!C10", "VNPT!A11", "Viettel!E6", "MobiFone!B13"}
    assert "là Chủ nhật, không phải thứ Hai" in told["VNPT!A8"]
    assert "số điện thoại" in told["VNPT!E9"]
    assert "Nguyễn Văn A" in told["VNPT!C10"]
    assert "không có giờ 25:00" in told["MobiFone!B13"]
    assert "không có ngày 31/6" in told["VNPT!A11"]
    assert "Nguyễn Văn A" in told["Viettel!E6"] or "họ tên" in told["Viettel!E6"]


def test_every_assumption_is_told_too(mixed):
    told = " ".join(doubt.reason.vi for doubt in mixed.doubts if not doubt.is_fault)
    assert "“Ca 2” được hiểu là 14:00–22:00" in told
    assert "“Sáng” được hiểu là 06:00–14:00" in told
    assert "ca không ghi giờ được hiểu là 00:00–24:00" in told
    assert "Vũ Thu Hà chưa có số điện thoại" in told


def as_windows_1258(text):
    tones = "\u0300\u0301\u0303\u0309\u0323"
    out = b""
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        tone = "".join(mark for mark in parts[1:] if mark in tones)
        bare = unicodedata.normalize("NFC", parts[0] + "".join(m for m in parts[1:] if m not in tones))
        try:
            out += letter.encode("cp1258")
        except UnicodeEncodeError:
            out += bare.encode("cp1258") + tone.encode("cp1258")
    return out


def as_tcvn3(text):
    table = {new: chr(old) for old, new in _TCVN3.items()}
    return "".join(table.get(letter, letter) for letter in text).encode("latin-1")


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        as_windows_1258,
        as_tcvn3,
    ],
    ids=["utf-8", "utf-8 with BOM", "utf-16", "Windows-1258", "TCVN3"],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_in_any_encoding_of_the_country_is_read(encode, delimiter):
    rows = [
        "Ngày,Ca trực,Họ và tên,Số điện thoại",
        "23/5/2021,7h-19h,Đặng Thị Mỹ Hường,912345678",
        "23/5/2021,19h-7h,Trương Quốc Bảo,0987654321",
    ]
    text = "\r\n".join(row.replace(",", delimiter) for row in rows)
    found = read(encode(text), "lich.csv", party="VNPT")
    assert not found.faults
    assert [one.name for one in found.shifts] == ["Đặng Thị Mỹ Hường", "Trương Quốc Bảo"]
    assert [p.contacts[0].address for p in found.people] == ["+84912345678", "+84987654321"]


def test_a_sheet_typed_with_an_old_font_is_read():
    def old(text):
        return as_tcvn3(text).decode("latin-1")

    rows = [
        [old("Ngày trực"), old("Họ và tên"), old("Điện thoại")],
        ["22/5", old("Nguyễn Thị Hường"), "0912345678"],
        ["23/5", old("Trần Đức Lượng"), "0912345679"],
    ]
    found = read(book(("Sheet1", rows, [])), party="VNPT")
    assert [one.name for one in found.shifts] == ["Nguyễn Thị Hường", "Trần Đức Lượng"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04 broken", "không mở được"),
        (b"\0\0\0\0binary", "không phải bảng tính"),
        (b"x" * (5 * 1024 * 1024), "lớn hơn 4 MiB"),
    ],
)
def test_what_is_no_roster_is_refused_in_words(content, words):
    with pytest.raises(UnusableError, match=words):
        read_grids(content, "x.xlsx")


def test_an_empty_file_says_what_is_missing():
    (doubt,) = read(b"\n", "trong.csv").doubts
    assert "dòng tiêu đề" in doubt.reason.vi


def test_a_sheet_that_names_no_party_asks_for_one():
    found = read(b"Ng\xc3\xa0y,H\xe1\xbb\x8d t\xc3\xaan\n23/5,Nguy\xe1\xbb\x85n V\xc4\x83n An\n", "a.csv")
    assert "đơn vị nào" in found.faults[0].reason.vi


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail(content):
    with suppress(UnusableError):
        read(content, "x.csv", party="VNPT")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_no_cell_makes_a_word_fail_otherwise_than_in_words(text):
    for work in (clock_of, people_of, number_of, lambda one: dates_of(one, day=DAY), folded):
        with suppress(UnusableError):
            work(text)


NAMES = st.lists(
    st.sampled_from(["Nguyễn Văn An", "Trần Thị Bích", "Lê Hoàng Anh", "Đỗ Văn Em", "Ông Ích Khiêm"]),
    min_size=1,
    max_size=8,
)
TITLES = st.sampled_from(["", "Đ/c ", "đồng chí ", "Bà ", "KS. ", "1. "])
DATES = st.sampled_from(
    ["{0.day}/{0.month}", "{0:%d/%m/%Y}", "{0.day}-{0.month}-{0.year}", "{0:%Y-%m-%d}", "value"]
)
HOURS = st.sampled_from(["{0}h00-{1}h00", "{0}h - {1}h", "{0:02}:00 đến {1:02}:00", "{0}-{1}h"])
PHONES = st.sampled_from(["float", "text", "dots", "international"])


def a_phone(number, form):
    return {
        "float": float(number),
        "text": f"0{number}",
        "dots": f"0{number // 10**6}.{number // 1000 % 1000:03}.{number % 1000:03}",
        "international": f"+84 {number}",
    }[form]


@settings(max_examples=60, deadline=None)
@given(NAMES, TITLES, DATES, HOURS, PHONES, st.booleans())
def test_what_is_written_as_a_list_is_read_back(names, title, dates, hours, phones, merged):
    title = "" if any(name.startswith("Ông") for name in names) else title
    rows = [["Ngày", "Giờ trực", "Họ và tên", "Điện thoại"]]
    expected = []
    for place, name in enumerate(names):
        day = date(2021, 5, 21) + timedelta(days=place // 2)
        start = 7 if place % 2 == 0 else 19
        shown = datetime(day.year, day.month, day.day) if dates == "value" else dates.format(day)  # noqa: DTZ001 - as a sheet holds it
        blank = merged and place % 2 == 1
        phone = a_phone(912000000 + sorted(set(names)).index(name), phones)
        rows.append([None if blank else shown, hours.format(start, 26 - start), title + name, phone])
        begin = datetime(day.year, day.month, day.day, start, tzinfo=ZONE).astimezone(UTC)
        expected.append((name, begin, begin + timedelta(hours=12)))
    ranges = [f"A{n}:A{n + 1}" for n in range(2, len(rows), 2)] if merged else []
    found = read(book(("VNPT", rows, ranges)))
    assert not found.faults
    bare = [name.removeprefix("Ông ") for name, _, _ in expected]
    got = [(one.name, one.shift.start, one.shift.end) for one in found.shifts]
    assert got == [(name, *when) for name, (_, *when) in zip(bare, expected, strict=True)]
    assert {p.contacts[0].address for p in found.people} == {
        f"+84{912000000 + sorted(set(names)).index(name)}" for name in names
    }
