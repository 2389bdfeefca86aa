"""A risk group: what hangs on it, how that is now, what it stands on. Pure; ``scope`` leaves out other parties' paths."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from inventory.models import Inventory, Medium, Risk
from inventory.topology import Topology
from monitor.models import State
from monitor.snapshot import Snapshot

__all__ = ["Hanging", "RiskTarget", "hanging_on", "parents_of", "targets_on"]

_ORDER = (State.DOWN, State.PARTIAL, State.DEGRADED, State.UNKNOWN, State.UP)


@dataclass(frozen=True, slots=True)
class Hanging:
    """A path that fails with the risk group."""

    site: str
    name: str
    carrier: str
    medium: Medium
    state: State
    since: datetime | None


@dataclass(frozen=True, slots=True)
class RiskTarget:
    """An address probed on the risk group itself."""

    code: str
    address: str
    state: State
    last_at: datetime | None


def hanging_on(
    risk: str, inventory: Inventory, topology: Topology, snapshot: Snapshot, *, scope: str | None
) -> tuple[Hanging, ...]:
    """Answer the paths that fail with ``risk``, the worst off first; with ``scope`` that party's alone."""
    found = []
    for code in topology.paths_of_risk(risk):
        path = inventory.paths[code]
        if scope is not None and path.carrier != scope:
            continue
        view = snapshot.sites.get(path.site)
        seen = next((each for each in view.paths if each.code == code), None) if view else None
        found.append(
            Hanging(
                site=path.site,
                name=inventory.sites[path.site].name,
                carrier=path.carrier,
                medium=path.medium,
                state=seen.state if seen else State.UNKNOWN,
                since=seen.since if seen else None,
            )
        )
    return tuple(sorted(found, key=lambda each: (_ORDER.index(each.state), each.site, each.medium)))


def targets_on(risk: str, inventory: Inventory, snapshot: Snapshot) -> tuple[RiskTarget, ...]:
    """Answer what is probed on the risk group itself."""
    return tuple(_target(code, inventory, snapshot) for code in _own(risk, inventory))


def _own(risk: str, inventory: Inventory) -> Iterable[str]:
    return (code for code, target in inventory.targets.items() if target.of == risk)


def _target(code: str, inventory: Inventory, snapshot: Snapshot) -> RiskTarget:
    view = snapshot.targets.get(code)
    return RiskTarget(
        code=code,
        address=inventory.targets[code].address,
        state=view.state if view else State.UNKNOWN,
        last_at=view.last_result_at if view else None,
    )


def parents_of(risk: Risk, inventory: Inventory) -> tuple[Risk, ...]:
    """Answer what ``risk`` stands on, the nearest first."""
    found: list[Risk] = []
    above = inventory.risks.get(risk.parent or "")
    while above is not None and above not in found:
        found.append(above)
        above = inventory.risks.get(above.parent or "")
    return tuple(found)
