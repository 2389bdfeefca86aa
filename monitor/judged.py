"""Paths and sites as columns: what is believed of each and since when, by place in the inventory.

A nation has as many paths as targets; a value object for each in a dictionary would cost more than all else that is
believed. Read as mappings, they answer a value for every path and site of the inventory; one that was never judged is
unknown since never. Verdicts are few and shared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from inventory.codes import CodeIndex
from monitor.models import State, Verdict
from monitor.moments import NEVER
from monitor.verdict import WORST_FIRST, SiteVerdict

__all__ = ["STATES", "Groups", "PathRecord", "Paths", "SiteRecord", "Sites"]

STATES = (State.UNKNOWN, State.UP, State.DEGRADED, State.PARTIAL, State.DOWN)
"""A state's number in columns is its place here."""

_UNTESTED = SiteVerdict(Verdict.UNTESTED, 0, 0)
_RANK = {verdict: rank for rank, verdict in enumerate(WORST_FIRST)}


@dataclass(frozen=True, slots=True)
class PathRecord:
    """State of a path and since when."""

    state: State
    since_ns: int


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """Verdict of a site and since when."""

    verdict: SiteVerdict
    since_ns: int


class Paths(Mapping[str, PathRecord]):
    """The state of every path."""

    def __init__(self, index: CodeIndex) -> None:
        self.index = index
        self.state = np.zeros(len(index), np.uint8)
        self.since_ns = np.full(len(index), NEVER, np.int64)

    @override
    def __getitem__(self, code: str) -> PathRecord:
        place = self.index[code]
        return PathRecord(STATES[self.state[place]], int(self.since_ns[place]))

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.index)

    @override
    def __len__(self) -> int:
        return len(self.index)

    def copy(self) -> Self:
        """Answer the columns as they are now, apart from what comes."""
        other = type(self)(self.index)
        other.state, other.since_ns = self.state.copy(), self.since_ns.copy()
        return other

    def inherit(self, old: "Paths") -> None:
        """Take over what was believed of the paths that another inventory has too."""
        theirs = old.index.places(self.index)
        kept = np.flatnonzero(theirs >= 0)
        self.state[kept] = old.state[theirs[kept]]
        self.since_ns[kept] = old.since_ns[theirs[kept]]


class Sites(Mapping[str, SiteRecord]):
    """The verdict of every site. ``rank`` is its place in :data:`~monitor.verdict.WORST_FIRST`."""

    def __init__(self, index: CodeIndex) -> None:
        self.index = index
        self.verdict = [_UNTESTED] * len(index)
        self.rank = np.full(len(index), _RANK[Verdict.UNTESTED], np.uint8)
        self.since_ns: npt.NDArray[np.int64] = np.full(len(index), NEVER, np.int64)

    @override
    def __getitem__(self, code: str) -> SiteRecord:
        place = self.index[code]
        return SiteRecord(self.verdict[place], int(self.since_ns[place]))

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.index)

    @override
    def __len__(self) -> int:
        return len(self.index)

    def judge(self, place: int, verdict: SiteVerdict) -> None:
        """Note what is believed of the site at ``place`` from now on."""
        self.verdict[place], self.rank[place] = verdict, _RANK[verdict.verdict]

    def put(self, code: str, verdict: SiteVerdict, since_ns: int) -> None:
        """Note a verdict that was stored."""
        place = self.index[code]
        self.judge(place, verdict)
        self.since_ns[place] = since_ns

    def copy(self) -> Self:
        """Answer the columns as they are now, apart from what comes."""
        other = type(self)(self.index)
        other.verdict, other.since_ns = self.verdict.copy(), self.since_ns.copy()
        other.rank = self.rank.copy()
        return other

    def inherit(self, old: "Sites") -> None:
        """Take over what was believed of the sites that another inventory has too."""
        theirs = old.index.places(self.index)
        for place in np.flatnonzero(theirs >= 0).tolist():
            self.judge(place, old.verdict[theirs[place]])
            self.since_ns[place] = old.since_ns[theirs[place]]


class Groups:
    """Members by group, in their order; ``group`` holds each member's group, -1 for none."""

    def __init__(self, group: npt.NDArray[np.intp], groups: int) -> None:
        order = np.argsort(group, kind="stable")
        ordered = group[order]
        self._members = order.astype(np.int32)
        self._start = np.searchsorted(ordered, np.arange(groups + 1)).astype(np.int32)

    def of(self, group: int) -> list[int]:
        """Answer the members of one group."""
        found: list[int] = self._members[self._start[group] : self._start[group + 1]].tolist()
        return found
