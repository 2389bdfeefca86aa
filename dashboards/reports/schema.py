"""Tables of reports: what was ordered, the texts people wrote, the files that were made.

Figures live in the files and in ``facts``; texts in a table of their own, so that an edit can never touch a figure.
"""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from inventory.database import UtcDateTime, metadata

__all__ = ["report_files", "report_sendings", "report_texts", "reports"]

_big = BigInteger().with_variant(Integer, "sqlite")

reports = Table(
    "reports",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("language", String(2), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("party", String(40), nullable=False, server_default=""),
    Column("incident", String(24), nullable=False, server_default=""),
    Column("area", String(40), nullable=False, server_default=""),
    # The final report that an addendum corrects.
    Column("amends", _big, ForeignKey("reports.id")),
    # Slot, kind and language of one that was ordered by the calendar: made once, whoever asks twice.
    Column("slot", String(80), unique=True),
    Column("fields", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    Column("ordered_at", UtcDateTime, nullable=False),
    Column("ordered_by", String(120), nullable=False),
    Column("built_at", UtcDateTime),
    # SHA-256 of the facts, as every document of the report prints it.
    Column("digest", String(64), nullable=False, server_default=""),
    Column("frozen_at", UtcDateTime),
    Column("frozen_by", String(120), nullable=False, server_default=""),
    # SHA-256 over the files' hashes and the seal before this one, so that a frozen report cannot be swapped unseen.
    Column("previous_seal", String(64), nullable=False, server_default=""),
    Column("seal", String(64), nullable=False, server_default=""),
    Index("ix_reports_ordered", "ordered_at"),
    Index("ix_reports_state", "state"),
)

report_files = Table(
    "report_files",
    metadata,
    Column("report", _big, ForeignKey("reports.id"), primary_key=True),
    Column("format", String(8), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("ix_report_files_sha256", "sha256"),
)

report_texts = Table(
    "report_texts",
    metadata,
    Column("report", _big, ForeignKey("reports.id"), primary_key=True),
    Column("section", String(24), primary_key=True),
    Column("draft", Text, nullable=False),
    # Null: nobody edited it, and the draft stands.
    Column("text", Text),
    Column("edited_at", UtcDateTime),
    Column("edited_by", String(120), nullable=False, server_default=""),
)

report_sendings = Table(
    "report_sendings",
    metadata,
    # The key of the message in the outbox, where its fate stands: report:ID:VERSION:CONTACT:ATTEMPT.
    Column("key", String(240), primary_key=True),
    Column("report", _big, ForeignKey("reports.id"), nullable=False),
    Column("person", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(120), nullable=False),
    Index("ix_report_sendings_report", "report"),
)
