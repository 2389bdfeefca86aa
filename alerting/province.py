"""What acting needs to know of the inventory, built once when it is loaded and swapped whole on reload."""

from datetime import datetime, timedelta

from alerting.incident import deadline_of
from alerting.models import Incident, IncidentState
from alerting.numbers import Numbers
from alerting.oncall import PAGE_CHANNELS
from inventory.models import ContactChannel, Deadlines, Inventory, PartyKind, Phase, Priority
from inventory.phases import phase_at
from inventory.topology import Topology

__all__ = ["Province"]


class Province:
    """An inventory with its topology, the department that answers for what nobody else owns, and how pages can leave."""

    def __init__(
        self,
        inventory: Inventory,
        *,
        channels: frozenset[ContactChannel] = PAGE_CHANNELS,
        numbers: Numbers | None = None,
    ) -> None:
        self.inventory = inventory
        self.channels = channels
        self.numbers = numbers or Numbers()
        self.topology = Topology.of(inventory)
        departments = sorted(p.code for p in inventory.parties.values() if p.kind is PartyKind.DEPARTMENT)
        self.department = departments[0] if departments else ""

    def phase(self, at: datetime) -> Phase:
        """Answer the leading phase at ``at``."""
        return phase_at(self.inventory.election, at)

    def owner(self, code: str) -> str:
        """Answer who is accountable: the named party, or the department where nobody known is named."""
        return code if code in self.inventory.parties else self.department

    def party_name(self, code: str) -> str:
        """Answer the party's printed name, or its code when it is not known any more."""
        party = self.inventory.parties.get(code)
        return party.name if party else code

    def deadlines(self, phase: Phase, priority: str) -> Deadlines:
        """Answer what an owner owes for the gravest site that is hit; an unknown priority counts as the lowest."""
        known = Priority(priority) if priority in {member.value for member in Priority} else Priority.C
        return self.inventory.policy.deadline(phase, known)

    def deadline(
        self, incident: Incident, state: IncidentState, at: datetime, *, eta: datetime | None = None
    ) -> datetime | None:
        """Answer when the next word on ``incident`` is due once it enters ``state`` at ``at``."""
        return deadline_of(
            state,
            at,
            deadlines=self.deadlines(incident.phase, str(incident.facts.get("priority", ""))),
            verify=timedelta(seconds=self.inventory.policy.verify_seconds),
            eta=eta,
        )
