"""The report pages: choose, watch it build, look, edit texts and form, make final, send, download, history."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from functools import partial
from urllib.parse import quote

from starlette.responses import Response

from dashboards.i18n import N_, Language, Words
from dashboards.reports.building import FORMATS, Format
from dashboards.reports.drafts import Section
from dashboards.reports.errors import ReportRefusedError, UnknownReportError
from dashboards.reports.labels import named
from dashboards.reports.models import BuildState, Report
from dashboards.reports.order import Fields, Kind, Order, Stage
from dashboards.reports.windows import default_window, moment_of
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.models import PartyKind

__all__ = ["act", "download", "listing", "order", "show"]

_PAGE = 50
_LONGEST = 8000
_OWN_KINDS = (Kind.CARRIER, Kind.DOSSIER)
"""Kinds that a carrier may order: they hold its own figures only."""


async def listing(visit: Visit) -> Response:
    """Offer a report and list those that were made."""
    inventory = visit.deps.monitor.inventory
    since, until = default_window(Kind.DAILY, inventory.election, visit.now)
    zone = inventory.election.zone
    return visit.page(
        "reports.html",
        named=partial(named, visit.words),
        reports=await visit.deps.reports.reports(scope=visit.scope, limit=_PAGE),
        kinds=list(Kind) if visit.scope is None else list(_OWN_KINDS),
        stages=(Stage.INITIAL, Stage.NOTIFICATION),
        since=f"{since.astimezone(zone):%Y-%m-%dT%H:%M}",
        until=f"{until.astimezone(zone):%Y-%m-%dT%H:%M}",
        parties=[each for each in inventory.parties.values() if each.kind is PartyKind.CARRIER],
        areas=[each for each in inventory.areas.values() if not each.kind.is_commune_level],
        progress=visit.deps.reports.progress,
        wanted=visit.request.query_params,
        may_order=visit.may(Right.WRITE_REPORTS) or visit.scope is not None,
    )


async def order(visit: Visit) -> Response:
    """Queue a report; the page of the report shows how it is built."""
    form = visit.form
    kind = _kind(form.get("kind", ""))
    if visit.scope is not None and kind not in _OWN_KINDS:
        raise PageError(403, N_("Your account may not order this report."))
    if visit.scope is None and not visit.may(Right.WRITE_REPORTS):
        raise PageError(403, N_("Your account may not order this report."))
    party = visit.scope if visit.scope is not None else form.get("party", "")
    if kind is Kind.CARRIER and not party:
        raise PageError(422, N_("Choose the carrier that the annex is for."), N_("Go back and choose one."))
    if kind is Kind.DOSSIER:
        await _check_incident(visit, form.get("incident", ""))
    since, until = _window(visit, kind)
    language = Language.chosen(form.get("language"), visit.language)
    stage = Stage.NOTIFICATION if form.get("stage") == Stage.NOTIFICATION else Stage.INITIAL
    wanted = Order(
        kind,
        stage=stage,
        language=language,
        party=party if kind in {Kind.CARRIER, Kind.HANDOVER} or visit.scope is not None else "",
        incident=form.get("incident", "") if kind is Kind.DOSSIER else "",
        area=form.get("area", ""),
    )
    try:
        identifier = await visit.deps.reports.order(wanted, since, until, by=visit.who.name)
    except ReportRefusedError as error:
        raise PageError(422, N_("The end must be after the start."), N_("Go back and mend it.")) from error
    return visit.go(f"/reports/{identifier}")


def _kind(text: str) -> Kind:
    if text not in set(Kind):
        raise PageError(422, N_("There is no such kind of report."), N_("Go back and choose one."))
    return Kind(text)


def _window(visit: Visit, kind: Kind) -> tuple[datetime, datetime]:
    election = visit.deps.monitor.inventory.election
    since, until = default_window(kind, election, visit.now)
    try:
        if visit.form.get("since"):
            since = moment_of(visit.form["since"], election.zone)
        if visit.form.get("until"):
            until = moment_of(visit.form["until"], election.zone)
    except ValueError as error:
        raise PageError(422, N_("This is no date and time."), N_("Go back and mend it.")) from error
    return since, min(until, visit.now)


async def _check_incident(visit: Visit, number: str) -> None:
    """Let nobody order the dossier of an incident that is not theirs, or that there is not."""
    if not await visit.deps.reports.knows_incident(number, scope=visit.scope):
        raise PageError(404, N_("There is no such incident."), N_("Go back and look at its number."))


async def show(visit: Visit) -> Response:
    """Show one report: how far it is, its files, its texts and form."""
    report = await _report(visit)
    done, of = visit.deps.reports.progress.get(report.id, (0, 7))
    may_send = _may_send(visit) and report.state is BuildState.READY
    return visit.page(
        "report.html",
        named=partial(_named, visit.words),
        report=report,
        texts=sorted(report.texts, key=lambda each: list(Section).index(Section(each.section))),
        done=done,
        of=of,
        formats=[each for each in Format if any(file.format == each for file in report.files)],
        sizes={file.format: file.size for file in report.files},
        hashes={file.format: file.sha256 for file in report.files},
        may_write=visit.may(Right.WRITE_REPORTS) and not report.is_frozen,
        may_sign=visit.may(Right.SIGN_REPORTS) and not report.is_frozen,
        may_amend=visit.may(Right.WRITE_REPORTS) and report.is_frozen,
        readers=await visit.deps.sending.readers(report) if may_send else (),
        sent=await visit.deps.sending.history(report) if visit.scope is None else (),
        shows_sent=visit.scope is None,
    )


async def download(visit: Visit) -> Response:
    """Send one file; a PDF opens in the browser."""
    report = await _report(visit)
    name = visit.request.path_params["format"]
    if name not in set(Format):
        raise PageError(404, N_("There is no such file."), N_("Go back to the report."))
    try:
        content = await visit.deps.reports.content(report, name)
    except UnknownReportError as error:
        raise PageError(404, N_("There is no such file."), N_("Go back to the report.")) from error
    shown = "inline" if name == Format.PDF else "attachment"
    title = f"{report.kind.value.replace('_', '-')}-{report.id}.{name}"
    headers = {"Content-Disposition": f"{shown}; filename={quote(title)}"}
    return Response(content, media_type=FORMATS[Format(name)], headers=headers)


async def act(visit: Visit) -> Response:
    """Edit, make final, or order an addendum."""
    report = await _report(visit)
    action = visit.request.path_params["action"]
    needed = Right.SIGN_REPORTS if action == "finalise" else Right.WRITE_REPORTS
    if not visit.may(needed):
        raise PageError(403, N_("Your account may not do this."), N_("Ask the department's duty officer."))
    who, reports = visit.who.name, visit.deps.reports
    try:
        if action == "edit":
            await reports.edit(
                report.id, texts=_texts(report, visit.form), fields=_fields(visit.form), by=who
            )
        elif action == "finalise":
            await reports.finalise(report.id, by=who)
        elif action == "amend":
            return visit.go(f"/reports/{await reports.amend(report.id, by=who)}")
        elif action == "send":
            await _send(visit, report)
            return visit.go(f"/reports/{report.id}#sent")
        else:
            raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    except ReportRefusedError as error:
        raise PageError(
            409, N_("A final report is not changed."), N_("Order an addendum to correct it.")
        ) from error
    return visit.go(f"/reports/{report.id}")


def _may_send(visit: Visit) -> bool:
    return visit.scope is None and visit.may(Right.WRITE_REPORTS)


async def _send(visit: Visit, report: Report) -> None:
    """Send to the people that were ticked, and to whoever holds the duties that were, now."""
    if not _may_send(visit):
        raise PageError(403, N_("Your account may not do this."), N_("Ask the department's duty officer."))
    holders = {
        f"{reader.party.code}.{duty.value}": reader.person.code
        for reader in await visit.deps.sending.readers(report)
        for duty in reader.duties
    }
    duties = {name.removeprefix("duty.") for name in visit.form if name.startswith("duty.")}
    people = {name.removeprefix("person.") for name in visit.form if name.startswith("person.")}
    if not duties <= holders.keys():
        raise PageError(
            409, N_("Nobody who can be reached holds this duty now."), N_("Go back and choose a person.")
        )
    try:
        chosen = people | {holders[each] for each in duties}
        await visit.deps.sending.send(report.id, people=chosen, by=visit.who.name)
    except ReportRefusedError as error:
        raise PageError(
            422, N_("The report was not sent."), N_("Choose at least one reader of a report that is built.")
        ) from error


def _named(words: Words, value: Enum | str) -> str:
    """Answer a value's words; a text section comes by its name."""
    return named(words, value if isinstance(value, Enum) else Section(value))


