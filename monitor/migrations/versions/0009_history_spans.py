"""Young minutes in spans of blocks of targets, apart from the chunks that they become."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "history_spans",
        sa.Column("vantage", sa.String(length=40), nullable=False),
        sa.Column("fleet", sa.String(length=80), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("codes", sa.LargeBinary(), nullable=False),
        sa.Column("minutes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("vantage", "fleet", "block", "start", name=op.f("pk_history_spans")),
    )


def downgrade() -> None:
    op.drop_table("history_spans")
