"""From an order, a record and its facts to a document: pure, so that the same record gives the same blocks."""

from collections.abc import Callable, Mapping

from dashboards.reports.brief import Brief
from dashboards.reports.document import Annex, Block, Document, Form, Paragraph
from dashboards.reports.facts import Facts
from dashboards.reports.kinds.brief_reports import daily, handover, quick
from dashboards.reports.kinds.dossiers import carrier, dossier
from dashboards.reports.kinds.inspection import inspection
from dashboards.reports.kinds.post_election import post_election
from dashboards.reports.order import Kind, Order
from dashboards.reports.record import Record

__all__ = ["compose"]

_COMPOSERS: Mapping[Kind, Callable[[Brief], tuple[Form, list[Block]]]] = {
    Kind.QUICK: quick,
    Kind.HANDOVER: handover,
    Kind.DAILY: daily,
    Kind.INSPECTION: inspection,
    Kind.POST_ELECTION: post_election,
    Kind.CARRIER: carrier,
    Kind.DOSSIER: dossier,
}


def compose(order: Order, record: Record, facts: Facts, *, digest: str) -> Document:
    """Compose a document; ``digest`` is the SHA-256 of the facts, and is printed at its end."""
    brief = Brief(order, record, facts)
    form, blocks = _COMPOSERS[order.kind](brief)
    _end(blocks)
    stamp = brief.say(
        f"Số liệu chốt lúc {brief.tongue.moment(facts.taken_at)}; mã băm SHA-256 của số liệu: {digest}",
        f"Figures as on record at {brief.tongue.moment(facts.taken_at)}; SHA-256 of the figures: {digest}",
    )
    return Document(
        kind=order.kind.value,
        language=order.language.value,
        title=f"{form.type_name}: {form.abstract}",
        form=form,
        blocks=tuple(blocks),
        stamp=stamp,
    )


def _end(blocks: list[Block]) -> None:
    """Mark the end of the text, as the form does: ``./.`` after the last paragraph before the annexes."""
    body = next((place for place, block in enumerate(blocks) if isinstance(block, Annex)), len(blocks))
    for place in range(body - 1, -1, -1):
        block = blocks[place]
        if isinstance(block, Paragraph):
            blocks[place] = Paragraph(block.text.rstrip(".") + "./.")
            return
