"""Reports that were sent, and notices in the outbox that are about no incident."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.alter_column("incident", existing_type=_BIG, nullable=True)
    op.create_table(
        "report_sendings",
        sa.Column("key", sa.String(length=240), nullable=False),
        sa.Column("report", _BIG, nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["report"], ["reports.id"], name=op.f("fk_report_sendings_report_reports")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_report_sendings")),
    )
    op.create_index("ix_report_sendings_report", "report_sendings", ["report"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_report_sendings_report", table_name="report_sendings")
    op.drop_table("report_sendings")
    op.execute("DELETE FROM outbox WHERE incident IS NULL")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.alter_column("incident", existing_type=_BIG, nullable=False)
