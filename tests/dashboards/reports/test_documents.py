"""Documents made from the reference day: same bytes every time, every figure to be found, the official form's measures."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import docx as python_docx
import openpyxl
import pytest
from docx.shared import Mm, Pt

from dashboards.i18n import Language
from dashboards.reports.building import Format, build
from dashboards.reports.document import Table
from dashboards.reports.drafts import Section
from dashboards.reports.flat import canonical, csv_file
from dashboards.reports.folding import fold
from dashboards.reports.order import Kind, Order, Stage
from dashboards.reports.packing import packed
from dashboards.reports.sentences import claims, contradictions, objections, situation
from dashboards.reports.tongue import Tongue
from tests.support.election_day import INCIDENTS, reference_day

RECORD = reference_day()
EVERY_KIND = [
    Order(
        kind, party="VNPT" if kind is Kind.CARRIER else "", incident="SC-21-2" if kind is Kind.DOSSIER else ""
    )
    for kind in Kind
]


@pytest.fixture(scope="module")
def report():
    return build(Order(Kind.POST_ELECTION), RECORD)


@pytest.fixture(scope="module")
def pdf_text(report):
    return text_of(report.files[Format.PDF])


def text_of(content: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=True
    ).stdout.decode()


def tongue(language=Language.VI):
    return Tongue(language, RECORD.election.zone, RECORD.names)


@pytest.mark.parametrize("order", EVERY_KIND, ids=lambda order: order.kind.value)
def test_the_same_record_gives_the_same_bytes(order):
    first = build(order, RECORD)
    again = build(order, replace(RECORD, outages=tuple(reversed(RECORD.outages))))
    assert {form: content == again.files[form] for form, content in first.files.items()} == dict.fromkeys(
        Format, True
    )


@pytest.mark.parametrize("order", EVERY_KIND, ids=lambda order: order.kind.value)
def test_every_kind_can_be_had_in_english(order):
    made = build(replace(order, language=Language.EN), RECORD, formats=(Format.PDF,))
    assert "SOCIALIST REPUBLIC OF VIET NAM" in text_of(made.files[Format.PDF])


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="poppler is not installed")
def test_every_font_is_embedded_and_none_is_a_stand_in(report, tmp_path):
    (tmp_path / "r.pdf").write_bytes(report.files[Format.PDF])
    listed = subprocess.run(
        ["pdffonts", tmp_path / "r.pdf"], capture_output=True, check=True, text=True
    ).stdout
    rows = listed.splitlines()[2:]
    assert len(rows) == 4
    assert all("Tinos" in row and row.split()[-5] == "yes" for row in rows)


def figures_of(facts, said):
    """Every figure of the facts as a document prints it."""
    for line in (
        facts.whole,
        *facts.by_carrier,
        *facts.by_area,
        *facts.by_medium,
        *facts.by_priority,
        *facts.by_phase,
        *facts.by_cause,
    ):
        times = line.times
        for name in ("up", "down", "mitigated", "disputed", "planned", "unobserved"):
            # Of a cause only lost time is told, in one sum.
            if line not in facts.by_cause:
                yield said.duration(getattr(times, name))
        if line in facts.by_cause:
            yield said.duration(times.lost)
        else:
            yield said.availability(times)
            yield said.undisputed(times)
        yield said.duration(line.longest)
    response = facts.response
    for spread in (
        response.detect,
        response.acknowledge,
        response.acknowledge_from_page,
        response.temporary,
        response.restore,
        *(each.lead for each in facts.aid),
    ):
        yield from (said.duration(each) for each in (spread.median, spread.p90, spread.worst))
    yield from (said.spoken(each) for each in (facts.lengths.median, facts.lengths.p90, facts.lengths.worst))
    yield from (
        said.kept(share) for each in facts.owed for share in (each.acknowledge, each.temporary, each.restore)
    )
    yield from (said.duration(each.times.lost) for each in facts.outages if each.times.lost)
    yield from (said.moment(each.start) for each in facts.outages if each.times.lost)
    yield from (said.duration(each.end - each.start) for each in facts.losses)
    yield from (said.duration(each.seconds) for each in facts.roster_gaps)
    yield from facts.response.sources


def test_every_figure_of_the_facts_stands_in_the_pdf(report, pdf_text):
    plain = re.sub(r"\s+", " ", pdf_text)
    missing = [
        each
        for each in figures_of(report.facts, tongue())
        if each not in plain and each not in flat(pdf_text)
    ]
    assert not missing


def flat(text: str) -> str:
    """Join what a narrow column broke over lines: figures hold no spaces but between their words."""
    return re.sub(r"\s+", "", text).replace("", "")


def test_the_stamp_names_the_digest_of_the_facts(report, pdf_text):
    assert report.digest in flat(pdf_text)
    assert json.loads(report.files[Format.JSON])["digest"] == report.digest


def test_a_control_line_stands_under_every_sum(report):
    tables = [block for block in report.document.blocks if isinstance(block, Table)]
    summed = {
        "carriers",
        "areas",
        "media",
        "priorities",
        "phases",
        "causes",
        "owners",
        "severities",
        "opened_in",
    }
    assert summed <= {table.name for table in tables}
    assert all(
        " = " in table.control and "≠" not in table.control for table in tables if table.name in summed
    )


def test_the_docx_keeps_the_official_form_s_measures(report):
    opened = python_docx.Document(BytesIO(report.files[Format.DOCX]))
    first = opened.sections[0]
    assert (round(first.page_width.mm), round(first.page_height.mm)) == (210, 297)
    assert [round(each.mm) for each in (first.top_margin, first.bottom_margin, first.left_margin)] == [
        20,
        20,
        30,
    ]
    assert abs(first.right_margin - Mm(15)) < Mm(0.1)
    assert first.different_first_page_header_footer
    assert opened.sections[1].orientation == 1
    [motto] = [
        run
        for row in opened.tables[0].rows
        for cell in row.cells
        for paragraph in cell.paragraphs
        for run in paragraph.runs
        if run.text == "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
    ]
    assert motto.bold
    assert Pt(12) <= motto.font.size <= Pt(13)
    body = next(each for each in opened.paragraphs if each.text.startswith("Sở báo cáo"))
    assert round(body.paragraph_format.first_line_indent.mm, 1) == 12.7
    assert body.paragraph_format.alignment == 3
    assert opened.styles.element.xpath("//w:rFonts/@w:ascii")[0] == "Times New Roman"


def test_libreoffice_opens_and_converts_the_docx(report, tmp_path):
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed")
    (tmp_path / "r.docx").write_bytes(report.files[Format.DOCX])
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "pdf",
         "--outdir", tmp_path, tmp_path / "r.docx"],
        capture_output=True, check=True, timeout=110,
    )  # fmt: skip
    text = text_of((tmp_path / "r.pdf").read_bytes())
    assert "BÁO CÁO" in text
    assert "5:53:56" in text
    assert "Nơi nhận:" in text


def test_the_workbook_holds_tables_with_filters_and_values(report):
    book = openpyxl.load_workbook(BytesIO(report.files[Format.XLSX]))
    sheet = book["Gián đoạn"]
    [table] = sheet.tables.values()
    assert table.autoFilter is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 1 + len(report.facts.outages)
    lost = sum(round(row[place].total_seconds()) for row in rows[1:] for place in (10, 11, 12))
    assert lost == report.facts.whole.times.lost
    assert f"{rows[1][0]:%d/%m/%Y %H:%M:%S}" == tongue().moment(report.facts.outages[0].start)
    controls = list(book["Kiểm tra"].iter_rows(min_row=2, values_only=True))
    assert {row[3] for row in controls} == {"khớp"}


HOSTILE = '=HYPERLINK("http://x","y")'


def test_a_text_that_looks_like_a_formula_stays_a_text():
    hostile = reference_day(
        incidents=(replace(INCIDENTS[0], title=HOSTILE, measures="+1 & <b>#set page()"),),
        paths=tuple(replace(path, site_name=HOSTILE) for path in RECORD.paths),
    )
    made = build(Order(Kind.POST_ELECTION), hostile)
    book = openpyxl.load_workbook(BytesIO(made.files[Format.XLSX]))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any(cell.value == HOSTILE for cell in cells)
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert f"'{HOSTILE}" in csv_file(made.facts, tongue()).decode("utf-8-sig").replace('""', '"')
    assert "#set page()" in re.sub(r"\s+", " ", text_of(made.files[Format.PDF]))


def test_files_hold_no_moment_of_their_making(report):
    for form in (Format.DOCX, Format.XLSX):
        with ZipFile(BytesIO(report.files[form])) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert packed({"b": b"2", "a": b"1"}) == packed({"a": b"1", "b": b"2"})


def test_the_set_sentence_is_written_only_where_nothing_speaks_against_it():
    quiet = fold(reference_day(outages=(), unseen=(), incidents=(), losses=()))
    assert "không xảy ra nghẽn mạng" in situation(quiet, tongue())
    assert "không xảy ra nghẽn mạng" not in situation(fold(RECORD), tongue())


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"unseen": RECORD.unseen}, "không quan sát được"),
        ({"outages": RECORD.outages[:1]}, "1 lần gián đoạn"),
        ({"losses": RECORD.losses[:1]}, "1 lần điểm mất liên lạc"),
        ({"incidents": RECORD.incidents[2:3]}, "1 sự cố chưa khắc phục"),
        ({"paths": ()}, "không có số liệu"),
    ],
)
def test_anything_on_record_keeps_the_set_sentence_out(kept, told):
    bare = {"outages": (), "unseen": (), "incidents": (), "losses": (), **kept}
    found = objections(fold(reference_day(**bare)), tongue())
    assert any(told in each for each in found)


def test_an_edited_text_cannot_claim_what_the_record_denies():
    facts = fold(RECORD)
    assert contradictions("Mạng bảo đảm thông suốt, không gián đoạn.", facts, tongue())
    assert contradictions("Không xảy ra  nghẽn mạng ở địa bàn nào.", facts, tongue())
    assert not contradictions("Các đơn vị trực nghiêm túc.", facts, tongue())
    assert claims("không để xảy ra mất liên lạc") == {"outage"}


def test_an_edited_section_replaces_its_draft_and_no_figure():
    edited = Order(Kind.POST_ELECTION, texts={Section.LESSONS.value: "Bài học riêng."})
    made = build(edited, RECORD, formats=(Format.PDF,))
    assert "Bài học riêng" in text_of(made.files[Format.PDF])
    assert made.digest == build(Order(Kind.POST_ELECTION), RECORD, formats=()).digest


def test_a_carrier_s_annex_holds_nothing_of_another():
    made = build(Order(Kind.CARRIER, party="VNPT"), reference_day(aid=()))
    for content in (text_of(made.files[Format.PDF]), made.files[Format.JSON].decode()):
        assert "SC-21-2" not in content
        assert "Viettel" not in content
    assert made.facts.whole.times.disputed == 900


def test_a_quick_report_is_one_page():
    made = build(Order(Kind.QUICK, stage=Stage.NOTIFICATION), reference_day(turns=RECORD.turns[:1]))
    assert text_of(made.files[Format.PDF]).count("\f") <= 2


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical({"b": 1, "a": (1, 2)}) == canonical({"a": [1, 2], "b": 1})
