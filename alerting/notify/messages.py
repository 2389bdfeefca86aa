"""The words of pages and notices, made from stored facts: Vietnamese first, English beside it.

Pure. A reader of a page must learn in this order: how grave, which incident, what failed, since when, what to
do, until when. Numbers and links survive any shortening; descriptions do not.
"""

from collections.abc import Mapping
from typing import Any

from alerting.notify import storm_words
from alerting.notify.aid_words import AID_WHAT, aid_lines
from alerting.notify.channel import Letter
from alerting.notify.duty_words import DUTY_WHAT, duty_lines, duty_tails
from alerting.notify.report_words import REPORT_WHAT, report_lines
from alerting.notify.writing import (
    GSM_LIMIT,
    UCS2_LIMIT,
    code_page,
    fits,
    fits_gsm,
    folded,
    gsm_length,
    shown,
    spaced,
    ucs2_length,
)

__all__ = [
    "GSM_LIMIT",
    "UCS2_LIMIT",
    "code_page",
    "fits_gsm",
    "folded",
    "gsm_length",
    "short_text",
    "spoken_text",
    "subject",
    "text",
    "ucs2_length",
]

_WHAT: Mapping[str, tuple[str, str]] = {
    **AID_WHAT,
    **REPORT_WHAT,
    **DUTY_WHAT,
    "page": ("Sự cố chờ tiếp nhận", "Incident waiting to be acknowledged"),
    "acknowledged": ("Đã tiếp nhận", "Acknowledged"),
    "restored": ("Đã có tín hiệu trở lại, đang xác minh", "Answering again, being verified"),
    "claimed": ("Được báo đã khôi phục, đang xác minh", "Reported restored, being verified"),
    "resolved": ("Đã khôi phục, chờ đóng phiếu", "Restored and verified, waiting to be closed"),
    "verify_failed": ("Chưa khôi phục: lại mất tín hiệu", "Not restored: lost again"),
    "close_overdue": ("Quá hạn đóng phiếu", "Closing is overdue"),
    "planned": ("Trong công việc theo kế hoạch, chưa gọi ai", "Inside planned work, nobody is called"),
    "mitigated": ("Đã thông tạm bằng đường khác", "Service flows another way"),
    "callback_due": ("Cần gọi lại nơi báo để xác minh", "Call the place back to verify"),
    "disputed": ("Có ý kiến không đồng ý", "Disputed"),
    "decided": ("Đã kết luận ý kiến không đồng ý", "The dispute is decided"),
    "reassigned": ("Đã chuyển đơn vị chịu trách nhiệm", "Reassigned to another party"),
    "countersign": ("Chờ trực lãnh đạo xác nhận", "Waiting for the leader's own word"),
    "decide": ("Chờ trực lãnh đạo kết luận", "Waiting for the leader's decision"),
    "roster_gap": ("Thiếu người trực", "Nobody on duty"),
    "handover_overdue": ("Quá giờ nhận bàn giao ca", "A handover was not accepted in time"),
    "contact_refused": ("Liên hệ bị từ chối, cần sửa", "A contact was refused and must be corrected"),
    "trial": (
        "Tin thử đường truyền tin, không phải làm gì",
        "A trial of the messages; nothing is asked of you",
    ),
}


def subject(letter: Letter) -> str:
    """Write the subject of a mail."""
    if letter.companions:
        return storm_words.subject(letter)
    body = letter.message.body
    what, _ = _WHAT[body["what"]]
    lead = "" if body["what"] == "page" else f"{what}: "
    return f"[{body['severity']}] {body['number']} {lead}{body['title']}{_again(body)}"


def text(letter: Letter) -> str:
    """Write the text of a mail in both languages."""
    if letter.companions:
        return storm_words.text(letter)
    body = letter.message.body
    vietnamese = _vietnamese(body, letter.link, letter.code)
    return "\n".join([*vietnamese, "", "-- English --", *_english(body, letter.link, letter.code), ""])


def _vietnamese(body: Mapping[str, Any], link: str, code: str) -> list[str]:
    if "aid" in body:
        return aid_lines(body, shown, is_vietnamese=True)
    if "report" in body:
        return report_lines(body, shown, is_vietnamese=True)
    if body["what"] in DUTY_WHAT:
        return duty_lines(body, shown, link=link, code=code, is_vietnamese=True)
    lines = [
        f"Gửi: {body['person_name']}",
        "",
        f"{_WHAT[body['what']][0]}.",
        f"Phiếu sự cố {body['number']}, mức {body['severity']}",
        f"{body['title']}",
        f"Đơn vị chịu trách nhiệm: {body['owner_name']}",
        f"Mất từ: {shown(body, 'began_at')}",
    ]
    lines += [f"Có lại từ: {shown(body, 'ended_at')}"] if body.get("ended_at") else []
    lines += [f"Người tiếp nhận: {body['acknowledged_by']}"] if body.get("acknowledged_by") else []
    if body["what"] == "roster_gap":
        lines.append(f"Không gọi được ai cho ca {body['duty']} của {body['party']}.")
    if body["what"] == "handover_overdue":
        lines.append(
            f"{body['incoming_name']} chưa nhận bàn giao; {body['outgoing_name']} vẫn được gọi cho đến khi có người nhận."
        )
    if body["what"] == "contact_refused":
        lines.append(f"Liên hệ {body['contact']} của {body['whose']}: {body['reason']}.")
    if link:
        lines += ["", "Mở liên kết này rồi bấm «Tiếp nhận»:", link]
        lines += [f"Hoặc nhập mã {spaced(code)} tại {code_page(link)}"] if code else []
        lines += [f"Nếu đến {shown(body, 'answer_by')} chưa ai tiếp nhận, hệ thống sẽ gọi người kế tiếp."]
    return lines


