"""Tables of what the department does in the field: drills, inspections with their findings and files, roll calls."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from inventory.database import UtcDateTime, metadata

__all__ = ["drills", "inspection_files", "inspection_findings", "inspections", "roll_calls"]

_big = BigInteger().with_variant(Integer, "sqlite")

drills = Table(
    "drills",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("name", String(120), nullable=False),
    Column("scenario", Text, nullable=False),
    # Codes of the parties that take part; an incident of anybody else is never part of the drill.
    Column("parties", JSON, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(120), nullable=False),
    Column("cancelled_at", UtcDateTime),
    Column("cancelled_by", String(120), nullable=False, server_default=""),
    Index("ix_drills_window", "starts_at", "ends_at"),
)

inspections = Table(
    "inspections",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("area", String(40), nullable=False),
    Column("site", String(80), nullable=False, server_default=""),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("inspectors", JSON, nullable=False),
    Column("hosts", JSON, nullable=False),
    # Item code to {result, remark}.
    Column("answers", JSON, nullable=False),
    Column("remarks", Text, nullable=False, server_default=""),
    Column("state", String(12), nullable=False),
    Column("visited_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("closed_by", String(120), nullable=False, server_default=""),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(120), nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Index("ix_inspections_planned", "planned_at"),
)

inspection_findings = Table(
    "inspection_findings",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("inspection", _big, ForeignKey("inspections.id"), nullable=False),
    Column("text", String(500), nullable=False),
    Column("owner", String(40), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("found_by", String(120), nullable=False),
    Column("fixed_at", UtcDateTime),
    Column("fixed_by", String(120), nullable=False, server_default=""),
    Column("fixed_note", String(500), nullable=False, server_default=""),
    Column("verified_at", UtcDateTime),
    Column("verified_by", String(120), nullable=False, server_default=""),
    Index("ix_inspection_findings_inspection", "inspection"),
    Index("ix_inspection_findings_owner", "owner"),
)

inspection_files = Table(
    "inspection_files",
    metadata,
    Column("inspection", _big, ForeignKey("inspections.id"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("media_type", String(60), nullable=False),
    Column("size", Integer, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(120), nullable=False),
)

roll_calls = Table(
    "roll_calls",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("site", String(80), nullable=False),
    Column("answer", String(12), nullable=False),
    Column("path", String(80), nullable=False, server_default=""),
    Column("network", String(40), nullable=False, server_default=""),
    Column("note", String(500), nullable=False, server_default=""),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(120), nullable=False),
    Index("ix_roll_calls_site", "site", "id"),
    Index("ix_roll_calls_at", "at"),
)
