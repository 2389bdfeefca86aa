"""The board at ``/`` and ``/wall``: what it shows is loaded here once, for the page and for the live stream."""

from dataclasses import dataclass

from starlette.responses import Response

from dashboards import tour
from dashboards.deps import Deps
from dashboards.i18n import Words
from dashboards.views.board import (
    IncidentRow,
    Places,
    Pulse,
    Stage,
    counts_of,
    incident_rows,
    places_of,
    pulse_of,
    stages,
    verdicts_of,
)
from dashboards.views.duty import DutyLine, duty_lines, watches
from dashboards.views.recent import RecentLine, recent_lines
from dashboards.views.sieve import Sieve, meshes_of
from dashboards.visit import Visit
from inventory.access import Right
from monitor.models import Verdict

__all__ = ["PARTS", "BoardFrame", "board", "load_frame", "wall"]

PARTS = ("stages", "counts", "places", "incidents", "duty", "recent", "footer")
"""Fragments of the board that change on their own: ``board/<part>.html``."""

_RECENT = 14


@dataclass(frozen=True, slots=True)
class BoardFrame:
    """Everything on the board at one moment, without anything that changes by time passing alone."""

    stages: tuple[Stage, ...]
    counts: tuple[tuple[Verdict, int], ...]
    verdicts: dict[str, Verdict]
    places: Places
    incidents: tuple[IncidentRow, ...]
    duty: tuple[DutyLine, ...]
    recent: tuple[RecentLine, ...]
    footer: Pulse


async def load_frame(deps: Deps, words: Words, *, owner: str | None) -> BoardFrame:
    """Load what the board shows now. ``owner`` is the watcher's scope."""
    now, snapshot = deps.clock(), deps.monitor.snapshot()
    inventory, topology = await deps.roster.living(), deps.monitor.topology
    live = await deps.records.live(owner=owner)
    changes = await deps.records.recent(limit=80)
    acts = await deps.records.recent_acts(owner=owner, limit=30)
    verdicts = verdicts_of(snapshot, inventory)
    return BoardFrame(
        stages=stages(inventory, now, words),
        counts=counts_of(verdicts),
        verdicts=verdicts,
        places=places_of(snapshot, inventory, topology),
        incidents=incident_rows(live, inventory=inventory, topology=topology, words=words),
        duty=duty_lines(watches(inventory, now), inventory),
        recent=recent_lines(
            changes, acts, inventory=inventory, topology=topology, words=words, limit=_RECENT
        ),
        footer=pulse_of(snapshot, inventory, now),
    )


async def board(visit: Visit) -> Response:
    """Show the province; a carrier's account has its portal for a board."""
    if not visit.may(Right.SEE_BOARD):
        return visit.go("/portal")
    return await _show(visit, is_wall=False)


async def wall(visit: Visit) -> Response:
    """Show the same without controls, to be read from five metres."""
    return await _show(visit, is_wall=True)


async def _show(visit: Visit, *, is_wall: bool) -> Response:
    frame = await load_frame(visit.deps, visit.words, owner=visit.scope)
    inventory, maps = visit.deps.monitor.inventory, visit.deps.maps
    meshes = meshes_of(inventory, maps.grounds(inventory), visit.words)
    sieve = Sieve() if is_wall else Sieve.of(visit.request.query_params, meshes)
    return visit.page(
        "board.html",
        frame=frame,
        plan=maps.of(inventory),
        tiles=maps.drawn(inventory, frame.verdicts, visit.language, sieve),
        meshes=meshes,
        sieve=sieve,
        is_wall=is_wall,
        tour=() if is_wall or not tour.wanted(visit) else tour.STEPS,
    )
