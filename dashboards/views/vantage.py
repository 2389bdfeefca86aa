"""Whether we can trust our own eyes: how each vantage is, when it could not look, how fresh its samples are. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dashboards.charts import Bar, bar
from dashboards.i18n import N_, Words
from inventory.models import Inventory, ProbeKind, Vantage
from monitor.intake import ISOLATED, NOT_RUNNING, SILENT
from monitor.metrics import VantageFigures
from monitor.models import Unobserved
from monitor.moments import nanoseconds
from monitor.snapshot import Snapshot, VantageView
from probes.health import BreachKind

__all__ = ["Blind", "Freshness", "Sight", "VantageLine", "blind_bar", "blinds", "freshness", "vantage_lines"]

_SILENT_AFTER = timedelta(seconds=15)

_REASONS: Mapping[str, str] = {
    ISOLATED: N_("it saw nothing at all, not even what must always answer"),
    NOT_RUNNING: N_("it was not running"),
    SILENT: N_("it sent nothing"),
}

_BREACHES: Mapping[str, str] = {
    BreachKind.LAG: N_("looks late"),
    BreachKind.DROPS: N_("the kernel drops answers"),
    BreachKind.CLOCK_STEP: N_("its clock jumped"),
    BreachKind.QUEUE: N_("batches wait"),
    BreachKind.LATE: N_("many answers come late"),
    BreachKind.DESCRIPTORS: N_("too many open sockets"),
    BreachKind.CLOCK: N_("its clock was not set right for long"),
}


class Sight(StrEnum):
    """What can be said of a vantage's sight now."""

    LOOKING = "looking"
    ISOLATED = "isolated"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class VantageLine:
    """One vantage. ``figures`` is None where its engines run elsewhere and are read at their own ``/metrics``."""

    vantage: Vantage
    view: VantageView | None
    sight: Sight
    figures: VantageFigures | None
    breaches: tuple[str, ...]
    upstreams: tuple[tuple[str, str], ...]
    blind: timedelta
    """How long it could not look in the window."""

    @property
    def is_trouble(self) -> bool:
        """Whether what it says now cannot be relied on."""
        return self.sight is not Sight.LOOKING or bool(self.breaches)


@dataclass(frozen=True, slots=True)
class Blind:
    """An interval in which a vantage could not look."""

    start: datetime
    end: datetime | None
    lasted: timedelta
    why: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """Looks of one kind: at how many targets, when the newest and the oldest of their last results came."""

    kind: ProbeKind
    targets: int
    never: int
    newest: datetime | None
    oldest: datetime | None


def vantage_lines(
    inventory: Inventory,
    snapshot: Snapshot,
    figures: Mapping[str, VantageFigures],
    unobserved: Iterable[Unobserved],
    *,
    since: datetime,
    now: datetime,
    words: Words,
) -> tuple[VantageLine, ...]:
    """Answer every vantage of the inventory, those in trouble first."""
    dark: defaultdict[str, timedelta] = defaultdict(timedelta)
    for each in unobserved:
        dark[each.vantage] += max(timedelta(0), min(each.ended_at or now, now) - max(each.started_at, since))
    lines = [
        VantageLine(
            vantage=vantage,
            view=(view := snapshot.vantages.get(code)),
            sight=_sight(view, now),
            figures=(own := figures.get(code)),
            breaches=_breaches(own, words),
            upstreams=tuple((party, _named(inventory, party, words)) for party in vantage.upstreams),
            blind=dark[code],
        )
        for code, vantage in inventory.vantages.items()
    ]
    return tuple(sorted(lines, key=lambda line: (not line.is_trouble, line.vantage.code)))


def _sight(view: VantageView | None, now: datetime) -> Sight:
    if view is None or view.seen_at is None or now - view.seen_at > _SILENT_AFTER:
        return Sight.SILENT
    return Sight.ISOLATED if view.is_isolated else Sight.LOOKING


def _breaches(figures: VantageFigures | None, words: Words) -> tuple[str, ...]:
    found = figures.breaches if figures else frozenset()
    return tuple(words.gettext(_BREACHES[kind]) for kind in BreachKind if kind in found)


def _named(inventory: Inventory, code: str, words: Words) -> str:
    party = inventory.parties.get(code)
    return words.pick(party.name, party.name_en) if party else code


def blinds(
    unobserved: Iterable[Unobserved], vantage: str, *, now: datetime, words: Words
) -> tuple[Blind, ...]:
    """Answer when a vantage could not look, the newest first."""
    found = [
        Blind(
            each.started_at,
            each.ended_at,
            (each.ended_at or now) - each.started_at,
            words.gettext(_REASONS.get(each.reason, each.reason)),
        )
        for each in unobserved
        if each.vantage == vantage
    ]
    return tuple(sorted(found, key=lambda each: each.start, reverse=True))


def blind_bar(found: Iterable[Blind], *, since: datetime, until: datetime) -> Bar:
    """Draw the window: seeing, and not."""
    return bar(
        since=since,
        until=until,
        down=(),
        unobserved=sorted((nanoseconds(each.start), nanoseconds(each.end or until)) for each in found),
        recorded_from=since,
    )


def freshness(inventory: Inventory, snapshot: Snapshot, vantage: str) -> tuple[Freshness, ...]:
    """Answer how fresh the results of what a vantage looks at are, by kind; other vantages may have looked too."""
    last: defaultdict[ProbeKind, list[datetime | None]] = defaultdict(list)
    for code, target in inventory.targets.items():
        if not target.vantages or vantage in target.vantages:
            view = snapshot.targets.get(code)
            last[target.kind].append(view.last_result_at if view else None)
    return tuple(_fresh(kind, last[kind]) for kind in ProbeKind if kind in last)


def _fresh(kind: ProbeKind, last: list[datetime | None]) -> Freshness:
    seen = [at for at in last if at is not None]
    return Freshness(
        kind=kind,
        targets=len(last),
        never=len(last) - len(seen),
        newest=max(seen, default=None),
        oldest=min(seen, default=None),
    )
