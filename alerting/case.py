"""A case: one incident held inside one transaction, where every change is also an entry of its ledger."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.drill_store import running_for
from alerting.drills import Drill, is_drillable, marked
from alerting.endpoint_telling import tell_machines
from alerting.incident import apply
from alerting.ledger import append, changes_between
from alerting.models import Incident, IncidentEvent, IncidentState, LedgerEntry
from alerting.store import (
    add_incident,
    append_entry,
    last_entry,
    save_incident,
)
from alerting.store import (
    incident as read_incident,
)

__all__ = ["SYSTEM", "Case"]

_TITLES = {"title", "title_en"}
SYSTEM = "thongsuot"
"""The actor of what nobody did: clocks and probes."""


class Case:
    """An incident and the end of its ledger.

    Its version in the database is the sequence of its last entry, so two transactions that both held the same
    incident cannot both write: the slower one is told to begin again.
    """

    def __init__(self, connection: AsyncConnection, incident: Incident, last: LedgerEntry | None) -> None:
        self.connection = connection
        self.incident = incident
        self._last = last

    @property
    def sequence(self) -> int:
        """Number of the newest entry."""
        return self._last.sequence if self._last else 0

    @classmethod
    async def load(cls, connection: AsyncConnection, identifier: int) -> "Case":
        """Hold the stored incident; raises :class:`UnknownIncidentError`."""
        incident = await read_incident(connection, identifier)
        return cls(connection, incident, await last_entry(connection, identifier))

    @classmethod
    async def open(
        cls,
        connection: AsyncConnection,
        incident: Incident,
        details: Mapping[str, Any],
        *,
        actor: str = SYSTEM,
    ) -> "Case":
        """Insert ``incident`` with the entry that opens its ledger; an id of 0 is replaced by the database's.

        What opens while its owner takes part in a drill is part of the drill, and says so (:mod:`alerting.drills`).
        """
        if is_drillable(incident.condition):
            drill = await running_for(connection, incident.owner, incident.opened_at)
            incident = _drilled(incident, drill) if drill is not None else incident
        stored = await add_incident(connection, incident)
        case = cls(connection, stored, None)
        event = IncidentEvent.SUSPECTED if stored.state is IncidentState.SUSPECTED else IncidentEvent.OPENED
        await case._append(None, event, at=stored.opened_at, actor=actor, details=details)
        return case

    async def record(
        self,
        event: IncidentEvent,
        *,
        at: datetime,
        actor: str = SYSTEM,
        details: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Incident:
        """Let ``event`` happen: the machine decides, the row and its ledger entry are written together.

        ``facts`` among ``changes`` are laid over those that the incident has.
        """
        before = self.incident
        if "facts" in changes:
            changes["facts"] = {**before.facts, **changes["facts"]}
        if changes.get("facts", before.facts).get("drill"):
            changes |= {
                name: marked(changes[name], english=name != "title") for name in _TITLES & changes.keys()
            }
        self.incident = apply(before, event, at, **changes)
        await save_incident(self.connection, self.incident, version=self.sequence)
        await self._append(before, event, at=at, actor=actor, details=details or {})
        return self.incident

    async def _append(
        self,
        before: Incident | None,
        event: IncidentEvent,
        *,
        at: datetime,
        actor: str,
        details: Mapping[str, Any],
    ) -> None:
        entry = append(
            self._last,
            incident=self.incident.id,
            at=at,
            event=event,
            actor=actor,
            old=before.state if before else "",
            new=self.incident.state,
            details={**details, "changes": changes_between(before, self.incident)},
        )
        await append_entry(self.connection, entry)
        await tell_machines(self.connection, before, self.incident, entry)
        self._last = entry


def _drilled(incident: Incident, drill: Drill) -> Incident:
    return replace(
        incident,
        title=marked(incident.title),
        title_en=marked(incident.title_en, english=True),
        facts={**incident.facts, **drill.facts()},
    )
