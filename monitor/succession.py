"""How belief outlives a restart and a swap of the inventory: taking over what was stored, or what was in memory.

A target that did not change keeps its state, its counters and its open outage. One that left, or whose address
changed, is no longer what it was: its outage ends with the swap and nothing holds its cause open.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from inventory.models import Inventory, Phase, Target
from inventory.topology import Topology
from monitor.decisions import ClosedOutage, Decisions, OpenedOutage, TargetRow
from monitor.fleet import FleetBelief
from monitor.judged import STATES
from monitor.models import ChangeReason, Outage, State, StateChange, SubjectKind, Verdict, View
from monitor.moments import NEVER, moment, nanoseconds
from monitor.state import ViewPolicy
from monitor.verdict import SiteVerdict

__all__ = ["inherit", "judge", "policies_of", "resume", "unchanged"]


def policies_of(inventory: Inventory, topology: Topology, phase: Phase) -> list[ViewPolicy]:
    """Answer by which rule each target is believed in ``phase``, by fleet index."""
    known = {}
    answer = []
    for code in topology.codes:
        priority = topology.priority_of(code)
        if priority not in known:
            look = inventory.policy.look(phase, priority)
            known[priority] = ViewPolicy.of(look, arm_after=inventory.policy.arm_seconds)
        answer.append(known[priority])
    return answer


def resume(
    belief: FleetBelief,
    *,
    views: Sequence[TargetRow],
    outages: Sequence[Outage],
    verdicts: dict[str, tuple[str, datetime]],
    now_ns: int,
    out: Decisions,
) -> None:
    """Take over what the last transaction before a restart left; what changed meanwhile is written to ``out``."""
    index = belief.topology.index
    for row in views:
        table = belief.tables.get(row.vantage)
        if table is not None and row.target in index:
            table.restore(
                index[row.target],
                view=View(row.view),
                since_ns=nanoseconds(row.since),
                last_result_ns=_ns(row.last_result_at),
                last_ok_ns=_ns(row.last_ok_at),
            )
            table.arm(index[row.target], _ns(row.armed_at))
            table.prove(index[row.target], row.evidence, _ns(row.evidence_at))
    # What left while we were away must not be found down, and without an outage, should it ever be entered again.
    out.forgotten.extend(dict.fromkeys(row.target for row in views if row.target not in index))
    out.departed.extend(dict.fromkeys(row.vantage for row in views if row.vantage not in belief.tables))
    for outage in outages:
        if outage.target in index:
            belief.outages[outage.target] = nanoseconds(outage.started_at)
            for table in belief.tables.values():
                table.settle_down(index[outage.target])
        else:
            out.outages.append(ClosedOutage(outage.target, moment(now_ns)))
    _recall_states(belief)
    for site, (stored, since) in verdicts.items():
        if site in belief.inventory.sites:
            belief.sites.put(site, SiteVerdict(Verdict(stored), 0, 0), nanoseconds(since))
    belief.judge_sites(now_ns, out)


def unchanged(old: Inventory, new: Inventory) -> dict[str, str]:
    """Answer the targets that are the same in both inventories: their code in the old one to that in the new one.

    What was only renamed is the same: of all that left and all that is new, one alone of each is looked at so.
    """
    kept = {code: code for code, target in new.targets.items() if old.targets.get(code) == target}
    left = _by_look(target for code, target in old.targets.items() if code not in new.targets)
    came = _by_look(target for code, target in new.targets.items() if code not in old.targets)
    for look, codes in left.items():
        if len(codes) == len(came.get(look, ())) == 1:
            kept[codes[0]] = came[look][0]
    return kept


def inherit(
    belief: FleetBelief, old: FleetBelief, kept: Mapping[str, str], now_ns: int, out: Decisions
) -> None:
    """Take over from the belief about the inventory before; ``kept`` is what :func:`unchanged` answered."""
    mine, theirs = belief.topology.index.places(kept.values()), old.topology.index.places(kept)
    for vantage, table in belief.tables.items():
        if vantage in old.tables:
            table.inherit(old.tables[vantage], (mine, theirs))
    belief.states[mine] = old.states[theirs]
    belief.since_ns[mine] = old.since_ns[theirs]
    belief.turns.inherit(old.turns, kept)
    for target, started_ns in old.outages.items():
        name = kept.get(target)
        if name == target:
            belief.outages[target] = started_ns
            continue
        out.outages.append(ClosedOutage(target, moment(now_ns)))
        if name is not None:
            belief.outages[name] = now_ns
            out.outages.append(OpenedOutage(name, moment(now_ns), moment(now_ns)))
    for target in belief.outages:
        for table in belief.tables.values():
            table.settle_down(belief.topology.index[target])
    gone = [code for code in old.codes if kept.get(code) != code]
    out.forgotten.extend(gone)
    out.departed.extend(sorted(old.tables.keys() - belief.tables.keys()))
    out.changes.extend(_recomputed(code, (old.state(code), State.UNKNOWN), now_ns) for code in gone)
    renamed = [name for code, name in kept.items() if name != code]
    for name in renamed:
        out.changes.append(_recomputed(name, (State.UNKNOWN, belief.state(name)), now_ns))
        number = belief.topology.index[name]
        rows = {(name, vantage): belief.row(number, vantage) for vantage in belief.tables}
        out.targets.update(rows)
    belief.paths.inherit(old.paths)
    belief.sites.inherit(old.sites)


def judge(
    belief: FleetBelief, old: FleetBelief, kept: Mapping[str, str], now_ns: int, out: Decisions
) -> None:
    """Compute anew what follows from the views: states where who looks or how many must agree changed, all above."""
    if belief.rests_on != old.rests_on:
        belief.recall_states(belief.topology.index.places(kept.values()), now_ns, out)
    belief.judge_all(now_ns, now_ns, out)


def _recall_states(belief: FleetBelief) -> None:
    numbers = {state: number for number, state in enumerate(STATES)}
    for number, code in enumerate(belief.codes):
        tables = [belief.tables[v] for v in belief.vantages_of(code) if v in belief.tables]
        since_ns = max((int(table.since_ns[number]) for table in tables), default=NEVER)
        if since_ns > NEVER:
            belief.states[number] = numbers[belief.recall_state(number)]
            belief.since_ns[number] = since_ns
    belief.recall_paths()


def _by_look(targets: Iterable[Target]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for target in targets:
        found[repr(replace(target, code=""))].append(target.code)
    return found


def _recomputed(code: str, states: tuple[State, State], now_ns: int) -> StateChange:
    return StateChange(
        kind=SubjectKind.TARGET,
        subject=code,
        old=states[0],
        new=states[1],
        at=moment(now_ns),
        noticed_at=moment(now_ns),
        reason=ChangeReason.RECOMPUTED,
    )


def _ns(at: datetime | None) -> int:
    return NEVER if at is None else nanoseconds(at)
