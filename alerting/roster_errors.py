"""Refusals about rosters and handovers; each says in both languages what is wrong and how to mend it."""

from typing import ClassVar

from typing_extensions import override

from alerting.errors import RefusedError
from inventory.reasons import Reason

__all__ = [
    "ImpossibleShiftError",
    "NotTheirsError",
    "RosterRefusedError",
    "SettledError",
    "UnknownRosterLinkError",
    "UnknownShiftError",
]


class RosterRefusedError(RefusedError):
    """Something that cannot be done to a roster. ``reason`` is for people."""

    slug: ClassVar[str] = "roster-refused"
    status: ClassVar[int] = 422

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason

    @override
    def __str__(self) -> str:
        return f"{self.reason.vi} · {self.reason.en}"


class UnknownShiftError(RosterRefusedError):
    """There is no such shift, handover or request, or it is another party's."""

    slug: ClassVar[str] = "unknown-shift"
    status: ClassVar[int] = 404

    def __init__(self) -> None:
        super().__init__(
            Reason(
                "không có ca trực này; có thể đã bị sửa hoặc xóa, hãy xem lại lịch",
                "there is no such shift; it may have been changed or removed, look at the roster again",
            )
        )


class ImpossibleShiftError(RosterRefusedError):
    """A shift that cannot be: its times, its people or its duty."""

    slug: ClassVar[str] = "impossible-shift"


class SettledError(RosterRefusedError):
    """A request or handover that was answered already."""

    slug: ClassVar[str] = "already-settled"
    status: ClassVar[int] = 409

    def __init__(self) -> None:
        super().__init__(
            Reason(
                "việc này đã được trả lời hoặc đã hết hạn; hãy mở lại trang",
                "this was answered already or is over; open the page again",
            )
        )


class NotTheirsError(RosterRefusedError):
    """A handover that somebody else was asked to accept."""

    slug: ClassVar[str] = "not-theirs"
    status: ClassVar[int] = 403

    def __init__(self) -> None:
        super().__init__(
            Reason(
                "chỉ người nhận ca, hoặc Sở thay mặt người đó, được nhận bàn giao; "
                "hãy đăng nhập bằng tài khoản của người nhận ca hoặc gọi trực ban Sở",
                "only the incoming person, or the department on their behalf, can accept; "
                "sign in with the incoming person's account or call the department's duty officer",
            )
        )


class UnknownRosterLinkError(RosterRefusedError):
    """A link that stands for nothing, or not any more."""

    slug: ClassVar[str] = "unknown-link"
    status: ClassVar[int] = 410

    def __init__(self) -> None:
        super().__init__(
            Reason(
                "liên kết này không đúng hoặc đã hết hạn; hãy xin liên kết mới từ trực ban",
                "this link is not known or no longer valid; ask the duty officer for a new one",
            )
        )
