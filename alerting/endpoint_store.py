"""SQL of the addresses at which parties' machines are told. Takes a connection, never commits, never asks for the time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.endpoint_schema import webhook_endpoints
from alerting.endpoints import Dialect, Endpoint, EndpointEvent
from alerting.models import DeliveryState
from alerting.schema import outbox
from inventory.drawn import Draw, drawn_id
from inventory.seal_store import SealedColumn

__all__ = [
    "ENDPOINT_SECRET",
    "PREVIOUS_SECRET",
    "add_endpoint",
    "change_endpoint",
    "endpoint",
    "endpoints_of",
    "listening",
    "note_trial",
    "remove_endpoint",
]

_c = webhook_endpoints.c
ENDPOINT_SECRET = SealedColumn(_c.secret, _c.id)
PREVIOUS_SECRET = SealedColumn(_c.previous_secret, _c.id)
"""Where the secrets of endpoints lie, sealed."""


def _endpoint(row: RowMapping) -> Endpoint:
    events = frozenset(EndpointEvent(one) for one in row["events"])
    return Endpoint(**{**row, "dialect": Dialect(row["dialect"]), "events": events})


async def add_endpoint(
    connection: AsyncConnection, values: dict[str, Any], *, draw: Draw | None = None
) -> int:
    """Insert an endpoint; answers its id, which ``draw`` draws (None: counts on)."""
    given = await drawn_id(connection, _c.id, draw)
    made = await connection.execute(insert(webhook_endpoints).values(**values, **given))
    return int(made.inserted_primary_key[0]) if made.inserted_primary_key else 0


async def endpoint(connection: AsyncConnection, identifier: int) -> Endpoint | None:
    """Read one endpoint."""
    row = (await connection.execute(select(webhook_endpoints).where(_c.id == identifier))).mappings().first()
    return _endpoint(row) if row else None


async def endpoints_of(connection: AsyncConnection, party: str) -> Sequence[Endpoint]:
    """Read the endpoints of exactly ``party``, the oldest first."""
    query = select(webhook_endpoints).where(_c.party == party).order_by(_c.id)
    return [_endpoint(row) for row in (await connection.execute(query)).mappings()]


async def listening(connection: AsyncConnection, owner: str) -> Sequence[Endpoint]:
    """Read the endpoints that hear of what ``owner`` answers for: its own, and those of the whole province."""
    query = select(webhook_endpoints).where(_c.party.in_(("", owner)), _c.enabled).order_by(_c.id)
    return [_endpoint(row) for row in (await connection.execute(query)).mappings()]


async def change_endpoint(connection: AsyncConnection, identifier: int, values: dict[str, Any]) -> None:
    """Write ``values`` over those of an endpoint."""
    await connection.execute(update(webhook_endpoints).where(_c.id == identifier).values(**values))


async def remove_endpoint(connection: AsyncConnection, identifier: int) -> None:
    """Forget an endpoint; what it was told stays in the outbox."""
    await connection.execute(delete(webhook_endpoints).where(_c.id == identifier))


async def note_trial(connection: AsyncConnection, key: str, *, error: str, at: datetime) -> None:
    """Write into the outbox how the test message ``key`` went; an empty ``error``: it was taken."""
    state = DeliveryState.FAILED if error else DeliveryState.SENT
    values = {"state": state.value, "error": error, "sent_at": None if error else at}
    await connection.execute(update(outbox).where(outbox.c.key == key).values(**values))
