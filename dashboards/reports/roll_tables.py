"""Roll calls in documents: a sentence, the hours, the sites with their newest answers, and for a dossier every call."""

from collections.abc import Collection, Sequence

from dashboards.reports.document import Block, Cell, Column, Note, Paragraph, Row, Table
from dashboards.reports.facts import CalledHour, CalledSite, RollFacts
from dashboards.reports.record import Called, Heard
from dashboards.reports.setting import Setting
from dashboards.reports.tongue import NOTHING, heard
from inventory.models import Phase

__all__ = ["RollTables"]

_MOST = 300
"""Lines that a page-bound list has, trouble first; the rest is counted, and all are in the JSON and XLSX files."""
_GRAVITY = (Heard.LOST, Heard.PARTIAL, Heard.NO_CONTACT, Heard.UNCONFIRMED, Heard.CONFIRMED, Heard.CLEAR)
_OF_SITES = (Heard.CLEAR, Heard.PARTIAL, Heard.LOST, Heard.NO_CONTACT)
_OF_LINES = (Heard.CONFIRMED, Heard.UNCONFIRMED)


class RollTables(Setting):
    """What the calls of the roll brought; nothing is written where nobody was called."""

    def told(self, phases: Collection[Phase] = ()) -> list[Block]:
        """Say how many of how many were reached, in all or in each of ``phases`` that had a call."""
        chosen = [each for each in self._facts.roll_by_phase if each.key in phases]
        found = chosen if phases else [self._facts.roll]
        return [Paragraph(self._sentence(each)) for each in found if each.calls]

    def brief(self) -> list[Block]:
        """Answer the sentence, the hours, and the sites that did not say that all is well."""
        if not self._facts.roll.calls:
            return []
        well = {Heard.CLEAR, Heard.CONFIRMED}
        troubled = [each for each in self._facts.roll.by_site if each.answer not in well]
        title = self._tongue.say("Điểm danh: chưa thông suốt", "Roll call: not all clear")
        listed = [self.sites(troubled, title=title, name="roll_troubled")] if troubled else []
        return [*self.told(), self.hours(), *listed]

    def _sentence(self, found: RollFacts) -> str:
        tongue, say = self._tongue, self._tongue.say
        where = f" ({tongue.label(Phase(found.key))})" if found.key else ""
        reached, sites = tongue.count(found.answered), tongue.count(found.sites)
        parts = ", ".join(
            f"{heard(tongue, answer)} {tongue.count(found.answers[answer])}"
            for answer in Heard
            if answer in found.answers
        )
        return say(
            f"Điểm danh qua điện thoại{where}: {reached}/{sites} điểm trả lời "
            f"({tongue.percent(found.answered, found.sites)}) trong {tongue.count(found.calls)} cuộc gọi; "
            f"trả lời mới nhất: {parts}; chưa gọi {tongue.count(found.sites - found.called)} điểm.",
            f"Roll call by telephone{where}: {reached} of {sites} sites answered "
            f"({tongue.percent(found.answered, found.sites)}) in {tongue.count(found.calls)} calls; newest answers: "
            f"{parts}; {tongue.count(found.sites - found.called)} sites were not called.",
        )

    def hours(self) -> Table:
        """How many of how many in each hour in which somebody called."""
        tongue, say, found = self._tongue, self._tongue.say, self._facts.roll
        shown = self._columns()
        columns = (
            Column(say("Giờ", "Hour"), 1.8),
            Column(say("Cuộc gọi", "Calls"), 0.9, "right", "count"),
            Column(say("Điểm đã gọi", "Sites called"), 1, "right", "count"),
            Column(say("Trả lời", "Answered"), 1.4, "right"),
            *(Column(heard(tongue, each), 1, "right", "count") for each in shown),
        )
        rows = tuple(self._hour(each, shown, found.sites) for each in found.hours)
        total = (
            Cell(say("Cả kỳ", "In all")),
            self._count(found.calls),
            self._count(found.called),
            self._of(found.answered, found.sites),
            *(self._count(found.answers.get(each, 0)) for each in shown),
        )
        count = tongue.count
        control = say(
            f"Kiểm tra: {count(sum(each.calls for each in found.hours))} = {count(found.calls)} cuộc gọi. Mỗi điểm tính "
            "một lần trong giờ và một lần trong cả kỳ, theo trả lời mới nhất.",
            f"Control: {count(sum(each.calls for each in found.hours))} = {count(found.calls)} calls. A site counts once "
            "in an hour and once in all, by its newest answer.",
        )
        title = say("Điểm danh theo giờ", "Roll call by hour")
        return Table("roll_hours", title, columns, rows, total, control, 9.5)

    def _columns(self) -> Sequence[Heard]:
        return _OF_LINES if set(self._facts.roll.answers) & set(_OF_LINES) else _OF_SITES

    def _hour(self, each: CalledHour, shown: Sequence[Heard], sites: int) -> Row:
        tongue = self._tongue
        return (
            Cell(f"{tongue.hour(each.start)}, {tongue.day(each.start)}"),
            self._count(each.calls),
            self._count(each.called),
            self._of(each.answered, sites),
            *(self._count(each.answers.get(answer, 0)) for answer in shown),
        )

    def _of(self, part: int, whole: int) -> Cell:
        tongue = self._tongue
        return Cell(f"{tongue.count(part)}/{tongue.count(whole)} ({tongue.percent(part, whole)})")

    def sites(
        self, chosen: Sequence[CalledSite] | None = None, *, title: str = "", name: str = "roll_sites"
    ) -> Table:
        """List sites with their newest answer, the gravest first."""
        tongue, say = self._tongue, self._tongue.say
        found = sorted(
            self._facts.roll.by_site if chosen is None else chosen,
            key=lambda each: _GRAVITY.index(each.answer),
        )
        columns = (
            Column(say("Điểm", "Site"), 2.4),
            Column(say("Địa bàn", "Commune"), 1.6),
            Column(say("Lúc", "At"), 1.5),
            Column(say("Trả lời", "Answer"), 1.2),
            Column(say("Số của", "Number of"), 1.1),
            Column(say("Người gọi", "Called by"), 1.3),
            Column(say("Ghi chú", "Note"), 2),
        )
        rows = tuple(
            (
                Cell(each.name),
                Cell(tongue.name(each.commune)),
                Cell(tongue.moment(each.at)),
                Cell(heard(tongue, each.answer)),
                Cell(self._carrier(each.carrier)),
                Cell(each.by),
                Cell(each.note),
            )
            for each in found[:_MOST]
        )
        heading = title or say(
            "Điểm danh: trả lời mới nhất của từng điểm", "Roll call: each site's newest answer"
        )
        return Table(name, heading, columns, rows, None, self._rest(len(found)), 9)

    def calls(self, found: Sequence[Called]) -> list[Block]:
        """List every call, in order, as an incident's dossier prints them."""
        tongue, say = self._tongue, self._tongue.say
        if not found:
            return [Note(say("Không có cuộc gọi điểm danh nào.", "Nobody was called."))]
        columns = (
            Column(say("Lúc", "At"), 1.5),
            Column(say("Điểm", "Site"), 2.2),
            Column(say("Trả lời", "Answer"), 1.2),
            Column(say("Số của", "Number of"), 1.1),
            Column(say("Gọi qua mạng", "Called over"), 1.1),
            Column(say("Người gọi", "Called by"), 1.3),
            Column(say("Ghi chú", "Note"), 2),
        )
        rows = tuple(
            (
                Cell(tongue.moment(each.at)),
                Cell(each.site_name),
                Cell(heard(tongue, each.answer)),
                Cell(self._carrier(each.carrier)),
                Cell(self._carrier(each.network)),
                Cell(each.by),
                Cell(each.note),
            )
            for each in sorted(found, key=lambda each: each.at)[:_MOST]
        )
        title = say("Các cuộc gọi điểm danh", "Calls of the roll")
        return [Table("roll_calls", title, columns, rows, None, self._rest(len(found)), 9)]

    def _rest(self, length: int) -> str:
        rest = self._tongue.count(max(0, length - _MOST))
        return self._tongue.say(f"… và {rest} dòng khác.", f"… and {rest} more.") if length > _MOST else ""

    def _carrier(self, code: str) -> str:
        return self._tongue.name(code) if code else NOTHING
