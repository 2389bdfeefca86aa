"""The words of one message that carries several pages: every incident with its severity, title and deadline. Pure.

What does not fit a short message is counted, never left out silently: its link and its code stand for all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from alerting.notify.channel import Letter
from alerting.notify.writing import code_page, fits, folded, shown, spaced

__all__ = ["short_text", "spoken_text", "subject", "text"]

_SAID = 3
"""Incidents that a voice names before it counts the rest: nobody on a telephone remembers more."""


def _bodies(letter: Letter) -> list[Mapping[str, Any]]:
    """Answer what the letter is about, once an incident, the gravest first; a repetition stands for what it repeats."""
    newest = {page.incident: page.body for page in sorted(letter.messages, key=lambda page: page.id)}
    return sorted(newest.values(), key=lambda body: (body["severity"], body["number"]))


def subject(letter: Letter) -> str:
    """Write the subject of a mail."""
    bodies = _bodies(letter)
    numbers = ", ".join(body["number"] for body in bodies[:3])
    more = f" và {len(bodies) - 3} phiếu nữa" if len(bodies) > 3 else ""
    return f"[{bodies[0]['severity']}] {len(bodies)} sự cố chờ tiếp nhận: {numbers}{more}"


def text(letter: Letter) -> str:
    """Write the text of a mail in both languages."""
    bodies = _bodies(letter)
    code = letter.code
    vietnamese = [
        f"Gửi: {bodies[0]['person_name']}",
        "",
        f"{len(bodies)} sự cố chờ tiếp nhận, gộp trong một tin:",
        *(line for body in bodies for line in _vietnamese(body)),
        "",
        "Mở liên kết này rồi bấm «Tiếp nhận tất cả»:",
        letter.link,
        *([f"Hoặc nhập mã {spaced(code)} tại {code_page(letter.link)} để tiếp nhận tất cả."] if code else []),
        "Phiếu nào quá hạn trên mà chưa ai tiếp nhận, hệ thống sẽ gọi người kế tiếp.",
    ]
    english = [
        f"{len(bodies)} incidents are waiting to be acknowledged, in one message:",
        *(line for body in bodies for line in _english(body)),
        "",
        "Open this link and press “Acknowledge all”:",
        letter.link,
        *(
            [f"Or type the code {spaced(code)} at {code_page(letter.link)} to acknowledge all."]
            if code
            else []
        ),
        "Where nobody has by its time above, the next person is called.",
    ]
    return "\n".join([*vietnamese, "", "-- English --", *english, ""])


def _vietnamese(body: Mapping[str, Any]) -> list[str]:
    return [
        "",
        f"[{body['severity']}] {body['number']}: {body['title']}",
        f"    {body['owner_name']} · mất từ {shown(body, 'began_at')} · hạn tiếp nhận {shown(body, 'answer_by')}",
    ]


def _english(body: Mapping[str, Any]) -> list[str]:
    return [
        "",
        f"[{body['severity']}] {body['number']}: {body['title_en']}",
        f"    {body['owner_name']} · down since {shown(body, 'began_at')} · answer by {shown(body, 'answer_by')}",
    ]


def short_text(letter: Letter, *, fold: bool, parts: int = 1) -> str:
    """Write a short message of ``parts`` parts at most: as many incidents as fit, and how many there are more."""
    bodies = _bodies(letter)
    head = f"{bodies[0]['severity']} {len(bodies)} sự cố: "
    tails = [f" Nhận hết: {letter.link} hoặc mã {letter.code}", f" Nhận hết: {letter.link}"]
    tails = [*tails, f" Mã nhận hết: {letter.code}"] if letter.code else tails[1:]
    told = _lists(bodies)
    if fold:
        head, tails, told = folded(head), [folded(tail) for tail in tails], [folded(one) for one in told]
    candidates = (f"{head}{one}{tail}" for tail in (*tails, "") for one in told)
    return next((one for one in candidates if fits(one, parts)), head.strip(": "))


def _lists(bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """Answer ways to list incidents, from all with titles to one number and a count."""
    titled = "; ".join(f"{body['number']} {body['title']}" for body in bodies)
    numbers = [body["number"] for body in bodies]
    shorter = [
        f"{', '.join(numbers[:count])} và {len(numbers) - count} phiếu nữa."
        for count in range(len(numbers) - 1, 0, -1)
    ]
    return [f"{titled}.", f"{', '.join(numbers)}.", *shorter]


def spoken_text(letter: Letter) -> str:
    """Write what a voice reads out in Vietnamese: the first few, how many more, and one code for all."""
    bodies = _bodies(letter)
    said = [f"{len(bodies)} sự cố chờ tiếp nhận."]
    for body in bodies[:_SAID]:
        number = " ".join(body["number"].replace("-", " "))
        said.append(f"Phiếu {number}, mức {body['severity'][1:]}: {body['title']}.")
    if len(bodies) > _SAID:
        said.append(f"Và {len(bodies) - _SAID} phiếu nữa.")
    if letter.code:
        said.append(f"Để tiếp nhận tất cả, bấm hoặc nhập mã: {', '.join(letter.code)}.")
    return " ".join(said)
