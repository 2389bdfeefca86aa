"""Tables of how people acted: counts of incidents, times to act, deadlines, norms, rosters, aid."""

from collections.abc import Callable, Sequence

from alerting.aid import AidKind
from dashboards.reports.arithmetic import Spread
from dashboards.reports.document import Cell, Column, Row, Table
from dashboards.reports.facts import Counted, ResponseFacts
from dashboards.reports.norms import Confidence, assess
from dashboards.reports.record import ReportedIncident
from dashboards.reports.setting import Setting, listed
from dashboards.reports.tongue import NOTHING
from inventory.models import Duty

__all__ = ["ConductTables"]


class ConductTables(Setting):
    """Tables of incidents and of those who answer for them."""

    def counted(self, name: str, title: str, found: Sequence[Counted], naming: Callable[[str], str]) -> Table:
        """Count incidents by one quality of theirs, with their numbers."""
        tongue, say = self._tongue, self._tongue.say
        columns = (
            Column(title, 2),
            Column(say("Số sự cố", "Incidents"), 0.8, "right", "count"),
            Column(say("Số phiếu", "Numbers"), 4),
        )
        rows = tuple(
            (Cell(naming(each.key)), self._count(each.n), Cell(listed(each.sources, tongue)))
            for each in found
        )
        total = (Cell(say("Tổng cộng", "Total")), self._count(self._facts.incidents), Cell(""))
        parts, whole = sum(each.n for each in found), self._facts.incidents
        sign = "=" if parts == whole else "≠"
        control = say(
            f"Kiểm tra: {' + '.join(tongue.count(each.n) for each in found) or '0'} {sign} {tongue.count(whole)} sự cố.",
            f"Control: {' + '.join(tongue.count(each.n) for each in found) or '0'} {sign} {tongue.count(whole)} incidents.",
        )
        return Table(name, title, columns, rows, total, control, 10)

    def responses(self) -> Table:
        """How fast people were, over all and by owner: median / p90 / worst, and n."""
        tongue, say = self._tongue, self._tongue.say
        columns = (
            Column(say("Đơn vị", "Party"), 2),
            Column(say("Sự cố", "Incidents"), 0.8, "right", "count"),
            *(Column(f"{text} (n)", 2, "right") for text, _ in self._measures()),
        )
        rows = tuple(self._response(tongue.name(each.key), each) for each in self._facts.response_by_owner)
        total = self._response(say("Toàn bộ", "All"), self._facts.response)
        control = say(
            "Mỗi ô: trung vị / p90 / lâu nhất (số sự cố có số liệu); giờ:phút:giây.",
            "Each cell: median / p90 / worst (incidents that have the figure); hours:minutes:seconds.",
        )
        return Table(
            "responses",
            say("Thời gian xử lý", "Times to act"),
            columns,
            rows,
            total,
            control,
            9,
        )

    def _measures(self) -> tuple[tuple[str, Callable[[ResponseFacts], Spread]], ...]:
        say = self._tongue.say
        return (
            (say("Phát hiện", "To notice"), lambda each: each.detect),
            (say("Tiếp nhận", "To acknowledge"), lambda each: each.acknowledge),
            (say("Tiếp nhận từ tin gọi đầu", "From first page"), lambda each: each.acknowledge_from_page),
            (say("Liên lạc tạm", "Temporary service"), lambda each: each.temporary),
            (say("Khôi phục", "To restore"), lambda each: each.restore),
        )

    def _response(self, name: str, found: ResponseFacts) -> Row:
        return (
            Cell(name),
            self._count(found.incidents),
            *(self._spread(of(found)) for _, of in self._measures()),
        )

    def quality(self) -> Table:
        """Count what did not hold: false restorations, recurrences, escalations, silences, unanswered."""
        tongue, say, found = self._tongue, self._tongue.say, self._facts.response
        columns = (
            Column(say("Chỉ tiêu", "Measure"), 3),
            Column(say("Số lần", "Times"), 0.8, "right", "count"),
            Column(say("Số phiếu", "Numbers"), 3.5),
        )
        named = (
            (
                say("Báo khôi phục nhưng đo kiểm chưa đạt", "Restorations that did not hold"),
                found.false_restorations,
            ),
            (say("Tái diễn sau khi đã xác nhận", "Failed again after verification"), found.recurrences),
            (say("Chuyển cấp", "Escalations"), found.escalations),
            (say("Nhận nhưng không báo tiến độ đúng hạn", "Taken on, then silent"), found.silences),
            (say("Không có người tiếp nhận", "Never acknowledged"), found.unacknowledged),
            (say("Đang xem xét trách nhiệm", "Disputed"), self._facts.disputed),
            (say("Chưa khắc phục xong", "Not ended"), self._facts.open_incidents),
        )
        rows = tuple(
            (Cell(text), self._count(each.n), Cell(listed(each.sources, tongue))) for text, each in named
        )
        return Table("quality", say("Chất lượng xử lý", "How it held"), columns, rows, size=10)

    def owed(self) -> Table:
        """Deadlines kept, by priority and phase."""
        tongue, say = self._tongue, self._tongue.say
        columns = (
            Column(say("Mức", "Priority"), 0.6, "center"),
            Column(say("Giai đoạn", "Phase"), 1.8),
            Column(say("Sự cố", "Incidents"), 0.8, "right", "count"),
            Column(say("Tiếp nhận đúng hạn", "Acknowledged in time"), 1.5, "right", "share"),
            Column(say("Liên lạc tạm đúng hạn", "Temporary service in time"), 1.5, "right", "share"),
            Column(say("Khôi phục đúng hạn", "Restored in time"), 1.5, "right", "share"),
            Column(say("Quá hạn", "Late"), 2),
        )
        rows = tuple(
            (
                Cell(each.priority.value),
                Cell(tongue.label(each.phase)),
                self._count(each.incidents),
                *(
                    Cell(tongue.kept(some), some.ratio)
                    for some in (each.acknowledge, each.temporary, each.restore)
                ),
                Cell(
                    listed(sorted({*each.acknowledge.late, *each.temporary.late, *each.restore.late}), tongue)
                ),
            )
            for each in self._facts.owed
        )
        control = say(
            "Thời hạn lấy theo chính sách của danh mục; đơn vị chưa đến hạn không tính.",
            "Deadlines are those of the inventory's policy; what was not due yet does not count.",
        )
        return Table("owed", say("Tỷ lệ đúng hạn", "Deadlines kept"), columns, rows, None, control, 9.5)

    def norms(self) -> Table:
        """Norms beside what was measured, with source and confidence."""
        tongue, say = self._tongue, self._tongue.say
        sure = {
            Confidence.CONFIRMED: say("đã đối chiếu", "confirmed"),
            Confidence.UNSURE: say("chưa chắc chắn", "unsure"),
            Confidence.UNSEEN: say("chưa có văn bản", "text not seen"),
        }
        verdicts = {
            True: say("Đạt", "Met"),
            False: say("Không đạt", "Not met"),
            None: say("Không đánh giá", "Not assessed"),
        }
        columns = (
            Column(say("Chỉ tiêu", "Indicator"), 2.4),
            Column(say("Quy định", "Norm"), 1.8),
            Column(say("Đo được", "Measured"), 1, "right", "share"),
            Column(say("Đánh giá", "Verdict"), 1),
            Column(say("Nguồn", "Source"), 1.8),
            Column(say("Độ tin cậy", "Confidence"), 1),
        )
        rows = tuple(
            (
                Cell(say(*each.norm.subject)),
                Cell(say(*each.norm.demand)),
                Cell(
                    tongue.percent(each.part, each.whole) if each.norm.threshold else NOTHING,
                    each.part / each.whole if each.whole and each.norm.threshold else None,
                ),
                Cell(verdicts[each.is_met]),
                Cell(each.norm.source),
                Cell(sure[each.norm.confidence]),
            )
            for each in assess(self._facts)
        )
        return Table("norms", say("Đối chiếu quy chuẩn", "Norms"), columns, rows, size=9.5)

    def gaps(self) -> Table:
        """Gaps of the roster."""
        tongue, say = self._tongue, self._tongue.say
        columns = (
            Column(say("Đơn vị", "Party"), 2.4),
            Column(say("Nhiệm vụ trực", "Duty"), 2),
            Column(say("Số khoảng", "Gaps"), 0.8, "right", "count"),
            Column(say("Thiếu người trực", "Without anybody"), 1.2, "right", "duration"),
        )
        rows = tuple(
            (
                Cell(tongue.name(each.party)),
                Cell(tongue.label(Duty(each.duty))),
                self._count(each.gaps),
                self._span(each.seconds),
            )
            for each in self._facts.roster_gaps
        )
        total = (
            Cell(say("Tổng cộng", "Total")),
            Cell(""),
            self._count(sum(each.gaps for each in self._facts.roster_gaps)),
            self._span(self._facts.roster_gap_seconds),
        )
        return Table("gaps", say("Khoảng trống ca trực", "Gaps in the roster"), columns, rows, total, size=10)

    def congestions(self) -> Table:
        """List when links were too busy."""
        tongue, say = self._tongue, self._tongue.say
        columns = (
            Column(say("Tuyến truyền dẫn", "Link"), 3),
            Column(say("Doanh nghiệp", "Carrier"), 1.6),
            Column(say("Chiều", "Direction"), 0.7),
            Column(say("Từ", "From"), 1.5),
            Column(say("Thời gian nghẽn", "Congested for"), 1.2, "right", "duration"),
            Column(say("Tải cao nhất", "Highest load"), 1, "right", "share"),
        )
        rows = tuple(
            (
                Cell(each.name),
                Cell(tongue.name(each.carrier)),
                Cell(tongue.label(each.direction)),
                Cell(tongue.moment(each.started_at)),
                self._span(round((each.ended_at - each.started_at).total_seconds())),
                Cell(tongue.percent(round(each.peak * 1000), 1000), each.peak),
            )
            for each in self._facts.congestions
        )
        return Table("congestions", say("Nghẽn đường truyền", "Congested links"), columns, rows, size=9.5)

    def aid(self) -> Table:
        """Mutual aid."""
        tongue, say = self._tongue, self._tongue.say
        columns = (
            Column(say("Loại hỗ trợ", "Kind"), 1.6),
            Column(say("Bên giúp", "From"), 2),
            Column(say("Bên nhận", "To"), 2),
            Column(say("Yêu cầu", "Asked"), 0.8, "right", "count"),
            Column(say("Kích hoạt", "Activated"), 0.8, "right", "count"),
            Column(say("Từ yêu cầu đến kích hoạt", "Lead time"), 1.8, "right"),
        )
        rows = tuple(
            (
                Cell(tongue.label(AidKind(each.kind))),
                Cell(tongue.name(each.giver)),
                Cell(tongue.name(each.receiver) if each.receiver else NOTHING),
                self._count(each.asked),
                self._count(each.activated),
                self._spread(each.lead),
            )
            for each in self._facts.aid
        )
        return Table("aid", say("Ứng cứu lẫn nhau", "Mutual aid"), columns, rows, size=10)

    def incidents(
        self, found: Sequence[ReportedIncident], *, title: str = "", name: str = "incidents"
    ) -> Table:
        """List incidents with owner, times, cause and measures."""
        tongue, say = self._tongue, self._tongue.say
        columns = (
            Column(say("Số phiếu", "Number"), 1.2),
            Column(say("Sự cố", "Incident"), 3),
            Column(say("Đơn vị", "Owner"), 1.4),
            Column(say("Mức", "Grade"), 0.6, "center"),
            Column(say("Mở", "Opened"), 1.6),
            Column(say("Tiếp nhận", "Acknowledged"), 1.6),
            Column(say("Khôi phục", "Restored"), 1.6),
            Column(say("Nguyên nhân", "Cause"), 1.3),
            Column(say("Biện pháp, kết quả", "Measures, result"), 2.4),
        )
        rows = tuple(
            (
                Cell(each.number),
                Cell(say(each.title, each.title_en or each.title)),
                Cell(tongue.name(each.owner)),
                Cell(each.severity.value),
                Cell(tongue.moment(each.opened_at)),
                Cell(tongue.moment(each.acknowledged_at)),
                Cell(tongue.moment(each.restored_at)),
                Cell(tongue.label(each.cause)),
                Cell(each.measures or tongue.label(each.state)),
            )
            for each in found
        )
        return Table(name, title or say("Danh sách sự cố", "Incidents"), columns, rows, size=8.5)
