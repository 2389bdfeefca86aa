"""Tables of time: hours by class, outages, sites cut off; each with its total and its control line."""

from collections.abc import Callable, Sequence

from alerting.models import CauseClass
from dashboards.reports.arithmetic import Times
from dashboards.reports.document import Cell, Column, Row, Table
from dashboards.reports.facts import FoldedOutage, Line
from dashboards.reports.setting import Setting
from dashboards.reports.tongue import NOTHING

__all__ = ["TimeTables"]

_MOST_OUTAGES = 300
"""Outages that a page-bound annex lists, the longest first; the rest is one line, and all are in the spreadsheet."""


class TimeTables(Setting):
    """Tables of hours and of what was lost."""

    def times(self, name: str, title: str, lines: Sequence[Line], naming: Callable[[str], str]) -> Table:
        """Break the window's hours down by one quality of the paths."""
        say = self._tongue.say
        columns = (
            Column(say("Phân loại", "Kind"), 2.6),
            *(Column(text, width, "right", kind) for text, width, kind in self._times_columns()),
        )
        rows = tuple((Cell(naming(line.key)), *self._times_cells(line)) for line in lines)
        total = (Cell(say("Tổng cộng", "Total")), *self._times_cells(self._facts.whole))
        return Table(name, title, columns, rows, total, self._control(lines), 8.5)

    def _times_columns(self) -> tuple[tuple[str, float, str], ...]:
        say = self._tongue.say
        return (
            (say("Số đường", "Paths"), 0.9, "count"),
            (say("Số lần", "Times"), 0.9, "count"),
            (say("Chỉ trong kế hoạch", "Planned only"), 1.0, "count"),
            (say("Thông suốt", "Up"), 1.5, "duration"),
            (say("Gián đoạn", "Down"), 1.25, "duration"),
            (say("Có liên lạc tạm", "Temporary service"), 1.25, "duration"),
            (say("Đang xem xét", "Disputed"), 1.25, "duration"),
            (say("Có kế hoạch", "Planned"), 1.25, "duration"),
            (say("Không quan sát", "Unseen"), 1.25, "duration"),
            (say("Độ khả dụng", "Availability"), 1.15, "share"),
            (say("Không kể đang xem xét", "Less disputed"), 1.15, "share"),
            (say("Dài nhất", "Longest"), 1.15, "duration"),
        )

    def _times_cells(self, line: Line) -> Row:
        times, tongue = line.times, self._tongue
        return (
            Cell(tongue.count(line.objects), line.objects),
            Cell(tongue.count(line.outages), line.outages),
            Cell(tongue.count(line.planned_only), line.planned_only),
            *(
                self._span(each)
                for each in (
                    times.up,
                    times.down,
                    times.mitigated,
                    times.disputed,
                    times.planned,
                    times.unobserved,
                )
            ),
            Cell(tongue.availability(times), times.ratio),
            Cell(tongue.undisputed(times), times.undisputed_ratio),
            self._span(line.longest),
        )

    def _control(self, lines: Sequence[Line]) -> str:
        tongue, whole = self._tongue, self._facts.whole
        parts = " + ".join(tongue.duration(line.times.lost) for line in lines) if len(lines) <= 6 else ""
        total = sum((line.times for line in lines), Times()).lost
        sign = "=" if total == whole.times.lost else "≠"
        said = f"{parts} = {tongue.duration(total)}" if parts else tongue.duration(total)
        return tongue.say(
            f"Kiểm tra: thời gian mất liên lạc các phần {said} {sign} {tongue.duration(whole.times.lost)} toàn bộ; "
            f"số lần {tongue.count(sum(line.outages for line in lines))} {sign} {tongue.count(whole.outages)}.",
            f"Control: time lost of the parts {said} {sign} {tongue.duration(whole.times.lost)} of the whole; "
            f"times {tongue.count(sum(line.outages for line in lines))} {sign} {tongue.count(whole.outages)}.",
        )

    def causes(self) -> Table:
        """Time lost by cause."""
        tongue, facts = self._tongue, self._facts
        say = tongue.say
        columns = (
            Column(say("Nguyên nhân", "Cause"), 2.4),
            Column(say("Số lần", "Times"), 0.8, "right", "count"),
            Column(say("Mất liên lạc", "Lost"), 1.2, "right", "duration"),
            Column(say("Tỷ lệ", "Share"), 1, "right", "share"),
            Column(say("Dài nhất", "Longest"), 1.2, "right", "duration"),
            Column(say("Số sự cố", "Incidents"), 0.9, "right", "count"),
        )
        incidents = {each.key: each.n for each in facts.incidents_by_cause}
        lost = facts.whole.times.lost
        kept = {line.key: line for line in facts.by_cause}
        shown = [
            (cause, line)
            for cause in CauseClass
            if (line := kept.get(cause.value, Line(cause.value, 0, Times()))).times.lost
            or line.outages
            or incidents.get(cause.value)
        ]
        shares = tongue.shares([line.times.lost for _, line in shown])
        rows = tuple(
            (
                Cell(tongue.label(cause)),
                self._count(line.outages),
                self._span(line.times.lost),
                Cell(share, line.times.lost / lost if lost else None),
                self._span(line.longest),
                self._count(incidents.get(cause.value, 0)),
            )
            for (cause, line), share in zip(shown, shares, strict=True)
        )
        total = (
            Cell(say("Tổng cộng", "Total")),
            self._count(facts.whole.outages),
            self._span(lost),
            Cell(tongue.percent(lost, lost), 1.0 if lost else None),
            self._span(facts.whole.longest),
            self._count(facts.incidents),
        )
        return Table(
            "causes",
            say("Theo nguyên nhân", "By cause"),
            columns,
            rows,
            total,
            self._control(facts.by_cause),
            10,
        )

    def losses(self) -> Table:
        """Sites that had no path left."""
        tongue, say = self._tongue, self._tongue.say
        columns = (
            Column(say("Điểm", "Site"), 2.4),
            Column(say("Địa bàn", "Commune"), 1.8),
            Column(say("Từ", "From"), 1.6),
            Column(say("Đến", "Until"), 1.6),
            Column(say("Mất liên lạc", "Cut off"), 1, "right", "duration"),
        )
        rows = tuple(
            (
                Cell(each.name),
                Cell(tongue.name(each.commune)),
                Cell(tongue.moment(each.start)),
                Cell(say("chưa khôi phục", "not restored") if each.is_open else tongue.moment(each.end)),
                self._span(each.end - each.start),
            )
            for each in self._facts.losses
        )
        total = (
            Cell(say("Tổng cộng", "Total")),
            Cell(""),
            Cell(""),
            Cell(""),
            self._span(self._facts.loss_lengths.total),
        )
        return Table(
            "losses", say("Điểm mất liên lạc hoàn toàn", "Sites cut off"), columns, rows, total, size=10
        )

    def outages(self, chosen: Sequence[FoldedOutage] | None = None) -> Table:
        """List outages by length; beyond the first few hundred they are one line, and whole in the spreadsheet."""
        tongue, say = self._tongue, self._tongue.say
        found = [each for each in (self._facts.outages if chosen is None else chosen) if each.times.lost]
        shown = sorted(found, key=lambda each: (-each.times.lost, each.start, each.path))[:_MOST_OUTAGES]
        columns = (
            Column(say("STT", "No."), 0.5, "right", "count"),
            Column(say("Bắt đầu", "Began"), 1.7),
            Column(say("Kết thúc", "Ended"), 1.7),
            Column(say("Đối tượng", "Site"), 2),
            Column(say("Địa bàn", "Area"), 1.6),
            Column(say("Doanh nghiệp", "Carrier"), 1.4),
            Column(say("Nguyên nhân", "Cause"), 1.2),
            Column(say("Gián đoạn", "Lost"), 1, "right", "duration"),
            Column(say("Phiếu", "Incident"), 1.2),
        )
        rows = tuple(self._outage(place, each) for place, each in enumerate(shown, start=1))
        rest = len(found) - len(shown)
        lost = sum(each.times.lost for each in found)
        seen = sum(each.times.lost for each in shown)
        if rest:
            more = say(f"… và {tongue.count(rest)} lần khác", f"… and {tongue.count(rest)} more")
            rows += (
                (Cell(""), Cell(more), *(Cell("") for _ in range(5)), self._span(lost - seen), Cell("")),
            )
        total = (
            Cell(""),
            Cell(say("Tổng cộng", "Total")),
            *(Cell("") for _ in range(5)),
            self._span(lost),
            Cell(""),
        )
        full = (
            say("Danh sách đầy đủ ở tệp XLSX, CSV. ", "The whole list is in the XLSX and CSV files. ")
            if rest
            else ""
        )
        control = full + say(
            f"Kiểm tra: {tongue.duration(seen)} + {tongue.duration(lost - seen)} = {tongue.duration(lost)}.",
            f"Control: {tongue.duration(seen)} + {tongue.duration(lost - seen)} = {tongue.duration(lost)}.",
        )
        return Table(
            "outages", say("Danh sách gián đoạn", "Interruptions"), columns, rows, total, control, 8.5
        )

    def _outage(self, place: int, each: FoldedOutage) -> Row:
        tongue = self._tongue
        end = tongue.say("chưa khôi phục", "not restored") if each.is_open else tongue.moment(each.end)
        return (
            self._count(place),
            Cell(tongue.moment(each.start)),
            Cell(end),
            Cell(f"{each.site_name} ({tongue.label(each.medium)})"),
            Cell(tongue.name(each.area)),
            Cell(tongue.name(each.carrier)),
            Cell(tongue.label(each.cause)),
            self._span(each.times.lost),
            Cell(", ".join(each.incidents) or NOTHING),
        )
