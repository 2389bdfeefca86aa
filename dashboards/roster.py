"""The roster's pages: the week with its gaps, editing by form, import with preview, handover, telephone list.

Everything works without script: a shift or a gap in the week is a link that opens the form below it, filled in.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TypedDict

from starlette.responses import Response

from alerting.roster import Finding, FindingKind
from alerting.roster_calendar import calendar_of
from alerting.roster_errors import ImpossibleShiftError, RosterRefusedError, UnknownRosterLinkError
from alerting.roster_links import Opening, Purpose
from alerting.roster_rotation import Rotation
from alerting.roster_service import RosterView
from alerting.roster_sheets import MAX_BYTES
from dashboards.i18n import N_
from dashboards.views.roster import days_from, phone_lines, unconfirmed, weeks
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.database import reading, transaction
from inventory.models import Duty, Person, Shift
from inventory.phases import local_time
from inventory.reasons import Reason, UnusableError

__all__ = [
    "LARGEST_ROSTER",
    "accept_file",
    "act",
    "calendar",
    "confirm_mine",
    "file",
    "hand_over",
    "handover",
    "import_form",
    "mine",
    "phones",
    "roster",
    "send_file",
]

LARGEST_ROSTER = MAX_BYTES
_DAYS = 7
_LINK_LASTS = timedelta(days=14)


class _By(TypedDict):
    """Who acts, and for which party only."""

    actor: str
    scope: str | None


async def roster(visit: Visit) -> Response:
    """Show a week, of one party or of all; with ``shift`` or a gap's ends the form for it."""
    view = await visit.deps.roster.view(scope=visit.scope)
    return await _week(visit, view)


async def _week(visit: Visit, view: RosterView, *, link: str = "") -> Response:
    query, zone = visit.request.query_params, view.inventory.election.zone
    visible = [code for code in view.inventory.parties if visit.who.sees_party(code)]
    wanted = query.get("party", "")
    parties = [wanted] if wanted in visible else visible
    first = _day(query.get("from", ""), visit.now.astimezone(zone).date() - timedelta(days=1))
    days = days_from(first, _DAYS)
    chosen = next((shift for shift in view.shifts if shift.id == query.get("shift")), None)
    people = [p for p in view.inventory.people.values() if p.party in parties]
    since, until = _span(visit, days)
    return visit.page(
        "roster.html",
        weeks=weeks(view, days, parties=parties),
        days=days,
        first=first,
        earlier=first - timedelta(days=_DAYS),
        later=first + timedelta(days=_DAYS),
        party=wanted if wanted in visible else "",
        parties=[view.inventory.parties[code] for code in visible],
        chosen=chosen,
        version=kept.version if chosen and (kept := view.taken.get((chosen.party, chosen.duty))) else 0,
        people=sorted(people, key=lambda person: (person.party, person.name)),
        names={person.code: person.name for person in view.inventory.people.values()},
        duties=tuple(Duty),
        fresh=query,
        local=lambda at: at.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
        troubles=[f for f in view.findings(since, until) if f.party in parties and f.kind != "unconfirmed"],
        unconfirmed=unconfirmed(view, await visit.deps.roster.asked(scope=visit.scope), parties, visit.now),
        may_edit=visit.may(Right.EDIT_ROSTER),
        link=link,
    )


def _span(visit: Visit, days: tuple[date, ...]) -> tuple[datetime, datetime]:
    zone = visit.deps.monitor.inventory.election.zone
    start, end = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (days[0], days[-1]))
    return start, end + timedelta(days=1)


def _day(text: str, instead: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return instead
    return found if 2000 < found.year < 2100 else instead


async def act(visit: Visit) -> Response:
    """Do what a form of the week asks for."""
    form, service = visit.form, visit.deps.roster
    by = _By(actor=visit.who.name, scope=visit.scope)
    action = visit.request.path_params["action"]
    if action == "confirm":
        person = None if visit.may(Right.EDIT_ROSTER) else visit.who.person
        await service.confirm([form.get("shift", "")], by=visit.who.name, scope=visit.scope, person=person)
        return _back(visit)
    if not visit.may(Right.EDIT_ROSTER):
        raise PageError(403, N_("Your account may not do this."), N_("Ask the department's duty officer."))
    if action in {"add", "override"}:
        await service.add(_shift(visit), note=form.get("note", ""), as_override=action == "override", **by)
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
        await service.give_back(form.get("party", ""), _duty(visit), **by)
    elif action == "link":
        return await _link(visit)
    else:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return _back(visit)


def _back(visit: Visit) -> Response:
    form = visit.form
    return visit.go(f"/roster?party={form.get('only', '')}&from={form.get('from', '')}".replace("\n", ""))


def _version(visit: Visit) -> int | None:
    """Answer the version of the duty that the form was made for."""
    given = visit.form.get("version", "")
    return int(given) if given.isdecimal() and len(given) < 10 else None


def _duty(visit: Visit) -> Duty:
    try:
        return Duty(visit.form.get("duty", ""))
    except ValueError as error:
        raise ImpossibleShiftError(Reason("chưa chọn nhiệm vụ trực", "no duty was chosen")) from error


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
        form.get("party", ""), _duty(visit), form.get("person", ""), start, end, form.get("substitute", "")
    )


