"""Whether what turned down may be committed: nothing is lost before our own sight was proven after it was lost.

An uplink does not die in one instant: it takes targets and canaries one after the other, and a failed look is proven
by a canary that may be the next to go. So a view that turned down waits, and is committed when

* every group of canaries has answered a look that started after the failure was noticed,
* no group gives reason to doubt ourselves (:meth:`monitor.isolation.Sight.steady_since`), and
* the target has failed a look since the last time that one did: what fell while we were in doubt is asked again.

Two carriers that fail within a second are first of all our own line: if each lost several places, the canaries are
asked for :data:`OURSELVES_NS` longer. All of it is bounded: with canaries that answer a single carrier waits for one
look at them, two carriers for two seconds, and a canary that dies at the same time for
:data:`monitor.isolation.SUSPECT_NS`. While it waits, the view counts as what it was before; one that answers again
has never been down.

Times are the vantage's own: "now" is the newest start of any look that it reported, so that a replay of the same
looks decides the same, and a vantage whose clock is wrong is judged by its own clock.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from monitor.fleet import FleetBelief
from monitor.ingest import VIEWS, TargetChange
from monitor.isolation import Sight
from monitor.models import View
from monitor.moments import NEVER, SECOND

__all__ = ["OURSELVES_NS", "TOGETHER_NS", "Confirmation"]

OURSELVES_NS = 2 * SECOND
"""How much longer the canaries must vouch for us when two carriers fail together."""

TOGETHER_NS = SECOND
"""Carriers whose failures began within this time of each other failed together."""

_PLACES = 2
_REMEMBERED_NS = 10 * SECOND


@dataclass(frozen=True, slots=True)
class _Fall:
    """A view that turned down; ``noticed_ns`` is by the vantage's clock."""

    turned: TargetChange
    carrier: str
    place: str
    noticed_ns: int


class Confirmation:
    """What one vantage believes lost but has not been vouched for."""

    def __init__(self, vantage: str, belief: FleetBelief) -> None:
        self._vantage = vantage
        self._falls: dict[str, _Fall] = {}
        self._committed: list[_Fall] = []
        self.govern(belief, {})

    def __len__(self) -> int:
        return len(self._falls)

    def __contains__(self, target: str) -> bool:
        return target in self._falls

    def govern(self, belief: FleetBelief, names: Mapping[str, str]) -> None:
        """Hold back from another belief from now on; ``names`` are the targets still there, what is not is forgotten."""
        index = belief.topology.index
        self._belief = belief
        self._falls = {
            names[code]: _Fall(
                TargetChange(index[names[code]], fall.turned.change, fall.turned.figures),
                fall.carrier,
                fall.place,
                fall.noticed_ns,
            )
            for code, fall in self._falls.items()
            if code in names
        }
        belief.unconfirmed[self._vantage] = {
            code: fall.turned.change.old for code, fall in self._falls.items()
        }

    def forget_future(self) -> None:
        """Let everything wait from the next look on: the clock was set back."""
        self._falls = {
            code: _Fall(fall.turned, fall.carrier, fall.place, NEVER) for code, fall in self._falls.items()
        }
        self._committed.clear()

    def sift(self, turned: Sequence[TargetChange], sight: Sight, heard_ns: int) -> list[TargetChange]:
        """Answer the changes that may be committed now: those of ``turned`` and those that waited."""
        if not sight.canaries:
            return [*self._unasked(), *turned]
        waiting = self._belief.unconfirmed[self._vantage]
        passing = []
        for each in turned:
            code = self._belief.codes[each.target]
            before = self._falls.pop(code, None)
            waiting.pop(code, None)
            if each.change.new is View.DOWN:
                self._falls[code] = self._fall(each, code, heard_ns)
                waiting[code] = each.change.old
                continue
            if before is not None and each.change.new is View.UNKNOWN:
                # It grew stale before anybody vouched for its fall: it never was down.
                table = self._belief.tables[self._vantage]
                table.settled[each.target] = VIEWS.index(before.turned.change.old)
            passing.append(each)
        if self._falls:
            passing.extend(self._vouched(sight, heard_ns))
        return passing

    def _unasked(self) -> list[TargetChange]:
        """Let go of what waited for canaries that are none of ours any more."""
        freed = [fall.turned for fall in self._falls.values()]
        self._falls.clear()
        self._belief.unconfirmed[self._vantage].clear()
        return freed

    def _fall(self, turned: TargetChange, code: str, heard_ns: int) -> _Fall:
        topology = self._belief.topology
        return _Fall(turned, topology.owner_of(code), topology.site_of(code) or code, heard_ns)

    def _vouched(self, sight: Sight, heard_ns: int) -> Iterator[TargetChange]:
        steady_ns = sight.steady_since(heard_ns)
        if steady_ns is None:
            return
        vouched_ns = sight.vouched_ns
        if min(fall.noticed_ns for fall in self._falls.values()) > vouched_ns:
            return
        together = self._together(heard_ns)
        failed_ns = self._belief.tables[self._vantage].last_failure_ns
        for code, fall in list(self._falls.items()):
            asked_ns = fall.noticed_ns + (OURSELVES_NS if fall.carrier in together else 0)
            if asked_ns <= vouched_ns and failed_ns[fall.turned.target] >= steady_ns:
                del self._falls[code]
                del self._belief.unconfirmed[self._vantage][code]
                self._committed.append(fall)
                yield fall.turned

    def _together(self, heard_ns: int) -> set[str]:
        """Answer the carriers that lost several places each, and began to within a second of another one."""
        self._committed = [
            fall for fall in self._committed if heard_ns - fall.turned.change.at_ns < _REMEMBERED_NS
        ]
        places: dict[str, set[str]] = defaultdict(set)
        began: dict[str, list[int]] = defaultdict(list)
        for fall in (*self._committed, *self._falls.values()):
            places[fall.carrier].add(fall.place)
            began[fall.carrier].append(fall.turned.change.at_ns)
        several = sorted((min(began[c]), c) for c, lost in places.items() if len(lost) >= _PLACES)
        pairs = [(one, other) for (at, one), (then, other) in pairwise(several) if then - at <= TOGETHER_NS]
        return {carrier for pair in pairs for carrier in pair}
