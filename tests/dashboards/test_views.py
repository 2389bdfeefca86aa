"""What pages show, from plain values: no request, no database, no browser."""

import ast
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import dashboards
from dashboards.charts import Kind, bar, common, ticks
from dashboards.i18n import Language, words_in
from dashboards.moments import Moments
from dashboards.series import Series
from dashboards.throttle import ADDRESS, PAIR, keys_of, spent, wait_of
from dashboards.views.board import counts_of, stages, verdicts_of
from dashboards.views.duty import duty_lines, short_party, watches
from dashboards.views.search import Group, Index, hits, matches, plain
from dashboards.views.site import history_rows
from dashboards.views.tilemap import CELL, TILE, short_name, tile_map
from dashboards.views.typeset import fitted, width_of
from inventory.loader import load
from inventory.models import Area, AreaKind
from inventory.samples import sample
from inventory.topology import Topology
from monitor.models import Verdict
from monitor.moments import nanoseconds
from monitor.snapshot import Snapshot

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
EVENING = datetime(2021, 5, 23, 12, 22, 14, tzinfo=UTC)
VI, EN = words_in(Language.VI), words_in(Language.EN)
NOTHING = Snapshot(EVENING, 0, {}, {}, {}, {}, {}, None)


@pytest.fixture(scope="module")
def soc_trang():
    return load(sample("soc-trang-2021"))


@pytest.fixture(scope="module")
def quang_nam():
    return load(sample("quang-nam-2021"))


def at(**delta) -> datetime:
    return EVENING + timedelta(**delta)


@pytest.mark.parametrize("name", ["soc_trang", "quang_nam"])
def test_every_commune_has_a_tile_of_its_own(request, name):
    inventory = request.getfixturevalue(name)
    plan = tile_map(inventory)
    assert len(plan.tiles) == {"soc_trang": 109, "quang_nam": 241}[name]
    places = {(tile.x, tile.y) for tile in plan.tiles}
    assert len(places) == len(plan.tiles)
    assert max(tile.x for tile in plan.tiles) + TILE[0] <= plan.width
    assert max(tile.y for tile in plan.tiles) + TILE[1] <= plan.height
    assert plan.is_dense is (name == "quang_nam")


def test_names_stay_inside_their_tiles_in_whole_syllables(soc_trang):
    for tile in tile_map(soc_trang).tiles:
        area = soc_trang.areas[tile.code]
        assert " ".join(line for line, _ in tile.lines) == short_name(area)
        assert all(width_of(line, tile.size) <= TILE[0] for line, _ in tile.lines)
        assert tile.size >= 10
        assert all(0 < y <= TILE[1] for _, y in tile.lines)


@pytest.mark.parametrize("name", ["soc_trang", "quang_nam"])
def test_every_district_is_named_once_and_no_name_stands_on_another(request, name):
    inventory = request.getfixturevalue(name)
    plan = tile_map(inventory)
    size = 22 if plan.is_dense else 13.5
    assert len(plan.districts) == {"soc_trang": 11, "quang_nam": 18}[name]
    boxes = [(d.x, d.y, d.x + width_of(d.name, size), d.y + size) for d in plan.districts]
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (one, other)


def test_the_outline_closes_around_the_province(soc_trang):
    """Every stroke of the outline is as long as the cells it runs along: their sum is the circumference."""
    plan = tile_map(soc_trang)
    cells = {(tile.col, tile.row) for tile in plan.tiles}
    around = {"H": 0, "V": 0}
    for col, row in cells:
        around["H"] += ((col, row - 1) not in cells) + ((col, row + 1) not in cells)
        around["V"] += ((col - 1, row) not in cells) + ((col + 1, row) not in cells)
    drawn = {"H": 0.0, "V": 0.0}
    for stroke in plan.outline.split("M")[1:]:
        axis = "H" if "H" in stroke else "V"
        start, end = stroke.split(axis)
        drawn[axis] += float(end) - float(start.split()[axis == "V"])
    assert drawn == {"H": around["H"] * CELL[0], "V": around["V"] * CELL[1]}


