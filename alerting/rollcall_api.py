"""Roll calls over HTTP: write down an answer, read who answered. For whoever sees the whole province; a carrier does not."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from alerting.field_errors import UnknownFieldWorkError
from alerting.rollcall import RollAnswer, RollCall, tally
from alerting.rollcall_service import Answered, RollCallService
from alerting.web.api import Api, demand
from inventory.access import Right
from inventory.models import Inventory
from inventory.topology import Topology

__all__ = ["router"]

Places = tuple[Inventory, Topology]


class _Heard(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str = Field(min_length=1, max_length=80)
    answer: RollAnswer
    path: str = Field(
        "", max_length=80, description="The path whose number was called; empty: another number."
    )
    network: str = Field("", max_length=40, description="The carrier over which the call was made.")
    note: str = Field("", max_length=500)


class RollPage(BaseModel):
    """The newest answer of each site called in the time asked for, and the count of it."""

    since: datetime
    sites: int
    answered: int
    counts: Mapping[RollAnswer, int]
    items: Sequence[RollCall]


def router(api: Api, calls: RollCallService, places: Callable[[], Places]) -> APIRouter:
    """Make the routes below ``/api/v1/rollcall``; ``places`` answers inventory and topology."""
    routes = api.router("/rollcall", tag="roll call")

    @routes.get("", summary="Who answered the roll call")
    async def listed(
        asking: Annotated[Any, Depends(api.actor)],
        area: Annotated[str, Query(max_length=40, description="Only this area and what lies in it.")] = "",
        minutes: Annotated[int, Query(ge=1, le=2880, description="How far back.")] = 60,
    ) -> RollPage:
        demand(asking, Right.SEE_BOARD, "see the roll call")
        inventory, topology = places()
        if area and area not in inventory.areas:
            raise UnknownFieldWorkError
        sites = topology.sites_of_area(area) if area else tuple(inventory.sites)
        since = api.clock() - timedelta(minutes=minutes)
        newest = await calls.newest(since)
        counted = tally(sites, newest, since)
        return RollPage(
            since=since,
            sites=counted.sites,
            answered=counted.answered,
            counts=counted.counts,
            items=[newest[site] for site in sites if site in newest],
        )

    @routes.post("", status_code=201, summary="Write down what a site answered")
    async def heard(body: _Heard, asking: Annotated[Any, Depends(api.actor)]) -> RollCall:
        demand(asking, Right.CALL_ROLL, "call the roll")
        return await calls.answer(Answered(**body.model_dump()), actor=asking.name)

    return routes
