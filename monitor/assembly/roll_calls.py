"""Roll calls on their way to belief: what people heard by telephone joins the next batch of this process's vantage.

The record is in the database, so that it does not matter which process an officer talks to; the process that looks reads
what is new. What was answered before the process began, or before the inventory asked for it, is only known again: as
evidence of then, for two days back (``RollCallService.standing``). It is no look of now, so it travels in no batch: one
of an hour ago would hide the time in which nobody looked, and would turn its target up in the past. What an answer confirms, and that it never becomes a state, is decided in :mod:`alerting.rollcall`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from alerting.rollcall import confirmed
from alerting.rollcall_service import RollCallService
from inventory.models import Inventory, ProbeKind
from inventory.topology import Topology
from monitor.assembly.clocks import Loops
from monitor.moments import nanoseconds

__all__ = ["RollCalls"]

log = structlog.get_logger()

_AGAIN_SECONDS = 2.0


class Places(Protocol):
    """What is looked at now: the service that believes knows it."""

    @property
    def inventory(self) -> Inventory:
        """The inventory in force."""

    @property
    def topology(self) -> Topology:
        """Its topology."""


class RollCalls:
    """Tells ``tell`` which targets an answer confirms, and when it was given; nothing where the inventory asks for none.

    ``recall`` is told the same of what was answered before: codes and UTC nanoseconds.
    """

    def __init__(
        self,
        service: RollCallService,
        places: Places,
        *,
        tell: Callable[[Sequence[str], int], None],
        recall: Callable[[Mapping[str, int]], None],
    ) -> None:
        self._service = service
        self._places = places
        self._tell = tell
        self._recall = recall
        self._told: int | None = None
        self._recalled = ""
        self._wanted: tuple[str, bool] = ("", False)

    async def refresh(self) -> None:
        """Pass on what was written since the last time; what is older than the process or the inventory is recalled."""
        inventory, topology = self._places.inventory, self._places.topology
        if not self._is_wanted(inventory):
            return
        if self._told is None:
            self._told = await self._service.last_id()
        if self._recalled != inventory.digest:
            self._recall(await self._standing(inventory, topology))
            self._recalled = inventory.digest
        for call in await self._service.after(self._told):
            self._told = call.id
            if targets := confirmed(call, inventory, topology):
                self._tell(targets, nanoseconds(call.at))

    async def _standing(self, inventory: Inventory, topology: Topology) -> Mapping[str, int]:
        """Answer what people confirmed that still stands, with when; the newest of each target."""
        return {
            target: nanoseconds(call.at)
            for call in await self._service.standing()
            for target in confirmed(call, inventory, topology)
        }

    def loops(self) -> Loops:
        """Answer the loop that looks for new answers."""
        return {"roll calls": self._run}

    def _is_wanted(self, inventory: Inventory) -> bool:
        if self._wanted[0] != inventory.digest:
            kinds = (target.kind for target in inventory.targets.values())
            self._wanted = inventory.digest, any(kind is ProbeKind.ROLLCALL for kind in kinds)
        return self._wanted[1]

    async def _run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.refresh()
            except Exception:
                # The edge of the loop: what could not be read now is read again soon.
                log.exception("roll calls not read")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _AGAIN_SECONDS)
