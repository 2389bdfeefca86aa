"""Minutes of an inspection: who, where, the checklist with its answers, findings with owner and due date (R21)."""

from dataclasses import replace

from alerting import inspections
from dashboards.reports.brief import Brief
from dashboards.reports.document import Block, Cell, Column, Form, Paragraph, Table
from dashboards.reports.drafts import Section
from dashboards.reports.record import Inspection

__all__ = ["CHECKLIST", "inspection"]

CHECKLIST = tuple(inspections.CHECKLIST.values())
"""What is looked at where the record holds no answers of its own: the minutes are then a form to fill in by hand."""


def inspection(brief: Brief) -> tuple[Form, list[Block]]:
    """Compose the minutes: of the visit on record in the order's area, or a blank form."""
    say, area = brief.say, brief.order.area
    visits = [each for each in brief.record.inspections if not area or each.area == area]
    visit = max(visits, key=lambda each: (each.at, each.identifier), default=None)
    known = visit.area if visit else area
    where = brief.tongue.name(known) if known else _BLANK
    form = brief.form(
        say("Biên bản", "Minutes"),
        say(
            f"Kiểm tra công tác bảo đảm thông tin liên lạc phục vụ bầu cử tại {where}",
            f"Inspection of communications for the election at {where}",
        ),
    )
    hosts, inspectors = (visit.hosts, visit.inspectors) if visit else ((), ())
    sides = (
        (say("ĐẠI DIỆN ĐƠN VỊ ĐƯỢC KIỂM TRA", "FOR THE INSPECTED UNIT"), hosts[0] if hosts else ""),
        (say("TRƯỞNG ĐOÀN KIỂM TRA", "HEAD OF THE INSPECTION"), inspectors[0] if inspectors else ""),
    )
    blocks: list[Block] = [
        *_opening(brief, visit, where),
        brief.head(2, "2. Nội dung, kết quả", "2. Checklist and results"),
        _answers(brief, visit),
        brief.head(2, "3. Kiến nghị và thời hạn", "3. Findings and due dates"),
        _findings(brief, visit),
        brief.head(2, "4. Ý kiến khác", "4. Remarks"),
        *brief.section(Section.REMARKS),
        Paragraph(
            say(
                "Biên bản được lập thành 02 bản, hai bên thống nhất và cùng ký, mỗi bên giữ 01 bản.",
                "Made in two copies, agreed and signed by both sides, one for each.",
            )
        ),
    ]
    return replace(form, signatures=sides, recipients=(), authority=()), blocks


_BLANK = "…" * 30


def _opening(brief: Brief, visit: Inspection | None, where: str) -> list[Block]:
    say = brief.say
    blank = say("…… giờ …… ngày …… tháng …… năm ……", "…… at …… on ……")
    when = brief.tongue.minute(visit.at) if visit else blank
    hosts, inspectors = (visit.hosts, visit.inspectors) if visit else ((), ())
    return [
        Paragraph(say(f"Thời gian: {when}.", f"Time: {when}.")),
        Paragraph(say(f"Địa điểm: {where}.", f"Place: {where}.")),
        brief.head(2, "1. Thành phần", "1. Present"),
        Paragraph(say("Đoàn kiểm tra: ", "Inspectors: ") + (", ".join(inspectors) or _BLANK)),
        Paragraph(say("Đơn vị được kiểm tra: ", "Inspected unit: ") + (", ".join(hosts) or _BLANK)),
    ]


def _answers(brief: Brief, visit: Inspection | None) -> Table:
    say = brief.say
    results = {"ok": say("Đạt", "Good"), "fault": say("Không đạt", "Fault"), "": ""}
    answers = visit.answers if visit and visit.answers else tuple((say(*each), "", "") for each in CHECKLIST)
    columns = (
        Column(say("STT", "No."), 0.5, "right", "count"),
        Column(say("Nội dung", "Item"), 4),
        Column(say("Kết quả", "Result"), 1),
        Column(say("Ghi chú", "Remark"), 2),
    )
    rows = tuple(
        (Cell(str(place), place), Cell(item), Cell(results.get(result, result)), Cell(remark))
        for place, (item, result, remark) in enumerate(answers, start=1)
    )
    return Table("checklist", say("Nội dung kiểm tra", "Checklist"), columns, rows)


def _findings(brief: Brief, visit: Inspection | None) -> Table:
    say = brief.say
    found = visit.findings if visit else ()
    rows = found or (("", "", ""),) * 3
    columns = (
        Column(say("Kiến nghị", "Finding"), 4),
        Column(say("Đơn vị thực hiện", "Owner"), 2),
        Column(say("Thời hạn", "Due"), 1.2),
    )
    return Table(
        "findings",
        say("Kiến nghị", "Findings"),
        columns,
        tuple(tuple(Cell(text) for text in row) for row in rows),
    )
