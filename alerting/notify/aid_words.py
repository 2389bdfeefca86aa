"""The words of notices about mutual aid. A partner must learn: what is needed, where, for how long, until when to answer."""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["AID_WHAT", "aid_lines"]

AID_WHAT: Mapping[str, tuple[str, str]] = {
    "aid_requested": ("Đề nghị ứng cứu, chờ trả lời", "Mutual aid is asked for, waiting for an answer"),
    "aid_accepted": ("Đã nhận lời ứng cứu", "Aid is accepted"),
    "aid_countered": ("Đề nghị ứng cứu với điều kiện khác", "Aid is offered on other terms"),
    "aid_agreed": ("Đã đồng ý điều kiện ứng cứu", "The terms of the aid are agreed"),
    "aid_declined": ("Từ chối ứng cứu", "Aid is declined"),
    "aid_activated": ("Lệnh triển khai ứng cứu", "Aid is ordered to be activated"),
    "aid_verified": ("Ứng cứu đã có hiệu lực, đã kiểm chứng", "Aid works and was verified"),
    "aid_failed": ("Không triển khai được ứng cứu", "Aid could not be activated"),
    "aid_extended": ("Kéo dài ứng cứu", "Aid goes on for longer"),
    "aid_released": ("Kết thúc ứng cứu, chờ số liệu", "Aid is released, figures are awaited"),
    "aid_closed": ("Đã có số liệu ứng cứu", "The figures of the aid are in"),
    "aid_withdrawn": ("Không cần ứng cứu nữa", "Aid is not needed any more"),
    "aid_lapsed": (
        "Đề nghị ứng cứu hết hạn, chưa có trả lời",
        "The request for aid ran out without an answer",
    ),
    "aid_reminded": ("Quá hạn: ứng cứu chờ bước tiếp theo", "Overdue: the aid waits for its next step"),
}


def aid_lines(
    body: Mapping[str, Any], shown: Callable[[Mapping[str, Any], str], str], *, is_vietnamese: bool
) -> list[str]:
    """Write what a notice says, without a word of the incident."""
    vietnamese, english = AID_WHAT[body["what"]]
    if is_vietnamese:
        lines = [
            f"Gửi: {body['person_name']}",
            "",
            f"{vietnamese}.",
            f"Phiếu ứng cứu {body['number']}",
            body["title"],
            f"Bên ứng cứu: {body['helper_name']}",
            f"Thời gian cần: {body['minutes']} phút",
        ]
        lines += [f"Bước tiếp theo trước: {shown(body, 'answer_by')}"] if body.get("answer_by") else []
        return lines + ([f"Ghi chú: {body['note']}"] if body.get("note") else [])
    lines = [
        f"{english}.",
        f"Aid {body['number']}",
        body["title_en"],
        f"Helper: {body['helper_name']}",
        f"Needed for: {body['minutes']} minutes",
    ]
    lines += [f"Next step before: {shown(body, 'answer_by')}"] if body.get("answer_by") else []
    return lines + ([f"Note: {body['note']}"] if body.get("note") else [])
