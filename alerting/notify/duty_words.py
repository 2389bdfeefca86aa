"""The words of notices about shifts: who stands when, by what link to say that they will, and who is told when not."""

from collections.abc import Callable, Mapping
from typing import Any

from alerting.notify.writing import code_page, spaced

__all__ = ["DUTY_WHAT", "duty_lines", "duty_tails"]

DUTY_WHAT: Mapping[str, tuple[str, str]] = {
    "confirm_shift": ("Đề nghị xác nhận ca trực", "Please confirm your shift"),
    "confirm_again": ("Nhắc xác nhận ca trực", "A reminder to confirm your shift"),
    "unconfirmed": ("Ca trực chưa được xác nhận", "A shift is not confirmed"),
    "swap_asked": ("Đề nghị nhận ca trực", "You are asked to take a shift"),
    "swap_answered": ("Đã trả lời đề nghị đổi ca", "A request to swap was answered"),
}


def duty_lines(
    body: Mapping[str, Any],
    shown: Callable[[Mapping[str, Any], str], str],
    *,
    link: str,
    code: str,
    is_vietnamese: bool,
) -> list[str]:
    """Write what a notice says."""
    vietnamese, english = DUTY_WHAT[body["what"]]
    if is_vietnamese:
        lines = [f"Gửi: {body['person_name']}", "", f"{vietnamese}.", body["title"]]
        lines += [f"Từ {shown(body, 'start')} đến {shown(body, 'end')}"]
        lines += [f"Người trực: {body['whose']}"] if body.get("whose") else []
        lines += [f"Lời nhắn: {body['note']}"] if body.get("note") else []
        if link:
            lines += ["", "Mở liên kết này rồi bấm «Tôi sẽ trực ca này», hoặc báo không trực được:", link]
            lines += [f"Hoặc nhập mã {spaced(code)} tại {code_page(link)} để xác nhận."]
        return (
            [*lines, "", "Xem trên hệ thống (phải đăng nhập):", body["page"]] if body.get("page") else lines
        )
    lines = [f"{english}.", body["title_en"], f"From {shown(body, 'start')} until {shown(body, 'end')}"]
    lines += [f"Person: {body['whose']}"] if body.get("whose") else []
    lines += [f"Note: {body['note']}"] if body.get("note") else []
    if link:
        lines += ["", "Open this link and press “I will hold this shift”, or say that you cannot come:", link]
        lines += [f"Or type the code {spaced(code)} at {code_page(link)} to confirm."]
    return (
        [*lines, "", "See it in the service (sign-in needed):", body["page"]] if body.get("page") else lines
    )


def duty_tails(link: str, code: str) -> list[str]:
    """Answer how a short message ends, the fullest first."""
    return [f" Xác nhận: {link} hoặc mã {code}", f" Xác nhận: {link}", f" Mã xác nhận: {code}"]
