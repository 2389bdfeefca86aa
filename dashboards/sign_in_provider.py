"""Signing in at the department's identity provider: the way out, and the way back."""

import structlog
from starlette.responses import RedirectResponse, Response

from dashboards.federation import Federation, FederationError
from dashboards.i18n import N_
from dashboards.security import safe_next
from dashboards.sign_in import opened, provider_name
from dashboards.visit import PageError, Visit

__all__ = ["arrive", "depart"]

log = structlog.get_logger(__name__)
_COOKIE = "thongsuot_provider"


def _federation(visit: Visit) -> Federation:
    if visit.deps.federation is None:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return visit.deps.federation


async def depart(visit: Visit) -> Response:
    """Send the browser to the provider."""
    federation = _federation(visit)
    try:
        departure = await federation.depart(safe_next(visit.request.query_params.get("next")))
    except FederationError as error:
        return _failed(visit, error)
    response = RedirectResponse(departure.url, 303)
    response.set_cookie(
        _COOKIE,
        departure.state,
        max_age=600,
        httponly=True,
        secure=visit.deps.settings.is_secure,
        samesite="lax",
        path="/sign-in/provider",
    )
    return response


async def arrive(visit: Visit) -> Response:
    """Take who comes back in, or say that it did not work."""
    federation = _federation(visit)
    try:
        actor, then = await federation.arrive(
            visit.request.query_params, state=visit.request.cookies.get(_COOKIE, "")
        )
    except FederationError as error:
        return _failed(visit, error)
    token = await visit.deps.auth.begin(
        actor, address=visit.address, user_agent=visit.request.headers.get("user-agent", "")
    )
    response = opened(visit, token, safe_next(then))
    response.delete_cookie(_COOKIE, path="/sign-in/provider")
    return response


def _failed(visit: Visit, error: FederationError) -> Response:
    """Say that it failed, never why: the reason is for whoever reads the log."""
    log.warning("sign-in at the provider failed", reason=str(error), address=visit.address)
    fault = visit.words.gettext(
        N_("Signing in with %(name)s did not work. Try again, or use name and password."),
        name=provider_name(visit),
    )
    return visit.page(
        "sign_in.html", status=502, next="/", name="", fault=fault, provider=provider_name(visit)
    )
