"""What can go wrong with a report, by whose fault.

ReportError
├── UnknownReportError     there is none with this number, or not for you
└── ReportRefusedError     it may not be done, and why
"""

from typing import ClassVar

from typing_extensions import override

__all__ = ["ReportError", "ReportRefusedError", "UnknownReportError"]


class ReportError(Exception):
    """Root; ``slug`` and ``status`` serve the API."""

    slug: ClassVar[str] = "report"
    status: ClassVar[int] = 500


class UnknownReportError(ReportError):
    """No report with this number is in scope."""

    slug = "unknown_report"
    status = 404

    def __init__(self, report: int) -> None:
        super().__init__(report)
        self.report = report

    @override
    def __str__(self) -> str:
        return f"there is no report {self.report}"


class ReportRefusedError(ReportError):
    """The report cannot be ordered, changed or made final; ``reason`` says why."""

    slug = "report_refused"
    status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @override
    def __str__(self) -> str:
        return self.reason
