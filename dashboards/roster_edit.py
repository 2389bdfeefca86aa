"""What the week of the roster is edited by: its forms, and the same forms sent by hand, mouse or key from the grid.

``static/js/week.js`` sends what a form here would send, with the version that each duty had when the page was made, so
that an edit beside somebody else's is refused rather than laid over it.
"""

from datetime import datetime, timedelta

from starlette.responses import Response

from alerting.roster_errors import ImpossibleShiftError
from alerting.roster_links import Opening, Purpose
from alerting.roster_rotation import Rotation
from dashboards.i18n import N_
from dashboards.roster import By, duty_of, week
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.database import transaction
from inventory.models import Shift
from inventory.phases import local_time
from inventory.reasons import Reason, UnusableError

__all__ = ["act"]

_LINK_LASTS = timedelta(days=14)


async def act(visit: Visit) -> Response:
    """Do what a form of the week asks for."""
    form, service = visit.form, visit.deps.roster
    by = By(actor=visit.who.name, scope=visit.scope)
    action = visit.request.path_params["action"]
    if action == "confirm":
        person = None if visit.may(Right.EDIT_ROSTER) else visit.who.person
        await service.confirm([form.get("shift", "")], by=visit.who.name, scope=visit.scope, person=person)
        return _back(visit)
    if not visit.may(Right.EDIT_ROSTER):
        raise PageError(403, N_("Your account may not do this."), N_("Ask the department's duty officer."))
    if action in {"add", "override"}:
        await service.add(
            _shift(visit),
            note=form.get("note", ""),
            as_override=action == "override",
            version=_version(visit),
            **by,
        )
    elif action == "exchange":
        pair, versions = (
            (form.get("shift", ""), form.get("other", "")),
            (_version(visit), _version(visit, "other_version")),
        )
        await service.exchange(pair, versions=versions, **by)
    elif action == "change":
        shift = _shift(visit)
        await service.change(
            form.get("shift", ""), person=shift.person, substitute=shift.substitute, start=shift.start,
            end=shift.end, note=form.get("note", ""), version=_version(visit), **by,
        )  # fmt: skip
    elif action == "remove":
        await service.remove(form.get("shift", ""), version=_version(visit), **by)
    elif action == "rotate":
        await service.rotate(_rotation(visit), replacing=True, **by)
    elif action == "give-back":
        await service.give_back(form.get("party", ""), duty_of(visit), **by)
    elif action == "link":
        return await _link(visit)
    else:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return _back(visit)


def _back(visit: Visit) -> Response:
    form = visit.form
    return visit.go(f"/roster?party={form.get('only', '')}&from={form.get('from', '')}".replace("\n", ""))


def _version(visit: Visit, name: str = "version") -> int | None:
    """Answer the version of the duty that the form was made for."""
    given = visit.form.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 10 else None


def _moment(visit: Visit, name: str) -> datetime:
    """Read a local time of a form, without its zone."""
    try:
        return datetime.fromisoformat(visit.form.get(name, "")).replace(tzinfo=None, second=0, microsecond=0)
    except ValueError as error:
        raise ImpossibleShiftError(
            Reason("thiếu ngày giờ bắt đầu hoặc kết thúc", "a date or time is missing")
        ) from error


def _shift(visit: Visit) -> Shift:
    zone, form = visit.deps.monitor.inventory.election.zone, visit.form
    try:
        start, end = (local_time(_moment(visit, name), zone=zone) for name in ("start", "end"))
    except UnusableError as error:
        raise ImpossibleShiftError(error.reason) from error
    return Shift(
        form.get("party", ""), duty_of(visit), form.get("person", ""), start, end, form.get("substitute", "")
    )


def _rotation(visit: Visit) -> Rotation:
    hours = visit.form.get("hours", "")
    return Rotation(
        visit.form.get("party", ""),
        duty_of(visit),
        tuple(filter(None, (visit.form.get(f"person{number}", "") for number in range(1, 7)))),
        _moment(visit, "start"),
        _moment(visit, "end"),
        hours=int(hours) if hours.isdecimal() and len(hours) < 4 else 0,
    )


async def _link(visit: Visit) -> Response:
    """Make a link and show it once."""
    deps, form = visit.deps, visit.form
    view = await deps.roster.view(scope=visit.scope)
    person = view.inventory.people.get(form.get("person", ""))
    purpose = Purpose.CALENDAR if form.get("purpose") == "calendar" else Purpose.CONFIRM
    party = person.party if person else form.get("party", "")
    if not visit.who.sees_party(party) or (person is None and purpose is Purpose.CONFIRM):
        raise PageError(404, N_("There is no such person."), N_("Choose a person from the list."))
    opening = Opening(purpose, party, person.code if person else "")
    async with transaction(deps.roster.database) as connection:
        token = await deps.roster_links.issue(
            connection,
            opening,
            by=visit.who.name,
            at=visit.now,
            expires_at=visit.now + _LINK_LASTS if purpose is Purpose.CONFIRM else None,
        )
    base = deps.settings.public_url.rstrip("/")
    path = f"/roster/mine/{token}" if purpose is Purpose.CONFIRM else f"/roster/calendar/{token}"
    return await week(visit, view, link=f"{base}{path}")
