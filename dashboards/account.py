"""One's own account: sessions that can be ended, the second factor, tokens for one's own machines."""

from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO

import segno
from starlette.responses import Response

from dashboards.i18n import N_
from dashboards.second_factor import provisioning
from dashboards.sign_in import too_many, wrong_code
from dashboards.visit import PageError, Visit
from inventory.access import Right, rights_of
from inventory.seal import SealError

__all__ = ["TOKEN_DAYS", "account", "act"]

TOKEN_DAYS = (7, 30, 90, 365)
"""How long a token may count, in days; people's machines get no token without an end."""


async def account(visit: Visit) -> Response:
    """Show what belongs to who is signed in."""
    return await _page(visit)


async def _page(
    visit: Visit,
    *,
    status: int = 200,
    fault: str = "",
    secret: str = "",
    codes: tuple[str, ...] = (),
    token: str = "",
) -> Response:
    who, deps = visit.who, visit.deps
    return visit.page(
        "account.html",
        status=status,
        fault=fault,
        sessions=await deps.auth.sessions(who.name),
        here=deps.auth.handle_of(visit.session),
        has_factor=await deps.factors.is_asked(who.name),
        codes_left=await deps.factors.left(who.name),
        secret=secret,
        square=_square(provisioning(secret, who.name)) if secret else "",
        link=provisioning(secret, who.name) if secret else "",
        codes=codes,
        tokens=await deps.tokens.of(who.name),
        token=token,
        rights=sorted(rights_of(who.role, who.party) - {Right.ADMINISTER}),
        days=TOKEN_DAYS,
    )


def _square(text: str) -> str:
    """Draw ``text`` as a square code to stand inside the page."""
    drawn = BytesIO()
    segno.make(text, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=False, scale=5, svgclass="square", lineclass=None
    )
    return drawn.getvalue().decode()


async def act(visit: Visit) -> Response:
    """Do what a form of the page asks for."""
    action = _ACTIONS.get(visit.request.path_params["action"])
    if action is None:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return await action(visit)


async def _end_session(visit: Visit) -> Response:
    await visit.deps.auth.end_session(visit.who.name, visit.form.get("handle", ""), actor=visit.who.name)
    return visit.go("/account")


async def _begin_factor(visit: Visit) -> Response:
    if await visit.deps.factors.is_asked(visit.who.name):
        return visit.go("/account")
    return await _page(visit, secret=await _begun(visit))


async def _begun(visit: Visit) -> str:
    try:
        return await visit.deps.factors.begin(visit.who.name)
    except SealError as error:
        raise PageError(
            503,
            N_("A second factor cannot be set up now: this machine cannot keep its secret safe."),
            N_("Tell the department's administrator: its seal key is missing or wrong."),
        ) from error


async def _confirm_factor(visit: Visit) -> Response:
    factors, name = visit.deps.factors, visit.who.name
    if await factors.is_asked(name):
        return visit.go("/account")
    codes = await factors.confirm(name, visit.form.get("code", ""), address=visit.address)
    if codes is None:
        fault = N_(
            "That code is not right now. Codes change every 30 seconds; look at the telephone's clock."
        )
        return await _page(visit, status=422, fault=fault, secret=await _begun(visit))
    return await _page(visit, codes=codes)


async def _drop_factor(visit: Visit) -> Response:
    """Who removes the second factor must still have it: a session left open is not enough, nor is guessing."""
    factors, name = visit.deps.factors, visit.who.name
    wait = await visit.deps.auth.attempt_code(name, visit.address)
    if wait:
        return await _page(visit, status=429, fault=too_many(visit, wait))
    if not await factors.fits(name, visit.form.get("code", "")):
        return await _page(visit, status=422, fault=await wrong_code(visit, name))
    await factors.drop(name, actor=name, address=visit.address)
    return visit.go("/account")


async def _give_token(visit: Visit) -> Response:
    label, days = visit.form.get("label", ""), visit.form.get("days", "")
    if not label:
        return await _page(visit, status=422, fault=N_("Say what the token is for."))
    if days not in {str(each) for each in TOKEN_DAYS}:
        return await _page(visit, status=422, fault=N_("Choose how long the token shall count."))
    held = rights_of(visit.who.role, visit.who.party) - {Right.ADMINISTER}
    wanted = frozenset(right for right in held if visit.form.get(f"right-{right}"))
    if not wanted:
        return await _page(visit, status=422, fault=N_("Choose what the token may do."))
    secret = await visit.deps.tokens.give(
        visit.who.name,
        label=label,
        rights=wanted,
        days=int(days),
        actor=visit.who.name,
        address=visit.address,
    )
    return await _page(visit, token=secret)


async def _revoke_token(visit: Visit) -> Response:
    number = visit.form.get("token", "")
    if number.isdecimal() and len(number) < 18:
        await visit.deps.tokens.revoke(
            int(number), account=visit.who.name, actor=visit.who.name, address=visit.address
        )
    return visit.go("/account")


_ACTIONS: Mapping[str, Callable[[Visit], Awaitable[Response]]] = {
    "end-session": _end_session,
    "begin-factor": _begin_factor,
    "confirm-factor": _confirm_factor,
    "drop-factor": _drop_factor,
    "give-token": _give_token,
    "revoke-token": _revoke_token,
}
