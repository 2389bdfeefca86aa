"""What a composer of a document has in its hands: the order, the record, its facts, and the tables made of them."""

from collections.abc import Iterable

from dashboards.reports.conduct import ConductTables
from dashboards.reports.document import Annex, Block, Form, Heading, Paragraph, Picture, Table
from dashboards.reports.drafts import Section, drafts
from dashboards.reports.facts import Facts
from dashboards.reports.form import form_of
from dashboards.reports.order import Order
from dashboards.reports.pictures import carrier_bars, cause_bars, tile_picture, timeline
from dashboards.reports.record import Record
from dashboards.reports.roll_tables import RollTables
from dashboards.reports.tables import TimeTables
from dashboards.reports.tongue import Tongue
from inventory.models import Medium, Phase, Priority

__all__ = ["Brief"]


class Brief:
    """One order with everything that its document is written from."""

    def __init__(self, order: Order, record: Record, facts: Facts) -> None:
        self.order = order
        self.record = record
        self.facts = facts
        self.tongue = Tongue(order.language, record.election.zone, record.names)
        self.time = TimeTables(facts, self.tongue)
        self.conduct = ConductTables(facts, self.tongue)
        self.roll = RollTables(facts, self.tongue)
        drafted = drafts(order.kind.value, facts, self.tongue)
        self.texts = {name: order.texts.get(name.value, text) for name, text in drafted.items()}

    def say(self, vi: str, en: str) -> str:
        """Choose between a text and its translation."""
        return self.tongue.say(vi, en)

    @property
    def span(self) -> str:
        """The window in words."""
        since, until = self.tongue.minute(self.record.since), self.tongue.minute(self.record.until)
        return self.say(f"từ {since} đến {until}", f"from {since} to {until}")

    @property
    def election(self) -> str:
        """The election's name as it stands inside a sentence."""
        name = self.say(self.record.election.name, self.record.election.name_en)
        return name[:1].lower() + name[1:]

    def form(self, type_name: str, abstract: str) -> Form:
        """Fill the official form."""
        return form_of(
            self.record.election,
            self.tongue,
            kind=self.order.kind,
            stage=self.order.stage,
            fields=self.order.fields,
            title=(type_name, abstract),
        )

    def section(self, section: Section) -> list[Block]:
        """Answer a text section's paragraphs."""
        return [Paragraph(line.strip()) for line in self.texts[section].splitlines() if line.strip()]

    def head(self, level: int, vi: str, en: str) -> Heading:
        """Begin a part."""
        return Heading(level, self.say(vi, en))

    def annex(self, number: str, vi: str, en: str, *, is_wide: bool = True) -> Annex:
        """Begin an annex."""
        note = self.say(
            f"(Kèm theo {self.form('báo cáo', '').number.replace('Số:', 'Báo cáo số')})",
            "(Attached to the report)",
        )
        return Annex(self.say(f"Phụ lục {number}", f"Annex {number}"), self.say(vi, en), note, is_wide)

    def hours(self) -> list[Table]:
        """Answer the breakdowns of hours: carrier, area, kind of path, priority, phase."""
        tongue, facts, say = self.tongue, self.facts, self.say
        return [
            self.time.times(
                "carriers", say("Theo doanh nghiệp", "By carrier"), facts.by_carrier, tongue.name
            ),
            self.time.times("areas", say("Theo địa bàn", "By area"), facts.by_area, tongue.name),
            self.time.times(
                "media",
                say("Theo loại đường liên lạc", "By kind of path"),
                facts.by_medium,
                lambda key: tongue.label(Medium(key)),
            ),
            self.time.times(
                "priorities",
                say("Theo mức ưu tiên", "By priority"),
                facts.by_priority,
                lambda key: Priority(key).value,
            ),
            self.time.times(
                "phases",
                say("Theo giai đoạn", "By phase"),
                facts.by_phase,
                lambda key: tongue.label(Phase(key)),
            ),
        ]

    def pictures(self) -> Iterable[Picture]:
        """Answer the pictures for which there is something to draw."""
        if self.facts.outages:
            yield timeline(self.facts, self.tongue)
        if self.facts.by_carrier:
            yield carrier_bars(self.facts, self.tongue)
        if any(line.times.lost for line in self.facts.by_cause):
            yield cause_bars(self.facts, self.tongue)
        if self.record.tiles:
            yield tile_picture(self.facts, self.record.tiles, self.tongue)
