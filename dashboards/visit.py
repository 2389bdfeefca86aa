"""One request as a page sees it: who asks, in which language, at what time; and how to answer.

:func:`entrance` is the only way in. It checks, in this order and for every page alike: origin, size and form
token of a write; the session; the right. A page that says nothing about rights is closed, so that forgetting
fails shut.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerting.errors import RefusedError
from alerting.roster_errors import RosterRefusedError
from dashboards.compression import compressed
from dashboards.deps import Deps
from dashboards.i18n import N_, Language, Words, words_in
from dashboards.kept import came_from, written
from dashboards.moments import Moments
from dashboards.security import form_token, form_token_fits, is_own_origin, safe_next
from dashboards.templating import render
from inventory.access import Actor, Right

__all__ = ["Page", "PageError", "Visit", "begin", "entrance", "refused", "session_cookie"]

_LONGEST_BODY = 64 * 1024
_DAY_SECONDS = 86400
_YEAR_SECONDS = 365 * _DAY_SECONDS
_THEMES = ("auto", "light", "dark")
_BEFORE_PASSWORD = {"/password", "/sign-out"}


class PageError(Exception):
    """A request that cannot be answered: the status, what happened, and what to do."""

    def __init__(self, status: int, what: str, advice: str = "") -> None:
        super().__init__(status, what)
        self.status = status
        self.what = what
        self.advice = advice


@dataclass(slots=True)
class Visit:
    """One request. ``secret`` is the cookie that form tokens are bound to: the session's, else the form's own."""

    request: Request
    deps: Deps
    language: Language
    theme: str
    now: datetime
    actor: Actor | None = None
    session: str = ""
    secret: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    upload: tuple[str, bytes] | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    form_text: str = ""

    @property
    def words(self) -> Words:
        """Messages in the visitor's language."""
        return words_in(self.language)

    @property
    def moments(self) -> Moments:
        """Times in the election's zone."""
        return Moments(self.deps.monitor.inventory.election.zone, self.words, self.now)

    @property
    def scope(self) -> str | None:
        """The only party whose incidents this visitor may read, or None for all."""
        return self.actor.scope if self.actor is not None else ""

    @property
    def address(self) -> str:
        """Where the request came from, as the server behind any proxy knows it."""
        return self.request.client.host if self.request.client else ""

    @property
    def who(self) -> Actor:
        """Who is signed in; asked only by pages that need somebody to be."""
        if self.actor is None:
            raise PageError(401, N_("You are not signed in."), N_("Sign in and try again."))
        return self.actor

    def form_token(self) -> str:
        """Answer the token for this page's forms; who has no session gets a cookie to bind it to."""
        if not self.secret:
            self.secret = self.deps.token()
            self.cookies["thongsuot_form"] = self.secret
        if not self.form_text:
            self.form_text = form_token(self.secret, self.deps.token())
        return self.form_text

    def may(self, right: Right) -> bool:
        """Answer whether the visitor holds ``right``."""
        return self.actor is not None and self.actor.may(right)

    def href(self, **changes: str) -> str:
        """Answer this page's own address with query arguments changed, for the language and theme switches."""
        query = {**self.request.query_params, **changes}
        return f"{self.request.url.path}?{urlencode(query)}"

    def page(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Answer with a page."""
        inventory = self.deps.monitor.inventory
        shared = {
            "visit": self,
            "actor": self.actor,
            "may": self.may,
            "Right": Right,
            "moments": self.moments,
            "inventory": inventory,
            "election": inventory.election,
            "csrf": self.form_token,
        }
        return HTMLResponse(render(template, self.language, {**shared, **context}), status)

    def error(self, status: int, what: str, advice: str = "") -> HTMLResponse:
        """Answer with a page that says what happened and what to do; both are message ids.

        What was written in a form that was not taken stands there too, with the way back to it.
        """
        was_form = self.request.method == "POST"
        return self.page(
            "error.html",
            status=status,
            code=status,
            what=what,
            advice=advice,
            texts=written(self.form),
            back=came_from(self.request.headers) if was_form else "",
        )

    def go(self, path: str) -> RedirectResponse:
        """Send the browser to ``path`` with GET."""
        return RedirectResponse(path, 303)


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the route table. Without ``right`` a session is enough; ``is_open`` pages need none at all."""

    method: str
    path: str
    show: Callable[[Visit], Awaitable[Response]]
    right: Right | None = None
    is_open: bool = False
    is_stream: bool = False
    longest_upload: int = 0
    """Bytes of the one file that its form may carry; 0: none."""


def entrance(deps: Deps, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """Answer the handler that lets a request in to ``page``, or tells it why not."""

    async def enter(request: Request) -> Response:
        visit = await begin(request, deps)
        try:
            response = await _admit(visit, page)
        except PageError as error:
            response = visit.error(error.status, error.what, error.advice)
        except RefusedError as error:
            response = refused(visit, error)
        return compressed(_finish(visit, response), request.headers.get("accept-encoding", ""))

    return enter


async def begin(request: Request, deps: Deps) -> Visit:
    """Find out who asks and how they like to be answered."""
    settings = deps.settings
    wanted = request.query_params.get("lang")
    language = Language.chosen(wanted or request.cookies.get("thongsuot_language"), settings.language)
    theme = request.query_params.get("theme") or request.cookies.get("thongsuot_theme", "auto")
    visit = Visit(request, deps, language, theme if theme in _THEMES else "auto", deps.clock())
    if wanted:
        visit.cookies["thongsuot_language"] = language.value
    if "theme" in request.query_params:
        visit.cookies["thongsuot_theme"] = visit.theme
    visit.session = request.cookies.get(session_cookie(deps), "")
    visit.actor = await deps.auth.actor_of(visit.session)
    if visit.actor is None:
        visit.session = ""
    visit.secret = visit.session or request.cookies.get("thongsuot_form", "")
    return visit


def session_cookie(deps: Deps) -> str:
    """Answer the session cookie's name; over https the prefix makes browsers refuse it from anybody else."""
    return "__Host-thongsuot" if deps.settings.is_secure else "thongsuot"


async def _admit(visit: Visit, page: Page) -> Response:
    if page.method == "POST":
        await _receive_form(visit, page)
    if page.is_open:
        return await page.show(visit)
    if visit.actor is None:
        return _to_sign_in(visit, page)
    if visit.actor.must_change_password and page.path not in _BEFORE_PASSWORD:
        return visit.go("/password?" + urlencode({"next": _own_address(visit)}))
    if page.right is not None and not visit.actor.may(page.right):
        return visit.error(
            403,
            N_("Your account may not see this page."),
            N_("Ask the department's administrator for the right."),
        )
    return await page.show(visit)


async def _receive_form(visit: Visit, page: Page) -> None:
    request, longest_upload = visit.request, page.longest_upload
    if not is_own_origin(request.headers, visit.deps.settings.public_url):
        raise PageError(
            403,
            N_("The request did not come from a page of this service."),
            N_("Open the page again and repeat."),
        )
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise PageError(411, N_("The request does not say how long it is."))
    if int(length) > _LONGEST_BODY + longest_upload:
        raise PageError(413, N_("The request is too large."), N_("Shorten the text and send it again."))
    async with request.form(max_files=1 if longest_upload else 0, max_fields=50) as given:
        visit.form = {key: value.strip() for key, value in given.items() if isinstance(value, str)}
        for value in given.values():
            if isinstance(value, UploadFile) and value.filename:
                visit.upload = value.filename, await value.read()
    if visit.actor is None and not page.is_open:
        raise PageError(
            401,
            N_("You are signed out: nothing was written."),
            N_("Sign in, then write it again where you were."),
        )
    if not form_token_fits(visit.secret, visit.form.get("csrf", "")):
        raise PageError(
            403,
            N_("This page was open for too long, or you signed in again meanwhile."),
            N_("Open it again and repeat."),
        )


def _own_address(visit: Visit) -> str:
    url = visit.request.url
    address = url.path + (f"?{url.query}" if url.query else "")
    return safe_next(address) if visit.request.method == "GET" else "/"


def _to_sign_in(visit: Visit, page: Page) -> Response:
    if page.is_stream:
        return Response(status_code=401)
    return visit.go(f"/sign-in?next={quote(_own_address(visit), safe='')}")


def refused(visit: Visit, error: RefusedError) -> Response:
    """Answer what alerting would not do, in the duty room's words."""
    if isinstance(error, RosterRefusedError):
        said = error.reason.vi if visit.language is Language.VI else error.reason.en
        return visit.error(error.status, said, N_("Go back, correct it and send it again."))
    texts = {
        404: (
            N_("There is no such incident."),
            N_("It may have been merged; look at the list of incidents."),
        ),
        409: (
            N_("The incident has moved on: this can no longer be done."),
            N_("Look at the timeline; somebody else may have acted first."),
        ),
        410: (
            N_("This link is not known or no longer valid."),
            N_("Sign in, or call the department's duty officer."),
        ),
        412: (
            N_("This was changed by somebody else meanwhile; nothing of yours was written."),
            N_("Open it again, look at what stands now, and repeat."),
        ),
        422: (N_("A reason is needed."), N_("Go back and write what was done.")),
    }
    what, advice = texts.get(error.status, (N_("The request could not be carried out."), ""))
    return visit.error(error.status, what, advice)


def _finish(visit: Visit, response: Response) -> Response:
    for name, value in visit.cookies.items():
        response.set_cookie(
            name,
            value,
            max_age=_DAY_SECONDS if name == "thongsuot_form" else _YEAR_SECONDS,
            secure=visit.deps.settings.is_secure,
            httponly=True,
            samesite="lax",
        )
    response.headers.setdefault("Cache-Control", "no-store")
    return response
