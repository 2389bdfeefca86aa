"""People are asked to confirm their shifts: by a link bound to the shift, with a code beside it."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "confirmation_requests",
        sa.Column("party", sa.String(40), nullable=False),
        sa.Column("duty", sa.String(32), nullable=False),
        sa.Column("person", sa.String(80), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("end", UtcDateTime(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("reminded_at", UtcDateTime(), nullable=True),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("declined_at", UtcDateTime(), nullable=True),
        sa.Column("note", sa.String(500), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint(
            "party", "duty", "person", "start", "end", name=op.f("pk_confirmation_requests")
        ),
    )
    op.create_index("ix_confirmation_requests_end", "confirmation_requests", ["end"])
    op.add_column("roster_tokens", sa.Column("duty", sa.String(32), nullable=False, server_default=""))
    op.add_column("roster_tokens", sa.Column("start", UtcDateTime(), nullable=True))
    op.add_column("roster_tokens", sa.Column("end", UtcDateTime(), nullable=True))
    op.add_column("roster_tokens", sa.Column("code_hash", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_roster_tokens_code", "roster_tokens", ["code_hash"])


def downgrade() -> None:
    op.drop_index("ix_roster_tokens_code", "roster_tokens")
    for column in ("code_hash", "end", "start", "duty"):
        op.drop_column("roster_tokens", column)
    op.drop_index("ix_confirmation_requests_end", "confirmation_requests")
    op.drop_table("confirmation_requests")
