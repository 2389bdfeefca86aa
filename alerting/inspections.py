"""Inspections: a visit is planned, its checklist answered on the spot, its findings mended by a date and verified. Pure.

    planned ── answers ──► visited ── every finding verified ──► closed
       └──────────────── cancelled

The checklist is that of the field (DOMAIN.md, R21), each item by a code that outlives its wording. A finding belongs to
a party, which says when it is mended; whoever inspects looks and verifies, because a promise is no remedy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = [
    "CHECKLIST",
    "Answer",
    "Finding",
    "FindingState",
    "Inspection",
    "InspectionState",
    "KeptFile",
    "Result",
    "is_closable",
]

CHECKLIST: Mapping[str, tuple[str, str]] = {
    "plan": ("Có phương án bảo đảm thông tin liên lạc", "There is a plan"),
    "duty_list": ("Có danh sách, lịch trực", "There is a duty list"),
    "line_quality": ("Đo chất lượng đường truyền", "Line quality was measured"),
    "backup": (
        "Có đường dự phòng khác doanh nghiệp, khác nguồn điện",
        "There is a backup by another carrier and power source",
    ),
    "generator": ("Máy phát điện khởi động có tải", "Generator started under load"),
    "fuel": ("Nhiên liệu đủ dùng", "Fuel suffices"),
    "spares": ("Vật tư, thiết bị dự phòng", "Spare parts"),
    "numbers": ("Gọi thử toàn bộ số máy", "Every number was called"),
    "radio": ("Đài truyền thanh hoạt động", "Radio station works"),
    "mail": ("Tiếp nhận, chuyển phát bưu gửi", "Mail is handled"),
    "security": ("An toàn thông tin", "Information security"),
}
"""What is looked at, by code: Vietnamese and English."""


class InspectionState(StrEnum):
    """State of an inspection."""

    PLANNED = "planned"
    VISITED = "visited"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Result(StrEnum):
    """How one item was found."""

    OK = "ok"
    FAULT = "fault"
    NOT_HERE = "not_here"


class FindingState(StrEnum):
    """State of a finding."""

    OPEN = "open"
    LATE = "late"
    FIXED = "fixed"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found at one item."""

    result: Result
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend: by whom, by when."""

    id: int
    inspection: int
    text: str
    owner: str
    due_at: datetime
    found_at: datetime
    found_by: str
    fixed_at: datetime | None = None
    fixed_by: str = ""
    fixed_note: str = ""
    verified_at: datetime | None = None
    verified_by: str = ""

    def state(self, at: datetime) -> FindingState:
        """Answer how it stands at ``at``."""
        if self.verified_at is not None:
            return FindingState.VERIFIED
        if self.fixed_at is not None:
            return FindingState.FIXED
        return FindingState.LATE if at > self.due_at else FindingState.OPEN


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A photograph or a document of a visit, by the SHA-256 of its content."""

    inspection: int
    sha256: str
    name: str
    media_type: str
    size: int
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """One visit of an area, or of one site in it."""

    id: int
    area: str
    site: str
    planned_at: datetime
    inspectors: tuple[str, ...]
    hosts: tuple[str, ...]
    answers: Mapping[str, Answer]
    remarks: str
    state: InspectionState
    visited_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    made_at: datetime
    made_by: str
    version: int
    findings: tuple[Finding, ...] = ()
    files: tuple[KeptFile, ...] = field(default=())


def is_closable(state: InspectionState, findings: Iterable[Finding]) -> bool:
    """Answer whether an inspection may be closed: it was made, and nothing that it found is left."""
    return state is InspectionState.VISITED and all(one.verified_at is not None for one in findings)
