"""What is believed of the whole fleet now: views by vantage, states, paths and verdicts, as one value in memory.

:class:`FleetBelief` folds changed views into changed states, outages, paths and verdicts and writes them down as
:class:`~monitor.decisions.Decisions`; the rules are those of :mod:`monitor.quorum` and :mod:`monitor.verdict`. It
holds no clock, no SQL and no people. Times are UTC nanoseconds, cut to the microsecond where they become rows.

An outage opens when a state turns down and closes when somebody sees the target again. Growing stale does neither:
what we do not see is unobserved, and the outage that began before goes on until an answer ends it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from inventory.models import Inventory
from inventory.topology import Topology
from monitor.correlation import SIMULTANEOUS_NS, Census
from monitor.decisions import ClosedOutage, Decisions, OpenedOutage, TargetRow
from monitor.flapping import Turns, is_turn
from monitor.ingest import VIEWS, TargetChange, ViewTable
from monitor.isolation import Sight
from monitor.models import ChangeReason, State, StateChange, SubjectKind, Verdict, View
from monitor.moments import NEVER, moment
from monitor.quorum import state_of
from monitor.state import ViewPolicy
from monitor.verdict import Conflicts, PathBelief, SiteVerdict, conflicts, path_state, verdict

__all__ = ["STATES", "FleetBelief", "PathRecord", "SiteRecord", "subject_of"]

STATES = (State.UNKNOWN, State.UP, State.DEGRADED, State.PARTIAL, State.DOWN)
"""A state's number in columns is its place here."""

_NUMBER = {state: number for number, state in enumerate(STATES)}
_DOWN = _NUMBER[State.DOWN]
_SEEN = frozenset({State.UP, State.DEGRADED, State.PARTIAL})
_UNTESTED = SiteVerdict(Verdict.UNTESTED, 0, 0)


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


def subject_of(target: str, inventory: Inventory) -> str:
    """Answer what a target gives evidence for, as the subject of a change: ``path:``, ``risk:`` or ``link:``."""
    of = inventory.targets[target].of
    if of in inventory.paths:
        return f"path:{of}"
    return f"risk:{of}" if of in inventory.risks else f"link:{of}"


