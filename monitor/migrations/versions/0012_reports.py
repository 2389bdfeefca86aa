"""Reports: what was ordered, the texts people wrote, the files that were made."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("party", sa.String(40), nullable=False, server_default=""),
        sa.Column("incident", sa.String(24), nullable=False, server_default=""),
        sa.Column("area", sa.String(40), nullable=False, server_default=""),
        sa.Column("amends", ID, nullable=True),
        sa.Column("slot", sa.String(80), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("error", sa.Text(), nullable=False, server_default=""),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        sa.Column("ordered_by", sa.String(120), nullable=False),
        sa.Column("built_at", UtcDateTime(), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False, server_default=""),
        sa.Column("frozen_at", UtcDateTime(), nullable=True),
        sa.Column("frozen_by", sa.String(120), nullable=False, server_default=""),
        sa.Column("previous_seal", sa.String(64), nullable=False, server_default=""),
        sa.Column("seal", sa.String(64), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["amends"], ["reports.id"], name=op.f("fk_reports_amends_reports")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("slot", name=op.f("uq_reports_slot")),
    )
    op.create_index("ix_reports_ordered", "reports", ["ordered_at"])
    op.create_index("ix_reports_state", "reports", ["state"])
    _parts()


def _parts() -> None:
    op.create_table(
        "report_files",
        sa.Column("report", ID, nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["report"], ["reports.id"], name=op.f("fk_report_files_report_reports")),
        sa.PrimaryKeyConstraint("report", "format", name=op.f("pk_report_files")),
    )
    op.create_index("ix_report_files_sha256", "report_files", ["sha256"])
    op.create_table(
        "report_texts",
        sa.Column("report", ID, nullable=False),
        sa.Column("section", sa.String(24), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("edited_at", UtcDateTime(), nullable=True),
        sa.Column("edited_by", sa.String(120), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["report"], ["reports.id"], name=op.f("fk_report_texts_report_reports")),
        sa.PrimaryKeyConstraint("report", "section", name=op.f("pk_report_texts")),
    )


def downgrade() -> None:
    op.drop_table("report_texts")
    op.drop_table("report_files")
    op.drop_table("reports")
