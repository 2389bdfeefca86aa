"""When a target was armed; what had ever answered before there was arming is armed since then."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("target_states", sa.Column("armed_at", UtcDateTime(), nullable=True))
    op.execute("UPDATE target_states SET armed_at = last_ok_at")


def downgrade() -> None:
    op.drop_column("target_states", "armed_at")