class FleetBelief:
    """Belief about every target, path and site of one inventory."""

    def __init__(self, inventory: Inventory, topology: Topology, policies: list[ViewPolicy]) -> None:
        self.inventory = inventory
        self.topology = topology
        self.codes = topology.codes
        self.states = np.zeros(len(self.codes), np.uint8)
        self.since_ns = np.full(len(self.codes), NEVER, np.int64)
        self.tables = {code: ViewTable(policies) for code in inventory.vantages}
        self.sights = {code: Sight.over(len(v.canaries)) for code, v in inventory.vantages.items()}
        self.outages: dict[str, int] = {}
        self.turns = Turns()
        self.paths: dict[str, PathRecord] = {}
        self.sites: dict[str, SiteRecord] = {}
        self._conflicts: dict[str, Conflicts] = {}
        self._members: dict[str, npt.NDArray[np.intp]] = {}

    def vantages_of(self, target: str) -> tuple[str, ...]:
        """Answer the vantages that look at a target: those that it names, or all."""
        return self.inventory.targets[target].vantages or tuple(self.tables)

    def state(self, target: str) -> State:
        """Answer the state of one target."""
        return STATES[self.states[self.topology.index[target]]]

    def apply(self, vantage: str, turned: Sequence[TargetChange], now_ns: int, out: Decisions) -> None:
        """Fold changed views of one vantage into states, outages, paths and verdicts."""
        touched: dict[str, int] = {}
        for number in self.tables[vantage].take_newly_armed():
            out.targets[self.codes[number], vantage] = self.row(self.codes[number], vantage)
        for each in turned:
            target = self.codes[each.target]
            out.targets[target, vantage] = self.row(target, vantage)
            at_ns = max(each.change.at_ns, int(self.since_ns[each.target]))
            if self._turn(each, at_ns, vantage, now_ns, out):
                path = self.topology.path_of(target)
                if path is not None:
                    touched[path] = max(touched.get(path, NEVER), at_ns)
        self._judge(touched, now_ns, out)

    def row(self, target: str, vantage: str) -> TargetRow:
        """Answer the view of a target from a vantage as it is stored."""
        table, number = self.tables[vantage], self.topology.index[target]

        return TargetRow(
            target=target,
            vantage=vantage,
            view=VIEWS[table.view[number]],
            since=moment(int(table.since_ns[number])),
            last_result_at=_maybe(int(table.last_result_ns[number])),
            last_ok_at=_maybe(int(table.last_ok_ns[number])),
            evidence=int(table.evidence[number]),
            evidence_at=_maybe(int(table.evidence_ns[number])),
            armed_at=_maybe(int(table.armed_ns[number])),
        )

    def census(self, risk: str, onset_ns: int) -> Census:
        """Count the targets under a risk group by what was seen of them since ``onset_ns``."""
        members = self._members.get(risk)
        if members is None:
            index = self.topology.index
            found = [index[target] for target in self.topology.targets_of_risk(risk)]
            members = self._members[risk] = np.array(found, np.intp)
        down = self.states[members] == _DOWN
        answered = np.full(len(members), NEVER, np.int64)
        failed = np.zeros(len(members), np.bool_)
        heard = np.zeros(len(members), np.bool_)
        for table in self.tables.values():
            last_ok, last_failure = table.last_ok_ns[members], table.last_failure_ns[members]
            answered = np.maximum(answered, last_ok)
            failed |= last_failure > np.maximum(last_ok, onset_ns - SIMULTANEOUS_NS)
            heard |= table.last_result_ns[members] > NEVER
        suspect = failed & ~down
        good = ~down & ~suspect & (answered >= onset_ns + SIMULTANEOUS_NS)
        unseen = heard & ~(down | suspect | good)
        return Census(*(int(np.count_nonzero(each)) for each in (down, suspect, good, unseen)))

    def is_lost(self, subject: str) -> bool:
        """Whether a path as a whole is down; anything else has only its own address to be judged by."""
        kind, _, code = subject.partition(":")
        return kind != "path" or self.path_state(code) is State.DOWN

    def is_answering(self, target: str) -> bool:
        """Whether a target that is believed down has answered its newest look."""
        number = self.topology.index[target]
        return any(
            self.tables[v].last_ok_ns[number] > self.tables[v].last_failure_ns[number]
            and self.tables[v].view[number] == VIEWS.index(View.DOWN)
            for v in self.vantages_of(target)
        )

    def judge_sites(self, now_ns: int, out: Decisions) -> None:
        """Compute every verdict anew from paths that are as they were (after a start)."""
        for site in self.inventory.sites:
            self._judge_site(site, now_ns, now_ns, out)

    def judge_all(self, at_ns: int, now_ns: int, out: Decisions) -> None:
        """Compute every path and site anew (after a swap of the inventory)."""
        self._judge(dict.fromkeys(self.inventory.paths, at_ns), now_ns, out)

    def _turn(self, turned: TargetChange, at_ns: int, vantage: str, now_ns: int, out: Decisions) -> bool:
        number = turned.target
        target = self.codes[number]
        old = STATES[self.states[number]]
        views = [VIEWS[self.tables[v].view[number]] for v in self.vantages_of(target) if v in self.tables]
        new = state_of(views, quorum=self.inventory.policy.quorum)
        if new is old:
            return False
        self.states[number] = _NUMBER[new]
        self.since_ns[number] = at_ns
        evidence = {"vantage": vantage, **turned.figures}
        if is_turn(old, new):
            self.turns.note(target, at_ns)
            evidence |= {"flapping": True} if self.turns.is_flapping(target, now_ns) else {}
        change = StateChange(
            kind=SubjectKind.TARGET,
            subject=target,
            old=old,
            new=new,
            at=moment(at_ns),
            noticed_at=moment(now_ns),
            reason=turned.change.reason,
            evidence=evidence,
        )
        out.changes.append(change)
        if new is State.DOWN and target not in self.outages:
            self.outages[target] = at_ns
            out.outages.append(OpenedOutage(target, moment(at_ns), moment(now_ns)))
        elif new in _SEEN and self.outages.pop(target, None) is not None:
            out.outages.append(ClosedOutage(target, moment(at_ns)))
        return True

    def _judge(self, touched: dict[str, int], now_ns: int, out: Decisions) -> None:
        sites: dict[str, int] = defaultdict(int)
        for path, at_ns in touched.items():
            site = self.inventory.paths[path].site
            sites[site] = max(sites[site], at_ns)
            old = self.paths.get(path, PathRecord(State.UNKNOWN, NEVER))
            new = self.path_state(path)
            if new is not old.state:
                self.paths[path] = PathRecord(new, max(at_ns, old.since_ns))
                self._note(SubjectKind.PATH, path, (old.state, new), (max(at_ns, old.since_ns), now_ns), out)
        for site, at_ns in sites.items():
            self._judge_site(site, at_ns, now_ns, out)

    def _judge_site(self, site: str, at_ns: int, now_ns: int, out: Decisions) -> None:
        old = self.sites.get(site, SiteRecord(_UNTESTED, NEVER))
        new = verdict(
            [self._path_belief(p) for p in self.topology.paths_of_site(site)], self._conflicts_of(site)
        )
        since_ns = max(at_ns, old.since_ns) if new.verdict is not old.verdict.verdict else old.since_ns
        self.sites[site] = SiteRecord(new, since_ns)
        if new.verdict is not old.verdict.verdict:
            self._note(SubjectKind.SITE, site, (old.verdict.verdict, new.verdict), (since_ns, now_ns), out)
            out.verdicts[site] = (new.verdict, moment(since_ns))

    def _note(
        self,
        kind: SubjectKind,
        subject: str,
        beliefs: tuple[str, str],
        times: tuple[int, int],
        out: Decisions,
    ) -> None:
        evidence = {}
        if kind is SubjectKind.SITE:
            judged = self.sites[subject].verdict
            evidence = {"independent_up": judged.up, "independent_declared": judged.declared}
        out.changes.append(
            StateChange(
                kind=kind,
                subject=subject,
                old=beliefs[0],
                new=beliefs[1],
                at=moment(times[0]),
                noticed_at=moment(times[1]),
                reason=ChangeReason.RECOMPUTED,
                evidence=evidence,
            )
        )

    def path_state(self, path: str) -> State:
        """Answer the state of a path from those of its targets."""
        index = self.topology.index
        return path_state(STATES[self.states[index[t]]] for t in self.topology.targets_of_path(path))

    def _path_belief(self, path: str) -> PathBelief:
        targets = self.topology.targets_of_path(path)
        return PathBelief(
            state=self.path_state(path),
            is_watched=bool(targets),
            is_tested=any(self.since_ns[self.topology.index[t]] > NEVER for t in targets),
        )

    def _conflicts_of(self, site: str) -> Conflicts:
        found = self._conflicts.get(site)
        if found is None:
            paths = [self.inventory.paths[code] for code in self.topology.paths_of_site(site)]
            above = [
                [self.inventory.risks[r] for r in self.topology.risks_of_path(path.code)] for path in paths
            ]
            found = self._conflicts[site] = conflicts(paths, above)
        return found


def _maybe(at_ns: int) -> datetime | None:
    return moment(at_ns) if at_ns > NEVER else None
