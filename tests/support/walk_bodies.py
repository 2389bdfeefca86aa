"""What the writes of the walk carry: for each route, bodies made from a side, valid in everything but whose it is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.two_carriers_day import Side

__all__ = ["BODIES", "BODILESS", "FORMS"]

_LATER, _LATEST = "2021-05-23T15:00:00+00:00", "2021-05-23T16:00:00+00:00"
_Files = Mapping[str, tuple[str, bytes, str]] | None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 1


_WORDS = {"note": "đã xem", "text": "đã xem"}
_ROSTER_CSV = "Ngày,Ca,Họ và tên\n28/05/2021,6h-14h,Người mới\n".encode()


def _everything(side: Side) -> dict[str, str]:
    """Answer a form that has every field that any form has, so that whichever is asked for is there."""
    return {
        **_WORDS,
        "until": "20:15", "eta": "20:15", "reason": "power", "kind": "cause", "cause": "fibre_cut", "severity": "P2",
        "holds": "yes", "upheld": "no", "owner": side.party, "into": side.incident, "incident": side.incident,
        "helper": "CHARLIE", "area": "941", "need": "máy nổ", "minutes": "60", "lead_minutes": "20",
        "party": side.party, "duty": "response", "person": side.person, "substitute": side.second,
        "person1": side.person, "person2": side.second, "hours": "8", "shift": side.shift, "handover": side.handover, "swap": side.swap, "other": "",
        "start": "2021-05-29T06:00", "end": "2021-05-29T14:00", "site": side.site, "matter": "no_service",
        "purpose": "confirm", "shifts": side.shift, f"i{side.incident}": "on", "code": "12345678",
        "subject": f"risk:{side.ring}", "reference": "12/TB", "leave_out": "no", "finding": side.finding,
    }  # fmt: skip


def _account(side: Side) -> tuple[dict[str, str], _Files]:
    return {
        "name": side.account, "handle": "0" * 12, "token": side.token, "label": "máy", "days": "7", "code": "12345678",
        "right-see_incidents": "on", "password": "không phải", "old": "sai", "new": "một mật khẩu mới dài",
        "again": "một mật khẩu mới dài", "role": "carrier", "party": side.party,
    }, None  # fmt: skip


def _form(**other: str) -> Callable[[Side], tuple[dict[str, str], _Files]]:
    return lambda side: ({**_everything(side), **other}, None)


def _file(name: str, content: bytes, kind: str) -> Callable[[Side], tuple[dict[str, str], _Files]]:
    return lambda side: (_everything(side), {"file": (name, content, kind)})


def _calendar(side: Side) -> bytes:
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:1@x", "DTSTAMP:20210523T120000Z",
             "DTSTART:20210523T150000Z", "DTEND:20210523T160000Z", "SUMMARY:x",
             f"X-MAINTNOTE-OBJECT-ID:risk:{side.ring}", "END:VEVENT", "END:VCALENDAR")  # fmt: skip
    return "\r\n".join(lines).encode()


FORMS: Mapping[tuple[str, str], Callable[[Side], tuple[dict[str, str], _Files]]] = {
    ("POST", "/incidents"): _form(key="k" * 32),
    ("POST", "/incidents/at-once"): _form(),
    ("POST", "/incidents/{id}/evidence"): _file("ảnh.txt", b"x", "text/plain"),
    ("POST", "/incidents/{id}/{action}"): _form(),
    ("POST", "/aid"): _form(kind="generator"),
    ("POST", "/aid/{id}/{action}"): _form(),
    ("POST", "/planned"): _form(),
    ("POST", "/planned/calendar"): lambda s: (
        _everything(s),
        {"file": ("x.ics", _calendar(s), "text/calendar")},
    ),
    ("POST", "/planned/{id}/cancel"): _form(),
    ("POST", "/reports"): lambda side: (
        {**_everything(side), "kind": "dossier", "incident": side.number},
        None,
    ),
    ("POST", "/reports/{id}/{action}"): _form(),
    ("POST", "/a"): _form(),
    ("POST", "/c"): _form(),
    ("POST", "/c/{token}"): _form(),
    ("POST", "/a/{token}"): _form(),
    ("POST", "/roster/handover/{action}"): _form(),
    ("POST", "/roster/import"): _file("lịch.csv", _ROSTER_CSV, "text/csv"),
    ("POST", "/roster/import/{id}"): _form(),
    ("POST", "/roster/mine/{token}"): _form(),
    ("POST", "/roster/{action}"): _form(),
    ("POST", "/roster/swaps/{action}"): _form(),
    ("POST", "/portal/looks"): _form(),
    ("POST", "/portal/webhooks"): _form(),
    ("POST", "/portal/webhooks/{id}/{action}"): _form(),
    ("POST", "/tour"): _form(),
    ("POST", "/sites/{code}"): _form(path=""),
    ("POST", "/rollcall"): _form(answer="clear", path="", network=""),
    ("POST", "/inspections"): _form(),
    ("POST", "/inspections/{id}/files"): _file("ảnh.txt", b"x", "text/plain"),
    ("POST", "/inspections/{id}/{action}"): _form(),
    ("POST", "/drills"): _form(),
    ("POST", "/drills/{id}/{action}"): _form(),
    ("POST", "/sign-in"): _account,
    ("POST", "/sign-in/code"): _account,
    ("POST", "/password"): _account,
    ("POST", "/account/{action}"): _account,
    ("POST", "/accounts"): _account,
    ("POST", "/accounts/{name}/{action}"): _account,
    ("POST", "/api/v1/incidents/{incident}/evidence"): _file("ảnh.txt", b"x", "text/plain"),
}
"""Writes that come from a form of a page, by route."""


def _incident(side: Side) -> Iterator[dict[str, Any]]:
    told = {"matter": "no_service", "text": "mất liên lạc"}
    yield {**told, "site": side.site}
    yield {**told, "owner": side.party}


def _aid(side: Side) -> Iterator[dict[str, Any]]:
    yield {"incident": _number(side.incident), "kind": "generator", "helper": "CHARLIE", "area": "941",
           "need": "máy nổ", "minutes": 60}  # fmt: skip


def _shift(side: Side) -> dict[str, Any]:
    times = {"start": "2021-05-29T06:00:00+07:00", "end": "2021-05-29T14:00:00+07:00"}
    return {"duty": "response", **times}


def _shifts(side: Side) -> Iterator[dict[str, Any]]:
    yield {**_shift(side), "party": "ALPHA", "person": side.person}
    yield {**_shift(side), "party": side.party, "person": "QALPHAQPERSONQ"}
    yield {**_shift(side), "party": "ALPHA", "person": "QALPHAQPERSONQ", "substitute": side.person}


def _rotations(side: Side) -> Iterator[dict[str, Any]]:
    yield {"party": "ALPHA", "duty": "response", "people": [side.person, side.second],
           "start": "2021-05-29T06:00:00", "until": "2021-05-30T06:00:00"}  # fmt: skip


def _report(side: Side) -> Iterator[dict[str, Any]]:
    window = {"since": "2021-05-23T11:00:00+00:00", "until": "2021-05-23T12:00:00+00:00"}
    yield {**window, "kind": "dossier", "incident": side.number}
    yield {**window, "kind": "carrier", "party": side.party}


def _with(**body: Any) -> Callable[[Side], Iterator[dict[str, Any]]]:
    return lambda _side: iter([body])


_T = "/tmf-api/troubleTicket/v5/troubleTicket"
_HUB, _W = "/tmf-api/troubleTicket/v5/hub", "/api/v1/webhooks"
_TICKET = {"description": "mất liên lạc", "severity": "minor", "ticketType": "outage"}
_I, _A, _R = "/api/v1/incidents", "/api/v1/aid", "/api/v1/roster"
_NOTED = {
    "acknowledge": {}, "progress": {}, "restored": {}, "note": {}, "close": {"cause": "fibre_cut"}, "cancel": {},
    "start": {}, "pause": {"reason": "power", "until": _LATER}, "mitigate": {}, "dispute": {"kind": "cause"},
    "decide": {"upheld": True}, "countersign": {}, "verify": {"holds": True}, "reassign": {"owner": "CHARLIE"},
    "regrade": {"severity": "P2"}, "reopen": {}, "unmerge": {},
}  # fmt: skip
_AID_DEEDS = {
    "agree": {}, "activate": {}, "withdraw": {}, "accept": {"lead_minutes": 20}, "counter": {"lead_minutes": 20},
    "decline": {}, "verify": {}, "extend": {"minutes": 30}, "close": {"minutes": 30}, "fail": {}, "release": {},
    "note": {},
}  # fmt: skip

BODIES: Mapping[tuple[str, str], Callable[[Side], Iterator[Any]]] = {
    **{("POST", f"{_I}/{{incident}}/{deed}"): _with(note="đã xem", **more) for deed, more in _NOTED.items()},
    **{("POST", f"{_A}/{{aid}}/{deed}"): _with(note="đã xem", **more) for deed, more in _AID_DEEDS.items()},
    ("POST", _I): _incident,
    ("POST", f"{_I}/{{incident}}/merge"): lambda side: iter(
        [{"into": _number(side.incident), "note": "đã xem"}]
    ),
    ("POST", _A): _aid,
    ("POST", f"{_R}/shifts"): _shifts,
    ("PATCH", f"{_R}/shifts/{{shift}}"): lambda side: iter([{"person": side.second}, {"note": "x"}]),
    ("POST", f"{_R}/rotations"): _rotations,
    ("POST", f"{_R}/confirmations"): lambda side: iter([{"shifts": [side.shift]}]),
    ("POST", f"{_R}/swaps"): lambda side: iter([{"shift": side.shift, "person": side.second}]),
    ("POST", f"{_R}/swaps/{{swap}}"): _with(accept=False),
    ("POST", f"{_R}/handovers"): lambda side: iter([{"party": side.party, "duty": "response"}]),
    ("POST", "/api/v1/planned"): lambda side: iter(
        [{"subject": f"risk:{side.ring}", "starts_at": _LATER, "ends_at": _LATEST, "reference": "12/TB"}]
    ),
    ("POST", "/api/v1/reports"): _report,
    ("POST", "/api/v1/sites/{site}/looks"): _with(),
    ("POST", _W): _with(url="https://127.0.0.1/x", events=["opened"]),
    ("PUT", f"{_W}/{{webhook}}"): _with(url="https://127.0.0.1/x", events=["opened"]),
    ("POST", "/api/v1/rollcall"): lambda side: iter(
        [{"site": side.site, "answer": "lost", "note": "đã xem"}]
    ),
    ("POST", "/api/v1/drills"): lambda side: iter([{"kind": "no-such", "title": side.ring}]),
    ("POST", "/api/v1/drills/{drill}/end"): _with(note="đã xem"),
    ("POST", "/api/v1/inspections"): _with(area="941"),
    ("PUT", "/api/v1/inspections/{inspection}/answers"): _with(answers={}),
    ("POST", "/api/v1/inspections/{inspection}/close"): _with(),
    ("POST", "/api/v1/inspections/{inspection}/findings"): lambda side: iter(
        [{"site": side.site, "text": "đã xem", "owner": side.party}]
    ),
    ("POST", "/api/v1/findings/{finding}/fixed"): _with(note="đã xem"),
    ("POST", "/api/v1/findings/{finding}/verified"): _with(note="đã xem"),
    ("POST", _T): lambda side: iter(
        [
            {**_TICKET, "relatedEntity": [{"id": side.site}]},
            {**_TICKET, "relatedParty": [{"id": side.party, "role": "owner"}]},
        ]
    ),
    ("POST", _HUB): _with(callback="https://169.254.169.254/"),
    ("PATCH", f"{_T}/{{incident}}"): _with(status="acknowledged"),
}
"""Writes of programs, by route; one with several bodies is asked once with each."""

BODILESS: frozenset[Any] = frozenset(
    {
        "request", "accept", "withdraw", "cancel",
        ("POST", "/-/reload"), ("DELETE", f"{_R}/shifts/{{shift}}"), ("DELETE", f"{_HUB}/{{subscription}}"), ("DELETE", f"{_W}/{{webhook}}"),
        ("POST", f"{_W}/{{webhook}}/secret"), ("POST", f"{_W}/{{webhook}}/test"), ("POST", "/api/v1/planned/calendar"),
        ("POST", "/hooks/heartbeat/{token}"), ("POST", "/hooks/batches"), ("POST", "/hooks/receipts"),
        ("POST", "/hooks/answers"), ("POST", "/hooks/alertmanager"), ("POST", "/sign-out"),
    }
)  # fmt: skip
"""Writes that are asked with an empty body: whole routes, or the last word of their path."""
