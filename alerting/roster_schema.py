"""Tables of the live roster: shifts that were taken over from the files, their people, and everything done to them."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from inventory.database import UtcDateTime, metadata

__all__ = [
    "confirmation_requests",
    "confirmations",
    "handovers",
    "roster_changes",
    "roster_duties",
    "roster_people",
    "roster_shifts",
    "roster_tokens",
    "roster_uploads",
    "swaps",
]

_big = BigInteger().with_variant(Integer, "sqlite")

roster_duties = Table(
    "roster_duties",
    metadata,
    # A row means: this party's shifts of this duty are kept here, and the files are not read for them.
    Column("party", String(40), primary_key=True),
    Column("duty", String(32), primary_key=True),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("taken_by", String(120), nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
)

roster_shifts = Table(
    "roster_shifts",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("party", String(40), nullable=False),
    Column("duty", String(32), nullable=False),
    Column("person", String(80), nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime, nullable=False),
    Column("substitute", String(80), nullable=False, server_default=""),
    Column("note", String(500), nullable=False, server_default=""),
    Column("origin", String(12), nullable=False),
    Index("ix_roster_shifts_party", "party", "duty", "start"),
)

roster_people = Table(
    "roster_people",
    metadata,
    Column("code", String(80), primary_key=True),
    Column("party", String(40), nullable=False),
    Column("name", String(120), nullable=False),
    Column("position", String(120), nullable=False, server_default=""),
    Column("contacts", JSON, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(120), nullable=False),
)

confirmations = Table(
    "confirmations",
    metadata,
    # What was confirmed is the shift as it stood, so that one that changes has to be confirmed again.
    Column("party", String(40), primary_key=True),
    Column("duty", String(32), primary_key=True),
    Column("person", String(80), primary_key=True),
    Column("start", UtcDateTime, primary_key=True),
    Column("end", UtcDateTime, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(120), nullable=False),
)

confirmation_requests = Table(
    "confirmation_requests",
    metadata,
    # What was asked of the person of a shift as it stood, and what became of it; a shift that changes is asked anew.
    Column("party", String(40), primary_key=True),
    Column("duty", String(32), primary_key=True),
    Column("person", String(80), primary_key=True),
    Column("start", UtcDateTime, primary_key=True),
    Column("end", UtcDateTime, primary_key=True),
    Column("asked_at", UtcDateTime),
    Column("reminded_at", UtcDateTime),
    Column("told_at", UtcDateTime),
    Column("declined_at", UtcDateTime),
    Column("note", String(500), nullable=False, server_default=""),
    Index("ix_confirmation_requests_end", "end"),
)

roster_changes = Table(
    "roster_changes",
    metadata,
    # Append only: who did what to which shift, what stood before and what stands after.
    Column("id", _big, primary_key=True, autoincrement=True),
    # Counts the lines of the party alone: ``id`` counts those of all parties, and is shown to nobody.
    Column("number", _big, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("act", String(24), nullable=False),
    Column("party", String(40), nullable=False),
    Column("duty", String(32), nullable=False),
    Column("shift", String(24), nullable=False, server_default=""),
    Column("before", JSON),
    Column("after", JSON),
    Column("note", String(500), nullable=False, server_default=""),
    Index("ix_roster_changes_party", "party", "number", unique=True),
    Index("ix_roster_changes_at", "at"),
)

roster_tokens = Table(
    "roster_tokens",
    metadata,
    # Only the hash is kept. What it opens: the confirmation of a person's shifts, or a calendar.
    Column("token_hash", String(64), primary_key=True),
    Column("purpose", String(12), nullable=False),
    Column("party", String(40), nullable=False),
    Column("person", String(80), nullable=False, server_default=""),
    # A link that asks about one shift is bound to it as it stood; empty: all shifts of the person.
    Column("duty", String(32), nullable=False, server_default=""),
    Column("start", UtcDateTime),
    Column("end", UtcDateTime),
    # Beside the link stands a code to type (alerting.links); empty: none.
    Column("code_hash", String(64), nullable=False, server_default=""),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(120), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Index("ix_roster_tokens_party", "party"),
    Index("ix_roster_tokens_code", "code_hash"),
)

roster_uploads = Table(
    "roster_uploads",
    metadata,
    # A file between its preview and its acceptance; forgotten after a day.
    Column("id", String(24), primary_key=True),
    Column("filename", String(200), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("party", String(40), nullable=False),
    Column("duty", String(32), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(120), nullable=False),
)

swaps = Table(
    "swaps",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("party", String(40), nullable=False),
    Column("shift", String(24), nullable=False),
    # The shift given in return; empty: the other person just takes the first one.
    Column("other", String(24), nullable=False, server_default=""),
    Column("asked", String(80), nullable=False),
    Column("asked_by", String(120), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("state", String(12), nullable=False),
    Column("answered_at", UtcDateTime),
    Column("answered_by", String(120), nullable=False, server_default=""),
    Column("note", String(500), nullable=False, server_default=""),
    Index("ix_swaps_party", "party", "state"),
)

handovers = Table(
    "handovers",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("party", String(40), nullable=False),
    Column("duty", String(32), nullable=False),
    Column("outgoing", String(80), nullable=False),
    Column("incoming", String(80), nullable=False),
    Column("boundary", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("offered_at", UtcDateTime, nullable=False),
    Column("offered_by", String(120), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("state", String(12), nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("matters", JSON, nullable=False),
    Column("accepted_at", UtcDateTime),
    Column("accepted_by", String(120), nullable=False, server_default=""),
    Column("escalated_at", UtcDateTime),
    Index("ix_handovers_state", "state", "party"),
)
