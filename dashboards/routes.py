"""Every page in one table, and how the pages are put into an application.

The table is the whole surface: a path that is not here is not served, and a page that is here without
``is_open`` asks for a session.
"""

from fastapi import APIRouter, FastAPI
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerting.attachments import LARGEST_FILE
from alerting.web.problems import of_status
from dashboards import (
    account,
    accounts,
    aid,
    areas,
    board,
    capacity,
    carriers,
    drills,
    duty,
    events,
    groups,
    guide,
    incidents,
    incidents_at_once,
    inspections,
    link,
    looks,
    planned,
    portal,
    portal_settings,
    reporting,
    rollcall,
    roster,
    roster_confirm,
    roster_edit,
    search,
    sign_in,
    sign_in_provider,
    sites,
    swaps,
    tour,
    vantages,
)
from dashboards.assets import assets
from dashboards.deps import Deps
from dashboards.i18n import N_
from dashboards.incidents_at_once import AT_ONCE
from dashboards.reports import page as report_page
from dashboards.security import SecurityHeaders
from dashboards.visit import Page, begin, entrance
from inventory.access import Right
from monitor.planned_calendar import LARGEST_CALENDAR

__all__ = ["PAGES", "install", "router"]

PAGES: tuple[Page, ...] = (
    Page("GET", "/", board.board),
    Page("GET", "/wall", board.wall, right=Right.SEE_BOARD),
    Page("POST", "/tour", tour.seen, right=Right.SEE_BOARD),
    Page("GET", "/events", events.events, is_stream=True),
    Page("GET", "/portal", portal.portal, right=Right.SEE_INCIDENTS),
    Page("GET", "/portal/settings", portal_settings.settings, right=Right.SEE_INCIDENTS),
    Page("POST", "/portal/looks", looks.own, right=Right.LOOK_NOW),
    Page("POST", "/portal/webhooks", portal_settings.add, right=Right.SET_WEBHOOKS),
    Page("POST", "/portal/webhooks/{id}/{action}", portal_settings.act, right=Right.SET_WEBHOOKS),
    Page("GET", "/incidents", incidents.listing, right=Right.SEE_INCIDENTS),
    Page("GET", "/incidents/new", reporting.new, right=Right.REPORT_INCIDENTS),
    Page("POST", "/incidents", reporting.report, right=Right.REPORT_INCIDENTS),
    Page("GET", AT_ONCE, incidents_at_once.confirm, right=Right.ACT_ON_INCIDENTS),
    Page("POST", AT_ONCE, incidents_at_once.acknowledge, right=Right.ACT_ON_INCIDENTS),
    Page("GET", "/incidents/{id}", incidents.show, right=Right.SEE_INCIDENTS),
    Page("GET", "/incidents/{id}/evidence/{digest}", incidents.attachment, right=Right.SEE_INCIDENTS),
    Page(
        "POST",
        "/incidents/{id}/evidence",
        incidents.attach,
        right=Right.ACT_ON_INCIDENTS,
        longest_upload=LARGEST_FILE,
    ),
    Page("POST", "/incidents/{id}/{action}", incidents.act, right=Right.SEE_INCIDENTS),
    Page("GET", "/sites/{code}", sites.site, right=Right.SEE_BOARD),
    Page("POST", "/sites/{code}", sites.look_now, right=Right.SEE_BOARD),
    Page("GET", "/sites/{code}/history", sites.history, right=Right.SEE_BOARD, is_stream=True),
    Page("GET", "/areas/{code}", areas.area, right=Right.SEE_BOARD),
    Page("GET", "/carriers", carriers.carriers, right=Right.SEE_BOARD),
    Page("GET", "/carriers/{code}", carriers.carrier, right=Right.SEE_BOARD),
    Page("GET", "/capacity", capacity.capacity, right=Right.SEE_INCIDENTS),
    Page("GET", "/risks/{code}", carriers.risk, right=Right.SEE_INCIDENTS),
    Page("GET", "/vantages", vantages.vantages, right=Right.SEE_BOARD),
    Page("GET", "/vantages/{code}", vantages.vantage, right=Right.SEE_BOARD),
    Page("GET", "/search", search.search),
    Page("GET", "/aid", aid.listing, right=Right.SEE_INCIDENTS),
    Page("GET", "/aid/new", aid.form, right=Right.ACT_ON_INCIDENTS),
    Page("POST", "/aid", aid.order, right=Right.ACT_ON_INCIDENTS),
    Page("GET", "/aid/{id}", aid.show, right=Right.SEE_INCIDENTS),
    Page("POST", "/aid/{id}/{action}", aid.act, right=Right.SEE_INCIDENTS),
    Page("GET", "/groups", groups.groups, right=Right.SEE_BOARD),
    Page("GET", "/planned", planned.listing, right=Right.SEE_INCIDENTS),
    Page("POST", "/planned", planned.enter, right=Right.PLAN_WORK),
    Page(
        "POST",
        "/planned/calendar",
        planned.take_calendar,
        right=Right.PLAN_WORK,
        longest_upload=LARGEST_CALENDAR,
    ),
    Page("POST", "/planned/{id}/cancel", planned.cancel, right=Right.PLAN_WORK),
    Page("GET", "/inspections", inspections.listing, right=Right.SEE_INCIDENTS),
    Page("POST", "/inspections", inspections.plan, right=Right.INSPECT),
    Page("GET", "/inspections/{id}", inspections.show, right=Right.SEE_INCIDENTS),
    Page(
        "POST",
        "/inspections/{id}/files",
        inspections.take_file,
        right=Right.INSPECT,
        longest_upload=LARGEST_FILE,
    ),
    Page("GET", "/inspections/{id}/files/{digest}", inspections.download, right=Right.SEE_INCIDENTS),
    Page("POST", "/inspections/{id}/{action}", inspections.act, right=Right.SEE_INCIDENTS),
    Page("GET", "/rollcall", rollcall.listing, right=Right.CALL_ROLL),
    Page("POST", "/rollcall", rollcall.answer, right=Right.CALL_ROLL),
    Page("GET", "/drills", drills.listing, right=Right.SEE_INCIDENTS),
    Page("POST", "/drills", drills.plan, right=Right.INSPECT),
    Page("GET", "/drills/{id}", drills.show, right=Right.SEE_INCIDENTS),
    Page("POST", "/drills/{id}/{action}", drills.act, right=Right.INSPECT),
    Page("GET", "/reports", report_page.listing, right=Right.SEE_INCIDENTS),
    Page("POST", "/reports", report_page.order, right=Right.SEE_INCIDENTS),
    Page("GET", "/reports/{id}", report_page.show, right=Right.SEE_INCIDENTS),
    Page("GET", "/reports/{id}/{format}", report_page.download, right=Right.SEE_INCIDENTS),
    Page("POST", "/reports/{id}/{action}", report_page.act, right=Right.SEE_INCIDENTS),
    Page("GET", "/duty", duty.duty, right=Right.SEE_NUMBERS),
    Page("GET", "/a", link.code_form, is_open=True),
    Page("POST", "/a", link.acknowledge_by_code, is_open=True),
    Page("GET", "/roster", roster.roster, right=Right.SEE_NUMBERS),
    Page("GET", "/roster/phones", roster.phones, right=Right.SEE_NUMBERS),
    Page("GET", "/roster/handover", roster.handover, right=Right.SEE_NUMBERS),
    Page("POST", "/roster/handover/{action}", roster.hand_over, right=Right.SEE_NUMBERS),
    Page("GET", "/roster/swaps", swaps.swaps, right=Right.SEE_NUMBERS),
    Page("POST", "/roster/swaps/{action}", swaps.act, right=Right.SEE_NUMBERS),
    Page("GET", "/roster/import", roster.import_form, right=Right.EDIT_ROSTER),
    Page(
        "POST",
        "/roster/import",
        roster.send_file,
        right=Right.EDIT_ROSTER,
        longest_upload=roster.LARGEST_ROSTER,
    ),
    Page("GET", "/roster/import/{id}", roster.file, right=Right.EDIT_ROSTER),
    Page("POST", "/roster/import/{id}", roster.accept_file, right=Right.EDIT_ROSTER),
    Page("GET", "/roster/mine/{token}", roster.mine, is_open=True),
    Page("POST", "/roster/mine/{token}", roster.confirm_mine, is_open=True),
    Page("GET", "/roster/calendar/{token}", roster.calendar, is_open=True),
    Page("POST", "/roster/{action}", roster_edit.act, right=Right.SEE_NUMBERS),
    Page("GET", "/c", roster_confirm.code_form, is_open=True),
    Page("POST", "/c", roster_confirm.answer_by_code, is_open=True),
    Page("GET", "/c/{token}", roster_confirm.show, is_open=True),
    Page("POST", "/c/{token}", roster_confirm.answer, is_open=True),
    Page("GET", "/a/{token}", link.show, is_open=True),
    Page("POST", "/a/{token}", link.acknowledge, is_open=True),
    Page("GET", "/sign-in", sign_in.sign_in_form, is_open=True),
    Page("POST", "/sign-in", sign_in.sign_in, is_open=True),
    Page("GET", "/sign-in/code", sign_in.code_form, is_open=True),
    Page("POST", "/sign-in/code", sign_in.code, is_open=True),
    Page("GET", "/sign-in/provider", sign_in_provider.depart, is_open=True),
    Page("GET", "/sign-in/provider/back", sign_in_provider.arrive, is_open=True),
    Page("POST", "/sign-out", sign_in.sign_out),
    Page("GET", "/password", sign_in.password_form),
    Page("POST", "/password", sign_in.set_password),
    Page("GET", "/guide", guide.guide),
    Page("GET", "/guide/{topic}", guide.guide),
    Page("GET", "/account", account.account),
    Page("POST", "/account/{action}", account.act),
    Page("GET", "/accounts", accounts.accounts, right=Right.ADMINISTER),
    Page("POST", "/accounts", accounts.open_account, right=Right.ADMINISTER),
    Page("GET", "/accounts/{name}", accounts.one, right=Right.ADMINISTER),
    Page("POST", "/accounts/{name}/{action}", accounts.act, right=Right.ADMINISTER),
    Page("GET", "/audit", accounts.audited, right=Right.ADMINISTER),
)


