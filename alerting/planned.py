"""Whether a cause lies wholly inside planned work, so that people are told and nobody is called. Pure.

The mark is belief's (:mod:`monitor.planned`), stored with the CAUSE row and kept in the incident's facts. Belief tells
anew whatever changes it; the deadline that stands here instead of a ladder is for when belief cannot.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.planned import MARK

__all__ = ["quiet_until"]


def quiet_until(facts: Mapping[str, Any], at: datetime) -> datetime | None:
    """Answer until when nobody is to be called for an incident with these facts; ``None``: call now."""
    mark = facts.get("evidence", {}).get(MARK)
    if not mark or not mark["whole"]:
        return None
    until = datetime.fromisoformat(mark["until"])
    return until if until > at else None