def test_a_commune_without_a_place_on_the_map_still_gets_a_tile(soc_trang):
    lost = replace(soc_trang.areas["31498"], col=None, row=None)
    plan = tile_map(replace(soc_trang, areas={**soc_trang.areas, "31498": lost}))
    [tile] = [tile for tile in plan.tiles if tile.code == "31498"]
    assert tile.y > max(other.y for other in plan.tiles if other is not tile)


def test_a_commune_that_no_longer_exists_on_the_day_is_not_shown(soc_trang):
    gone = replace(soc_trang.areas["31498"], valid_to=date(2020, 1, 1))
    plan = tile_map(replace(soc_trang, areas={**soc_trang.areas, "31498": gone}))
    assert len(plan.tiles) == 108


@pytest.mark.parametrize(
    ("kind", "name", "short"),
    [
        (AreaKind.WARD, "Phường 5", "P.5"),
        (AreaKind.WARD, "Phường Vĩnh Phước", "P.Vĩnh Phước"),
        (AreaKind.TOWNSHIP, "Thị trấn Kế Sách", "TT Kế Sách"),
        (AreaKind.COMMUNE, "Xã Đại Tâm", "Đại Tâm"),
    ],
)
def test_official_names_are_shortened_as_people_write_them(kind, name, short):
    assert short_name(Area("1", None, kind, name)) == short


def test_a_name_is_set_as_large_as_it_fits_and_broken_at_spaces_only():
    assert fitted("P.5", width=46, sizes=(12, 11), most_lines=2) == (12, ("P.5",))
    assert fitted("Thạnh Phú", width=46, sizes=(12, 11), most_lines=2) == (12, ("Thạnh", "Phú"))
    size, lines = fitted("Nghiêng", width=10, sizes=(12, 11), most_lines=2)
    assert (size, lines) == (11, ("Nghiêng",))


def test_a_map_that_nobody_looked_at_is_untested(soc_trang):
    verdicts = verdicts_of(NOTHING, soc_trang)
    assert set(verdicts.values()) == {Verdict.UNTESTED}
    assert counts_of(verdicts)[-1] == (Verdict.UNTESTED, 109)


def test_the_legend_shows_untested_only_where_there_is_any():
    shown = counts_of({"1": Verdict.READY, "2": Verdict.DOWN})
    assert [verdict for verdict, _ in shown] == [v for v in Verdict if v is not Verdict.UNTESTED]


def test_the_bar_over_the_board_marks_one_stage_with_its_end(soc_trang):
    [now] = [stage for stage in stages(soc_trang, EVENING, VI) if stage.phase]
    assert (now.key, now.name) == ("tally", "Kiểm phiếu, tổng hợp")
    assert now.ends_at == datetime(2021, 5, 24, 12, 0, tzinfo=UTC)
    early = stages(soc_trang, datetime(2021, 4, 1, tzinfo=UTC), EN)
    assert [stage.is_past for stage in early] == [False] * 6
    late = stages(soc_trang, datetime(2022, 4, 1, tzinfo=UTC), EN)
    assert [stage.name for stage in late if stage.phase] == ["After the election"]


def test_the_department_stands_first_on_the_duty_board_and_names_are_short(soc_trang):
    lines = duty_lines(watches(soc_trang, EVENING), soc_trang)
    assert [line.short for line in lines] == [
        "Sở TT&TT", "VNPT", "Viettel", "MobiFone", "FPT Telecom", "Điện lực", "Bưu điện",
    ]  # fmt: skip
    assert all(line.shift and line.head and not line.worst.is_trouble for line in lines)
    assert all(line.shift.numbers for line in lines)


