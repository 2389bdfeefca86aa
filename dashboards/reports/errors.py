"""What people may not do with a report, and why; both refusals serve pages and ``/api/v1`` alike."""

from typing import ClassVar

from alerting.errors import RefusedError

__all__ = ["ReportRefusedError", "UnknownReportError"]


class UnknownReportError(RefusedError):
    """No report with this number is in scope."""

    slug: ClassVar[str] = "unknown-report"
    status: ClassVar[int] = 404

    def __init__(self, report: int) -> None:
        super().__init__(f"there is no report {report}")
        self.report = report


class ReportRefusedError(RefusedError):
    """The report cannot be ordered, changed or made final; ``reason`` says why."""

    slug: ClassVar[str] = "report-refused"
    status: ClassVar[int] = 409

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
