"""The first look around: a handful of sentences beside what they speak of, in place of a manual.

Shown on the board until somebody says that they have seen it; the browser remembers that, not the account, for who
sits at another desk is shown that desk's board. Without script it is a panel with every step; with script one step at
a time (``static/js/tour.js``). ``/?tour=1`` shows it again.
"""

from dataclasses import dataclass

from starlette.responses import Response

from dashboards.i18n import N_
from dashboards.visit import Visit

__all__ = ["STEPS", "Step", "seen", "wanted"]

_COOKIE = "thongsuot_tour"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: which part of the board it speaks of (a selector), its heading and its sentence."""

    place: str
    title: str
    text: str


STEPS = (
    Step(
        ".map",
        N_("Can it report results now?"),
        N_("One tile a commune. Green without a sign is well; every other has a sign: × cut off, ! one path left, – degraded, ? not seen. Press a tile, or a count above the map."),
    ),
    Step(
        ".incidents",
        N_("Who must act, and by when"),
        N_("The large figure is the deadline that runs. Open an incident (keys 1 to 9) and press A twice: it is acknowledged and the calls stop."),
    ),
    Step(
        ".duty",
        N_("Whom to call"),
        N_("Who is on duty now at every party, with the number. Red means nobody: mend the roster."),
    ),
    Step(
        ".strip",
        N_("Phase, sound, clock"),
        N_("A new incident is heard; M makes it silent for a quarter of an hour. If the red line on top says that data is old, call before deciding."),
    ),
    Step(
        ".top",
        N_("Find anything"),
        N_("/ finds a commune or a site, with or without diacritics. ? shows every key. The guide is in the menu under your name."),
    ),
)  # fmt: skip


def wanted(visit: Visit) -> bool:
    """Answer whether this browser is shown around."""
    return "tour" in visit.request.query_params or not visit.request.cookies.get(_COOKIE)


async def seen(visit: Visit) -> Response:
    """Remember that this browser was shown around."""
    visit.cookies[_COOKIE] = "seen"
    return visit.go("/")
