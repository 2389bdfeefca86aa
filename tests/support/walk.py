"""Walking every route of an application: what to ask it with, what it answered as text, and what two answers share.

Every parameter of a path and every body of a write has its example here, made from a :class:`Side`; a route that is
added without one is named by :func:`missing`, so that nothing is left out of the walk unseen.
"""

import base64
import binascii
import html
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from io import BytesIO
from itertools import product
from typing import Any
from zipfile import ZipFile

from fastapi import FastAPI

from tests.support.two_carriers_day import Side
from tests.support.walk_bodies import BODIES, BODILESS, FORMS

__all__ = ["Asked", "headers_of", "missing", "normal", "requests", "routes_of", "text_of"]

_OF_A_SIDE = {
    ("incidents", "id"): "incident", ("incidents", "incident"): "incident", ("evidence", "digest"): "digest",
    ("evidence", "sha256"): "digest", ("sites", "code"): "site", ("sites", "site"): "site", ("aid", "id"): "aid", ("aid", "aid"): "aid",
    ("planned", "id"): "work", ("planned", "work"): "work", ("reports", "id"): "report",
    ("reports", "report"): "report", ("import", "id"): "upload", ("mine", "token"): "mine",
    ("calendar", "token"): "calendar", ("a", "token"): "link", ("c", "token"): "mine",
    ("accounts", "name"): "account", ("troubleTicket", "incident"): "incident", ("shifts", "shift"): "shift", ("swaps", "swap"): "swap",
    ("inspections", "id"): "inspection", ("inspections", "inspection"): "inspection",
    ("findings", "finding"): "finding", ("links", "link"): "line", ("drills", "id"): "drill", ("drills", "drill"): "drill",
    ("handovers", "handover"): "handover", ("webhooks", "id"): "hook", ("webhooks", "webhook"): "hook", ("hub", "subscription"): "hook", ("risks", "code"): "ring", ("carriers", "code"): "party", ("carriers", "party"): "party",
}  # fmt: skip
"""(The part of the path before it, its name) to what of a side fills it."""
_INCIDENT_ACTS = ("acknowledge", "start", "countersign", "progress", "pause", "mitigate", "restored", "verify",
                  "decide", "close", "dispute", "reassign", "regrade", "merge", "unmerge", "reopen", "cancel", "note",
                  "evidence", "no-such")  # fmt: skip
_AID_ACTS = ("requested", "accepted", "countered", "declined", "agreed", "activated", "verified", "extended",
             "released", "failed", "closed", "withdrawn", "note", "no-such")  # fmt: skip
