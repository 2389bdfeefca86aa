"""Marks of planned work on what belief decides: put on every change, and told anew when they no longer hold.

Changes only by its methods; no clock, no SQL. A cause is told of again when what is planned of it changes (its window
ended, was cancelled or entered anew), so that alerting begins to page for what outlasts its window.
"""

from collections.abc import Iterable

from monitor.causes import CauseBook
from monitor.decisions import Decisions
from monitor.fleet import FleetBelief
from monitor.models import SubjectKind
from monitor.planned import MARK, PlannedBook, PlannedWork, marked

__all__ = ["PlannedMarks"]


class PlannedMarks:
    """The book of planned works over one belief, and what was last told of each live cause."""

    def __init__(self, works: Iterable[PlannedWork], belief: FleetBelief) -> None:
        self.book = PlannedBook(works, belief.inventory, belief.topology)
        self._belief = belief
        self._told: dict[str, tuple[bool, str]] = {}

    def succeeded(self, works: Iterable[PlannedWork], belief: FleetBelief) -> "PlannedMarks":
        """Answer the marks of another book over another belief; what was told stays told."""
        made = PlannedMarks(works, belief)
        made._told = dict(self._told)
        return made

    def mark(self, out: Decisions, now_ns: int) -> None:
        """Put the marks on the changes of ``out``."""
        if self.book:
            out.changes = marked(out.changes, self.book, self._belief.outages, now_ns)
        for change in out.changes:
            if change.kind is SubjectKind.CAUSE:
                self._note(change.subject, change.evidence.get(MARK), is_over=change.new == "up")

    def changed(self, causes: CauseBook, now_ns: int) -> list[str]:
        """Answer the live causes of which something else is planned now than was told."""
        if not (self.book or self._told):
            return []
        outages = self._belief.outages
        answer = []
        for cause in causes:
            down = {target: outages[target] for target in cause.targets if target in outages}
            if down and _told(self.book.mark(down, now_ns)) != self._told.get(cause.subject):
                answer.append(cause.subject)
        return answer

    def _note(self, subject: str, mark: dict[str, object] | None, *, is_over: bool) -> None:
        told = None if is_over else _told(mark)
        if told is None:
            self._told.pop(subject, None)
        else:
            self._told[subject] = told


def _told(mark: dict[str, object] | None) -> tuple[bool, str] | None:
    return (bool(mark["whole"]), str(mark["until"])) if mark is not None else None
