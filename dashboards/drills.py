"""Drills: what is planned, what runs, and how each was answered; real trouble in a drill is told apart by a person."""

from datetime import datetime

from starlette.responses import Response

from alerting.field_errors import FieldRefusedError
from dashboards.i18n import N_
from dashboards.views.drills import answered
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.reasons import Reason

__all__ = ["act", "listing", "plan", "show"]


async def listing(visit: Visit) -> Response:
    """List drills and offer to plan one."""
    return visit.page(
        "drills.html",
        drills=await visit.deps.drills.drills(scope=visit.scope),
        parties=[p for p in visit.deps.monitor.inventory.parties.values() if visit.who.sees_party(p.code)],
        may_plan=visit.may(Right.INSPECT),
    )


async def plan(visit: Visit) -> Response:
    """Plan a drill."""
    form = visit.form
    known = visit.deps.monitor.inventory.parties
    made = await visit.deps.drills.plan(
        form.get("name", ""),
        scenario=form.get("scenario", ""),
        parties=[code for code in known if form.get(f"party-{code}")],
        starts_at=_moment(visit, "start"),
        ends_at=_moment(visit, "end"),
        actor=visit.who.name,
    )
    return visit.go(f"/drills/{made.id}")


async def show(visit: Visit) -> Response:
    """Show a drill with its incidents and how fast they were answered."""
    drill, incidents = await visit.deps.drills.one(
        _number(visit), scope=visit.scope, restricted=visit.may(Right.SEE_RESTRICTED)
    )
    parties = visit.deps.monitor.inventory.parties
    return visit.page(
        "drill.html",
        drill=drill,
        running=drill.is_running(visit.now),
        over=visit.now >= drill.ends_at or drill.cancelled_at is not None,
        lines=answered(incidents),
        parties={code: parties[code].name if code in parties else code for code in drill.parties},
        may_plan=visit.may(Right.INSPECT),
        may_direct=visit.may(Right.CLOSE_INCIDENTS),
    )


async def act(visit: Visit) -> Response:
    """End a drill."""
    if visit.request.path_params["action"] != "end":
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    await visit.deps.drills.end(_number(visit), actor=visit.who.name)
    return visit.go(f"/drills/{_number(visit)}")


def _number(visit: Visit) -> int:
    text = visit.request.path_params["id"]
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _moment(visit: Visit, name: str) -> datetime:
    try:
        given = datetime.fromisoformat(visit.form.get(name, ""))
    except ValueError as error:
        raise FieldRefusedError(Reason("thiếu ngày giờ", "a date or time is missing")) from error
    return given.replace(tzinfo=visit.deps.monitor.inventory.election.zone)
