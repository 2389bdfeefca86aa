"""Who asks over the API: the holder of a token, or of a session from a page of ours; and what stands before belief and reload."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request

from dashboards.deps import Deps
from dashboards.security import is_own_origin
from dashboards.visit import session_cookie
from inventory.access import Actor, Right

__all__ = ["api_actor", "belief_guard"]

_THIS_MACHINE = frozenset({"127.0.0.1", "::1"})
_READING = frozenset({"GET", "HEAD"})


def api_actor(deps: Deps) -> Callable[[Request], Coroutine[Any, Any, Actor]]:
    """Make the dependency that answers who asks: a token's holder, or a session's.

    401 with neither; 403 for a write by a session from a foreign page. A token is never sent by a browser of itself,
    so nothing foreign can ride on it.
    """

    async def actor(request: Request) -> Actor:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            holder = await deps.tokens.actor_of(secret.strip())
            if holder is None:
                raise HTTPException(
                    401, "the token is unknown, revoked or expired", {"WWW-Authenticate": "Bearer"}
                )
            return holder
        if request.method not in _READING and not is_own_origin(request.headers, deps.settings.public_url):
            raise HTTPException(403, "the request does not come from a page of this service")
        found = await deps.auth.actor_of(request.cookies.get(session_cookie(deps), ""))
        if found is None:
            raise HTTPException(401, "sign in first")
        return found

    return actor


def belief_guard(deps: Deps) -> Callable[[Request], Coroutine[Any, Any, None]]:
    """Make what stands before belief, metrics and reload: who may see the board, or may administer.

    Metrics and a reload are also given to this machine itself, straight at our port, which is how a Prometheus beside
    us and an operator's script ask; what came through a proxy carries X-Forwarded-For, what a browser sends carries
    Origin, and both need a session or a token: metrics tell of every party. A Prometheus elsewhere is given the token
    of a machine (``thongsuot user token``).
    """
    actor = api_actor(deps)

    async def guard(request: Request) -> None:
        is_reload = request.url.path == "/-/reload"
        here = request.client is not None and request.client.host in _THIS_MACHINE
        is_of_this_machine = is_reload or request.url.path.startswith("/metrics")
        if is_of_this_machine and here and not {"x-forwarded-for", "origin"} & set(request.headers):
            return
        asking = await actor(request)
        if not asking.may(Right.ADMINISTER if is_reload else Right.SEE_BOARD):
            raise HTTPException(403, "this account may not do that")

    return guard
