"""The lab itself: responders for every target, faults by selector, their log, and the way to command it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from random import Random  # noqa: TID251 # the type only; the source itself is an argument
from typing import Protocol

import structlog

from inventory.models import Inventory
from inventory.topology import Topology
from probes.lab.certificate import Certificate, mint
from probes.lab.endpoints import Service, endpoints_of, names_of
from probes.lab.faults import Effects, Fault, FaultKind, FaultTable, Selector
from probes.lab.nftables import NftablesEnforcement, NotAllowedError
from probes.lab.records import FaultLog, FaultRecord
from probes.lab.responders import Responders
from probes.lab.selection import SelectionError, select
from probes.lab.socket_enforcement import SocketEnforcement

__all__ = ["EnforcedBy", "Lab", "LabStatus"]

log = structlog.get_logger()

TABLE = "thongsuot_lab"


class EnforcedBy(StrEnum):
    """How faults reach the packets."""

    BEST = "best"
    NFTABLES = "nftables"
    SOCKETS = "sockets"


class Enforcement(Protocol):
    """What makes faults true."""

    name: str

    async def open(self) -> None:
        """Acquire what is needed; NotAllowedError where it cannot be."""

    async def apply(self, effects: Effects) -> frozenset[str]:
        """Make ``effects`` true before returning; answer the targets that this cannot reach."""

    async def close(self) -> None:
        """Undo everything."""


@dataclass(frozen=True, slots=True)
class LabStatus:
    """``unserved``: targets without a responder here; ``unenforced``: targets whose faults are not in effect."""

    enforcement: str
    served: int
    unserved: tuple[str, ...]
    faults: tuple[Fault, ...]
    effects: Effects
    unenforced: frozenset[str]


class Lab:
    """A province on loopback; nothing of it outlives :meth:`stop`, and a table left by a killed lab is replaced."""

    def __init__(
        self,
        inventory: Inventory,
        *,
        directory: Path,
        clock: Callable[[], datetime],
        rng: Random,
        table: str = TABLE,
        enforced_by: EnforcedBy = EnforcedBy.BEST,
    ) -> None:
        self._inventory = inventory
        self._topology = Topology(inventory)
        self._directory = directory
        self._clock = clock
        self._rng = rng
        self._table_name = table
        self._enforced_by = enforced_by
        self._endpoints, self._unserved = endpoints_of(inventory)
        self._served = {endpoint.target: endpoint for endpoint in self._endpoints}
        self._faults = FaultTable()
        self.fault_log = FaultLog(directory / "faults.jsonl")
        self._changing = asyncio.Lock()
        self._unenforced: frozenset[str] = frozenset()
        self._delays: Mapping[str, float] = {}
        self._responders: Responders | None = None
        self._enforcement: Enforcement | None = None
        self.certificate: Certificate | None = None

    async def start(self) -> None:
        """Serve every target; raises PortTakenError where a port is somebody else's."""
        self._directory.mkdir(parents=True, exist_ok=True)
        names = names_of(self._endpoints)
        self.certificate = mint(self._directory, names=names, now=self._clock()) if names else None
        self._responders = Responders(
            self._endpoints, certificate=self.certificate, rng=self._rng, clock=self._clock
        )
        await self._responders.start()
        try:
            self._enforcement = await self._opened(self._responders)
        except NotAllowedError:
            await self.stop()
            raise
        log.info(
            "lab started",
            targets=len(self._endpoints),
            unserved=len(self._unserved),
            enforcement=self._enforcement.name,
        )

    async def stop(self) -> None:
        """Lift every fault and stop serving."""
        enforcement, self._enforcement = self._enforcement, None
        responders, self._responders = self._responders, None
        try:
            if enforcement is not None:
                await enforcement.close()
        finally:
            if responders is not None:
                await responders.stop()

    async def cut(self, selector: Selector) -> FaultRecord:
        """Drop everything on its way to the targets selected. Raises SelectionError."""
        return await self._add(FaultKind.CUT, 1.0, selector)

    async def loss(self, selector: Selector, ratio: float) -> FaultRecord:
        """Drop so much of what is on its way, at random; ``ratio`` is 0 to 1. Raises SelectionError."""
        if not 0 < ratio <= 1:
            raise ValueError(f"a loss is a ratio above 0 and up to 1, not {ratio}")
        return await self._add(FaultKind.LOSS, ratio, selector)

    async def slow(self, selector: Selector, seconds: float) -> FaultRecord:
        """Answer so much later. A bare TCP port cannot be slowed: its handshake is the kernel's."""
        if seconds <= 0:
            raise ValueError(f"a delay is longer than nothing, not {seconds}")
        return await self._add(FaultKind.SLOW, seconds, selector)

    async def fill(self, selector: Selector, ratio: float) -> FaultRecord:
        """Make the links whose agents are selected so full; ``ratio`` is of 1. Raises SelectionError."""
        if not 0 < ratio <= 1:
            raise ValueError(f"a link is full by a ratio above 0 and up to 1, not {ratio}")
        return await self._add(FaultKind.FILL, ratio, selector)

    async def restore(self, selector: Selector) -> FaultRecord:
        """Free the targets selected from every fault; everything, if nothing narrows it."""
        chosen = select(selector, inventory=self._inventory, topology=self._topology)
        async with self._changing, self._all_or_nothing() as began_at:
            freed = self._faults.free(chosen)
            return await self._applied("restore", freed, began_at=began_at, selector=selector)

    async def lift(self, number: int) -> FaultRecord:
        """End one fault by its number and leave what others do; raises KeyError where there is none."""
        async with self._changing, self._all_or_nothing() as began_at:
            freed = self._faults.lift(number)
            return await self._applied("restore", freed, began_at=began_at, selector=Selector(), fault=number)

    def status(self) -> LabStatus:
        """Answer what is wrong right now."""
        return LabStatus(
            enforcement=self._enforcement.name if self._enforcement else "",
            served=len(self._endpoints),
            unserved=self._unserved,
            faults=self._faults.faults,
            effects=self._faults.effects(),
            unenforced=self._unenforced,
        )

    async def _opened(self, responders: Responders) -> Enforcement:
        wanted = self._enforced_by
        if wanted is EnforcedBy.NFTABLES or (wanted is EnforcedBy.BEST and os.geteuid() == 0):
            by_kernel = NftablesEnforcement(self._endpoints, table=self._table_name)
            try:
                await by_kernel.open()
            except NotAllowedError as error:
                if wanted is EnforcedBy.NFTABLES:
                    raise
                log.warning("packet filter not allowed", reason=str(error))
            else:
                return by_kernel
        by_socket = SocketEnforcement(self._endpoints, sockets=responders.sockets)
        await by_socket.open()
        return by_socket

    async def _add(self, kind: FaultKind, amount: float, selector: Selector) -> FaultRecord:
        chosen = select(selector, inventory=self._inventory, topology=self._topology)
        served = [
            code
            for code in chosen
            if code in self._served
            and (kind is not FaultKind.FILL or self._served[code].service is Service.AGENT)
        ]
        if not served and kind is FaultKind.FILL:
            raise SelectionError(
                vi="không có tuyến nào được đo trong phạm vi đó", en="no link is measured in that selection"
            )
        async with self._changing, self._all_or_nothing() as began_at:
            fault = self._faults.add(kind, amount, selector, served)
            return await self._applied(
                kind.value, served, began_at=began_at, selector=selector, fault=fault.number, amount=amount
            )

    @asynccontextmanager
    async def _all_or_nothing(self) -> AsyncIterator[datetime]:
        """Keep the books as they were if the change does not come about; yields when it was begun."""
        before = self._faults.copy()
        try:
            yield self._clock()
        except BaseException:
            self._faults = before
            raise

    async def _applied(
        self,
        action: str,
        targets: Iterable[str],
        *,
        began_at: datetime,
        selector: Selector,
        fault: int = 0,
        amount: float = 0.0,
    ) -> FaultRecord:
        await self._enforce(self._faults.effects())
        touched = set(targets)
        record = FaultRecord(
            at=self._clock(),
            began_at=began_at,
            action=action,
            fault=fault,
            amount=amount,
            selector=selector,
            targets=tuple(code for code in self._topology.codes if code in touched),
            addresses=len({self._served[code].address for code in touched}),
            unenforced=tuple(sorted(touched & self._unenforced)),
        )
        self.fault_log.write(record)
        log.info("fault changed", action=action, fault=fault, targets=len(record.targets), **selector.given())
        return record

    async def _enforce(self, effects: Effects) -> None:
        if self._enforcement is None or self._responders is None:
            raise RuntimeError("the lab is not running")
        by_kernel = isinstance(self._enforcement, NftablesEnforcement)
        # Late replies begin before the prompt ones end, and end after: twice answered for a moment, never not.
        self._responders.slow_down({**self._delays, **effects.delay}, echoes=by_kernel)
        self._unenforced = await self._enforcement.apply(effects)
        self._responders.slow_down(effects.delay, echoes=by_kernel)
        self._responders.fill(effects.full)
        self._delays = effects.delay