def router(deps: Deps) -> APIRouter:
    """Answer the pages and our own files as one router."""
    made = APIRouter(include_in_schema=False)
    for page in PAGES:
        made.add_api_route(
            page.path, entrance(deps, page), methods=[page.method], response_model=None, name=page.path
        )
    made.add_api_route("/static/{digest}/{path:path}", _static, methods=["GET"], response_model=None)
    made.add_api_route("/favicon.ico", _favicon, methods=["GET"], response_model=None)
    return made


async def _static(request: Request) -> Response:
    return assets().respond(request, request.path_params["path"])


async def _favicon(_request: Request) -> Response:
    return RedirectResponse(assets().url("favicon.svg"), 307, {"Cache-Control": "max-age=3600"})


def install(app: FastAPI, deps: Deps) -> None:
    """Put pages, security headers and error pages into ``app``."""
    app.include_router(router(deps))
    app.add_middleware(SecurityHeaders)

    async def lost(request: Request, error: Exception) -> Response:
        known = error if isinstance(error, HTTPException) else HTTPException(500)
        status = known.status_code
        if request.url.path.startswith(("/api/", "/tmf-api/")):
            return of_status(known)
        if "text/html" not in request.headers.get("accept", ""):
            return await http_exception_handler(request, known)
        visit = await begin(request, deps)
        if status == 404:
            return visit.error(404, N_("There is no such page."), N_("Go back to the board."))
        if status == 405:
            return visit.error(405, N_("This page does not take that request."), N_("Go back to the board."))
        return visit.error(status, N_("The request could not be carried out."), "")

    app.add_exception_handler(HTTPException, lost)
