"""What a carrier's engineer has to do: own incidents by deadline, each with what was measured of the own lines. Pure.

Nothing here tells of another party: not which of the sites have something else left, only how the own lines are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerting.models import Incident
from dashboards.i18n import Words
from dashboards.views.board import IncidentRow, incident_row
from dashboards.views.incident import actions_of, moment_in
from inventory.access import Actor
from inventory.models import ContactChannel, Inventory, Person, Site
from inventory.topology import Topology
from monitor.look_now import targets_asked
from monitor.models import State
from monitor.snapshot import Snapshot

__all__ = ["Measured", "Mine", "Reach", "mine_of", "reaches"]

_SITES = 5
_LIVE_FAULT = frozenset({State.DOWN, State.PARTIAL})


@dataclass(frozen=True, slots=True)
class Measured:
    """How the party's own probed addresses of one incident are now; ``at`` is the newest look at any of them."""

    down: int
    of: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Mine:
    """One own incident with what can be done to it by a thumb."""

    row: IncidentRow
    sites: tuple[str, ...]
    more_sites: int
    looked_at: tuple[Site, ...]
    """Sites of the incident at which the party has lines of its own that are looked at."""
    measured: Measured
    actions: tuple[str, ...]
    restore_by: datetime | None
    eta: datetime | None
    by_call: bool

    @property
    def waits_for_us(self) -> bool:
        """Whether the running deadline is ours to keep."""
        return self.row.is_owed


@dataclass(frozen=True, slots=True)
class Reach:
    """How one person can be reached. ``faults`` are addresses that a gateway refused for good, with its words."""

    person: Person
    faults: Mapping[str, str]
    own_network_only: bool

    @property
    def webhooks(self) -> tuple[str, ...]:
        """Addresses that machines are called at."""
        return tuple(c.address for c in self.person.contacts if c.channel is ContactChannel.WEBHOOK)


def mine_of(
    incidents: Iterable[Incident],
    actor: Actor,
    *,
    inventory: Inventory,
    topology: Topology,
    snapshot: Snapshot,
    words: Words,
) -> tuple[Mine, ...]:
    """Answer own incidents in the order in which they are due; what is settled comes last."""
    found = [_mine(each, actor, inventory, topology, snapshot, words) for each in incidents]
    return tuple(sorted(found, key=_due))


def _due(mine: Mine) -> tuple[bool, float, int]:
    at = mine.row.deadline_at
    return not mine.waits_for_us, at.timestamp() if at else float("inf"), mine.row.id


def _mine(
    incident: Incident,
    actor: Actor,
    inventory: Inventory,
    topology: Topology,
    snapshot: Snapshot,
    words: Words,
) -> Mine:
    row = incident_row(incident, inventory=inventory, topology=topology, words=words)
    hit = [inventory.sites[code] for code in row.impact.sites]
    names = [site.name for site in hit]
    is_over = incident.ended_at is not None
    return Mine(
        row=row,
        sites=tuple(names[:_SITES]),
        more_sites=max(0, len(names) - _SITES),
        looked_at=tuple(
            site for site in hit if targets_asked(inventory, topology, site.code, scope=incident.owner)
        ),
        measured=_measured(incident, inventory, topology, snapshot),
        actions=actions_of(incident, actor),
        restore_by=None if is_over else moment_in(incident.facts, "restore_by"),
        eta=None if is_over else moment_in(incident.facts, "eta"),
        by_call=incident.facts.get("verify") == "callback",
    )


def _measured(incident: Incident, inventory: Inventory, topology: Topology, snapshot: Snapshot) -> Measured:
    evidence = incident.facts.get("evidence", {})
    own = [
        code
        for code in evidence.get("paths", ())
        if code in inventory.paths and inventory.paths[code].carrier == incident.owner
    ]
    codes = [target for path in own for target in topology.targets_of_path(path)]
    views = [view for code in codes if (view := snapshot.targets.get(code)) is not None]
    looked = [view.last_result_at for view in views if view.last_result_at is not None]
    return Measured(sum(view.state in _LIVE_FAULT for view in views), len(views), max(looked, default=None))


def reaches(
    inventory: Inventory, party: str, faults: Mapping[tuple[ContactChannel, str], str]
) -> tuple[Reach, ...]:
    """Answer the people of ``party`` by name, each with the ways to reach them."""
    people = sorted(
        (each for each in inventory.people.values() if each.party == party), key=lambda each: each.name
    )
    return tuple(_reach(person, party, faults) for person in people)


def _reach(person: Person, party: str, faults: Mapping[tuple[ContactChannel, str], str]) -> Reach:
    refused = {
        contact.address: faults[contact.channel, contact.address]
        for contact in person.contacts
        if (contact.channel, contact.address) in faults
    }
    networks = {contact.rides_on for contact in person.contacts}
    return Reach(person, refused, bool(person.contacts) and networks == {party})