def test_a_duty_that_nobody_follows_in_is_told_hours_before(soc_trang):
    shifts = tuple(s for s in soc_trang.shifts if not (s.party == "VNPT" and s.start > at(hours=1)))
    [vnpt] = [
        line
        for line in duty_lines(watches(replace(soc_trang, shifts=shifts), EVENING), soc_trang)
        if line.party == "VNPT"
    ]
    assert vnpt.worst.is_trouble
    assert vnpt.worst.gap_from == vnpt.worst.until
    nobody = replace(soc_trang, shifts=tuple(s for s in soc_trang.shifts if s.party != "VNPT"))
    [empty] = [line for line in duty_lines(watches(nobody, EVENING), nobody) if line.party == "VNPT"]
    assert empty.shift.is_gap
    assert empty.shift.until is None


def test_a_shift_that_ends_soon_is_told_as_a_handover(soc_trang):
    before = datetime(2021, 5, 23, 14, 45, tzinfo=UTC)
    assert all(line.worst.is_ending for line in duty_lines(watches(soc_trang, before), soc_trang))


@pytest.mark.parametrize(
    ("name", "province", "short"),
    [
        ("Viettel Sóc Trăng", "Tỉnh Sóc Trăng", "Viettel"),
        ("MobiFone tỉnh Sóc Trăng", "Tỉnh Sóc Trăng", "MobiFone"),
        ("Sở Khoa học và Công nghệ thành phố Cần Thơ", "Thành phố Cần Thơ", "Sở KH&CN"),
        ("Sóc Trăng", "Tỉnh Sóc Trăng", "Sóc Trăng"),
        ("VNPT", "", "VNPT"),
    ],
)
def test_a_party_is_called_as_in_the_room(name, province, short):
    assert short_party(name, province) == short


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ("dai tam", "Xã Đại Tâm"),
        ("ĐẠI TÂM", "Xã Đại Tâm"),
        ("tam dai", "Xã Đại Tâm"),
        ("my xuyen", "Huyện Mỹ Xuyên"),
        ("31708", "Xã Thạnh Phú"),
        ("ubbc thanh quoi", "UBBC xã Thạnh Quới"),
    ],
)
def test_a_place_is_found_as_it_is_typed_at_three_in_the_morning(soc_trang, wanted, first):
    found = matches(wanted, Index().of(soc_trang, Topology.of(soc_trang)), NOTHING)
    places = [hit for hit in hits(found) if hit.group in {Group.AREA, Group.SITE}]
    assert places[0].matches[0].name == first


def test_nothing_is_found_for_nothing(soc_trang):
    assert matches("   ", Index().of(soc_trang, Topology.of(soc_trang)), NOTHING) == {}
    assert plain("Đường Đống Đa") == "duong dong da"


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [
        (0, "0 giây trước", "0 seconds ago"),
        (1, "1 giây trước", "1 second ago"),
        (61, "1 phút trước", "1 minute ago"),
        (3600 * 23 + 38 * 60, "23 giờ 38 phút trước", "23 hours 38 minutes ago"),
        (86400 * 2 + 7200, "2 ngày 2 giờ trước", "2 days 2 hours ago"),
        (-120, "còn 2 phút", "2 minutes left"),
    ],
)
def test_times_beside_read_as_people_say_them(seconds, vi, en):
    then = at(seconds=-seconds)
    assert Moments(ZONE, VI, EVENING).ago(then) == vi
    assert Moments(ZONE, EN, EVENING).ago(then) == en


def test_times_are_local_day_first_and_carry_the_day_only_when_it_is_another():
    moments = Moments(ZONE, VI, EVENING)
    assert moments.clock(EVENING) == "19:22:14"
    assert moments.stamp(EVENING) == "23/05/2021 19:22:14"
    assert moments.day(EVENING) == "Chủ nhật, 23/05/2021"
    assert moments.second(EVENING) == "19:22:14"
    assert moments.second(at(hours=-20)) == "22/05 23:22:14"
    assert moments.minute(at(hours=5)) == "24/05 00:22"
    assert moments.iso(EVENING) == "2021-05-23T19:22:14.000+07:00"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(161, "02:41"), (0, "00:00"), (-192, "+03:12"), (3661, "1:01:01"), (-3661, "+1:01:01")],
)
def test_a_deadline_counts_down_and_then_up(seconds, text):
    assert Moments(ZONE, VI, EVENING).countdown(at(seconds=seconds)) == text


