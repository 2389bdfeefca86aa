"""Mutual aid: what is owed now, and the record of how it came to it."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    live = sa.text("deadline_at IS NOT NULL")
    moments = ("requested_at", "accepted_at", "activated_at", "active_at", "released_at", "ended_at")
    op.create_table(
        "aids",
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.Column("incident", big, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("requester", sa.String(40), nullable=False),
        sa.Column("helper", sa.String(40), nullable=False),
        sa.Column("area", sa.String(80), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("deadline_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("is_standby", sa.Boolean(), nullable=False),
        sa.Column("ordered_by", sa.String(120), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("verified_by", sa.String(300), nullable=False),
        sa.Column("actuals", sa.JSON(), nullable=False),
        *(sa.Column(name, UtcDateTime(), nullable=True) for name in moments),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_aids_incident_incidents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_aids")),
    )
    op.create_index("ix_aids_deadline", "aids", ["deadline_at"], sqlite_where=live, postgresql_where=live)
    op.create_index("ix_aids_incident", "aids", ["incident"])
    op.create_index("ix_aids_helper", "aids", ["helper"])
    op.create_table(
        "aid_events",
        sa.Column("aid", big, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["aid"], ["aids.id"], name=op.f("fk_aid_events_aid_aids")),
        sa.PrimaryKeyConstraint("aid", "version", name=op.f("pk_aid_events")),
    )


def downgrade() -> None:
    op.drop_table("aid_events")
    op.drop_table("aids")