def _rotation(visit: Visit) -> Rotation:
    hours = visit.form.get("hours", "")
    return Rotation(
        visit.form.get("party", ""),
        _duty(visit),
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
    return await _week(visit, view, link=f"{base}{path}")


async def _opening(visit: Visit, purpose: Purpose) -> Opening:
    deps = visit.deps
    async with reading(deps.roster.database) as connection:
        token = visit.request.path_params["token"][:200]
        found = await deps.roster_links.find(connection, token, purpose, visit.now)
    if found is None:
        raise UnknownRosterLinkError
    return found


async def mine(visit: Visit) -> Response:
    """Show somebody's own coming shifts, by their link; looking confirms nothing."""
    opening = await _opening(visit, Purpose.CONFIRM)
    view = await visit.deps.roster.view(scope=opening.party)
    shifts = [s for s in view.shifts if s.person == opening.person and s.end > visit.now]
    person = view.inventory.people.get(opening.person) or Person(
        opening.person, opening.party, opening.person
    )
    return visit.page(
        "roster_mine.html",
        shifts=sorted(shifts, key=lambda shift: shift.start),
        person=person,
        party=view.inventory.parties[opening.party],
        names={each.code: each.name for each in view.inventory.people.values()},
        token=visit.request.path_params["token"],
    )


async def confirm_mine(visit: Visit) -> Response:
    """Confirm the shifts that were shown, as the person whom the link was made for."""
    opening = await _opening(visit, Purpose.CONFIRM)
    view = await visit.deps.roster.view(scope=opening.party)
    shown = set(visit.form.get("shifts", "").split())
    mine = [s for s in view.shifts if s.id in shown and s.person == opening.person and not s.confirmed_at]
    person = view.inventory.people.get(opening.person)
    await visit.deps.roster.confirm(
        [shift.id for shift in mine],
        by=person.name if person else opening.person,
        scope=opening.party,
        person=opening.person,
    )
    return visit.go(f"/roster/mine/{visit.request.path_params['token']}")


async def calendar(visit: Visit) -> Response:
    """Answer a person's or a party's shifts as iCalendar."""
    opening = await _opening(visit, Purpose.CALENDAR)
    view = await visit.deps.roster.view(scope=opening.party)
    shifts = [s for s in view.shifts if not opening.person or opening.person in {s.person, s.substitute}]
    party = view.inventory.parties.get(opening.party)
    title = f"Lịch trực {party.name if party else opening.party}"
    body = calendar_of(shifts, view.inventory, title=title, at=visit.now, person=opening.person)
    return Response(body, media_type="text/calendar; charset=utf-8")


async def phones(visit: Visit) -> Response:
    """Show the one-page telephone list of a day, made for paper."""
    view = await visit.deps.roster.view(scope=visit.scope)
    zone = view.inventory.election.zone
    day = _day(visit.request.query_params.get("day", ""), visit.now.astimezone(zone).date())
    since, until = _span(visit, (day,))
    return visit.page(
        "roster_phones.html",
        lists=phone_lines(view, since, until),
        hotlines=[p for p in view.inventory.parties.values() if p.hotline and visit.who.sees_party(p.code)],
        day=since,
        earlier=day - timedelta(days=1),
        later=day + timedelta(days=1),
    )


async def import_form(visit: Visit) -> Response:
    """Ask for a file."""
    parties = visit.deps.monitor.inventory.parties.values()
    return visit.page(
        "roster_import.html",
        parties=[party for party in parties if visit.who.sees_party(party.code)],
        duties=tuple(Duty),
    )


async def send_file(visit: Visit) -> Response:
    """Keep the file and show what it would do."""
    if visit.upload is None:
        raise RosterRefusedError(Reason("chưa chọn tệp", "no file was chosen"))
    name, body = visit.upload
    duty = Duty(visit.form["duty"]) if visit.form.get("duty") in list(Duty) else None
    party = visit.form.get("party", "")
    await visit.deps.imports.preview(body, name, scope=visit.scope, party=party, duty=duty)
    identifier = await visit.deps.imports.keep(body, name, actor=visit.who.name, party=party, duty=duty)
    return visit.go(f"/roster/import/{identifier}")


async def file(visit: Visit) -> Response:
    """Show what a file would do: cell by cell what was understood, and what was not and how to mend it."""
    identifier = visit.request.path_params["id"]
    preview = await visit.deps.imports.kept(identifier, actor=visit.who.name, scope=visit.scope)
    parties = preview.view.inventory.parties
    names = {code: person.name for code, person in preview.view.inventory.people.items()}
    names |= {person.code: person.name for person in preview.understanding.people}
    return visit.page(
        "roster_file.html",
        preview=preview,
        found=preview.understanding,
        wrong=_once(preview.findings),
        parties={code: party.name for code, party in parties.items()},
        names=names,
        identifier=identifier,
    )


def _once(found: Iterable[Finding]) -> list[Finding]:
    """Answer what is wrong with a person once, not for each of their shifts; gaps and overlaps each."""
    kept: dict[object, Finding] = {}
    for one in found:
        lasting = one.kind in {FindingKind.NO_CONTACT, FindingKind.OWN_NETWORK, FindingKind.UNKNOWN_PERSON}
        kept.setdefault((one.kind, one.party, one.person) if lasting else one, one)
    return list(kept.values())


async def accept_file(visit: Visit) -> Response:
    """Take the file in, all or nothing."""
    identifier = visit.request.path_params["id"]
    imports, actor = visit.deps.imports, visit.who.name
    preview = await imports.kept(identifier, actor=actor, scope=visit.scope)
    await imports.take(
        preview, actor=actor, scope=visit.scope, leaving_out=visit.form.get("leave_out") == "yes"
    )
    await imports.drop(identifier, actor=actor)
    first = min(one.shift.start for one in preview.understanding.shifts)
    zone = preview.view.inventory.election.zone
    return visit.go(f"/roster?from={first.astimezone(zone).date()}")


async def handover(visit: Visit) -> Response:
    """Show what waits to be accepted, what can be offered, and what was handed over."""
    view = await visit.deps.roster.view(scope=visit.scope)
    held = [s for s in view.shifts if s.start <= visit.now < s.end and s.duty is not Duty.SOFTWARE_SUPPORT]
    return visit.page(
        "roster_handover.html",
        waiting=await visit.deps.handing.open(scope=visit.scope),
        recent=[h for h in await visit.deps.handing.recent(scope=visit.scope) if not h.is_open(visit.now)],
        held=sorted(held, key=lambda s: (view.inventory.parties[s.party].kind != "department", s.party)),
        names={code: person.name for code, person in view.inventory.people.items()},
        parties={code: party.name for code, party in view.inventory.parties.items()},
        may_edit=visit.may(Right.EDIT_ROSTER),
        for_others=_accepts_for_others(visit),
        me=visit.who.person,
    )


def _accepts_for_others(visit: Visit) -> bool:
    """Answer whether who looks may accept on somebody's behalf: the department may, a carrier may not."""
    return visit.scope is None and visit.may(Right.EDIT_ROSTER)


async def hand_over(visit: Visit) -> Response:
    """Offer, accept or withdraw. Who takes over may accept without the right to edit."""
    form, handing = visit.form, visit.deps.handing
    action = visit.request.path_params["action"]
    if action != "accept" and not visit.may(Right.EDIT_ROSTER):
        raise PageError(403, N_("Your account may not do this."), N_("Ask the department's duty officer."))
    by = _By(actor=visit.who.name, scope=visit.scope)
    number = form.get("handover", "")
    identifier = int(number) if number.isdecimal() and len(number) < 16 else 0
    if action == "offer":
        await handing.offer(form.get("party", ""), _duty(visit), note=form.get("note", ""), **by)
    elif action == "accept":
        others = _accepts_for_others(visit)
        await handing.accept(identifier, **by, person=visit.who.person, on_behalf=others)
    elif action == "withdraw":
        await handing.withdraw(identifier, **by)
    else:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return visit.go("/roster/handover")
