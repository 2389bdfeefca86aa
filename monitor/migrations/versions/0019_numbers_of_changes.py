"""Lines of the roster's audit are numbered for each party alone: their ids count what all parties do."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBERED = sa.text(
    "UPDATE roster_changes SET number = mine.number FROM"
    " (SELECT id, row_number() OVER (PARTITION BY party ORDER BY id) AS number FROM roster_changes) AS mine"
    " WHERE mine.id = roster_changes.id"
)


def upgrade() -> None:
    op.add_column("roster_changes", sa.Column("number", NUMBER, nullable=True))
    op.execute(NUMBERED)
    with op.batch_alter_table("roster_changes") as table:
        table.alter_column("number", existing_type=NUMBER, nullable=False)
    op.drop_index("ix_roster_changes_party", "roster_changes")
    op.create_index("ix_roster_changes_party", "roster_changes", ["party", "number"], unique=True)
    op.create_index("ix_roster_changes_at", "roster_changes", ["at"])


def downgrade() -> None:
    op.drop_index("ix_roster_changes_at", "roster_changes")
    op.drop_index("ix_roster_changes_party", "roster_changes")
    op.create_index("ix_roster_changes_party", "roster_changes", ["party", "id"])
    with op.batch_alter_table("roster_changes") as table:
        table.drop_column("number")
