"""Going through a table of an agent's, within bounds; and what interfaces it has.

A core router has tens of thousands of rows, a broken agent has no end: a walk stops at a number of rows, at a time,
and where the agent does not go forward.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from probes import snmp_mib as mib
from probes.snmp_client import SnmpClient
from probes.snmp_mib import PortStatus, Value

__all__ = ["MOST_ROWS", "MOST_SECONDS", "Interface", "Walked", "index_of", "interfaces", "walk"]

MOST_ROWS: Final = 10_000
MOST_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk found, in the agent's order; ``stopped`` says which bound ended it, empty at the table's end."""

    rows: tuple[tuple[str, Value], ...]
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """A row of the interface table. ``status`` is ifOperStatus, 0 where it is not told."""

    index: int
    name: str = ""
    alias: str = ""
    description: str = ""
    status: int = 0

    @property
    def status_name(self) -> str:
        """The status in words."""
        known = self.status in set(PortStatus)
        return PortStatus(self.status).name.lower().replace("_", " ") if known else str(self.status)


async def walk(
    client: SnmpClient, root: str, *, most_rows: int = MOST_ROWS, most_seconds: float = MOST_SECONDS
) -> Walked:
    """Go through what lies below ``root``. Raises SnmpWalkError where the agent does not answer or accept us."""
    rows: list[tuple[str, Value]] = []
    before = _arcs(root)
    steps = client.walk(root)
    try:
        async with asyncio.timeout(most_seconds):
            async for oid, value in steps:
                arcs = _arcs(oid)
                if not oid.startswith(f"{root}.") or arcs <= before:
                    return Walked(tuple(rows), "the agent does not go forward")
                before = arcs
                rows.append((oid, value))
                if len(rows) >= most_rows:
                    return Walked(tuple(rows), f"more than {most_rows} rows")
    except TimeoutError:
        return Walked(tuple(rows), f"more than {most_seconds:g} s")
    finally:
        await steps.aclose()
    return Walked(tuple(rows))


async def interfaces(client: SnmpClient, *, most_seconds: float = MOST_SECONDS) -> tuple[Interface, ...]:
    """Read the agent's interfaces with their three kinds of name; columns that it lacks stay empty."""
    columns: dict[str, Mapping[int, Value]] = {}
    async with asyncio.timeout(most_seconds):
        for column in (mib.IF_DESCR, mib.IF_OPER_STATUS, mib.IF_NAME, mib.IF_ALIAS):
            walked = await walk(client, column, most_seconds=most_seconds)
            columns[column] = {
                int(oid.rpartition(".")[2]): value
                for oid, value in walked.rows
                if oid.count(".") == column.count(".") + 1
            }
    indices = sorted(set().union(*columns.values()))
    return tuple(
        Interface(
            index=index,
            name=_text(columns[mib.IF_NAME].get(index)),
            alias=_text(columns[mib.IF_ALIAS].get(index)),
            description=_text(columns[mib.IF_DESCR].get(index)),
            status=status if isinstance(status := columns[mib.IF_OPER_STATUS].get(index), int) else 0,
        )
        for index in indices
    )


def index_of(known: Iterable[Interface], name: str) -> int:
    """Answer the number of the interface that is called ``name``: by ifName, else ifAlias, else ifDescr.

    ValueError where none is, or where two are: a guess would watch the wrong line.
    """
    rows = tuple(known)
    for called in ("name", "alias", "description"):
        found = [row.index for row in rows if getattr(row, called) == name]
        if len(found) > 1:
            raise ValueError(f"{len(found)} interfaces are called {name!r}")
        if found:
            return found[0]
    raise ValueError(f"no interface is called {name!r}")


def _arcs(oid: str) -> tuple[int, ...]:
    return tuple(int(arc) for arc in oid.split("."))


def _text(value: Value | None) -> str:
    return value.decode("utf-8", "replace").strip("\0 ") if isinstance(value, bytes) else ""
