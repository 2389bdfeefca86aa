"""Planned work: what runs, what comes, what was; a form for one work, a calendar for many."""

from datetime import datetime, timedelta

from starlette.responses import Response

from dashboards.i18n import N_, Language
from dashboards.views.planned import work_lines
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.faults import Fault
from monitor.planned_entry import WorkEntry, known_subjects
from monitor.planned_service import ENDLESS, Imported

__all__ = ["cancel", "enter", "listing", "take_calendar"]

_BACK = timedelta(days=7)
_PROPOSED = timedelta(hours=2)
_MOST_OFFERED = 3000
_LONGEST_SUBJECT = 120


async def listing(visit: Visit) -> Response:
    """List the works of the last week and all that come."""
    return await _list(visit)


async def enter(visit: Visit) -> Response:
    """Enter one work, or say everything that is wrong with it."""
    entry = WorkEntry(
        subject=visit.form.get("subject", ""),
        starts_at=_local(visit, "start"),
        ends_at=_local(visit, "end"),
        owner=visit.form.get("owner", ""),
        reference=visit.form.get("reference", ""),
        note=visit.form.get("note", ""),
    )
    work, faults = await visit.deps.planned.enter(entry, actor=visit.who.name)
    if work is None:
        return await _list(visit, status=422, faults=faults)
    return visit.go("/planned")


async def take_calendar(visit: Visit) -> Response:
    """Import an iCalendar file whole, or say everything that is wrong with it."""
    if visit.upload is None:
        raise PageError(422, N_("No file was chosen."), N_("Go back and choose the calendar file (.ics)."))
    name, body = visit.upload
    done = await visit.deps.planned.take_calendar(body, name, actor=visit.who.name)
    return await _list(visit, status=422 if done.faults else 200, faults=done.faults, done=done)


async def cancel(visit: Visit) -> Response:
    """Cancel one work from now on."""
    wanted = visit.request.path_params["id"]
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else 0
    done = await visit.deps.planned.cancel(number, actor=visit.who.name, owner=visit.scope)
    if done is None:
        raise PageError(
            404, N_("There is no such planned work, or it was cancelled before."), N_("Look at the list.")
        )
    return visit.go("/planned")


async def _list(
    visit: Visit, *, status: int = 200, faults: tuple[Fault, ...] = (), done: Imported | None = None
) -> Response:
    inventory = visit.deps.monitor.inventory
    works = await visit.deps.planned.works(visit.now - _BACK, visit.now + ENDLESS)
    seen = [work for work in works if visit.who.sees_party(work.owner)]
    may_plan = visit.may(Right.PLAN_WORK)
    offered = [
        (f"{kind}:{code}", str(getattr(each, "name", "")))
        for kind, known in known_subjects(inventory).items()
        for code, each in known.items()
    ]
    return visit.page(
        "planned.html",
        status=status,
        lines=work_lines(seen, inventory, visit.now, may_cancel=may_plan),
        may_plan=may_plan,
        faults=[fault.shown("vi" if visit.language is Language.VI else "en") for fault in faults],
        done=done if done is not None and not done.faults else None,
        parties=inventory.parties.values(),
        offered=offered
        if len(offered) <= _MOST_OFFERED
        else [each for each in offered if each[1]][:_MOST_OFFERED],
        form=visit.form or _proposed(visit),
    )


def _proposed(visit: Visit) -> dict[str, str]:
    """Answer the form as it first stands: what the link named, from now on, for as long as most works take."""
    start = visit.now.astimezone(visit.deps.monitor.inventory.election.zone).replace(
        second=0, microsecond=0, tzinfo=None
    )
    return {
        "subject": visit.request.query_params.get("subject", "")[:_LONGEST_SUBJECT],
        "start": start.isoformat(timespec="minutes"),
        "end": (start + _PROPOSED).isoformat(timespec="minutes"),
    }


def _local(visit: Visit, name: str) -> datetime | None:
    """Read a date and time as local time of the election; ``None`` where there is none that can be read."""
    try:
        return datetime.fromisoformat(visit.form.get(name, "")).replace(
            tzinfo=visit.deps.monitor.inventory.election.zone
        )
    except ValueError:
        return None
