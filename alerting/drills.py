"""Drills: an exercise through the whole pipeline that everybody can tell from the real thing. Pure.

A drill is a planned window, a scenario and the parties that take part. Whatever opens in it and belongs to one of them
is part of it: its title begins with :data:`MARK` wherever it is shown, sent or spoken, its facts say which drill, and
figures are counted apart. Real trouble does not wait for a drill to end: the department says of any incident that it is
real (:func:`make_real`), and it is paged anew without the mark. Matters of the service's own running (nobody on duty, a
message that cannot leave) are never part of a drill.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerting.titles import LONGEST

__all__ = ["LONGEST_DRILL", "MARK", "Drill", "is_drillable", "marked", "unmarked"]

MARK = ("[DIỄN TẬP] ", "[DRILL] ")
"""How the titles of a drill's incidents begin, in Vietnamese and in English."""
LONGEST_DRILL = timedelta(days=3)
_OWN = ("roster:", "handover:", "unconfirmed:", "service:")


@dataclass(frozen=True, slots=True)
class Drill:
    """A planned exercise."""

    id: int
    name: str
    scenario: str
    parties: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    made_at: datetime
    made_by: str
    cancelled_at: datetime | None = None
    cancelled_by: str = ""

    def is_running(self, at: datetime) -> bool:
        """Answer whether what opens at ``at`` is part of it; one that is ended early runs until then."""
        return self.starts_at <= at < min(self.ends_at, self.cancelled_at or self.ends_at)

    def facts(self) -> dict[str, Any]:
        """Answer what an incident of this drill keeps of it."""
        return {"drill": {"id": self.id, "name": self.name}}


def is_drillable(condition: str) -> bool:
    """Answer whether an incident of ``condition`` can be part of a drill at all."""
    return not condition.startswith(_OWN)


def marked(title: str, *, english: bool = False) -> str:
    """Answer ``title`` with the mark, once."""
    mark = MARK[english]
    return title if title.startswith(mark) else f"{mark}{title}"[:LONGEST]


def unmarked(titles: Mapping[str, str]) -> dict[str, str]:
    """Answer the titles without the mark."""
    return {name: title.removeprefix(MARK[name == "title_en"]) for name, title in titles.items()}
