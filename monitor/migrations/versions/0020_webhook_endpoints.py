"""Addresses at which parties' machines are told of incidents."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EVENTS = sa.text("channel = 'event'")


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("party", sa.String(40), nullable=False),
        sa.Column("dialect", sa.String(8), nullable=False),
        sa.Column("url", sa.String(200), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("query", sa.String(400), nullable=False, server_default=""),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("previous_secret", sa.String(64), nullable=False, server_default=""),
        sa.Column("previous_until", UtcDateTime(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index("ix_webhook_endpoints_party", "webhook_endpoints", ["party"])
    op.create_index(
        "ix_outbox_events", "outbox", ["person", "id"], sqlite_where=EVENTS, postgresql_where=EVENTS
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_events", "outbox")
    op.execute("DELETE FROM outbox WHERE channel = 'event'")
    op.drop_table("webhook_endpoints")
