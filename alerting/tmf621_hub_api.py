"""The hub of TMF621: a ticket system asks to be told of changes, instead of reading the list over and over.

A subscription is an endpoint (:mod:`alerting.endpoints`) told in the standard's words: the same addresses are refused,
the same outbox delivers in order and tries again for a day, the same signature is carried, and the party's people see
it on their page with its deliveries. Its secret is answered once, by the call that made it.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerting.endpoint_service import Editor, EndpointService
from alerting.endpoints import Dialect, Endpoint, EndpointEvent
from alerting.errors import UnknownEndpointError
from alerting.notify.event import EVENT_TYPES
from alerting.tmf621 import PATH
from alerting.web.api import Api, Asking, demand
from inventory.access import Right

__all__ = ["HUB", "hub_router", "wanted"]

HUB = PATH.rpartition("/")[0] + "/hub"
_EVENTS = {name.lower(): event for event, name in EVENT_TYPES.items()}
# What the standard called it before its fourth version.
_EVENTS["troubleticketstatechangeevent"] = EndpointEvent.STATUS


def wanted(query: str) -> frozenset[EndpointEvent]:
    """Answer what ``query`` (``eventType=A&eventType=B``, or ``A,B``) asks for; empty: everything that there is.

    Raises ``ValueError`` for what cannot be asked for.
    """
    if not query.strip():
        return frozenset(_EVENTS.values())
    found = set()
    for name, value in parse_qsl(
        query.strip().removeprefix("?"), keep_blank_values=True, strict_parsing=True
    ):
        if name != "eventType":
            raise ValueError(f"only eventType can be asked for, not {name!r}")
        for each in value.split(","):
            if each.strip().lower() not in _EVENTS:
                raise ValueError("eventType is one of: " + ", ".join(EVENT_TYPES.values()))
            found.add(_EVENTS[each.strip().lower()])
    return frozenset(found)


class NewSubscription(BaseModel):
    """Where to tell, and what of."""

    callback: str = Field(max_length=200, description="Address that events are posted to, https.")
    query: str = Field(
        default="",
        max_length=400,
        description="What of: eventType=TroubleTicketStatusChangeEvent&eventType=…; empty: everything.",
    )

    @field_validator("query")
    @classmethod
    def _can_be_asked(cls, text: str) -> str:
        wanted(text)
        return text


class Kept(BaseModel):
    """A subscription as it is kept."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    callback: str
    query: str
    kind: str = Field(default="Hub", alias="@type")


class Subscription(Kept):
    """A new subscription. ``secret`` signs every call, and is answered this once."""

    secret: str


def hub_router(api: Api, endpoints: EndpointService) -> APIRouter:
    """Make the routes of the hub."""
    routes = api.router_at(HUB, tag="trouble tickets (TMF621)")

    @routes.post("", status_code=201, summary="Ask to be told of changes", response_model_by_alias=True)
    async def subscribe(
        body: NewSubscription, asking: Annotated[Any, Depends(api.actor)], response: Response
    ) -> Subscription:
        made = await endpoints.add(
            _editor(asking),
            url=body.callback,
            events=wanted(body.query),
            dialect=Dialect.TMF621,
            query=body.query,
        )
        response.headers["Location"] = f"{HUB}/{made.id}"
        return _shown(made)

    @routes.get("", summary="The subscriptions there are", response_model_by_alias=True)
    async def listed(asking: Annotated[Any, Depends(api.actor)]) -> Sequence[Kept]:
        return [_kept(each) for each in await _own(endpoints, asking)]

    @routes.get("/{subscription}", summary="One subscription", response_model_by_alias=True)
    async def shown(
        subscription: Annotated[int, Path(ge=1, le=2**53)], asking: Annotated[Any, Depends(api.actor)]
    ) -> Kept:
        for each in await _own(endpoints, asking):
            if each.id == subscription:
                return _kept(each)
        raise UnknownEndpointError(subscription)

    @routes.delete("/{subscription}", status_code=204, summary="Ask to be told no more")
    async def unsubscribe(
        subscription: Annotated[int, Path(ge=1, le=2**53)], asking: Annotated[Any, Depends(api.actor)]
    ) -> None:
        await endpoints.remove(_editor(asking), subscription, dialect=Dialect.TMF621)

    return routes


def _editor(asking: Asking) -> Editor:
    demand(asking, Right.SEE_INCIDENTS, "see incidents")
    demand(asking, Right.SET_WEBHOOKS, "say where machines are told")
    return Editor(asking.name, asking.scope if asking.scope is not None else "")


async def _own(endpoints: EndpointService, asking: Asking) -> list[Endpoint]:
    """Answer the subscriptions of the caller's own party: what its people set on their page is none."""
    found = await endpoints.of(_editor(asking).party)
    return [each for each in found if each.dialect is Dialect.TMF621]


def _kept(found: Endpoint) -> Kept:
    return Kept(id=str(found.id), callback=found.url, query=found.query)


def _shown(made: Endpoint) -> Subscription:
    return Subscription(id=str(made.id), callback=made.url, query=made.query, secret=made.secret)
