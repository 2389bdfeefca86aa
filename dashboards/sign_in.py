"""Signing in and out, and changing one's password."""

from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from dashboards.auth import Owed, Refusal, WeakPasswordError
from dashboards.i18n import N_
from dashboards.passwords import MINIMUM_LENGTH, PasswordsBusyError
from dashboards.security import safe_next
from dashboards.visit import Visit, session_cookie

__all__ = [
    "code",
    "code_form",
    "opened",
    "password_form",
    "provider_name",
    "set_password",
    "sign_in",
    "sign_in_form",
    "sign_out",
    "too_many",
    "wrong_code",
]


async def sign_in_form(visit: Visit) -> Response:
    """Ask for name and password; who is signed in already goes on."""
    wanted = safe_next(visit.request.query_params.get("next"))
    if visit.actor is not None:
        return visit.go(wanted)
    return visit.page("sign_in.html", next=wanted, name="", fault="", provider=provider_name(visit))


def provider_name(visit: Visit) -> str:
    """Answer what the department's identity provider is called; nothing where there is none."""
    federation = visit.deps.federation
    return federation.settings.name if federation is not None else ""


async def sign_in(visit: Visit) -> Response:
    """Check name and password; a good pair begins a session."""
    wanted, name = safe_next(visit.form.get("next")), visit.form.get("name", "")
    try:
        answer = await visit.deps.auth.sign_in(
            name,
            visit.form.get("password", ""),
            address=visit.address,
            user_agent=visit.request.headers.get("user-agent", ""),
        )
    except PasswordsBusyError:
        return _again(
            visit, 503, N_("Too many people are signing in at this moment. Try again in a few seconds.")
        )
    if isinstance(answer, Refusal):
        return _refuse(visit, answer)
    if isinstance(answer, Owed):
        return opened(visit, answer.token, "/sign-in/code?" + urlencode({"next": wanted}))
    return opened(visit, answer, wanted)


def opened(visit: Visit, token: str, path: str) -> Response:
    """Give the browser its session and send it to ``path``."""
    response = visit.go(path)
    response.set_cookie(
        session_cookie(visit.deps),
        token,
        max_age=int(visit.deps.settings.wall_session_length.total_seconds()),
        httponly=True,
        secure=visit.deps.settings.is_secure,
        samesite="lax",
        path="/",
    )
    response.delete_cookie("thongsuot_form")
    return response


async def code_form(visit: Visit) -> Response:
    """Ask for the code of the second factor."""
    if await visit.deps.auth.owing(_half_open(visit)) is None:
        return visit.go("/sign-in")
    return _code_page(visit, 200, "")


async def code(visit: Visit) -> Response:
    """Check the code; a right one begins the session."""
    answer = await visit.deps.auth.finish(
        _half_open(visit),
        visit.form.get("code", ""),
        fits=visit.deps.factors.fits,
        address=visit.address,
        user_agent=visit.request.headers.get("user-agent", ""),
    )
    if isinstance(answer, str):
        return opened(visit, answer, safe_next(visit.form.get("next")))
    owing = await visit.deps.auth.owing(_half_open(visit))
    if owing is None:
        return visit.go("/sign-in")
    if answer.wait:
        return _code_page(visit, 429, too_many(visit, answer.wait))
    return _code_page(visit, 401, visit.words.gettext(await wrong_code(visit, owing.name)))


def too_many(visit: Visit, wait: timedelta) -> str:
    """Answer what to say of an attempt that came too soon."""
    span = visit.moments.span(max(wait, timedelta(seconds=1)))
    return visit.words.gettext(N_("Too many attempts. Wait %(span)s and try again."), span=span)


async def wrong_code(visit: Visit, account: str) -> str:
    """Answer what to say of a code that did not count: it is wrong, or none of a telephone's could be right here."""
    if await visit.deps.factors.is_shut(account):
        return N_(
            "This machine cannot check a telephone's codes now: its seal key is missing or wrong. Use a recovery code, or ask the administrator."
        )
    return N_("The code is not right.")


def _half_open(visit: Visit) -> str:
    return visit.request.cookies.get(session_cookie(visit.deps), "")


def _code_page(visit: Visit, status: int, fault: str) -> Response:
    given = visit.form.get("next") or visit.request.query_params.get("next")
    return visit.page("sign_in_code.html", status=status, next=safe_next(given), fault=fault)


def _refuse(visit: Visit, refusal: Refusal) -> Response:
    if refusal.wait:
        wait = max(refusal.wait, timedelta(seconds=1))
        response = _again(visit, 429, N_("Too many attempts. Wait %(span)s and try again."), wait)
        response.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
        return response
    return _again(visit, 401, N_("The name or the password is not right."))


def _again(visit: Visit, status: int, fault: str, wait: timedelta | None = None) -> Response:
    values = {"span": visit.moments.span(wait)} if wait is not None else {}
    return visit.page(
        "sign_in.html",
        status=status,
        next=safe_next(visit.form.get("next")),
        name=visit.form.get("name", ""),
        provider=provider_name(visit),
        fault=visit.words.gettext(fault, **values),
    )


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    await visit.deps.auth.sign_out(visit.session)
    response = visit.go("/sign-in")
    # With the attributes that it was set with: a browser ignores a __Host- cookie without them.
    response.delete_cookie(
        session_cookie(visit.deps),
        path="/",
        secure=visit.deps.settings.is_secure,
        httponly=True,
        samesite="lax",
    )
    return response


async def password_form(visit: Visit) -> Response:
    """Ask for a new password."""
    return _password_page(visit, 200, "")


async def set_password(visit: Visit) -> Response:
    """Set it; every other session of the account ends."""
    new = visit.form.get("new", "")
    if new != visit.form.get("again", ""):
        return _password_page(visit, 422, N_("The two new passwords differ."))
    # Whoever finds a session left open does not try out the password here either.
    wait = await visit.deps.auth.attempt(visit.who.name, visit.address)
    if wait:
        return _password_page(visit, 429, too_many(visit, wait))
    try:
        done = await visit.deps.auth.change_password(
            visit.who.name, visit.form.get("old", ""), new, keep=visit.session
        )
    except WeakPasswordError:
        fault = N_(
            "The new password needs at least %(length)s letters and must not be the old one or your name."
        )
        return _password_page(visit, 422, fault)
    if not done:
        return _password_page(visit, 401, N_("The present password is not right."))
    return visit.go(safe_next(visit.form.get("next")))


def _password_page(visit: Visit, status: int, fault: str) -> Response:
    given = visit.form.get("next") or visit.request.query_params.get("next")
    return visit.page(
        "password.html",
        status=status,
        next=safe_next(given),
        query=urlencode({"next": safe_next(given)}),
        length=MINIMUM_LENGTH,
        fault=visit.words.gettext(fault, length=MINIMUM_LENGTH)
        if "%(" in fault
        else visit.words.gettext(fault),
    )
