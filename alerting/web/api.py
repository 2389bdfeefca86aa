"""The shared ground of the routers of ``/api/v1``: who asks, one kind of error, one kind of repetition."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from alerting.errors import NotAllowedError
from alerting.web.idempotency import claimed
from alerting.web.problems import ProblemRoute, answers, described, invalid_request
from inventory.access import Right

__all__ = ["Api", "ApiApplication", "Asking", "demand"]

_ALWAYS = (401, 403, 404, 422)


class Asking(Protocol):
    """Who asks: as much of an account as this package needs to know."""

    @property
    def name(self) -> str:
        """What the ledger calls them."""

    @property
    def party(self) -> str:
        """The party that they belong to."""

    @property
    def scope(self) -> str | None:
        """The only party whose matters they may see; None: all."""

    def may(self, right: Right) -> bool:
        """Answer whether they hold ``right``."""


def demand(actor: Asking, right: Right, what: str) -> None:
    """Raise :class:`NotAllowedError` unless ``actor`` holds ``right``; ``what`` names the deed."""
    if not actor.may(right):
        raise NotAllowedError(actor.name, what)


class _Router(APIRouter):
    """Declares on every route what its kind always answers; its POSTs take an idempotency key."""

    def __init__(self, *, once: Callable[..., Awaitable[None]], **more: Any) -> None:
        super().__init__(route_class=ProblemRoute, **more)
        self._once = once

    @override
    def add_api_route(self, path: str, endpoint: Callable[..., Any], *args: Any, **more: Any) -> None:
        writes = "POST" in (more.get("methods") or ())
        declared = answers(*_ALWAYS, *((409,) if writes else ()))
        more["responses"] = {**declared, **(more.get("responses") or {})}
        if writes:
            more["dependencies"] = [*(more.get("dependencies") or ()), Depends(self._once)]
        super().add_api_route(path, endpoint, *args, **more)


class Api:
    """What routers are made with. ``actor`` is a dependency that answers who asks, or refuses with 401."""

    def __init__(
        self, *, database: AsyncEngine, clock: Callable[[], datetime], actor: Callable[..., Any]
    ) -> None:
        self.database = database
        self.clock = clock
        self.actor = actor

    def router(self, prefix: str, *, tag: str) -> APIRouter:
        """Make a router below ``/api/v1`` for the paths that begin with ``prefix``."""
        return self.router_at(f"/api/v1{prefix}", tag=tag)

    def router_at(self, path: str, *, tag: str) -> APIRouter:
        """Make a router for the paths that begin with ``path``, where a standard says where they lie."""
        database, clock = self.database, self.clock

        async def once(
            request: Request,
            asking: Annotated[Any, Depends(self.actor)],
            idempotency_key: Annotated[
                str | None,
                Header(description="Made by the caller: the same request under the same key is done once."),
            ] = None,
        ) -> None:
            if idempotency_key is not None:
                await claimed(
                    request, key=idempotency_key, account=asking.name, database=database, clock=clock
                )

        return _Router(once=once, prefix=path, tags=[tag])


class ApiApplication(FastAPI):
    """An application that answers every refusal below ``/api/`` with a problem document, and says so."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.add_exception_handler(RequestValidationError, invalid_request)

    @override
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = described(super().openapi())
        return self.openapi_schema
