"""Which look an arrival belongs to, what it makes of that look, and which looks time has ended. No socket here.

An answer counts when nonce, look, slot, sequence and source address are those of a look under way, and when the
kernel received it within the look's timeout, however late we came to read it. Everything else is counted by
what it is (see :class:`~probes.icmp_results.IcmpStatistics`), and changes nothing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from probes.icmp_address import Addresses
from probes.icmp_batch import Sent
from probes.icmp_clock import StampClock
from probes.icmp_flight import FlightTable, Stage
from probes.icmp_lane import Take
from probes.icmp_packet import Family, Quotes
from probes.icmp_results import IcmpResults, IcmpStatistics
from probes.models import Flag, Outcome
from probes.round_trip import RoundTripEstimate

__all__ = ["Matcher"]

_DOUBT_NS = 2_000_000
_DOUBT_SHARE = 8
"""A round trip is kept if its transmit stamp is good to 2 ms, or to an eighth of the round trip itself."""


class Matcher:
    """Holds the looks under way and ends each exactly once, through ``on_results``."""

    def __init__(
        self,
        *,
        clock: StampClock,
        statistics: IcmpStatistics,
        flight: FlightTable,
        on_results: Callable[[IcmpResults], None],
        on_overdue: Callable[[int, npt.NDArray[np.uint32]], None],
    ) -> None:
        self.flight = flight
        self._clock = clock
        self._count = statistics
        self._on_results = on_results
        self._on_overdue = on_overdue
        self._dropped_at_ns = -1
        self.generation = 0
        self.addresses = Addresses.of(())
        self._estimate = RoundTripEstimate(0)

    def install(self, generation: int, addresses: Addresses) -> None:
        """Replace the table of addresses; looks under way are forgotten, histories of kept addresses are not."""
        estimate = RoundTripEstimate(len(addresses))
        known = {text: slot for slot, text in enumerate(self.addresses.text)}
        kept = [(new, known[text]) for new, text in enumerate(addresses.text) if text in known]
        new, old = np.array(kept, np.intp).reshape(-1, 2).T
        estimate.adopt(self._estimate, new=new, old=old)
        self.addresses = addresses
        self.generation = generation
        self._estimate = estimate
        self.flight.abandon()

    def launched(self, slots: npt.NDArray[np.uint32], sent: Sent, *, timeout_ns: int, flags: int) -> None:
        """Take note of looks that have left, and end those that could not."""
        slots = slots[: sent.count]
        places = self.flight.launch(
            slots,
            sent_ns=sent.at_ns,
            spread_ns=sent.spread_ns,
            overdue_after_ns=self._estimate.overdue_after_ns(slots),
            timeout_ns=timeout_ns,
            flags=flags,
        )
        self._count.sent += sent.count - len(sent.failed)
        if sent.failed:
            self.flight.finish(places[sent.failed], Stage.EXPIRED)
            self.refused(slots[sent.failed], flags=flags)

    def refused(self, slots: npt.NDArray[np.uint32], *, flags: int) -> None:
        """End looks that never left as ERROR."""
        self._count.send_errors += len(slots)
        now_ns = np.full(len(slots), self._clock.sample())
        self._end(slots, now_ns, Outcome.ERROR, flags=np.full(len(slots), flags, np.uint8))

    def take(self, take: Take) -> None:
        """Judge what was received."""
        now_ns = self._clock.sample()
        reading = take.reading
        self._count.received += len(take.at_ns)
        self._count.truncated += reading.truncated
        self._count.foreign += reading.foreign
        self._count.clock_steps = self._clock.steps
        if len(reading.row):
            self._answers(take, now_ns)
        if reading.quotes is not None:
            self._errors(take.family, reading.quotes)

    def note_drops(self, drops: int) -> None:
        """Take note of the kernel's counter: looks that were under way when it rose may have been answered."""
        if drops != self._count.kernel_drops:
            self._count.kernel_drops = drops
            self._dropped_at_ns = self._clock.sample()

    def end_due(self, now_ns: int) -> None:
        """Raise suspicion of the overdue and end the expired; all that arrived before ``now_ns`` has been taken."""
        if now_ns < self.flight.earliest_ns:
            return
        overdue, expired = self.flight.due(now_ns)
        if len(expired):
            was_dropping = expired["sent_ns"] <= self._dropped_at_ns
            flags = np.where(was_dropping, expired["flags"] | Flag.UNRELIABLE, expired["flags"])
            self._end(expired["slot"], expired["sent_ns"], Outcome.TIMEOUT, flags=flags)
        if len(overdue):
            self._on_overdue(self.generation, overdue["slot"])

    def _answers(self, take: Take, now_ns: int) -> None:
        """Let those replies count that name a look under way and come from its target."""
        reading, count = take.reading, self._count
        places, looks = self.flight.find(reading.look)
        row = reading.row
        is_known = (looks["slot"] == reading.slot) & (looks["stage"] != Stage.NONE)
        count.expired += _number(~is_known)
        places, looks, row = _kept(is_known, places, looks, row)
        is_source = self.addresses.is_source(take.family, looks["slot"], take.names.take(row))
        count.spoofed += _number(~is_source)
        places, looks, row = _kept(is_source, places, looks, row)
        is_expired = looks["stage"] == Stage.EXPIRED
        count.expired += _number(is_expired)
        is_open = (looks["stage"] <= Stage.OVERDUE) & self.flight.first_of_each(places)
        count.duplicate += _number(~is_open & ~is_expired)
        places, looks, row = _kept(is_open, places, looks, row)
        self._measure(places, looks, take.at_ns[row], now_ns)

    def _measure(
        self,
        places: npt.NDArray[np.intp],
        looks: npt.NDArray[np.void],
        stamps: npt.NDArray[np.int64],
        now_ns: int,
    ) -> None:
        """End looks by their answers, with the round trip as far as the clocks can be trusted."""
        received_ns = stamps - self._clock.offset_ns
        is_absurd = (received_ns < looks["sent_ns"] - looks["spread_ns"]) | (received_ns > now_ns)
        received_ns = np.where(is_absurd, now_ns, received_ns)
        is_timely = received_ns <= looks["deadline_ns"]
        self._count.expired += _number(~is_timely)
        places, looks, received_ns, is_absurd = _kept(is_timely, places, looks, received_ns, is_absurd)
        rtt_ns = np.maximum(received_ns - looks["sent_ns"], 0)
        is_vague = looks["spread_ns"] > np.maximum(_DOUBT_NS, rtt_ns // _DOUBT_SHARE)
        is_measured = ~(is_absurd | is_vague | (looks["sent_ns"] < self._clock.stepped_at_ns))
        self._count.unmeasured += _number(~is_measured)
        self._estimate.update(looks["slot"][is_measured], rtt_ns[is_measured])
        is_late = looks["stage"] == Stage.OVERDUE
        self._count.late += _number(is_late)
        self.flight.finish(places, Stage.ANSWERED)
        self._end(
            looks["slot"],
            looks["sent_ns"],
            Outcome.OK,
            flags=np.where(is_late, looks["flags"] | Flag.LATE, looks["flags"]),
            rtt=np.where(is_measured, rtt_ns * 1e-9, np.nan),
        )

    def _errors(self, family: Family, quotes: Quotes) -> None:
        """End looks by routers' errors; one that quotes little names the newest look that it can mean."""
        numbers = np.where(quotes.known, quotes.look, self.flight.latest(quotes.sequence))
        places, looks = self.flight.find(numbers)
        is_open = (looks["stage"] == Stage.WAITING) | (looks["stage"] == Stage.OVERDUE)
        is_open &= self.flight.first_of_each(places)
        places, looks, destination = _kept(is_open, places, looks, quotes.destination)
        is_its = self.addresses.is_at(family, looks["slot"], destination)
        self._count.foreign += len(quotes.row) - _number(is_its)
        self._count.unreachable += _number(is_its)
        places, looks = _kept(is_its, places, looks)
        self.flight.finish(places, Stage.ANSWERED)
        self._end(looks["slot"], looks["sent_ns"], Outcome.UNREACHABLE, flags=looks["flags"])

    def _end(
        self,
        slots: npt.NDArray[np.uint32],
        sent_ns: npt.NDArray[np.int64],
        outcome: Outcome,
        *,
        flags: npt.NDArray[np.uint8],
        rtt: npt.NDArray[np.float64] | None = None,
    ) -> None:
        if len(slots):
            results = IcmpResults(
                generation=self.generation,
                slot=slots,
                at_ns=sent_ns + self._clock.offset_ns,
                outcome=np.full(len(slots), outcome, np.uint8),
                rtt=np.full(len(slots), np.nan, np.float32) if rtt is None else rtt.astype(np.float32),
                flags=flags.astype(np.uint8),
            )
            self._on_results(results)


def _number(chosen: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(chosen))


def _kept(chosen: npt.NDArray[np.bool_], *columns: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """Return the chosen rows of each column; the columns themselves, uncopied, in the usual case of all."""
    return columns if chosen.all() else tuple(column[chosen] for column in columns)
