"""A commune calls: the form that opens an incident for what somebody told."""

from collections.abc import Collection
from datetime import timedelta

from starlette.responses import Response

from alerting.models import Matter
from alerting.reported import Report
from alerting.scoped import scope_of
from alerting.severity import Impact
from dashboards.i18n import N_
from dashboards.incident_acts import actor_of, note_of, time_of
from dashboards.visit import PageError, Visit
from inventory.access import Right

__all__ = ["new", "report"]

_LONGEST_LINE = 120


async def new(visit: Visit) -> Response:
    """Show the empty form; ``?site=`` fills in the place."""
    inventory = visit.deps.monitor.inventory
    known = _places(visit)
    return visit.page(
        "incident_new.html",
        matters=[one for one in Matter if _may_open(visit, one)],
        impacts=tuple(Impact),
        sites=sorted(
            (site for site in inventory.sites.values() if site.code in known), key=lambda site: site.name
        ),
        areas=inventory.areas,
        parties=_parties(visit),
        chosen=visit.request.query_params.get("site", ""),
        # The same form sent twice is the same incident.
        key=visit.deps.token()[:32],
    )


def _places(visit: Visit) -> Collection[str]:
    """Answer the sites that the visitor may name."""
    inventory = visit.deps.monitor.inventory
    scope = scope_of(visit.scope, inventory)
    return inventory.sites if scope is None else scope.reached()


def _may_open(visit: Visit, matter: Matter) -> bool:
    return visit.may(Right.SEE_RESTRICTED) or not matter.is_restricted


def _parties(visit: Visit) -> list[tuple[str, str]]:
    parties = visit.deps.monitor.inventory.parties.values()
    return [(one.code, one.name) for one in parties if visit.scope in {None, one.code}]


async def report(visit: Visit) -> Response:
    """Open the incident and go to it."""
    told, site = visit.form, _site_of(visit)
    if told.get("matter", "") not in set(Matter) or not _may_open(visit, Matter(told["matter"])):
        raise PageError(422, N_("Choose what it is about."), N_("Go back and choose one."))
    happened = time_of(visit, "occurred")
    owner = told.get("owner", "") if visit.scope is None else visit.scope
    incident = await visit.deps.alerting.report(
        Report(
            matter=Matter(told["matter"]),
            text=note_of(visit, required=True),
            reporter=actor_of(visit),
            key=_key_of(visit),
            site=site,
            owner=owner,
            caller=told.get("caller", "")[:_LONGEST_LINE],
            phone=told.get("phone", "")[:40],
            # A time of day in a report is one that has been, not the next one.
            occurred_at=happened - timedelta(days=1) if happened else None,
            impact=Impact(told["impact"]) if told.get("impact") in set(Impact) else None,
            confirmed=told.get("confirmed", "yes") == "yes",
        )
    )
    return visit.go(f"/incidents/{incident.id}")


def _key_of(visit: Visit) -> str:
    key = visit.form.get("key", "")
    return key[:32] if len(key) >= 16 else visit.deps.token()[:32]


def _site_of(visit: Visit) -> str:
    """Read the place: its code, or its name as the list offered it."""
    given = visit.form.get("site", "")
    known = _places(visit)
    if not given or given in known:
        return given
    code = given.rpartition("(")[2].rstrip(")")
    if code in known:
        return code
    raise PageError(422, N_("There is no such place."), N_("Go back and choose one from the list."))