async def _report(visit: Visit) -> Report:
    wanted = visit.request.path_params["id"]
    try:
        number = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else 0
        return await visit.deps.reports.report(number, scope=visit.scope)
    except UnknownReportError as error:
        raise PageError(404, N_("There is no such report."), N_("Look at the list of reports.")) from error


def _texts(report: Report, form: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for each in report.texts:
        text = form.get(f"text.{each.section}")
        if text is None:
            continue
        if len(text) > _LONGEST:
            raise PageError(422, N_("The text is too long."), N_("Go back and shorten it."))
        found[each.section] = "\n".join(line.rstrip() for line in text.splitlines())
    return found


def _fields(form: Mapping[str, str]) -> Fields:
    issued = form.get("issued_on", "")
    try:
        day = date.fromisoformat(issued) if issued else None
    except ValueError as error:
        raise PageError(422, N_("This is no date and time."), N_("Go back and mend it.")) from error
    return Fields(
        number=form.get("number", "")[:40],
        issued_on=day,
        addressee=form.get("addressee", "")[:300],
        recipients=_lines(form.get("recipients", "")),
        authority=_lines(form.get("authority", "")),
        signer=form.get("signer", "")[:120],
        urgency=form.get("urgency", "")[:20],
    )


def _lines(text: str) -> tuple[str, ...]:
    found = [line.strip().lstrip("-").strip(" ;.") for line in text.splitlines()]
    return tuple(line[:200] for line in found if line)[:20]