def ns(minutes: float) -> int:
    return nanoseconds(at(minutes=minutes))


def test_a_bar_tells_down_from_not_observed_and_from_no_record():
    drawn = bar(
        since=EVENING,
        until=at(minutes=100),
        down=[(ns(30), ns(40)), (ns(85), ns(95))],
        unobserved=[(ns(80), ns(90))],
        recorded_from=at(minutes=20),
    )
    shown = sorted((piece.x, piece.width, piece.kind) for piece in drawn.segments)
    assert shown == [
        (0, 200, Kind.NONE), (200, 100, Kind.UP), (300, 100, Kind.DOWN), (400, 400, Kind.UP),
        (800, 100, Kind.UNOBSERVED), (900, 50, Kind.DOWN), (950, 50, Kind.UP),
    ]  # fmt: skip
    assert drawn.down == timedelta(minutes=15)
    assert drawn.ratio == pytest.approx(55 / 70)


def test_a_short_outage_is_still_seen_and_stays_on_the_bar():
    drawn = bar(
        since=EVENING, until=at(days=1), down=[(ns(1439.99), ns(1440))], unobserved=[], recorded_from=EVENING
    )
    [piece] = [piece for piece in drawn.segments if piece.kind is Kind.DOWN]
    assert piece.width == 2
    assert piece.x + piece.width == 1000


def test_a_bar_without_any_record_says_so_and_claims_no_figure():
    drawn = bar(since=EVENING, until=at(hours=1), down=[], unobserved=[], recorded_from=None)
    assert [piece.kind for piece in drawn.segments] == [Kind.NONE]
    assert drawn.ratio is None


def test_a_path_is_down_only_while_every_target_of_it_is():
    window = (0, 100)
    assert common([[(10, 50)], [(30, 70)]], window) == [(30, 50)]
    assert common([[(10, 50)], []], window) == []
    assert common([], window) == []


def test_the_axis_marks_round_local_hours():
    marks = ticks(EVENING, at(hours=24), ZONE)
    assert [mark.label for mark in marks] == [
        "21:00",
        "24/05",
        "03:00",
        "06:00",
        "09:00",
        "12:00",
        "15:00",
        "18:00",
    ]
    assert len(ticks(EVENING, at(minutes=60), ZONE)) <= 8


def test_the_table_says_the_same_as_the_chart():
    minutes = tuple(at(minutes=minute) for minute in range(60))
    series = Series(minutes, (6,) * 60, (0,) * 59 + (3,), (0.01,) * 60, (0.02,) * 59 + (0.5,))
    rows = history_rows(series, EVENING, at(minutes=60))
    assert sum(row.looks for row in rows) == 360
    assert rows[0].rtt_max == 0.5
    assert rows[0].loss == pytest.approx(3 / rows[0].looks)
    assert all(row.rtt_mean == pytest.approx(0.01) for row in rows)


def test_attempts_in_a_burst_are_allowed_and_then_one_each_interval():
    keys = {"pair:a@b": PAIR}
    kept: dict[str, datetime] = {}
    for _ in range(PAIR.burst):
        assert not wait_of(keys, kept, EVENING)
        kept = spent(keys, kept, EVENING)
    assert wait_of(keys, kept, EVENING) == PAIR.interval
    assert not wait_of(keys, kept, EVENING + PAIR.interval)
    assert wait_of(keys_of("a", "b"), {"address:b": EVENING + ADDRESS.interval * 40}, EVENING)


def test_view_models_touch_neither_network_nor_database_nor_loop():
    impure = {"asyncio", "socket", "sqlalchemy", "threading", "fastapi", "starlette", "structlog"}
    folder = Path(dashboards.__file__).parent
    for path in (
        *(folder / "views").glob("*.py"),
        folder / "charts.py",
        folder / "moments.py",
        folder / "throttle.py",
    ):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not {name for name in names if name.split(".")[0] in impure}, path.name