def _english(body: Mapping[str, Any], link: str, code: str) -> list[str]:
    if "aid" in body:
        return aid_lines(body, shown, is_vietnamese=False)
    if "report" in body:
        return report_lines(body, shown, is_vietnamese=False)
    if body["what"] in DUTY_WHAT:
        return duty_lines(body, shown, link=link, code=code, is_vietnamese=False)
    lines = [
        f"{_WHAT[body['what']][1]}.",
        f"Incident {body['number']}, severity {body['severity']}",
        f"{body['title_en']}",
        f"Owner: {body['owner_name']}",
        f"Down since: {shown(body, 'began_at')}",
    ]
    lines += [f"Up since: {shown(body, 'ended_at')}"] if body.get("ended_at") else []
    lines += [f"Acknowledged by: {body['acknowledged_by']}"] if body.get("acknowledged_by") else []
    if body["what"] == "roster_gap":
        lines.append(f"Nobody could be called for duty {body['duty']} of {body['party']}.")
    if body["what"] == "handover_overdue":
        lines.append(
            f"{body['incoming_name']} has not accepted; {body['outgoing_name']} is called until somebody has."
        )
    if body["what"] == "contact_refused":
        lines.append(f"Contact {body['contact']} of {body['whose']}: {body['reason']}.")
    if link:
        lines += ["", "Open this link and press “Acknowledge”:", link]
        lines += [f"Or type the code {spaced(code)} at {code_page(link)}"] if code else []
        lines += [f"If nobody has by {shown(body, 'answer_by')}, the next person is called."]
    return lines


def short_text(letter: Letter, *, fold: bool, parts: int = 1) -> str:
    """Write a short message of ``parts`` parts at most: the title is cut, the number and what to act by are kept."""
    if letter.companions:
        return storm_words.short_text(letter, fold=fold, parts=parts)
    body = letter.message.body
    what = "" if body["what"] == "page" else f"{_WHAT[body['what']][0]}: "
    head = f"{body['severity']} {body['number']} "
    middle = f"{what}{body['title']}{_again(body)}"
    tails = [
        f" Nhận: {letter.link} hoặc mã {letter.code}",
        f" Nhận: {letter.link}",
        f" Mã nhận: {letter.code}",
    ]
    if not letter.code:
        tails = tails[1:2]
    page = body.get("page", "")
    if body["what"] in DUTY_WHAT and letter.link:
        tails = duty_tails(letter.link, letter.code)
    elif page:
        tails = [f" Xem: {page}"]
    if fold:
        head, middle, *tails = (folded(text) for text in (head, middle, *tails))
    if not letter.link and not page:
        tails = [""]
    # What leaves no room for words is worth less than the words: the number can be answered by hand.
    written = (_cut(head, middle, tail, parts) for tail in (*tails, ""))
    return next((found for found in written if found), head.strip())


def _cut(head: str, middle: str, tail: str, parts: int) -> str:
    """Shorten ``middle`` until all fits; empty when less than a few words of it would be left."""
    if fits(head + middle + tail, parts):
        return head + middle + tail
    for length in range(len(middle), 15, -1):
        candidate = f"{head}{middle[:length].rstrip()}..{tail}"
        if fits(candidate, parts):
            return candidate
    return ""


def spoken_text(letter: Letter) -> str:
    """Write what a voice reads out in Vietnamese: sentences, and a code digit by digit."""
    if letter.companions:
        return storm_words.spoken_text(letter)
    body = letter.message.body
    said = [
        f"{_WHAT[body['what']][0]}.",
        f"Phiếu {' '.join(body['number'].replace('-', ' '))}, mức {body['severity'][1:]}.",
        f"{body['title']}.",
    ]
    if letter.code and body["what"] in DUTY_WHAT:
        said.append(f"Để xác nhận ca trực, nhập mã: {', '.join(letter.code)}.")
    elif letter.code:
        said.append(f"Để tiếp nhận, bấm hoặc nhập mã: {', '.join(letter.code)}.")
    return " ".join(said)


def _again(body: Mapping[str, Any]) -> str:
    return f" (nhắc lần {body['loop'] + 1})" if body.get("loop") else ""
