"""One vantage at work: asks the schedule what is due, sends the looks, gathers the samples, publishes batches.

Runs on the vantage's own event loop, apart from the pages and the database, so that nobody's slow query can fake a
loss. Engines answer by callbacks; no look holds a task, a slot or a lock while it waits.
"""

import asyncio
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import structlog

from inventory.models import ProbeKind
from probes.bus import Publisher
from probes.fleet import Fleet
from probes.gather import Gather
from probes.health import LagWindow
from probes.icmp import IcmpResults
from probes.models import Answer, Flag, Look, Outcome, Probe, Request
from probes.round_trip import RoundTripEstimate
from probes.schedule import Indices, Pacing, Schedule

__all__ = ["Engine", "Runner", "RunnerStatistics"]

log = structlog.get_logger()

LENGTHY = frozenset({ProbeKind.SIP_CALL, ProbeKind.STAMP, ProbeKind.STREAM, ProbeKind.HEARTBEAT})
"""Kinds whose looks last by design: how long they take says nothing of being overdue."""

_NO_HURRY = 1 << 62

TICK_SECONDS = 0.02
"""Every tick costs each engine a turn, whatever is due; nothing that belief waits for is as short as this."""
MOST_TICKS_AT_ONCE = 5
"""A loop that was late may send what it missed, up to so many ticks' worth of looks in one."""
PUBLISH_NS = 100_000_000
PUBLISH_AT_ONCE_NS = 15_000_000
"""Answers as expected wait for each other a little, a batch costs belief its price; anything else is told at once."""
CANARY_GAP_NS = 250_000_000
"""How often canaries are looked at while anything is in doubt: nothing is believed lost before they vouch for us."""
WATCHFUL_NS = 5_000_000_000
"""And for how long after the last doubt: what was decided last still waits to be vouched for."""
SILENT_CANARY = 2
"""Looks in a row that a canary must have missed for us to have been blind, not unlucky."""
LAG_BUDGET_NS = 500_000_000
"""A schedule that lags more than this marks its batches unreliable."""
STALL_SHARE = 2
"""A look that ran out of time is unreliable if this loop stood still for one part in so many of that time: what was
to be said to the target in between was said late, or not at all."""


class Engine(Protocol):
    """What the runner asks of the ICMP engine."""

    def set_targets(self, addresses: list[str]) -> int:
        """Replace the table; answer its generation."""

    def send(self, slots: npt.NDArray[np.uint32], *, timeout_ns: int, flags: int = 0) -> None:
        """Look at table slots."""


@dataclass(slots=True)
class RunnerStatistics:
    """Counters of the loop itself; everything that moves has one."""

    ticks: int = 0
    looks: int = 0
    batches: int = 0
    lag_ns: int = 0
    in_doubt: int = 0
    open_looks: int = 0
    last_tick_ns: int = 0
    failed_ticks: int = 0
    lags: LagWindow = field(default_factory=LagWindow)
    """The lag of the last thousand ticks, for its 99th percentile."""


