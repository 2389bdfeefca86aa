"""Asking: one look now for ``/probe`` and for a site's page, by probes of its own on a thread of its own."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from inventory.models import Inventory, Priority, ProbeKind, Target
from monitor.asked import AskedTargets
from monitor.assembly.clocks import now
from monitor.look_now import LookNow
from monitor.service import MonitorService
from probes.fleet import target_slot
from probes.models import Probe, Request
from probes.once import OnceLooker, OnceSeen, seconds_of

__all__ = ["Asking", "looks_now"]


class Asking:
    """Looks at a target of the inventory when somebody asks; the thread starts with the first question."""

    def __init__(
        self,
        inventory: Inventory,
        *,
        vantage: str,
        looks: bool,
        probes: Callable[[], Mapping[ProbeKind, Probe]],
    ) -> None:
        self._inventory = inventory
        self._vantage = vantage
        self._targets = AskedTargets(inventory, vantage)
        self._looks = looks
        self._looker = OnceLooker(probes=probes, monotonic=time.monotonic)
        self._starting = asyncio.Lock()
        self._is_started = False

    @property
    def vantage(self) -> str:
        """Where looks are taken from; empty in a process that does not look."""
        return self._vantage if self._looks else ""

    def swap(self, inventory: Inventory) -> None:
        """Know another inventory from now on."""
        self._inventory = inventory
        self._targets = AskedTargets(inventory, self._vantage)

    def find(self, target: str, module: str) -> Target:
        """Answer the target that is meant; raises :class:`monitor.asked.AskedError`."""
        return self._targets.find(target, module)

    async def look(self, target: Target, granted: float | None) -> OnceSeen:
        """Look at ``target`` within its own timeout and what is ``granted``; ConnectionError where nobody looks."""
        if not self._looks:
            raise ConnectionError("this process does not look; ask one that does")
        await self._start()
        slot = target_slot(target, self._inventory, index=0, priority=Priority.C)
        timeout = slot.timeout or seconds_of(slot.kind)
        if granted is not None:
            timeout = min(timeout, granted)
        return await self._looker.look(slot.kind, Request(0, slot.address, slot.port, slot.options, timeout))

    async def stop(self) -> None:
        """End every look."""
        async with self._starting:
            if self._is_started:
                await asyncio.to_thread(self._looker.stop)
            self._looks = False

    async def _start(self) -> None:
        async with self._starting:
            if not self._is_started:
                await asyncio.to_thread(self._looker.start)
                self._is_started = True


def looks_now(
    asking: Asking,
    *,
    database: AsyncEngine,
    monitor: MonitorService,
    hasten: Callable[[Sequence[str]], None],
) -> LookNow:
    """Make what a site's page looks with; ``hasten`` tells the running vantage."""
    return LookNow(
        database=database,
        places=lambda: (monitor.inventory, monitor.topology),
        vantage=lambda: asking.vantage,
        look=asking.look,
        hasten=hasten,
        clock=now,
        monotonic=time.monotonic,
    )
