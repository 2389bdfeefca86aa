"""Incidents that are restricted, merged into another, or have timers beside their deadline."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LIVE = sa.text("state NOT IN ('closed', 'cancelled', 'merged')")


def upgrade() -> None:
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("restricted", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("parent", sa.BigInteger().with_variant(sa.Integer(), "sqlite")))
        batch_op.add_column(sa.Column("timer_at", UtcDateTime(), nullable=True))
        batch_op.create_foreign_key("fk_incidents_parent_incidents", "incidents", ["parent"], ["id"])
        batch_op.create_index("ix_incidents_parent", ["parent"], unique=False)
        batch_op.create_index(
            "ix_incidents_timer", ["timer_at"], unique=False, sqlite_where=_LIVE, postgresql_where=_LIVE
        )


def downgrade() -> None:
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.drop_index("ix_incidents_timer")
        batch_op.drop_index("ix_incidents_parent")
        batch_op.drop_constraint("fk_incidents_parent_incidents", type_="foreignkey")
        batch_op.drop_column("timer_at")
        batch_op.drop_column("parent")
        batch_op.drop_column("restricted")
