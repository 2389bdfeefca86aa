"""What is believed of the whole fleet now: views by vantage, states, paths and verdicts, as one value in memory.

:class:`FleetBelief` folds changed views into changed states, outages, paths and verdicts and writes them down as
:class:`~monitor.decisions.Decisions`; the rules are those of :mod:`monitor.quorum` and :mod:`monitor.verdict`. It
holds no clock, no SQL and no people. Times are UTC nanoseconds, cut to the microsecond where they become rows.

An outage opens when a state turns down and closes when somebody sees the target again. Growing stale does neither:
what we do not see is unobserved, and the outage that began before goes on until an answer ends it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from inventory.codes import CodeIndex
from inventory.models import Inventory, ProbeKind
from inventory.topology import Topology
from monitor.areas import AreaIndex
from monitor.correlation import SIMULTANEOUS_NS, Census
from monitor.decisions import ClosedOutage, Decisions, OpenedOutage, TargetRow
from monitor.flapping import Turns, is_turn
from monitor.ingest import VIEWS, TargetChange, ViewTable
from monitor.judged import STATES, Groups, Paths, Sites
from monitor.models import ChangeReason, State, StateChange, SubjectKind, View
from monitor.moments import NEVER, moment
from monitor.quorum import seen_from, state_of
from monitor.state import ViewChange, ViewPolicy
from monitor.verdict import Conflicts, PathBelief, SiteVerdict, conflicts, path_state, verdict

__all__ = ["FleetBelief", "subject_of"]

_NUMBER = {state: number for number, state in enumerate(STATES)}
_DOWN, _PARTIAL = _NUMBER[State.DOWN], _NUMBER[State.PARTIAL]
_SEEN = frozenset({State.UP, State.DEGRADED, State.PARTIAL})


_BELIEFS = tuple(
    PathBelief(state, is_watched=bool(watched), is_tested=bool(tested))
    for state in STATES
    for watched in (0, 1)
    for tested in (0, 1)
)
"""Everything that a verdict can need of a path, by ``state number * 4 + watched * 2 + tested``."""


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
        self.unconfirmed: dict[str, dict[str, View]] = {code: {} for code in inventory.vantages}
        """By vantage: views that turned down and wait to be vouched for, with what they still count as."""
        self._upstreams = {code: tuple(vantage.upstreams) for code, vantage in inventory.vantages.items()}
        self.outages: dict[str, int] = {}
        self.turns = Turns()
        self.paths = Paths(CodeIndex(tuple(inventory.paths)))
        self.sites = Sites(CodeIndex(tuple(inventory.sites)))
        # What people say by telephone is evidence of a path, never its state (alerting.rollcall).
        self._path_of = self.paths.index.places(
            "" if target.kind is ProbeKind.ROLLCALL else target.of for target in inventory.targets.values()
        )
        self._targets_of = Groups(self._path_of, len(self.paths))
        self._site_of = self.sites.index.places(path.site for path in inventory.paths.values())
        self._paths_of = Groups(self._site_of, len(self.sites))
        self.areas = AreaIndex(inventory, topology, self.sites.index)
        self._conflicts: list[Conflicts | None] = [None] * len(self.sites)
        self._judged: dict[tuple[tuple[int, ...], Conflicts], SiteVerdict] = {}
        self._shared: dict[Conflicts, Conflicts] = {}
        self._members: dict[str, npt.NDArray[np.intp]] = {}

    def vantages_of(self, target: str) -> tuple[str, ...]:
        """Answer the vantages that look at a target: those that it names, or all."""
        return self.inventory.targets[target].vantages or tuple(self.tables)

    def state(self, target: str) -> State:
        """Answer the state of one target."""
        return STATES[self.states[self.topology.index[target]]]

    def view(self, vantage: str, target: str) -> View:
        """Answer what counts as the view of a target from a vantage: what was vouched for."""
        return self._view(vantage, self.topology.index[target])

    def views(self, target: str) -> dict[str, View]:
        """Answer what counts as the view of a target from each vantage that looks at it."""
        return self._views(self.topology.index[target])

    def recall_state(self, number: int) -> State:
        """Answer the state of a target, by fleet index, that follows from its views alone."""
        return self._state_of(self._views(number))

    def prove(self, vantage: str, proven: Mapping[str, int], evidence: int) -> None:
        """Know again what was proven of targets, and when (nanoseconds since 1970); no look, no view, no change.

        What is known better, or of later, stays; a target or vantage that is no longer there is left out.
        """
        table = self.tables.get(vantage)
        if table is None:
            return
        known = {self.topology.index[code]: at for code, at in proven.items() if code in self.topology.index}
        for number, at_ns in known.items():
            if (evidence, at_ns) > (table.evidence[number], table.evidence_ns[number]):
                table.prove(number, evidence, at_ns)

    def lost_from(self) -> dict[str, tuple[str, ...]]:
        """Answer the carriers through which each partial target is lost."""
        partial = [self.codes[n] for n in np.flatnonzero(self.states == _PARTIAL).tolist()]
        return {t: tuple(seen_from(self.views(t), self._upstreams)["down"]) for t in partial}

    def lasted_ns(self, target: str, began_ns: int) -> int:
        """Answer for how long a target has failed without an answer: to its newest look, from any vantage."""
        number, tables = self.topology.index[target], self.tables.values()
        failed_ns = max((int(table.last_failure_ns[number]) for table in tables), default=NEVER)
        answered_ns = max((int(table.last_ok_ns[number]) for table in tables), default=NEVER)
        return failed_ns - max(began_ns, answered_ns)

    def patience(self, target: str) -> float:
        """Answer how many times as many failures as of any other were asked of a target that is down, for its loss."""
        number = self.topology.index[target]
        return max((table.lossy.get(number, 1.0) for table in self.tables.values()), default=1.0)

    def apply(self, vantage: str, turned: Sequence[TargetChange], now_ns: int, out: Decisions) -> None:
        """Fold changed views of one vantage into states, outages, paths and verdicts."""
        touched: dict[int, int] = {}
        for number in self.tables[vantage].take_newly_armed():
            out.targets[self.codes[number], vantage] = self.row(number, vantage)
        for each in turned:
            target = self.codes[each.target]
            out.targets[target, vantage] = self.row(each.target, vantage)
            at_ns = max(each.change.at_ns, int(self.since_ns[each.target]))
            if self._turn(each, at_ns, vantage, now_ns, out):
                path = int(self._path_of[each.target])
                if path >= 0:
                    touched[path] = max(touched.get(path, NEVER), at_ns)
        self._judge(touched, now_ns, out)

    def rows(self, vantage: str) -> dict[tuple[str, str], TargetRow]:
        """Answer every view from a vantage as it is stored; what nobody vouched for is left to be asked anew."""
        waiting = self.unconfirmed[vantage]
        looked = np.flatnonzero(self.tables[vantage].last_result_ns > NEVER).tolist()
        return {
            (self.codes[n], vantage): self.row(n, vantage) for n in looked if self.codes[n] not in waiting
        }

    def row(self, number: int, vantage: str) -> TargetRow:
        """Answer the view of a target, by fleet index, from a vantage as it is stored."""
        table = self.tables[vantage]
        return TargetRow(
            target=self.codes[number],
            vantage=vantage,
            view=self._view(vantage, number),
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
            members = self._members[risk] = self.topology.index.places(
                target
                for target in self.topology.targets_of_risk(risk)
                if self.inventory.targets[target].kind is not ProbeKind.ROLLCALL
            )
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

    @property
    def rests_on(self) -> object:
        """From where is looked and how many must agree: where that changes, other states follow from the same views."""
        return self._upstreams, self.inventory.policy.quorum

    def recall_states(self, numbers: Iterable[int], now_ns: int, out: Decisions) -> None:
        """Compute these states anew from the views: other vantages look now, or more must agree."""
        for number in numbers:
            view = VIEWS[0]
            turned = TargetChange(number, ViewChange(view, view, now_ns, ChangeReason.RECOMPUTED))
            at_ns = max(now_ns, int(self.since_ns[number]))
            self._turn(turned, at_ns, self.vantages_of(self.codes[number])[0], now_ns, out)

    def recall_paths(self) -> None:
        """Take the paths' states from their targets, without a word: they are as they were before a restart."""
        for path in range(len(self.paths)):
            since_ns = max((int(self.since_ns[n]) for n in self._targets_of.of(path)), default=NEVER)
            if since_ns > NEVER:
                self.paths.state[path], self.paths.since_ns[path] = self._path_number(path), since_ns

    def judge_sites(self, now_ns: int, out: Decisions) -> None:
        """Compute every verdict anew from paths that are as they were (after a start)."""
        for site in range(len(self.sites)):
            self._judge_site(site, now_ns, now_ns, out)

    def judge_all(self, at_ns: int, now_ns: int, out: Decisions) -> None:
        """Compute every path and site anew (after a swap of the inventory)."""
        self._judge(dict.fromkeys(range(len(self.paths)), at_ns), now_ns, out)

    def _turn(self, turned: TargetChange, at_ns: int, vantage: str, now_ns: int, out: Decisions) -> bool:
        number = turned.target
        target = self.codes[number]
        old = STATES[self.states[number]]
        views = self._views(number)
        new = self._state_of(views)
        if new is old:
            return False
        self.states[number] = _NUMBER[new]
        self.since_ns[number] = at_ns
        evidence: dict[str, Any] = {"vantage": vantage, **turned.figures}
        if len(views) > 1:
            evidence["seen_from"] = seen_from(views, self._upstreams)
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

    def _view(self, vantage: str, number: int) -> View:
        waiting = self.unconfirmed[vantage].get(self.codes[number])
        return VIEWS[self.tables[vantage].view[number]] if waiting is None else waiting

    def _views(self, number: int) -> dict[str, View]:
        return {v: self._view(v, number) for v in self.vantages_of(self.codes[number]) if v in self.tables}

    def _state_of(self, views: Mapping[str, View]) -> State:
        upstreams = [self._upstreams[vantage] for vantage in views]
        return state_of(list(views.values()), quorum=self.inventory.policy.quorum, upstreams=upstreams)

    def _judge(self, touched: dict[int, int], now_ns: int, out: Decisions) -> None:
        sites: dict[int, int] = defaultdict(int)
        paths = self.paths
        for path, at_ns in touched.items():
            site = int(self._site_of[path])
            sites[site] = max(sites[site], at_ns)
            old, new = int(paths.state[path]), self._path_number(path)
            if new != old:
                since_ns = max(at_ns, int(paths.since_ns[path]))
                paths.state[path], paths.since_ns[path] = new, since_ns
                code = paths.index.codes[path]
                self._note(SubjectKind.PATH, code, (STATES[old], STATES[new]), (since_ns, now_ns), out)
        for site, at_ns in sites.items():
            self._judge_site(site, at_ns, now_ns, out)

    def _judge_site(self, site: int, at_ns: int, now_ns: int, out: Decisions) -> None:
        sites = self.sites
        old, new = sites.verdict[site], self._verdict_of(site)
        sites.judge(site, new)
        if new.verdict is not old.verdict:
            since_ns = max(at_ns, int(sites.since_ns[site]))
            sites.since_ns[site] = since_ns
            code = sites.index.codes[site]
            evidence = {"independent_up": new.up, "independent_declared": new.declared}
            self._note(SubjectKind.SITE, code, (old.verdict, new.verdict), (since_ns, now_ns), out, evidence)
            out.verdicts[code] = (new.verdict, moment(since_ns))

    def _note(
        self,
        kind: SubjectKind,
        subject: str,
        beliefs: tuple[str, str],
        times: tuple[int, int],
        out: Decisions,
        evidence: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
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
        return STATES[self._path_number(self.paths.index[path])]

    def _path_number(self, path: int) -> int:
        targets = self._targets_of.of(path)
        if len(targets) == 1:
            return int(self.states[targets[0]])
        return _NUMBER[path_state(STATES[self.states[target]] for target in targets)]

    def _verdict_of(self, site: int) -> SiteVerdict:
        """Answer the verdict of a site from the states of its paths; sites that look the same share the answer."""
        believed = tuple([self._path_belief(path) for path in self._paths_of.of(site)])
        among = self._conflicts_of(site)
        known = self._judged.get((believed, among))
        if known is None:
            known = self._judged[believed, among] = verdict([_BELIEFS[number] for number in believed], among)
        return known

    def _path_belief(self, path: int) -> int:
        targets = self._targets_of.of(path)
        is_tested = any(self.since_ns[target] > NEVER for target in targets)
        return int(self.paths.state[path]) * 4 + bool(targets) * 2 + is_tested

    def _conflicts_of(self, site: int) -> Conflicts:
        found = self._conflicts[site]
        if found is None:
            codes = [self.paths.index.codes[path] for path in self._paths_of.of(site)]
            paths = [self.inventory.paths[code] for code in codes]
            above = [[self.inventory.risks[r] for r in self.topology.risks_of_path(code)] for code in codes]
            found = conflicts(paths, above)
            found = self._conflicts[site] = self._shared.setdefault(found, found)
        return found


def _maybe(at_ns: int) -> datetime | None:
    return moment(at_ns) if at_ns > NEVER else None
