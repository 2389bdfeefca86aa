"""What a look asked for by a person found, line by line: outcome first, then how long it took and in which phase."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.i18n import N_
from inventory.models import Inventory, Path, Target
from monitor.asked import NotAsked
from monitor.look_now import Looked, Seen
from probes.models import PHASES, Evidence, Outcome

__all__ = ["PHASE_NAMES", "LookedLine", "LookedView", "looked_view"]

PHASE_NAMES: Mapping[str, str] = dict(
    zip(
        PHASES,
        (N_("name lookup"), N_("connection"), N_("TLS"), N_("first byte"), N_("transfer")),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class LookedLine:
    """One address. ``outcome`` is None for one that nobody asked, and ``why_not`` says why; milliseconds."""

    path: Path
    carrier: str
    target: Target
    outcome: Outcome | None
    why_not: NotAsked | None
    rtt: float | None
    phases: tuple[tuple[str, float], ...]
    evidence: Evidence
    detail: str

    @property
    def mark(self) -> str:
        """How the line is coloured, beside its words."""
        if self.outcome is None or self.outcome is Outcome.ERROR:
            return "unknown"
        return "up" if self.outcome is Outcome.OK else "down"


@dataclass(frozen=True, slots=True)
class LookedView:
    """The lines of one look, and how many of those that were asked answered."""

    looked: Looked
    vantage: str
    lines: tuple[LookedLine, ...]

    @property
    def asked(self) -> int:
        """Addresses that were looked at."""
        return sum(line.outcome is not None for line in self.lines)

    @property
    def answered(self) -> int:
        """Addresses that answered as they should."""
        return sum(line.outcome is Outcome.OK for line in self.lines)


def looked_view(looked: Looked, inventory: Inventory) -> LookedView:
    """Answer what a page shows of a look."""
    vantage = inventory.vantages.get(looked.vantage)
    return LookedView(
        looked=looked,
        vantage=vantage.name if vantage else looked.vantage,
        lines=tuple(_line(each, inventory) for each in looked.seen),
    )


def _line(seen: Seen, inventory: Inventory) -> LookedLine:
    path = inventory.paths[seen.path]
    carrier = inventory.parties.get(path.carrier)
    answer = seen.seen.answer if seen.seen is not None else None
    phases = zip(PHASES, answer.phases if answer else (), strict=False)
    return LookedLine(
        path=path,
        carrier=carrier.name if carrier else path.carrier,
        target=seen.target,
        outcome=answer.outcome if answer else None,
        why_not=seen.why_not,
        rtt=answer.rtt * 1000 if answer and not math.isnan(answer.rtt) else None,
        phases=tuple((PHASE_NAMES[name], value * 1000) for name, value in phases if not math.isnan(value)),
        evidence=answer.evidence if answer else Evidence.NONE,
        detail=answer.detail if answer else "",
    )
