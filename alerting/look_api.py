"""Looking at a site now over HTTP: POST because it sends packets. A carrier has its own paths looked at, and learns of no other."""

import math
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from alerting.web.api import Api, demand
from alerting.web.problems import answers
from inventory.access import Right
from monitor.asked import NotAsked
from monitor.look_now import Asker, Looked, LookNow, NoVantageError, Seen, TooSoonError
from probes.models import PHASES

__all__ = ["router"]

_Site = Annotated[str, Path(max_length=80, description="The site's code.")]


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field("", max_length=80, description="One path of the site; empty: all of them.")


class SeenItem(BaseModel):
    """One address of the site: what it answered now, or why it was not asked. Seconds; absent where not measured."""

    path: str
    target: str
    kind: str
    why_not: NotAsked | None
    outcome: str | None
    rtt_seconds: float | None
    phase_seconds: dict[str, float]
    code: int
    detail: str


class LookedPage(BaseModel):
    """What was seen of a site, when, and from which vantage. It is no belief: that is below ``/api/v1/states``."""

    site: str
    at: datetime
    vantage: str
    items: list[SeenItem]


def router(api: Api, looks: LookNow) -> APIRouter:
    """Make the route below ``/api/v1/sites``."""
    routes = api.router("/sites", tag="sites")

    @routes.post(
        "/{site}/looks",
        summary="Look at a site now",
        responses=answers(429),
        description="409 where this process does not look; 429 with Retry-After when it was asked for too often.",
    )
    async def looked(
        site: _Site, body: _Wanted, request: Request, asking: Annotated[Any, Depends(api.actor)]
    ) -> LookedPage:
        demand(asking, Right.LOOK_NOW, "have a site looked at now")
        address = request.client.host if request.client else ""
        try:
            found = await looks.look(site, Asker(asking.name, address, asking.scope), path=body.path)
        except LookupError as error:
            raise HTTPException(404, f"there is nothing to look at by the name of {site!r}") from error
        except NoVantageError as error:
            raise HTTPException(409, str(error)) from error
        except TooSoonError as error:
            raise HTTPException(
                429, str(error), headers={"Retry-After": str(math.ceil(error.seconds))}
            ) from error
        return _page(found)

    return routes


def _page(looked: Looked) -> LookedPage:
    return LookedPage(
        site=looked.site, at=looked.at, vantage=looked.vantage, items=[_item(each) for each in looked.seen]
    )


def _item(seen: Seen) -> SeenItem:
    answer = seen.seen.answer if seen.seen is not None else None
    phases = zip(PHASES, answer.phases if answer else (), strict=False)
    return SeenItem(
        path=seen.path,
        target=seen.target.code,
        kind=seen.target.kind.value,
        why_not=seen.why_not,
        outcome=answer.outcome.name.lower() if answer else None,
        rtt_seconds=answer.rtt if answer and not math.isnan(answer.rtt) else None,
        phase_seconds={name: value for name, value in phases if not math.isnan(value)},
        code=answer.code if answer else 0,
        detail=answer.detail if answer else "",
    )