class Runner:
    """The loop of one vantage over one fleet; :meth:`swap` replaces the fleet without forgetting beliefs."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        pacing: Pacing,
        addresses: Mapping[str, str],
        probes: Mapping[ProbeKind, Probe],
        icmp: Engine | None,
        gather: Gather,
        publisher: Publisher,
        monotonic_ns: Callable[[], int],
        wall_ns: Callable[[], int],
        looks_per_tick: int = 512,
        is_doubtful: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_doubtful = is_doubtful
        self._probes = probes
        self._icmp = icmp
        self._gather = gather
        self._publisher = publisher
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns
        self._looks_per_tick = looks_per_tick
        self._opened = 0
        self._stalled_ns = 0
        self._open: dict[int, int] = {}
        self._overdue: list[tuple[int, int]] = []
        self._late: set[int] = set()
        self._ended: list[tuple[int, int, float]] = []
        self._published_ns = 0
        self._watchful_ns = 0
        self._told = 0
        self._silent: dict[int, tuple[int, int]] = {}
        self._ask_again: tuple[int, int] | None = None
        self._has_sight = False
        self._worst_lag = self._worst_lag_before = 0
        self.statistics = RunnerStatistics()
        self._schedule = Schedule(fleet.codes(), pacing, now=monotonic_ns())
        self._fleet = fleet
        self._address: list[str | None] = []
        self._round_trips = RoundTripEstimate(0)
        self._install(fleet, pacing, addresses)

    def swap(self, fleet: Fleet, pacing: Pacing, addresses: Mapping[str, str]) -> None:
        """Look at another fleet from now on; a slot with the same code keeps its belief and doubt."""
        schedule = Schedule(fleet.codes(), pacing, now=self._monotonic_ns())
        self._settle(self._monotonic_ns())
        schedule.inherit(self._schedule)
        self._schedule = schedule
        self._told = 0
        self._silent.clear()
        self._open.clear()  # their fleet is gone; their answers are dropped
        self._late.clear()
        self._overdue.clear()
        self._install(fleet, pacing, addresses)

    def pace(self, pacing: Pacing) -> None:
        """Change the pacing: the election entered another phase."""
        self._pacing = pacing
        self._schedule.pace(pacing, now=self._monotonic_ns())

    def readdress(self, addresses: Mapping[str, str]) -> None:
        """Use newly resolved addresses, by slot code."""
        self._install(self._fleet, self._pacing, addresses)

    def look_at(self, address: str) -> None:
        """Look now at whatever has ``address``, and at its kin: something told us that it needs a look."""
        now = self._monotonic_ns()
        for number, own in enumerate(self._address):
            if own == address:
                self._schedule.hasten(np.array([number], np.intp), now)
                self._schedule.hasten(self._fleet.kin(number), now)

    def look_now(self, codes: Sequence[str]) -> None:
        """Look now at exactly these targets, those of them that are looked at from here."""
        places = self._fleet.slot_of.places(codes)
        self._schedule.hasten(places[places >= 0], self._monotonic_ns())

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until told to stop; a tick that fails is logged and counted, and the loop goes on."""
        while not stop.is_set():
            try:
                self.tick()
            except Exception:
                self.statistics.failed_ticks += 1
                log.exception("tick failed", vantage=self._fleet.vantage.code)
            await asyncio.sleep(TICK_SECONDS)
        self._published_ns = 0
        self._publish(0, self._monotonic_ns())

    def tick(self) -> None:
        """Send what is due, notice what is overdue, publish what has ended."""
        now = self._monotonic_ns()
        self._settle(now)
        self._notice_overdue(now)
        if self._ask_again is not None and self._ask_again[0] <= now:
            self._schedule.ask_again(self._ask_again[1], now)
            self._ask_again = None
        if self._schedule.in_doubt:
            self._watchful_ns = now + WATCHFUL_NS
        if now < self._watchful_ns:
            self._schedule.hasten(self._canaries, now, gap=CANARY_GAP_NS)
        self._stalled_ns = self._stalled(now)
        missed = (now - self.statistics.last_tick_ns) / (TICK_SECONDS * 1e9)
        ticks = min(max(missed, 1.0), MOST_TICKS_AT_ONCE)
        due = self._schedule.due(now, at_most=int(self._looks_per_tick * ticks), first=self._canaries)
        self._dispatch(due.regular, Flag.NONE)
        self._dispatch(due.confirm, Flag.CONFIRM)
        self._publish(due.lag, now)
        self._count(due.lag, len(due.regular) + len(due.confirm), now)

    def take_icmp(self, results: IcmpResults) -> None:
        """Take ended looks of the engine (on this loop's thread); results of a replaced table are dropped."""
        if results.generation != self._generation:
            return
        slots = self._icmp_slots[results.slot]
        is_canary = self._fleet.canary[slots]
        self._has_sight |= bool(is_canary.any())
        canary = np.where(is_canary, np.uint8(Flag.CANARY), np.uint8(0))
        self._gather.add_columns(
            index=self._fleet.index[slots],
            at_ns=results.at_ns,
            outcome=results.outcome,
            rtt=results.rtt,
            flags=(results.flags | canary).astype(np.uint8),
        )
        now = self._monotonic_ns()
        self._call_kin(self._schedule.finished(slots, results.outcome, now), now)
        self._watch(slots[is_canary], results.outcome[is_canary], now)

    def take_overdue(self, generation: int, table_slots: npt.NDArray[np.uint32]) -> None:
        """Take the engine's word that answers are overdue (on this loop's thread)."""
        if generation == self._generation:
            now = self._monotonic_ns()
            self._call_kin(self._schedule.suspect(self._icmp_slots[table_slots], now), now)

    def _install(self, fleet: Fleet, pacing: Pacing, addresses: Mapping[str, str]) -> None:
        old, old_address, old_round_trips = self._fleet, self._address, self._round_trips
        self._fleet = fleet
        self._pacing = pacing
        self._address = [addresses.get(slot.code) for slot in fleet.slots]
        self._probe = [self._probes.get(slot.kind) for slot in fleet.slots]
        self._round_trips = RoundTripEstimate(len(fleet.slots))
        if old_address:
            theirs = old.slot_of.places(fleet.codes())
            # Another address is another line: what was known of the old one would mislead.
            kept = [n for n, m in enumerate(theirs.tolist()) if m >= 0 and old_address[m] == self._address[n]]
            self._round_trips.adopt(old_round_trips, new=np.array(kept, np.intp), old=theirs[kept])
        self._canaries = np.flatnonzero(fleet.canary)
        reachable = [
            slot.kind is ProbeKind.ICMP and address is not None
            for slot, address in zip(fleet.slots, self._address, strict=True)
        ]
        self._is_icmp = np.array(reachable, bool) & (self._icmp is not None)
        self._icmp_slots = np.flatnonzero(self._is_icmp)
        self._table_slot = np.zeros(len(fleet.slots), np.uint32)
        self._table_slot[self._icmp_slots] = np.arange(len(self._icmp_slots), dtype=np.uint32)
        self._generation = 0
        if self._icmp is not None:
            table = [self._address[slot] or "" for slot in self._icmp_slots.tolist()]
            self._generation = self._icmp.set_targets(table)

    def _dispatch(self, slots: Indices, flags: Flag) -> None:
        if not len(slots):
            return
        by_icmp = self._is_icmp[slots]
        if self._icmp is not None and by_icmp.any():
            chosen = slots[by_icmp]
            timeouts = self._pacing.timeout[chosen]
            for timeout in np.unique(timeouts).tolist():
                self._icmp.send(
                    self._table_slot[chosen[timeouts == timeout]], timeout_ns=timeout, flags=int(flags)
                )
        others = slots[~by_icmp]
        if not len(others):
            return
        patience = self._round_trips.overdue_after_ns(others.astype(np.uint32))
        for slot, patience_ns in zip(others.tolist(), patience.tolist(), strict=True):
            is_prompt = self._fleet.slots[slot].kind not in LENGTHY
            self._begin(slot, flags, int(patience_ns) if is_prompt else _NO_HURRY)

    def _begin(self, slot: int, flags: Flag, patience_ns: int) -> None:
        target = self._fleet.slots[slot]
        at_ns, now = self._wall_ns(), self._monotonic_ns()
        timeout_ns = int(self._pacing.timeout[slot])
        self._opened += 1
        number = self._opened
        self._open[number] = slot
        address = self._address[slot]
        request = Request(target.index, address or "", target.port, target.options, timeout_ns / 1e9)
        probe = self._probe[slot]
        done = partial(self._finished, number, at_ns, flags, self._stalled_ns)
        if address is None:
            done(request, Answer(Outcome.ERROR, detail=f"the name {target.address!r} does not resolve"))
        elif probe is None:
            done(request, Answer(Outcome.ERROR, detail=f"this vantage cannot look by {target.kind}"))
        else:
            if patience_ns < timeout_ns:
                heapq.heappush(self._overdue, (now + patience_ns, number))
            probe.begin(request, done)

    def _stalled(self, now: int) -> int:
        """Answer for how long this loop has stood still in all: what passed between ticks beyond what one makes up for."""
        last = self.statistics.last_tick_ns or now
        return self._stalled_ns + max(0, now - last - int(MOST_TICKS_AT_ONCE * TICK_SECONDS * 1e9))

    def _finished(
        self, number: int, at_ns: int, flags: Flag, stalled_ns: int, request: Request, answer: Answer
    ) -> None:
        slot = self._open.pop(number, None)
        if slot is None:
            return  # begun for a fleet that has been replaced
        outcome = answer.outcome
        if outcome is Outcome.TIMEOUT:
            stood_still = (self._stalled(self._monotonic_ns()) - stalled_ns) / 1e9
            flags |= Flag.UNRELIABLE if stood_still * STALL_SHARE > request.timeout else Flag.NONE
        if self._fleet.canary[slot]:
            flags |= Flag.CANARY
            self._has_sight = True
            # Without ICMP a canary is knocked at by TCP: a refusal proves that we can see it.
            outcome = Outcome.OK if outcome is Outcome.REFUSED else outcome
        if number in self._late:
            self._late.discard(number)
            flags |= Flag.LATE if outcome is Outcome.OK else Flag.NONE
        self._ended.append((slot, outcome, answer.rtt))
        self._gather.add(
            Look(
                target=request.target,
                at_ns=at_ns,
                outcome=outcome,
                rtt=answer.rtt,
                code=answer.code,
                evidence=answer.evidence,
                flags=flags,
                phases=answer.phases,
                detail=answer.detail,
                measures=answer.measures,
            )
        )

    def _settle(self, now: int) -> None:
        """Count the looks that ended one by one since the last tick, all together."""
        if not self._ended:
            return
        ended, self._ended = self._ended, []
        slots = np.fromiter((slot for slot, _, _ in ended), np.intp, len(ended))
        outcomes = np.fromiter((outcome for _, outcome, _ in ended), np.uint8, len(ended))
        rtt = np.fromiter((rtt for _, _, rtt in ended), np.float64, len(ended))
        measured = (outcomes == Outcome.OK) & ~np.isnan(rtt)
        if measured.any():
            self._round_trips.update(
                slots[measured].astype(np.uint32), (rtt[measured] * 1e9).astype(np.int64)
            )
        self._call_kin(self._schedule.finished(slots, outcomes, now), now)
        is_canary = self._fleet.canary[slots]
        self._watch(slots[is_canary], outcomes[is_canary], now)

    def _watch(self, canaries: Indices, outcomes: npt.NDArray[np.uint8], now: int) -> None:
        """Note which canaries are silent, and since when; when one answers again, what fell meanwhile is asked again."""
        for slot, outcome in zip(canaries.tolist(), outcomes.tolist(), strict=True):
            if outcome != Outcome.OK:
                sent = now - int(self._pacing.timeout[slot])
                since, failures = self._silent.get(slot, (sent, 0))
                self._silent[slot] = (since, failures + 1)
                continue
            since, failures = self._silent.pop(slot, (now, 0))
            if failures >= SILENT_CANARY:
                # Looks sent while we were blind go on failing for one more timeout.
                due, before = self._ask_again or (now + int(self._pacing.timeout.max()), since)
                self._ask_again = due, min(before, since)

    def _publish(self, lag: int, now: int) -> None:
        self._worst_lag = max(self._worst_lag, lag)
        is_news = self._schedule.unusual != self._told or (self._has_sight and now < self._watchful_ns)
        if now - self._published_ns < (PUBLISH_AT_ONCE_NS if is_news else PUBLISH_NS):
            return
        self._told, self._has_sight = self._schedule.unusual, False
        # What was sent by a late tick ends in the batch after it.
        worst = max(self._worst_lag, self._worst_lag_before)
        self._worst_lag, self._worst_lag_before = 0, self._worst_lag
        batch = self._gather.flush(
            self._fleet.digest, unreliable=worst > LAG_BUDGET_NS or self._is_doubtful()
        )
        if batch is not None:
            self._published_ns = now
            self._publisher.publish(batch)
            self.statistics.batches += 1

    def _notice_overdue(self, now: int) -> None:
        while self._overdue and self._overdue[0][0] <= now:
            _, number = heapq.heappop(self._overdue)
            slot = self._open.get(number)
            if slot is not None:
                self._late.add(number)
                self._call_kin(self._schedule.suspect(np.array([slot], np.intp), now), now)

    def _call_kin(self, struck: Indices, now: int) -> None:
        for slot in struck.tolist():
            self._schedule.hasten(self._fleet.kin(slot), now)

    def _count(self, lag: int, looks: int, now: int) -> None:
        self.statistics.ticks += 1
        self.statistics.looks += looks
        self.statistics.lag_ns = lag
        self.statistics.lags.note(lag)
        self.statistics.in_doubt = self._schedule.in_doubt
        self.statistics.open_looks = len(self._open)
        self.statistics.last_tick_ns = now
