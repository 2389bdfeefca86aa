"""Looking at a site now, because somebody on duty asks: what each of its addresses answers at this moment.

The looks are the fleet's own (:mod:`probes.once`), so what is shown is what would be believed; they become no belief
themselves. At the same time the running vantage is told to look at the same addresses without waiting for their turn, so
that belief, if it is behind, learns by the ordinary way with its canaries and confirmations.

* Test calls are never among them: they ring a telephone and have their own hours and limits.
* A storm of clicks is no storm of looks: so often a site, so often a person, so many sites at once. The refusal says
  when to ask again. A party that is kept to its own matters has a count of its own for each site, because being told
  "too soon" for another's click would tell that somebody else looked.
* Every look has a deadline, whatever its probe does.
* Who asked, from where and about what is written to the audit before anything is sent.
* A process that does not look itself (``looks = false``) says so, and never answers from elsewhere's memory.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from inventory import audit
from inventory.database import transaction
from inventory.models import Inventory, Target
from inventory.topology import Topology
from monitor.asked import NotAsked, not_asked
from monitor.buckets import Buckets
from probes.models import Answer, Outcome
from probes.once import OnceSeen

__all__ = ["Asker", "LookNow", "Looked", "NoVantageError", "Seen", "TooSoonError", "targets_asked"]

_LOOK_SECONDS: Final = 8.0
_LONGEST_SECONDS: Final = 10.0
"""A probe answers within its timeout; this holds should one not."""
_MOST_TARGETS: Final = 32
_MOST_AT_ONCE: Final = 8
_SITE_RATE, _SITE_BURST = 0.2, 3.0
_PERSON_RATE, _PERSON_BURST = 0.2, 6.0


class TooSoonError(Exception):
    """Asked for too often; ``seconds`` later it may be asked again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asked for too often; ask again in {seconds:.0f} s")
        self.seconds = seconds


class NoVantageError(Exception):
    """This process does not look; another one does."""

    def __init__(self) -> None:
        super().__init__("this process does not look itself; ask the one at a vantage")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants to know: account, network address, and the only party whose addresses they may have looked at."""

    name: str
    address: str = ""
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One target of ``path``: what it answered, or why nobody asked it."""

    target: Target
    path: str
    seen: OnceSeen | None = None
    why_not: NotAsked | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen of a site from ``vantage`` in the looks that began at ``at``."""

    site: str
    at: datetime
    vantage: str
    seen: tuple[Seen, ...]


def targets_asked(
    inventory: Inventory, topology: Topology, site: str, *, path: str = "", scope: str | None = None
) -> tuple[tuple[str, Target], ...]:
    """Answer the targets of a site (of one ``path`` of it) with their paths, those of ``scope``'s own paths alone."""
    return tuple(
        (code, inventory.targets[target])
        for code in topology.paths_of_site(site)
        if path in {"", code} and scope in {None, inventory.paths[code].carrier}
        for target in topology.targets_of_path(code)
    )


class LookNow:
    """Looks at sites when asked; ``vantage`` answers where from, empty where this process does not look."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        places: Callable[[], tuple[Inventory, Topology]],
        vantage: Callable[[], str] = str,
        look: Callable[[Target, float | None], Awaitable[OnceSeen]],
        hasten: Callable[[Sequence[str]], None] = lambda _codes: None,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._places = places
        self._vantage = vantage
        self._look = look
        self._hasten = hasten
        self._clock = clock
        self._monotonic = monotonic
        self._sites = Buckets(rate=_SITE_RATE, burst=_SITE_BURST)
        self._people = Buckets(rate=_PERSON_RATE, burst=_PERSON_BURST)
        self._under_way: set[object] = set()

    @property
    def looks(self) -> bool:
        """Whether this process can look at all."""
        return bool(self._vantage())

    async def look(self, site: str, asker: Asker, *, path: str = "") -> Looked:
        """Look at ``site`` now; raises :class:`NoVantageError`, :class:`TooSoonError`, LookupError for nothing to see."""
        inventory, topology = self._places()
        asked = targets_asked(inventory, topology, site, path=path, scope=asker.scope)
        if not asked:
            raise LookupError(site)
        vantage = self._vantage()
        if not vantage:
            raise NoVantageError
        self._draw(f"{asker.scope or ''} {site}", asker.name)
        turn = object()
        self._under_way.add(turn)
        try:
            await self._write_down(path or site, asker, vantage)
            return await self._looked(site, asked, vantage)
        finally:
            self._under_way.discard(turn)

    def _draw(self, site: str, person: str) -> None:
        """Take one turn of the site's and one of the person's, or neither."""
        now = self._monotonic()
        wait = max(self._sites.wait(site, now), self._people.wait(person, now))
        if len(self._under_way) >= _MOST_AT_ONCE:
            wait = max(wait, 1.0)
        if wait > 0:
            raise TooSoonError(wait)
        self._sites.take(site, now)
        self._people.take(person, now)

    async def _write_down(self, subject: str, asker: Asker, vantage: str) -> None:
        async with transaction(self._database) as connection:
            await audit.write(
                connection,
                at=self._clock(),
                actor=asker.name,
                act=audit.AuditAct.LOOKED_NOW,
                subject=subject,
                address=asker.address,
                details=vantage,
            )

    async def _looked(self, site: str, asked: Sequence[tuple[str, Target]], vantage: str) -> Looked:
        at = self._clock()
        planned = [
            Seen(target, path, why_not=not_asked(target, vantage) or _beyond(place))
            for place, (path, target) in enumerate(asked)
        ]
        self._hasten([each.target.code for each in planned if each.why_not is None])
        seen = await asyncio.gather(*(self._one(each) for each in planned))
        return Looked(site, at, vantage, tuple(seen))

    async def _one(self, planned: Seen) -> Seen:
        if planned.why_not is not None:
            return planned
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                found = await self._look(planned.target, _LOOK_SECONDS)
        except TimeoutError:
            answer = Answer(Outcome.ERROR, detail=f"the look did not end within {_LONGEST_SECONDS:.0f} s")
            found = OnceSeen(answer, "", 0.0, _LONGEST_SECONDS)
        except ConnectionError as error:
            raise NoVantageError from error
        return Seen(planned.target, planned.path, found)


def _beyond(place: int) -> NotAsked | None:
    return NotAsked.TOO_MANY if place >= _MOST_TARGETS else None
