"""Loads: what links carried in each hour, and when they were congested."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "link_hours",
        sa.Column("link", sa.String(80), nullable=False),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("load", sa.Float(), nullable=False),
        sa.Column("peak", sa.Float(), nullable=False),
        sa.Column("busy", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("link", "direction", "hour", name=op.f("pk_link_hours")),
    )
    op.create_index("ix_link_hours_hour", "link_hours", ["hour"])
    op.create_table(
        "congestions",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("link", sa.String(80), nullable=False),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("carrier", sa.String(40), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("peak", sa.Float(), nullable=False),
        sa.Column("norm", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_congestions")),
    )
    op.create_index("ix_congestions_started", "congestions", ["started_at"])
    op.create_index(
        "uq_congestions_open",
        "congestions",
        ["link", "direction"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("congestions")
    op.drop_table("link_hours")
