"""Roll calls: what each site answered by telephone, when, and to whom."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "roll_calls",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("site", sa.String(80), nullable=False),
        sa.Column("answer", sa.String(12), nullable=False),
        sa.Column("path", sa.String(80), nullable=False, server_default=""),
        sa.Column("network", sa.String(40), nullable=False, server_default=""),
        sa.Column("note", sa.String(500), nullable=False, server_default=""),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roll_calls")),
    )
    op.create_index("ix_roll_calls_site", "roll_calls", ["site", "id"])
    op.create_index("ix_roll_calls_at", "roll_calls", ["at"])


def downgrade() -> None:
    op.drop_table("roll_calls")
