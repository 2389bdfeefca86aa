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

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from monitor.fleet import FleetBelief
from monitor.ingest import VIEWS, TargetChange
from monitor.isolation import Sight
from monitor.models import View
from monitor.moments import SECOND

__all__ = ["OURSELVES_NS", "TOGETHER_NS", "Confirmation"]

OURSELVES_NS = 2 * SECOND
"""How much longer the canaries must vouch for us when two carriers fail together."""

TOGETHER_NS = SECOND
"""Carriers whose failures began within this time of each other failed together."""

_REMEMBERED_NS = 10 * SECOND

_AT_ONCE = 500
"""Most views committed with one batch; the others follow with the next: a nation that falls must not stop the loop."""

_ABSENT = 0
"""In a column of times: nothing waits. (Zeros cost no memory before something falls.)"""

_LONG_AGO = 1


class Confirmation:
    """What one vantage believes lost but has not been vouched for, as columns by fleet index."""

    def __init__(self, vantage: str, belief: FleetBelief) -> None:
        self._vantage = vantage
        self._turned: dict[int, TargetChange] = {}
        self._numbers: dict[str, int] = {}
        self._belief = belief
        self._clear()
        self.govern(belief, {})

    def __len__(self) -> int:
        return len(self._turned)

    def __contains__(self, target: str) -> bool:
        return target in self._belief.unconfirmed[self._vantage]

    def govern(self, belief: FleetBelief, names: Mapping[str, str]) -> None:
        """Hold back from another belief from now on; ``names`` are the targets still there, what is not is forgotten."""
        codes, falls = self._belief.codes, list(self._turned.values())
        noticed = {number: int(self._noticed_ns[number]) for number in self._turned}
        self._belief = belief
        self._clear()
        belief.unconfirmed[self._vantage] = {}
        for turned in falls:
            name = names.get(codes[turned.target])
            if name is not None:
                there = TargetChange(belief.topology.index[name], turned.change, turned.figures)
                self._wait(there, noticed[turned.target])

    def forget_future(self) -> None:
        """Let everything wait from the next look on: the clock was set back."""
        self._noticed_ns[list(self._turned)] = _LONG_AGO
        committed = np.flatnonzero(self._began_ns != _ABSENT)
        self._began_ns[committed[~np.isin(committed, list(self._turned))]] = _ABSENT

    def sift(self, turned: Sequence[TargetChange], sight: Sight, heard_ns: int) -> list[TargetChange]:
        """Answer the changes that may be committed now: those of ``turned`` and those that waited."""
        if not sight.canaries:
            return [*self._unasked(), *turned]
        passing = []
        for each in turned:
            before = self._leave(each.target)
            if each.change.new is View.DOWN:
                self._wait(each, heard_ns)
                continue
            if before is not None:
                self._began_ns[each.target] = _ABSENT
                if each.change.new is View.UNKNOWN:
                    # It grew stale before anybody vouched for its fall: it never was down.
                    table = self._belief.tables[self._vantage]
                    table.settled[each.target] = VIEWS.index(before.change.old)
            passing.append(each)
        if self._turned:
            passing.extend(self._vouched(sight, heard_ns))
        return passing

    def _clear(self) -> None:
        size = len(self._belief.codes)
        self._turned.clear()
        self._noticed_ns = np.zeros(size, np.int64)
        self._began_ns = np.zeros(size, np.int64)
        self._carrier = np.zeros(size, np.int32)
        self._place = np.zeros(size, np.int32)
        self._numbers.clear()

    def _wait(self, turned: TargetChange, noticed_ns: int) -> None:
        number, belief = turned.target, self._belief
        code = belief.codes[number]
        self._turned[number] = turned
        belief.unconfirmed[self._vantage][code] = turned.change.old
        self._noticed_ns[number] = max(noticed_ns, _LONG_AGO)
        self._began_ns[number] = turned.change.at_ns
        self._carrier[number] = self._numbered(belief.topology.owner_of(code))
        self._place[number] = self._numbered(belief.topology.site_of(code) or code)

    def _leave(self, number: int) -> TargetChange | None:
        turned = self._turned.pop(number, None)
        if turned is not None:
            self._noticed_ns[number] = _ABSENT
            del self._belief.unconfirmed[self._vantage][self._belief.codes[number]]
        return turned

    def _numbered(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    def _unasked(self) -> list[TargetChange]:
        """Let go of what waited for canaries that are none of ours any more."""
        return [turned for number in list(self._turned) if (turned := self._leave(number)) is not None]

    def _vouched(self, sight: Sight, heard_ns: int) -> list[TargetChange]:
        steady_ns = sight.steady_since(heard_ns)
        if steady_ns is None:
            return []
        waiting = np.flatnonzero(self._noticed_ns != _ABSENT)
        noticed = self._noticed_ns[waiting]
        if noticed.min() > sight.vouched_ns:
            return []
        is_together = np.isin(self._carrier[waiting], self._together(heard_ns))
        failed = self._belief.tables[self._vantage].last_failure_ns[waiting]
        asked = noticed + np.where(is_together, OURSELVES_NS, 0)
        passing = waiting[(asked <= sight.vouched_ns) & (failed >= steady_ns)]
        first = passing[np.lexsort((self._began_ns[passing], self._noticed_ns[passing]))][:_AT_ONCE]
        return [turned for number in first.tolist() if (turned := self._leave(number)) is not None]

    def _together(self, heard_ns: int) -> list[int]:
        """Answer the carriers that lost several places each, and began to within a second of another one."""
        known = np.flatnonzero(self._began_ns != _ABSENT)
        is_past = (self._noticed_ns[known] == _ABSENT) & (heard_ns - self._began_ns[known] >= _REMEMBERED_NS)
        self._began_ns[known[is_past]] = _ABSENT
        known = known[~is_past]
        carriers, of = np.unique(self._carrier[known], return_inverse=True)
        began = np.full(len(carriers), np.iinfo(np.int64).max)
        np.minimum.at(began, of, self._began_ns[known])
        lowest, highest = np.full(len(carriers), len(self._numbers)), np.full(len(carriers), -1)
        np.minimum.at(lowest, of, self._place[known])
        np.maximum.at(highest, of, self._place[known])
        has_lost = lowest < highest
        several = sorted(zip(began[has_lost].tolist(), carriers[has_lost].tolist(), strict=True))
        pairs = [(one, other) for (at, one), (then, other) in pairwise(several) if then - at <= TOGETHER_NS]
        return [carrier for pair in pairs for carrier in pair]
