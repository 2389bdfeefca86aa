"""The table of addresses at which parties' machines are told of incidents.

The service must know the secrets to sign; they are sealed (:mod:`inventory.seal`) by a key that lies elsewhere, so that
who reads the database can forge no call.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table

from inventory.database import UtcDateTime, metadata

__all__ = ["webhook_endpoints"]

_big = BigInteger().with_variant(Integer, "sqlite")

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    # Empty: the whole province's matters, for a machine of the department.
    Column("party", String(40), nullable=False),
    Column("dialect", String(8), nullable=False),
    Column("url", String(200), nullable=False),
    Column("events", JSON, nullable=False),
    # What a TMF621 subscriber asked for, in its own words.
    Column("query", String(400), nullable=False, server_default=""),
    Column("enabled", Boolean, nullable=False),
    Column("secret", String(200), nullable=False),
    # Signs beside the secret until then, so that a receiver can change over without losing a call.
    Column("previous_secret", String(200), nullable=False, server_default=""),
    Column("previous_until", UtcDateTime),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(120), nullable=False),
    Index("ix_webhook_endpoints_party", "party"),
)
