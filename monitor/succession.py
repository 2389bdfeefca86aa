"""How belief outlives a restart and a swap of the inventory: taking over what was stored, or what was in memory.

A target that did not change keeps its state, its counters and its open outage. One that left, or whose address
changed, is no longer what it was: its outage ends with the swap and nothing holds its cause open.
"""

from collections.abc import Sequence
from datetime import datetime

from inventory.models import Inventory, Phase
from inventory.topology import Topology
from monitor.decisions import ClosedOutage, Decisions, TargetRow
from monitor.fleet import FleetBelief
from monitor.judged import STATES
from monitor.models import ChangeReason, Outage, State, StateChange, SubjectKind, Verdict, View
from monitor.moments import NEVER, moment, nanoseconds
from monitor.state import ViewPolicy
from monitor.verdict import SiteVerdict

__all__ = ["policies_of", "resume", "succeed", "unchanged"]


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
    """Answer the targets that are the same in both inventories (code to itself)."""
    return {code: code for code, target in new.targets.items() if old.targets.get(code) == target}


def succeed(belief: FleetBelief, old: FleetBelief, now_ns: int, out: Decisions) -> None:
    """Take over from the belief about the inventory before."""
    kept = unchanged(old.inventory, belief.inventory)
    mine, theirs = belief.topology.index.places(kept), old.topology.index.places(kept)
    for vantage, table in belief.tables.items():
        if vantage in old.tables:
            table.inherit(old.tables[vantage], (mine, theirs))
    belief.states[mine] = old.states[theirs]
    belief.since_ns[mine] = old.since_ns[theirs]
    belief.turns.inherit(old.turns, kept)
    for target, started_ns in old.outages.items():
        if target in kept:
            belief.outages[target] = started_ns
        else:
            out.outages.append(ClosedOutage(target, moment(now_ns)))
    gone = [code for code in old.codes if code not in kept]
    out.forgotten.extend(gone)
    out.changes.extend(_forgotten(code, old.state(code), now_ns) for code in gone)
    belief.paths.inherit(old.paths)
    belief.sites.inherit(old.sites)
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


def _forgotten(code: str, state: State, now_ns: int) -> StateChange:
    return StateChange(
        kind=SubjectKind.TARGET,
        subject=code,
        old=state,
        new=State.UNKNOWN,
        at=moment(now_ns),
        noticed_at=moment(now_ns),
        reason=ChangeReason.RECOMPUTED,
    )


def _ns(at: datetime | None) -> int:
    return NEVER if at is None else nanoseconds(at)