_FIXED = {
    ("incidents", "action"): _INCIDENT_ACTS,
    ("aid", "action"): _AID_ACTS,
    ("webhooks", "action"): ("change", "secret", "test", "no-such"),
    ("reports", "action"): ("edit", "finalise", "amend", "send", "no-such"),
    ("reports", "format"): ("docx", "pdf", "xlsx", "csv", "json", "html", "no-such"),
    ("files", "form"): ("docx", "pdf", "xlsx", "csv", "json"),
    ("handover", "action"): ("offer", "accept", "withdraw", "no-such"),
    ("swaps", "action"): ("ask", "accept", "decline", "withdraw", "answer", "no-such"),
    ("roster", "action"): (
        "confirm",
        "add",
        "override",
        "change",
        "exchange",
        "remove",
        "rotate",
        "give-back",
        "link",
        "no-such",
    ),
    ("account", "action"): ("give-token", "revoke-token", "end-session", "no-such"),
    ("accounts", "action"): ("disable", "no-such"),
    ("areas", "code"): ("94", "941", "00001", "no-such"),
    ("vantages", "code"): ("V1", "no-such"),
    ("inspections", "action"): (
        "answers",
        "finding",
        "fixed",
        "verify",
        "refuse",
        "close",
        "cancel",
        "no-such",
    ),
    ("files", "digest"): ("e" * 64,),
    ("drills", "action"): ("end", "no-such"),
    ("guide", "topic"): ("carrier", "no-such"),
    ("static", "digest"): ("x",),
    ("x", "path"): ("css/base.css",),
    ("heartbeat", "token"): ("no-such",),
}
"""The same to values that are nobody's secret."""
_QUERIES: Mapping[str, tuple[str, ...]] = {
    "/incidents": ("from=1",),
    "/incidents/new": ("site={site}",),
    "/aid/new": ("incident={incident}",),
    "/planned": ("party={party}",),
    "/reports": ("incident={number}&party={party}",),
    "/rollcall": ("area=941&which=all",),
    "/api/v1/rollcall": ("area=941",),
    "/roster": ("party={party}", "shift={shift}", "from=2021-05-26"),
    "/roster/phones": ("party={party}&day=2021-05-23",),
    "/search": ("q={site}", "q={number}", "q={person}", "q={ring}", "q={target}"),
    "/portal/settings": ("party={party}",),
    "/api/v1/webhooks": ("party={party}",),
    "/api/v1/webhooks/deliveries": ("party={party}",),
    "/audit": ("actor={account}",),
    "/api/v1/incidents": ("limit=1", "state=open", "cursor=WyIyMDIxLTA1LTIzVDEzOjAwOjAwKzAwOjAwIiwgMV0"),
    "/api/v1/aid": ("incident={incident}",),
    "/api/v1/roster/shifts": ("party={party}", "limit=1"),
    "/api/v1/roster/findings": ("party={party}",),
    "/api/v1/roster/changes": ("limit=1",),
    "/api/v1/links/congestions": ("days=2",),
    "/api/v1/links/{link}/hours": ("days=30",),
    "/api/v1/states": ("after={target}",),
}
_SHORT = 4
_RANDOM = (
    re.compile(r'name="(?:csrf|key)" value="[^"]*"'),
    re.compile(r"/roster/(?:mine|calendar|import)/[\w-]{20,}"),
    re.compile(r"(?:tsk|whs)_[\w-]{20,}"),
    re.compile(r'name="token" value="\d+"'),
    re.compile(r'"(?:digest|seal)":"[0-9a-f]*"'),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``route`` is the method and the path as the application has it."""

    route: tuple[str, str]
    path: str
    form: Mapping[str, str] | None = None
    json: Any = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    names: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_write(self) -> bool:
        """Whether it may change something."""
        return self.route[0] not in {"GET", "HEAD"}

    @property
    def is_api(self) -> bool:
        """Whether a program asks it."""
        return (
            not self.route[1].startswith(tuple("/" + each for each in _PAGE_ROOTS)) and self.route[1] != "/"
        )


_PAGE_ROOTS = ("incidents", "sites", "areas", "search", "aid", "groups", "planned", "reports", "duty", "a", "c",
               "roster", "sign", "password", "guide", "account", "audit", "wall", "static", "favicon", "events",
               "carriers", "vantages", "portal", "settings", "tour", "risks", "inspections", "drills", "rollcall", "capacity")  # fmt: skip


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Answer method and path of every route, those of included routers too."""
    return sorted({(method, route.path) for route in _flat(app.routes) for method in route.methods})


def _flat(routes: Iterable[Any]) -> Iterator[Any]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from _flat(inner.routes)


def requests(routes: Iterable[tuple[str, str]], side: Side) -> list[Asked]:
    """Answer what to ask of ``routes`` about ``side``; those that are :func:`missing` are left out."""
    return [asked for route in routes if not _fault(route, side) for asked in _requests(route, side)]


def missing(routes: Iterable[tuple[str, str]], side: Side) -> list[str]:
    """Answer the routes that have no example, each with what is not known of it."""
    return [f"{route[0]} {route[1]}: {fault}" for route in routes if (fault := _fault(route, side))]


def _fault(route: tuple[str, str], side: Side) -> str:
    try:
        list(_requests(route, side))
    except LookupError as error:
        return str(error)
    return ""


def _requests(route: tuple[str, str], side: Side) -> Iterator[Asked]:
    method, template = route
    names = side.names()
    for path in _paths(template, side):
        if method in {"GET", "HEAD"}:
            yield Asked(route, path, names=names)
            for query in _QUERIES.get(template, ()) if method == "GET" else ():
                yield Asked(route, f"{path}?{query.format(**_values(side))}", names=names)
        else:
            yield from _writes(route, path, side)


def _writes(route: tuple[str, str], path: str, side: Side) -> Iterator[Asked]:
    names = side.names()
    if route in FORMS:
        form, files = FORMS[route](side)
        yield Asked(route, path, form=form, files=files, names=names)
    elif route in BODIES:
        for body in BODIES[route](side):
            yield Asked(route, path, json=body, names=names)
    elif route[1].rpartition("/")[2] in BODILESS or route in BODILESS:
        yield Asked(route, path, names=names)
    else:
        raise LookupError("no body")


def _values(side: Side) -> dict[str, str]:
    return {each.name: str(getattr(side, each.name)) for each in fields(side)}


def _paths(template: str, side: Side) -> Iterator[str]:
    parts = template.split("/")
    choices: list[tuple[str, ...]] = []
    fixed = [part for part in parts if part and not part.startswith("{")]
    for place, part in enumerate(parts):
        if not part.startswith("{"):
            choices.append((part,))
            continue
        name = part.strip("{}").partition(":")[0]
        before = next((each for each in reversed(parts[:place]) if each and not each.startswith("{")), "")
        before = "x" if name == "path" and fixed == ["static"] else before
        if (before, name) in _FIXED:
            choices.append(_FIXED[before, name])
        else:
            choices.append((str(getattr(side, _OF_A_SIDE[before, name])),))
    yield from ("/".join(chosen) for chosen in product(*choices))


def text_of(answer: Any) -> str:
    """Answer everything that an answer tells, as text: documents unpacked, entities and cursors read."""
    content, kind = answer.content, answer.headers.get("content-type", "")
    if content.startswith(b"PK\x03\x04"):
        with ZipFile(BytesIO(content)) as packed:
            parts = [packed.read(name).decode(errors="replace") for name in packed.namelist()]
        told = re.sub(r"<[^>]+>", "", " ".join(parts)) + " ".join(parts)
    elif "pdf" in kind:
        read = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True)
        told = read.stdout.decode()
    else:
        told = html.unescape(content.decode(errors="replace"))
    return "\n".join(
        [told, *_decoded(told), "\n".join(f"{name}: {value}" for name, value in headers_of(answer))]
    )


def headers_of(answer: Any) -> list[tuple[str, str]]:
    """Answer the headers that could tell something: not those that are made anew for every answer."""
    anew = {"date", "content-length", "set-cookie", "x-request-id"}
    return sorted((name, value) for name, value in answer.headers.multi_items() if name not in anew)


def _decoded(told: str) -> Iterator[str]:
    """Read what a cursor hides."""
    for text in re.findall(r'"(?:next|cursor)": ?"([\w-]+)"', told):
        try:
            yield base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode(errors="replace")
        except (ValueError, binascii.Error):
            continue


def normal(answer: Any, asked: Asked) -> tuple[int, str]:
    """Answer status and text without what the request itself said and what is drawn by chance."""
    told = text_of(answer)
    for pattern in _RANDOM:
        told = pattern.sub("‹chance›", told)
    for name in asked.names:
        # A name of a letter or two would be found in what has nothing to do with it.
        told = told.replace(name, "‹asked›") if len(name) > _SHORT else told
    return answer.status_code, told
