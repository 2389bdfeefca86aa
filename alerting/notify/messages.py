"""The words of pages and notices, made from stored facts: Vietnamese first, English beside it.

Pure. A reader of a page must learn in this order: how grave, which incident, what failed, since when, what to
do, until when. Numbers and links survive any shortening; descriptions do not.
"""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerting.notify.channel import Letter

__all__ = [
    "GSM_LIMIT",
    "UCS2_LIMIT",
    "fits_gsm",
    "folded",
    "gsm_length",
    "short_text",
    "subject",
    "text",
    "ucs2_length",
]

GSM_LIMIT = 160
"""Septets in one part of a short message in the GSM 7-bit alphabet (3GPP TS 23.038)."""
UCS2_LIMIT = 70
"""UTF-16 units in one part of a short message outside that alphabet."""

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("^{}\\[~]|€\f")

_WHAT: Mapping[str, tuple[str, str]] = {
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
}


def subject(letter: Letter) -> str:
    """Write the subject of a mail."""
    body = letter.message.body
    what, _ = _WHAT[body["what"]]
    lead = "" if body["what"] == "page" else f"{what}: "
    return f"[{body['severity']}] {body['number']} {lead}{body['title']}{_again(body)}"


def text(letter: Letter) -> str:
    """Write the text of a mail in both languages."""
    body = letter.message.body
    return "\n".join([*_vietnamese(body, letter.link), "", "-- English --", *_english(body, letter.link), ""])


def _vietnamese(body: Mapping[str, Any], link: str) -> list[str]:
    lines = [
        f"Gửi: {body['person_name']}",
        "",
        f"{_WHAT[body['what']][0]}.",
        f"Phiếu sự cố {body['number']}, mức {body['severity']}",
        f"{body['title']}",
        f"Đơn vị chịu trách nhiệm: {body['owner_name']}",
        f"Mất từ: {_shown(body, 'began_at')}",
    ]
    lines += [f"Có lại từ: {_shown(body, 'ended_at')}"] if body.get("ended_at") else []
    lines += [f"Người tiếp nhận: {body['acknowledged_by']}"] if body.get("acknowledged_by") else []
    if body["what"] == "roster_gap":
        lines.append(f"Không gọi được ai cho ca {body['duty']} của {body['party']}.")
    if link:
        lines += ["", "Mở liên kết này rồi bấm «Tiếp nhận»:", link]
        lines += [f"Nếu đến {_shown(body, 'answer_by')} chưa ai tiếp nhận, hệ thống sẽ gọi người kế tiếp."]
    return lines


def _english(body: Mapping[str, Any], link: str) -> list[str]:
    lines = [
        f"{_WHAT[body['what']][1]}.",
        f"Incident {body['number']}, severity {body['severity']}",
        f"{body['title_en']}",
        f"Owner: {body['owner_name']}",
        f"Down since: {_shown(body, 'began_at')}",
    ]
    lines += [f"Up since: {_shown(body, 'ended_at')}"] if body.get("ended_at") else []
    lines += [f"Acknowledged by: {body['acknowledged_by']}"] if body.get("acknowledged_by") else []
    if body["what"] == "roster_gap":
        lines.append(f"Nobody could be called for duty {body['duty']} of {body['party']}.")
    if link:
        lines += ["", "Open this link and press “Acknowledge”:", link]
        lines += [f"If nobody has by {_shown(body, 'answer_by')}, the next person is called."]
    return lines


def short_text(letter: Letter, *, fold: bool) -> str:
    """Write a short message of one part: the title is cut, the number and (where it fits) the link are kept."""
    body = letter.message.body
    what = "" if body["what"] == "page" else f"{_WHAT[body['what']][0]}: "
    head = f"{body['severity']} {body['number']} "
    middle = f"{what}{body['title']}{_again(body)}"
    tail = f" Nhận: {letter.link}" if letter.link else ""
    if fold:
        head, middle, tail = folded(head), folded(middle), folded(tail)
    whole = head + middle + tail
    if _fits(whole):
        return whole
    # A link that leaves no room for words is worth less than the words: the number can be answered by hand.
    return _cut(head, middle, tail) or _cut(head, middle, "") or head.strip()


def _cut(head: str, middle: str, tail: str) -> str:
    """Shorten ``middle`` until all fits; empty when less than a few words of it would be left."""
    for length in range(len(middle), 15, -1):
        candidate = f"{head}{middle[:length].rstrip()}..{tail}"
        if _fits(candidate):
            return candidate
    return ""


def _fits(candidate: str) -> bool:
    if fits_gsm(candidate):
        return gsm_length(candidate) <= GSM_LIMIT
    return ucs2_length(candidate) <= UCS2_LIMIT


def fits_gsm(candidate: str) -> bool:
    """Answer whether every character is in the GSM 7-bit alphabet or its extension."""
    return _GSM_BASIC.issuperset(set(candidate) - _GSM_EXTENDED)


def gsm_length(candidate: str) -> int:
    """Count septets: a character of the extension takes two."""
    return sum(2 if character in _GSM_EXTENDED else 1 for character in candidate)


def ucs2_length(candidate: str) -> int:
    """Count UTF-16 units: a character outside the basic plane takes two."""
    return len(candidate.encode("utf-16-be")) // 2


def folded(marked: str) -> str:
    """Write Vietnamese without marks, in ASCII: đ becomes d, what has no plain form becomes a question mark."""
    plain = unicodedata.normalize("NFD", marked.replace("đ", "d").replace("Đ", "D"))
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return bare.replace("–", "-").replace("…", "..").encode("ascii", "replace").decode()


def _again(body: Mapping[str, Any]) -> str:
    return f" (nhắc lần {body['loop'] + 1})" if body.get("loop") else ""


def _shown(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not value:
        return "-"
    local = datetime.fromisoformat(value).astimezone(ZoneInfo(body["zone"]))
    return f"{local:%H:%M:%S %d/%m/%Y}"
