"""The roster's pages: the week with its gaps, editing by form, import with preview, handover, telephone list.

Everything works without script: a shift or a gap in the week is a link that opens the form below it, filled in
(:mod:`dashboards.roster_edit`); with script the week is edited in place (``static/js/week.js``).
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TypedDict

from starlette.responses import Response

from alerting.roster import Finding, FindingKind
from alerting.roster_calendar import calendar_of
from alerting.roster_errors import ImpossibleShiftError, RosterRefusedError, UnknownRosterLinkError
from alerting.roster_links import Opening, Purpose
from alerting.roster_service import RosterView
from alerting.roster_sheets import MAX_BYTES
from dashboards.i18n import N_
from dashboards.views.roster import days_from, phone_lines, unconfirmed, weeks
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.database import reading
from inventory.models import Duty, Person
from inventory.reasons import Reason

__all__ = [
    "LARGEST_ROSTER",
    "By",
    "accept_file",
    "calendar",
    "confirm_mine",
    "duty_of",
    "file",
    "hand_over",
    "handover",
    "import_form",
    "mine",
    "phones",
    "roster",
    "send_file",
    "week",
]

LARGEST_ROSTER = MAX_BYTES
_DAYS = 7


class By(TypedDict):
    """Who acts, and for which party only."""

    actor: str
    scope: str | None


async def roster(visit: Visit) -> Response:
    """Show a week, of one party or of all; with ``shift`` or a gap's ends the form for it."""
    view = await visit.deps.roster.view(scope=visit.scope)
    return await week(visit, view)


async def week(visit: Visit, view: RosterView, *, link: str = "") -> Response:
    """Answer the week's page; ``link`` is shown once, to be copied."""
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


def duty_of(visit: Visit) -> Duty:
    """Read the duty that a form names."""
    try:
        return Duty(visit.form.get("duty", ""))
    except ValueError as error:
        raise ImpossibleShiftError(Reason("chưa chọn nhiệm vụ trực", "no duty was chosen")) from error


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
        held=sorted(
            held,
            key=lambda s: (
                not s.person or s.person != visit.who.person,
                view.inventory.parties[s.party].kind != "department",
                s.party,
            ),
        ),
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
    by = By(actor=visit.who.name, scope=visit.scope)
    number = form.get("handover", "")
    identifier = int(number) if number.isdecimal() and len(number) < 16 else 0
    if action == "offer":
        await handing.offer(form.get("party", ""), duty_of(visit), note=form.get("note", ""), **by)
    elif action == "accept":
        others = _accepts_for_others(visit)
        await handing.accept(identifier, **by, person=visit.who.person, on_behalf=others)
    elif action == "withdraw":
        await handing.withdraw(identifier, **by)
    else:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return visit.go("/roster/handover")
