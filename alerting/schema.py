"""Tables of acting. One transaction holds the state change, its ledger entry and the messages it decides on."""

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
    false,
    text,
)

from inventory.database import UtcDateTime, metadata

__all__ = [
    "contact_faults",
    "escalation_runs",
    "idempotency_keys",
    "incident_outages",
    "incidents",
    "ledger",
    "links",
    "outbox",
]

_big = BigInteger().with_variant(Integer, "sqlite")
_live = text("state NOT IN ('closed', 'cancelled', 'merged')")
# What was resolved still waits to be closed, but a later failure of the same cause is a new matter.
_unresolved = text("state NOT IN ('resolved', 'closed', 'cancelled', 'merged')")

incidents = Table(
    "incidents",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("number", String(24), nullable=False, unique=True),
    Column("condition", String(90), nullable=False),
    Column("owner", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("severity", String(2), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("title", String(200), nullable=False),
    Column("title_en", String(200), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime),
    Column("assignee", String(80), nullable=False, server_default=""),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", String(120), nullable=False, server_default=""),
    Column("ended_at", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("cause", String(16)),
    Column("restricted", Boolean, nullable=False, server_default=false()),
    Column("parent", _big, ForeignKey("incidents.id")),
    # The soonest of the timers beside the deadline (alerting.timers), so that what is due is found by index.
    Column("timer_at", UtcDateTime),
    Column("facts", JSON, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    # An incident per condition exactly once: the database refuses a second one that is not resolved.
    Index(
        "uq_incidents_live", "condition", unique=True, sqlite_where=_unresolved, postgresql_where=_unresolved
    ),
    Index("ix_incidents_deadline", "deadline_at", sqlite_where=_live, postgresql_where=_live),
    Index("ix_incidents_timer", "timer_at", sqlite_where=_live, postgresql_where=_live),
    Index("ix_incidents_owner", "owner", "opened_at"),
    Index("ix_incidents_parent", "parent"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("incident", _big, ForeignKey("incidents.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("event", String(16), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("old", String(16), nullable=False),
    Column("new", String(16), nullable=False),
    Column("details", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

incident_outages = Table(
    "incident_outages",
    metadata,
    Column("incident", _big, ForeignKey("incidents.id"), primary_key=True),
    Column("target", String(80), primary_key=True),
    Column("started_at", UtcDateTime, primary_key=True),
    Column("site", String(80), nullable=False),
)

escalation_runs = Table(
    "escalation_runs",
    metadata,
    Column("incident", _big, ForeignKey("incidents.id"), primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("steps", JSON, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("step", Integer, nullable=False),
    Column("loop", Integer, nullable=False),
    Column("next_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index(
        "ix_escalation_runs_due",
        "next_at",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    # incident:generation:step:loop:contact:channel, so that the decision to page is taken exactly once.
    Column("key", String(240), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),
    # Null: a notice that is about no incident (a report).
    Column("incident", _big, ForeignKey("incidents.id")),
    Column("generation", Integer, nullable=False),
    Column("person", String(80), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("address", String(200), nullable=False),
    Column("body", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("leased_until", UtcDateTime),
    Column("not_before", UtcDateTime, nullable=False),
    Column("not_after", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("error", Text, nullable=False, server_default=""),
    # What the next hop calls the message, so that its later word about it can be placed.
    Column("reference", String(120), nullable=False, server_default=""),
    Column("delivered_at", UtcDateTime),
    # The row whose message carried this one too, in a storm; NULL where it leaves by itself.
    Column("carried_by", _big),
    Index("ix_outbox_carried_by", "carried_by"),
    Index("ix_outbox_address", "address", "sent_at"),
    Index(
        "ix_outbox_due",
        "not_before",
        sqlite_where=text("state IN ('pending', 'leased')"),
        postgresql_where=text("state IN ('pending', 'leased')"),
    ),
    # Events alone (alerting.endpoint_telling): whose turn it is, and what a receiver was told last.
    Index(
        "ix_outbox_events",
        "person",
        "id",
        sqlite_where=text("channel = 'event'"),
        postgresql_where=text("channel = 'event'"),
    ),
    Index("ix_outbox_incident", "incident"),
    Index("ix_outbox_reference", "reference"),
)

contact_faults = Table(
    "contact_faults",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("address", String(200), primary_key=True),
    Column("person", String(80), nullable=False),
    # The incident whose page was refused: the notice of the fault is told in its ledger.
    Column("incident", _big, ForeignKey("incidents.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("marked_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime),
)

links = Table(
    "links",
    metadata,
    # Only the hash is kept: who reads the database cannot acknowledge for anybody.
    Column("token_hash", String(64), primary_key=True),
    Column("code_hash", String(64), nullable=False, server_default=""),
    Column("incident", _big, ForeignKey("incidents.id"), nullable=False),
    Column("person", String(80), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Index("ix_links_code", "code_hash"),
)

link_incidents = Table(
    "link_incidents",
    metadata,
    # What else the link of a message stands for that carried several pages.
    Column("token_hash", String(64), ForeignKey("links.token_hash"), primary_key=True),
    Column("incident", _big, ForeignKey("incidents.id"), primary_key=True),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("account", String(120), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # NULL until the first request was answered.
    Column("status", Integer),
    Column("media_type", String(80), nullable=False, server_default=""),
    Column("etag", String(80), nullable=False, server_default=""),
    Column("body", Text, nullable=False, server_default=""),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
