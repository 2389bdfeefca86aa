"""Drills, inspections, their findings and their files."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "drills",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("parties", sa.JSON(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_by", sa.String(120), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drills")),
    )
    op.create_index("ix_drills_window", "drills", ["starts_at", "ends_at"])
    _inspections()
    _parts()


def _inspections() -> None:
    op.create_table(
        "inspections",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("area", sa.String(40), nullable=False),
        sa.Column("site", sa.String(80), nullable=False, server_default=""),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("inspectors", sa.JSON(), nullable=False),
        sa.Column("hosts", sa.JSON(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("visited_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("closed_by", sa.String(120), nullable=False, server_default=""),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
    )
    op.create_index("ix_inspections_planned", "inspections", ["planned_at"])


def _parts() -> None:
    op.create_table(
        "inspection_findings",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("inspection", ID, nullable=False),
        sa.Column("text", sa.String(500), nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("found_by", sa.String(120), nullable=False),
        sa.Column("fixed_at", UtcDateTime(), nullable=True),
        sa.Column("fixed_by", sa.String(120), nullable=False, server_default=""),
        sa.Column("fixed_note", sa.String(500), nullable=False, server_default=""),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.Column("verified_by", sa.String(120), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(
            ["inspection"], ["inspections.id"], name=op.f("fk_inspection_findings_inspection_inspections")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_findings")),
    )
    op.create_index("ix_inspection_findings_inspection", "inspection_findings", ["inspection"])
    op.create_index("ix_inspection_findings_owner", "inspection_findings", ["owner"])
    op.create_table(
        "inspection_files",
        sa.Column("inspection", ID, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspection"], ["inspections.id"], name=op.f("fk_inspection_files_inspection_inspections")
        ),
        sa.PrimaryKeyConstraint("inspection", "sha256", name=op.f("pk_inspection_files")),
    )


def downgrade() -> None:
    for table in ("inspection_files", "inspection_findings", "inspections", "drills"):
        op.drop_table(table)
