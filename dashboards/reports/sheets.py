"""Everything a spreadsheet or a list holds beyond a document's own tables: all outages, all incidents, all controls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.reports.facts import Facts
from dashboards.reports.record import Called, ReportedIncident
from dashboards.reports.tongue import Tongue, heard

__all__ = [
    "Field",
    "Value",
    "call_fields",
    "call_rows",
    "control_rows",
    "incident_fields",
    "incident_rows",
    "outage_fields",
    "outage_rows",
]

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a list: its title and kind (text, count, duration, share, moment)."""

    title: str
    kind: str = "text"
    width: float = 16


def outage_fields(tongue: Tongue) -> tuple[Field, ...]:
    """Name the columns of the list of all outages."""
    say = tongue.say
    return (
        Field(say("Bắt đầu", "Began"), "moment", 19),
        Field(say("Kết thúc", "Ended"), "moment", 19),
        Field(say("Đang tiếp diễn", "Open"), "count", 8),
        Field(say("Điểm", "Site"), width=28),
        Field(say("Đường liên lạc", "Path"), width=24),
        Field(say("Loại", "Kind")),
        Field(say("Địa bàn", "Area"), width=22),
        Field(say("Doanh nghiệp", "Carrier"), width=20),
        Field(say("Mức", "Priority"), width=6),
        Field(say("Nguyên nhân", "Cause")),
        Field(say("Gián đoạn", "Down"), "duration", 11),
        Field(say("Có liên lạc tạm", "Temporary service"), "duration", 11),
        Field(say("Đang xem xét", "Disputed"), "duration", 11),
        Field(say("Có kế hoạch", "Planned"), "duration", 11),
        Field(say("Không quan sát", "Unseen"), "duration", 11),
        Field(say("Phiếu", "Incidents")),
        Field(say("Bản ghi", "Rows"), width=24),
    )


def outage_rows(facts: Facts, tongue: Tongue) -> Iterator[tuple[Value, ...]]:
    """Answer every outage, by start and path; moments are seconds since 1970, durations seconds."""
    names = {line.key: tongue.name(line.key) for line in (*facts.by_area, *facts.by_carrier)}
    for each in facts.outages:
        times = each.times
        yield (
            each.start,
            each.end,
            int(each.is_open),
            each.site_name,
            each.path,
            tongue.label(each.medium),
            names.get(each.area, each.area),
            names.get(each.carrier, each.carrier),
            each.priority.value,
            tongue.label(each.cause),
            times.down,
            times.mitigated,
            times.disputed,
            times.planned,
            times.unobserved,
            " ".join(each.incidents),
            " ".join(each.sources),
        )


def incident_fields(tongue: Tongue) -> tuple[Field, ...]:
    """Name the columns of the list of incidents."""
    say = tongue.say
    moments = (
        say("Bắt đầu lỗi", "Began"),
        say("Mở phiếu", "Opened"),
        say("Tin gọi đầu", "First page"),
        say("Tin gọi đầu qua mạng khác", "First healthy page"),
        say("Tiếp nhận", "Acknowledged"),
        say("Liên lạc tạm", "Temporary service"),
        say("Khôi phục", "Restored"),
        say("Đóng", "Closed"),
    )
    return (
        Field(say("Số phiếu", "Number"), width=14),
        Field(say("Sự cố", "Incident"), width=44),
        Field(say("Đơn vị", "Owner"), width=20),
        Field(say("Mức độ", "Severity"), width=8),
        Field(say("Ưu tiên", "Priority"), width=8),
        Field(say("Giai đoạn", "Phase")),
        Field(say("Trạng thái", "State")),
        Field(say("Nguyên nhân", "Cause")),
        *(Field(title, "moment", 19) for title in moments),
        Field(say("Khôi phục không đạt", "False restorations"), "count", 10),
        Field(say("Diễn tập", "Drill"), "count", 8),
        Field(say("Biện pháp", "Measures"), width=40),
    )


def incident_rows(incidents: Sequence[ReportedIncident], tongue: Tongue) -> Iterator[tuple[Value, ...]]:
    """Answer every incident, drills among them and marked, in order of opening."""
    for each in sorted(incidents, key=lambda each: (each.opened_at, each.number)):
        moments = (
            each.began_at,
            each.opened_at,
            each.first_page_at,
            each.first_healthy_page_at,
            each.acknowledged_at,
            each.mitigated_at,
            each.restored_at,
            each.closed_at,
        )
        yield (
            each.number,
            tongue.say(each.title, each.title_en or each.title),
            tongue.name(each.owner),
            each.severity.value,
            each.priority.value,
            tongue.label(each.phase),
            tongue.label(each.state),
            tongue.label(each.cause),
            *(None if at is None else int(at.timestamp()) for at in moments),
            each.false_restorations,
            int(each.is_drill),
            each.measures,
        )


def call_fields(tongue: Tongue) -> tuple[Field, ...]:
    """Name the columns of the list of all calls of the roll."""
    say = tongue.say
    return (
        Field(say("Lúc", "At"), "moment", 19),
        Field(say("Điểm", "Site"), width=28),
        Field(say("Địa bàn", "Commune")),
        Field(say("Trả lời", "Answer")),
        Field(say("Đường liên lạc", "Path"), width=24),
        Field(say("Số của", "Number of")),
        Field(say("Gọi qua mạng", "Called over")),
        Field(say("Người gọi", "Called by")),
        Field(say("Ghi chú", "Note"), width=40),
        Field(say("Bản ghi", "Rows"), width=24),
    )


def call_rows(calls: Sequence[Called], tongue: Tongue) -> Iterator[tuple[Value, ...]]:
    """Answer every call, in order."""
    for each in sorted(calls, key=lambda each: (each.at, len(each.identifier), each.identifier)):
        yield (
            int(each.at.timestamp()),
            each.site_name,
            tongue.name(each.commune),
            heard(tongue, each.answer),
            each.path,
            tongue.name(each.carrier),
            tongue.name(each.network),
            each.by,
            each.note,
            each.identifier,
        )


def control_rows(facts: Facts, tongue: Tongue) -> tuple[tuple[Field, ...], list[tuple[Value, ...]]]:
    """Answer every control: what the parts sum to, what the whole is, whether they agree."""
    say = tongue.say
    fields = (
        Field(say("Kiểm tra", "Control"), width=28),
        Field(say("Tổng các phần", "Parts"), "count"),
        Field(say("Toàn bộ", "Whole"), "count"),
        Field(say("Khớp", "Agree")),
    )
    rows: list[tuple[Value, ...]] = [
        (each.name, each.parts, each.whole, say("khớp", "yes") if each.holds else say("LỆCH", "NO"))
        for each in facts.controls
    ]
    return fields, rows
