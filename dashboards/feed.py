"""What keeps open pages true: watches beliefs and incidents, publishes what changed, says how fresh it all is.

Who does not see the board, a carrier, hears of its own incidents when they change and of how fresh all is by a clock
of its own: nothing that happens to others makes its stream move, is counted in its event ids, or shifts its pulse.

One loop for all watchers. It makes a frame for each channel that somebody watches, compares it with the last
one part by part, renders only the parts that differ, and gives the hub those and the tiles that turned.
"""

import asyncio
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

import structlog

from dashboards.board import PARTS, BoardFrame, load_frame
from dashboards.deps import Deps
from dashboards.i18n import Language, words_in
from dashboards.moments import Moments
from dashboards.templating import render
from monitor.models import StateChange, SubjectKind, Verdict

__all__ = ["Audience", "Feed"]

log = structlog.get_logger(__name__)
_PULSE_SECONDS = 5.0
_SETTLE_SECONDS = 0.1
_RETRY_SECONDS = 2.0
_LINGER_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Audience:
    """A kind of watcher, which is the key of its channel. Who does not see the board gets incident numbers alone."""

    language: Language
    owner: str | None
    sees_board: bool


class Feed:
    """The loop. ``runs`` and ``failures`` count its turns; ``last_success`` is when a turn last went through."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._frames: dict[Audience, BoardFrame] = {}
        self._blind: set[Audience] = set()
        self._watched_at: dict[Audience, float] = {}
        self._incidents: set[int] = set()
        self._sites: set[str] = set()
        self._changed = deps.hub.wanted
        self._pulsed_at = float("-inf")
        self.runs = 0
        self.failures = 0
        self.last_success: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then every stream ends."""
        leave = (
            self._deps.monitor.subscribe(self._believe),
            self._deps.alerting.subscribe(self._act),
        )
        ending = asyncio.create_task(stop.wait())
        beating = asyncio.create_task(self._beat())
        try:
            while not stop.is_set():
                await self._turn_guarded(ending)
        finally:
            ending.cancel()
            beating.cancel()
            for unsubscribe in leave:
                unsubscribe()
            self._deps.hub.close()

    async def _turn_guarded(self, ending: "asyncio.Task[bool]") -> None:
        pause = _PULSE_SECONDS
        try:
            await self.turn()
            self.last_success = self._deps.clock()
        except Exception:  # the edge of the loop: pages must not stay blind for one bad turn
            self.failures += 1
            pause = _RETRY_SECONDS
            log.exception("live feed failed")
        changed = asyncio.create_task(self._changed.wait())
        await asyncio.wait({changed, ending}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
        if self._changed.is_set():
            # Changes come in bursts: what belongs together is shown together.
            await asyncio.wait({ending}, timeout=_SETTLE_SECONDS)

    async def _beat(self) -> None:
        """Pulse at fixed times for who must not learn from a pulse that something happened."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + _PULSE_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                self.beat()
            except Exception:  # the edge of the loop: the next pulse may go through
                self.failures += 1
                log.exception("live feed's pulse failed")

    def beat(self) -> None:
        """Tell who does not see the board how fresh the picture is."""
        self._deps.hub.pulse(self._freshness(), to=lambda key: not _sees_board(key))

    def _believe(self, changes: Sequence[StateChange]) -> None:
        self._sites |= {change.subject for change in changes if change.kind is SubjectKind.SITE}
        self._changed.set()

    def _act(self, incidents: Sequence[int]) -> None:
        self._incidents |= set(incidents)
        self._changed.set()

    async def turn(self) -> None:
        """Make and publish what changed since the last turn; what a failed turn had taken is taken again."""
        self.runs += 1
        self._changed.clear()
        incidents, self._incidents = self._incidents, set()
        sites, self._sites = self._sites, set()
        loop_time = asyncio.get_running_loop().time()
        try:
            for audience in self._audiences(loop_time):
                await self._serve(audience)
                await self._touch(audience, sorted(incidents), sorted(sites))
        except BaseException:
            self._incidents |= incidents
            self._sites |= sites
            raise
        if loop_time - self._pulsed_at >= _PULSE_SECONDS - _SETTLE_SECONDS or incidents or sites:
            self._pulsed_at = loop_time
            self._deps.hub.pulse(self._freshness(), to=_sees_board)

    def _audiences(self, loop_time: float) -> list[Audience]:
        """Answer who is watching, or was until a moment ago and may come back for what it missed."""
        watched = {key for key in self._deps.hub.watched() if isinstance(key, Audience)}
        self._watched_at |= dict.fromkeys(watched, loop_time)
        for audience, at in list(self._watched_at.items()):
            if loop_time - at > _LINGER_SECONDS:
                del self._watched_at[audience]
                self._frames.pop(audience, None)
                self._blind.discard(audience)
                self._deps.hub.drop(audience)
        return list(self._watched_at)

    async def _serve(self, audience: Audience) -> None:
        hub = self._deps.hub
        if not audience.sees_board:
            if audience not in self._blind:
                self._blind.add(audience)
                hub.found(audience, self._freshness)
            return
        frame = await load_frame(self._deps, words_in(audience.language), owner=audience.owner)
        before = self._frames.get(audience)
        self._frames[audience] = frame
        # Two hundred boards opened at once want the same whole picture: it is drawn once.
        whole = cache(partial(self._whole, audience, frame))
        if before is None:
            hub.found(audience, whole)
            return
        parts = [part for part in PARTS if getattr(frame, part) != getattr(before, part)]
        tiles = {
            code: verdict
            for code, verdict in frame.verdicts.items()
            if before.verdicts.get(code) is not verdict
        }
        if parts or tiles:
            hub.publish(audience, "board", self._told(audience, frame, parts, tiles), snapshot=whole)

    async def _touch(self, audience: Audience, incidents: list[int], sites: list[str]) -> None:
        seen = [
            number
            for number in incidents
            if await self._deps.records.incident(number, owner=audience.owner) is not None
        ]
        shown = sites if audience.sees_board else []
        if seen or shown:
            data = json.dumps({"incidents": seen, "sites": shown})
            self._deps.hub.publish(audience, "touched", data)

    def _whole(self, audience: Audience, frame: BoardFrame) -> str:
        marked = {code: verdict for code, verdict in frame.verdicts.items() if verdict is not Verdict.READY}
        return self._told(audience, frame, list(PARTS), marked)

    def _told(
        self, audience: Audience, frame: BoardFrame, parts: list[str], tiles: Mapping[str, Verdict]
    ) -> str:
        inventory = self._deps.monitor.inventory
        words = words_in(audience.language)
        moments = Moments(inventory.election.zone, words, self._deps.clock())
        context = {"frame": frame, "moments": moments, "inventory": inventory, "election": inventory.election}
        fragments = {part: render(f"board/{part}.html", audience.language, context) for part in parts}
        told = {"tiles": {code: verdict.value for code, verdict in tiles.items()}, "parts": fragments}
        return json.dumps({**self._times(), **told}, ensure_ascii=False)

    def _freshness(self) -> str:
        return json.dumps(self._times())

    def _times(self) -> dict[str, str]:
        data_at = self._deps.monitor.snapshot().last_result_at
        return {
            "at": self._deps.clock().isoformat(timespec="milliseconds"),
            "data_at": data_at.isoformat(timespec="milliseconds") if data_at else "",
        }


def _sees_board(key: Hashable) -> bool:
    return isinstance(key, Audience) and key.sees_board
