"""Tables of belief. ``state_changes`` is history and queue in one: ``processed_at IS NULL`` is the queue."""

from sqlalchemy import JSON, BigInteger, Column, Date, Float, Index, Integer, LargeBinary, String, Table, text

from inventory.database import UtcDateTime, metadata

__all__ = [
    "causes",
    "congestions",
    "history_chunks",
    "history_spans",
    "link_hours",
    "outages",
    "planned_works",
    "site_verdicts",
    "state_changes",
    "target_states",
    "unobserved",
    "vantages",
]

state_changes = Table(
    "state_changes",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("old", String(16), nullable=False),
    Column("new", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("noticed_at", UtcDateTime, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("processed_at", UtcDateTime),
    # Read by the alerting worker, which takes rows in order and marks them in its own transaction.
    Index(
        "ix_state_changes_queue",
        "id",
        sqlite_where=text("processed_at IS NULL"),
        postgresql_where=text("processed_at IS NULL"),
    ),
    Index("ix_state_changes_subject", "kind", "subject", "at"),
    # The newest of a kind: without it, a hundred thousand first beliefs are sorted for a board's list of twenty.
    Index("ix_state_changes_kind", "kind", "id"),
)

target_states = Table(
    "target_states",
    metadata,
    Column("target", String(80), primary_key=True),
    Column("vantage", String(40), primary_key=True),
    Column("view", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("last_result_at", UtcDateTime),
    Column("last_ok_at", UtcDateTime),
    Column("evidence", Integer, nullable=False, server_default="0"),
    Column("evidence_at", UtcDateTime),
    # Since when the target counts: a restart must not make it new again.
    Column("armed_at", UtcDateTime),
)

site_verdicts = Table(
    "site_verdicts",
    metadata,
    Column("site", String(80), primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),
)

outages = Table(
    "outages",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("target", String(80), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("noticed_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("cause", String(90), nullable=False, server_default=""),
    Index("ix_outages_target", "target", "started_at"),
    # One open outage a target, whatever is delivered twice.
    Index(
        "uq_outages_open",
        "target",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

causes = Table(
    "causes",
    metadata,
    # Live causes only: what a restart needs to go on where it was. Their history is in state_changes.
    Column("subject", String(90), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("noticed_at", UtcDateTime, nullable=False),
    # Every outage that the cause ever explained: target to its start (UTC nanoseconds since 1970).
    Column("targets", JSON, nullable=False),
    # How many of them the last change row spoke of: a restart tells the rest.
    Column("told", Integer, nullable=False),
    # The wider cause that has taken over what this one explained; it ends with its own targets all the same.
    Column("absorbed_by", String(90), nullable=False, server_default=""),
)

unobserved = Table(
    "unobserved",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("vantage", String(40), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("reason", String(32), nullable=False),
    Index("ix_unobserved_vantage", "vantage", "started_at"),
)

vantages = Table(
    "vantages",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

history_chunks = Table(
    "history_chunks",
    metadata,
    Column("target", String(80), primary_key=True),
    Column("vantage", String(40), primary_key=True),
    Column("start", UtcDateTime, primary_key=True),
    Column("minutes", LargeBinary, nullable=False),
    Column("loss", Float, nullable=False),
    Index("ix_history_chunks_start", "start"),
)

planned_works = Table(
    "planned_works",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("owner", String(40), nullable=False),
    Column("reference", String(120), nullable=False),
    Column("note", String(500), nullable=False, server_default=""),
    # Of the calendar entry that it came from, with its subject: an import that comes again changes nothing.
    Column("uid", String(300), nullable=False, server_default=""),
    Column("entered_at", UtcDateTime, nullable=False),
    Column("entered_by", String(120), nullable=False),
    # Works are never deleted: what was announced, and until when, is evidence.
    Column("cancelled_at", UtcDateTime),
    Column("cancelled_by", String(120), nullable=False, server_default=""),
    Index("ix_planned_works_ends", "ends_at"),
    Index(
        "uq_planned_works_uid",
        "uid",
        unique=True,
        sqlite_where=text("uid <> '' AND cancelled_at IS NULL"),
        postgresql_where=text("uid <> '' AND cancelled_at IS NULL"),
    ),
)

history_spans = Table(
    "history_spans",
    metadata,
    # A few minutes of a block of targets, until the chunks of those targets are written from them.
    Column("vantage", String(40), primary_key=True),
    Column("fleet", String(80), primary_key=True),
    Column("block", Integer, primary_key=True),
    Column("start", UtcDateTime, primary_key=True),
    # The targets of the block, in order, deflated: whoever writes the chunks needs no fleet.
    Column("codes", LargeBinary, nullable=False),
    Column("minutes", LargeBinary, nullable=False),
)

link_hours = Table(
    "link_hours",
    metadata,
    # What a direction of a link carried in an hour: of the five-minute slots that were measured, how many there were,
    # their mean and highest share of the capacity, and how many were at or over the norm.
    Column("link", String(80), primary_key=True),
    Column("direction", String(3), primary_key=True),
    Column("hour", UtcDateTime, primary_key=True),
    # The local day that it lies in: the busiest hour of each day is what forecasts are made of.
    Column("day", Date, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("load", Float, nullable=False),
    Column("peak", Float, nullable=False),
    Column("busy", Integer, nullable=False),
    Index("ix_link_hours_hour", "hour"),
)

congestions = Table(
    "congestions",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("link", String(80), nullable=False),
    Column("direction", String(3), nullable=False),
    # Who answered for the link then; the inventory may say otherwise since.
    Column("carrier", String(40), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("peak", Float, nullable=False),
    Column("norm", Float, nullable=False),
    Index("ix_congestions_started", "started_at"),
    Index(
        "uq_congestions_open",
        "link",
        "direction",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)
