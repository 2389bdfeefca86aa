"""What all tables share: the facts, the tongue, and the cells that both make."""

from collections.abc import Sequence

from dashboards.reports.arithmetic import Spread
from dashboards.reports.document import Cell
from dashboards.reports.facts import Facts
from dashboards.reports.tongue import NOTHING, Tongue

__all__ = ["Setting", "listed"]


class Setting:
    """Cells from one set of facts in one language."""

    def __init__(self, facts: Facts, tongue: Tongue) -> None:
        self._facts = facts
        self._tongue = tongue

    def _span(self, seconds: int | None) -> Cell:
        return Cell(self._tongue.duration(seconds), seconds)

    def _count(self, number: int) -> Cell:
        return Cell(self._tongue.count(number), number)

    def _spread(self, found: Spread) -> Cell:
        if not found.n:
            return Cell(NOTHING)
        return Cell(f"{self._tongue.spread(found)} ({self._tongue.count(found.n)})", found.median)


def listed(numbers: Sequence[str], tongue: Tongue, most: int = 12) -> str:
    """Write identifiers, the first dozen in full."""
    if not numbers:
        return NOTHING
    rest = len(numbers) - most
    tail = tongue.say(f" và {rest} phiếu khác", f" and {rest} more") if rest > 0 else ""
    return ", ".join(numbers[:most]) + tail
