"""Refusals about drills and inspections; each says in both languages what is wrong and how to mend it."""

from typing import ClassVar

from alerting.roster_errors import RosterRefusedError
from inventory.reasons import Reason

__all__ = ["FieldRefusedError", "UnknownFieldWorkError"]


class FieldRefusedError(RosterRefusedError):
    """Something that cannot be planned, written down or closed. ``reason`` is for people."""

    slug: ClassVar[str] = "field-refused"
    status: ClassVar[int] = 422


class UnknownFieldWorkError(FieldRefusedError):
    """There is no such drill, inspection or finding, or it is not theirs to see."""

    slug: ClassVar[str] = "unknown-field-work"
    status: ClassVar[int] = 404

    def __init__(self) -> None:
        super().__init__(
            Reason("không có mục này; hãy xem lại danh sách", "there is no such entry; look at the list")
        )
