"""Tables of mutual aid: what is owed now, and the append-only record of how it came to it."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from inventory.database import UtcDateTime, metadata

__all__ = ["aid_events", "aids"]

_big = BigInteger().with_variant(Integer, "sqlite")
_live = text("deadline_at IS NOT NULL")

aids = Table(
    "aids",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("incident", _big, ForeignKey("incidents.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("requester", String(40), nullable=False),
    Column("helper", String(40), nullable=False),
    Column("area", String(80), nullable=False),
    Column("need", Text, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("deadline_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("is_standby", Boolean, nullable=False),
    Column("ordered_by", String(120), nullable=False),
    Column("terms", JSON, nullable=False),
    Column("verified_by", String(300), nullable=False),
    Column("actuals", JSON, nullable=False),
    Column("requested_at", UtcDateTime),
    Column("accepted_at", UtcDateTime),
    Column("activated_at", UtcDateTime),
    Column("active_at", UtcDateTime),
    Column("released_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("version", Integer, nullable=False),
    Index("ix_aids_deadline", "deadline_at", sqlite_where=_live, postgresql_where=_live),
    Index("ix_aids_incident", "incident"),
    Index("ix_aids_helper", "helper"),
)

aid_events = Table(
    "aid_events",
    metadata,
    Column("aid", _big, ForeignKey("aids.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("event", String(16), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("state", String(16), nullable=False),
    Column("details", JSON, nullable=False),
)
