"""Which number an agent's interface has, asked by name: read once, kept until the agent starts again.

Numbers may change with a restart (RFC 2863 section 3.1.5), names rarely do. The whole name table of an agent is read
by one walk on a session of its own, apart from the looks that wait for it; few agents are walked at a time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from probes.models import Outcome
from probes.snmp_agents import AgentKey, Clients
from probes.snmp_client import Reply, SnmpClient, SnmpWalkError
from probes.snmp_walk import Interface, index_of, interfaces

__all__ = ["InterfaceNames"]

_AT_ONCE: Final = 16
_KEPT_SECONDS: Final = 60.0
"""A table that lacks the name asked for is read again after this."""

_MOST_TABLES: Final = 65_536

_RESTART_SECONDS: Final = 5.0
"""Sooner than this nothing has restarted again."""

Told = Callable[[int, Reply | None], None]


@dataclass(slots=True, eq=False)
class _Table:
    """``rows`` is None until read; ``waiting`` are told its number, or 0 and why there is none."""

    rows: tuple[Interface, ...] | None = None
    read_at: float = float("-inf")
    known: dict[str, int] = field(default_factory=dict)
    waiting: list[tuple[str, Told]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    client: SnmpClient | None = None


class InterfaceNames:
    """The name tables of all agents."""

    def __init__(self, *, clients: Clients, monotonic: Callable[[], float]) -> None:
        self._clients = clients
        self._monotonic = monotonic
        self._tables: dict[AgentKey, _Table] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def known(self, key: AgentKey, name: str) -> int:
        """Answer the number of the interface, 0 where it is not known yet."""
        table = self._tables.get(key)
        return table.known.get(name, 0) if table is not None else 0

    def tell(self, key: AgentKey, name: str, told: Told) -> None:
        """Call ``told(number, None)``, or ``told(0, why)``, later or at once; the caller keeps the deadline."""
        table = self._tables.setdefault(key, _Table())
        if len(self._tables) > _MOST_TABLES:
            self._forget_oldest()
        if table.rows is not None and self._monotonic() - table.read_at < _KEPT_SECONDS:
            self._tell(table, name, told)
            return
        table.waiting.append((name, told))
        if table.task is None:
            table.task = asyncio.get_running_loop().create_task(self._read(key, table))

    def while_reading(self, key: AgentKey) -> Reply:
        """Answer what to tell one who waited in vain: an agent whose long table is being read is not silent."""
        table = self._tables.get(key)
        if table is not None and table.client is not None and table.client.has_answered:
            return Reply(Outcome.ERROR, detail="interface names not read yet")
        return Reply(Outcome.TIMEOUT, detail="no answer")

    def outlived(self, key: AgentKey, begun_at: float) -> bool:
        """Whether the agent began after its names were read, which are then forgotten: its numbers may be others'.

        An agent whose uptime never moves is not read again at every look.
        """
        table = self._tables.get(key)
        if table is None or table.task is not None:
            return False
        is_old = table.read_at < begun_at and self._monotonic() - table.read_at > _RESTART_SECONDS
        if is_old:
            del self._tables[key]
        return is_old

    def lost(self, key: AgentKey) -> None:
        """Forget the names of an agent that no longer has a row that it named, unless they were just read."""
        self.outlived(key, float("inf"))

    def close(self) -> None:
        """Stop reading; those who wait are told nothing."""
        for table in self._tables.values():
            if table.task is not None:
                table.task.cancel()
        self._tables.clear()

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._tables))
        if self._tables[oldest].task is None:
            del self._tables[oldest]

    async def _read(self, key: AgentKey, table: _Table) -> None:
        failure: Reply | None = None
        begun = self._monotonic()
        try:
            async with self._turns:
                table.rows = await self._walked(key, table)
        except SnmpWalkError as error:
            failure = error.reply
        except TimeoutError:
            failure = Reply(Outcome.ERROR, detail="interface names not read in time")
        except (OSError, ValueError) as error:
            failure = Reply(Outcome.ERROR, detail=f"not asked: {error}")
        table.task, table.read_at = None, begun
        table.known.clear()
        waiting, table.waiting = table.waiting, []
        for name, told in waiting:
            if failure is not None:
                told(0, failure)
            else:
                self._tell(table, name, told)

    async def _walked(self, key: AgentKey, table: _Table) -> tuple[Interface, ...]:
        table.client = client = self._clients(key, b"")
        try:
            return await interfaces(client)
        finally:
            table.client = None
            client.close()

    def _tell(self, table: _Table, name: str, told: Told) -> None:
        try:
            table.known[name] = index_of(table.rows or (), name)
        except ValueError as error:
            told(0, Reply(Outcome.MISMATCH, detail=str(error)))
        else:
            told(table.known[name], None)
