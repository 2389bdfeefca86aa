"""The newest changes of a kind, without sorting all of them."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_state_changes_kind", "state_changes", ["kind", "id"])


def downgrade() -> None:
    op.drop_index("ix_state_changes_kind", "state_changes")
