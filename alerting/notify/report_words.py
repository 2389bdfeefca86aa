"""The words of notices about reports: which report, of what time, where it is read, and whether it lies beside."""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["REPORT_WHAT", "report_lines"]

REPORT_WHAT: Mapping[str, tuple[str, str]] = {"report": ("Báo cáo gửi đọc", "A report for you to read")}


def report_lines(
    body: Mapping[str, Any], shown: Callable[[Mapping[str, Any], str], str], *, is_vietnamese: bool
) -> list[str]:
    """Write what a notice says."""
    vietnamese, english = REPORT_WHAT["report"]
    attached = body.get("attached")
    if is_vietnamese:
        lines = [
            f"Gửi: {body['person_name']}",
            "",
            f"{vietnamese}.",
            f"Báo cáo {body['number']}",
            body["title"],
        ]
        lines += [f"Thời gian: {shown(body, 'since')} – {shown(body, 'until')}"]
        lines += [f"Người gửi: {body['by']}"] if body.get("by") else []
        lines += ["Tệp PDF kèm theo thư này.", f"SHA-256: {body['sha256']}"] if attached else []
        return [*lines, "", "Đọc trên hệ thống (phải đăng nhập):", body["page"]]
    lines = [f"{english}.", f"Report {body['number']}", body["title_en"]]
    lines += [f"Time told of: {shown(body, 'since')} – {shown(body, 'until')}"]
    lines += [f"Sent by: {body['by']}"] if body.get("by") else []
    lines += ["The PDF is attached.", f"SHA-256: {body['sha256']}"] if attached else []
    return [*lines, "", "Read it in the service (sign-in needed):", body["page"]]
