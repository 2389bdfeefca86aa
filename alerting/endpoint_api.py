"""The addresses of a party's machines over HTTP, as its settings page has them: list, add, change, new secret, try, remove.

Whose they are is the caller's own party. Who sees every party needs the right to administer and names one with ``party``;
empty, or the department, means the addresses that hear of the whole province. A secret is answered by the call that made
it and never again; which addresses are called at all is decided where the page has it decided.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerting.endpoint_service import Editor, EndpointService
from alerting.endpoints import Delivery, Dialect, Endpoint, EndpointEvent, Trouble
from alerting.web.api import Api, Asking, demand
from alerting.web.problems import answers
from inventory.access import Right
from inventory.models import Inventory, PartyKind

__all__ = ["router"]

_Number = Annotated[int, Path(ge=1, le=2**53, description="The webhook's id.")]
_Whose = Annotated[
    str,
    Query(
        max_length=40,
        description="For administrators: whose webhooks; empty or the department: the whole province's.",
    ),
]


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(max_length=200, description="Where to call, https.")
    events: frozenset[EndpointEvent] = Field(description="What to tell of; at least one.")


class _Changed(_Wanted):
    enabled: bool = True


class WebhookItem(BaseModel):
    """One address of a machine, without its secret."""

    id: int
    dialect: Dialect
    url: str
    events: Sequence[EndpointEvent]
    enabled: bool
    previous_until: datetime | None = Field(
        description="Until when calls are signed with the old secret too."
    )
    made_at: datetime
    made_by: str


class WebhookMade(WebhookItem):
    """A webhook with the secret that signs its calls, answered this once."""

    secret: str


class WebhookTried(BaseModel):
    """How a test message went: what was answered, and how long it took."""

    id: int
    trouble: Trouble | None
    status: int | None
    seconds: float


def router(api: Api, endpoints: EndpointService, inventory: Callable[[], Inventory]) -> APIRouter:
    """Make the routes below ``/api/v1/webhooks``."""
    routes = api.router("/webhooks", tag="webhooks")

    def editor(request: Request, asking: Annotated[Any, Depends(api.actor)], party: _Whose = "") -> Editor:
        demand(asking, Right.SEE_INCIDENTS, "see incidents")
        demand(asking, Right.SET_WEBHOOKS, "say where machines are told")
        address = request.client.host if request.client else ""
        return Editor(asking.name, _whose(asking, party, inventory()), address)

    by_whom = Depends(editor)
    _add_reading(routes, endpoints, by_whom)
    _add_changing(routes, endpoints, by_whom)
    return routes


def _add_reading(routes: APIRouter, endpoints: EndpointService, by_whom: Any) -> None:
    @routes.get("", summary="Where a party's machines are told")
    async def listed(by: Annotated[Editor, by_whom]) -> Sequence[WebhookItem]:
        return [WebhookItem(**_shown(each)) for each in await endpoints.of(by.party)]

    @routes.get("/deliveries", summary="What became of the newest events")
    async def delivered(by: Annotated[Editor, by_whom]) -> Sequence[Delivery]:
        return await endpoints.deliveries(by.party)


def _add_changing(routes: APIRouter, endpoints: EndpointService, by_whom: Any) -> None:
    @routes.post("", status_code=201, summary="Have a machine told")
    async def added(body: _Wanted, by: Annotated[Editor, by_whom]) -> WebhookMade:
        made = await endpoints.add(by, url=body.url, events=body.events)
        return WebhookMade(**_shown(made), secret=made.secret)

    @routes.put(
        "/{webhook}",
        summary="Change where it lies, what it hears, whether it is told",
        responses=answers(409),
    )
    async def changed(webhook: _Number, body: _Changed, by: Annotated[Editor, by_whom]) -> WebhookItem:
        found = await endpoints.change(by, webhook, url=body.url, events=body.events, enabled=body.enabled)
        return WebhookItem(**_shown(found))

    @routes.post("/{webhook}/secret", summary="Make a new secret; the old one signs too for a day")
    async def renewed(webhook: _Number, by: Annotated[Editor, by_whom]) -> WebhookMade:
        made = await endpoints.renew_secret(by, webhook)
        return WebhookMade(**_shown(made), secret=made.secret)

    @routes.post("/{webhook}/test", summary="Send a test message now")
    async def tried(webhook: _Number, by: Annotated[Editor, by_whom]) -> WebhookTried:
        trial = await endpoints.test(by, webhook)
        return WebhookTried(
            id=trial.endpoint, trouble=trial.trouble, status=trial.status, seconds=trial.seconds
        )

    @routes.delete("/{webhook}", status_code=204, summary="Have it told no more")
    async def removed(webhook: _Number, by: Annotated[Editor, by_whom]) -> None:
        await endpoints.remove(by, webhook)


def _whose(asking: Asking, party: str, inventory: Inventory) -> str:
    """Answer the party whose webhooks are meant; empty: those of the whole province."""
    if asking.scope is not None:
        if party not in {"", asking.scope}:
            raise HTTPException(404, "there is no such party")
        return asking.scope
    demand(asking, Right.ADMINISTER, "set another party's webhooks")
    found = inventory.parties.get(party)
    if party and found is None:
        raise HTTPException(404, "there is no such party")
    return "" if found is None or found.kind is PartyKind.DEPARTMENT else party


def _shown(found: Endpoint) -> dict[str, Any]:
    return {
        "id": found.id,
        "dialect": found.dialect,
        "url": found.url,
        "events": sorted(found.events),
        "enabled": found.enabled,
        "previous_until": found.previous_until,
        "made_at": found.made_at,
        "made_by": found.made_by,
    }
