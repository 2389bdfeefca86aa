"""The live roster: shifts, people, confirmations, swaps, handovers, tokens and their audit."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _confirmations()
    _handovers()
    _roster_changes()
    _roster_duties()
    _roster_people()
    _roster_shifts()
    _roster_tokens()
    _swaps()


def _confirmations() -> None:
    op.create_table(
        "confirmations",
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("duty", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("end", UtcDateTime(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("party", "duty", "person", "start", "end", name=op.f("pk_confirmations")),
    )


def _handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("duty", sa.String(length=32), nullable=False),
        sa.Column("outgoing", sa.String(length=80), nullable=False),
        sa.Column("incoming", sa.String(length=80), nullable=False),
        sa.Column("boundary", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("offered_at", UtcDateTime(), nullable=False),
        sa.Column("offered_by", sa.String(length=120), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("accepted_by", sa.String(length=120), server_default="", nullable=False),
        sa.Column("escalated_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index("ix_handovers_state", "handovers", ["state", "party"], unique=False)


def _roster_changes() -> None:
    op.create_table(
        "roster_changes",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("act", sa.String(length=24), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("duty", sa.String(length=32), nullable=False),
        sa.Column("shift", sa.String(length=24), server_default="", nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_changes")),
    )
    op.create_index("ix_roster_changes_party", "roster_changes", ["party", "id"], unique=False)


def _roster_duties() -> None:
    op.create_table(
        "roster_duties",
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("duty", sa.String(length=32), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("party", "duty", name=op.f("pk_roster_duties")),
    )


def _roster_people() -> None:
    op.create_table(
        "roster_people",
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("position", sa.String(length=120), server_default="", nullable=False),
        sa.Column("contacts", sa.JSON(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_roster_people")),
    )


def _roster_shifts() -> None:
    op.create_table(
        "roster_shifts",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("duty", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("end", UtcDateTime(), nullable=False),
        sa.Column("substitute", sa.String(length=80), server_default="", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("origin", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_shifts")),
    )
    op.create_index("ix_roster_shifts_party", "roster_shifts", ["party", "duty", "start"], unique=False)


def _roster_tokens() -> None:
    op.create_table(
        "roster_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=80), server_default="", nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=120), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_roster_tokens")),
    )
    op.create_index("ix_roster_tokens_party", "roster_tokens", ["party"], unique=False)


def _swaps() -> None:
    op.create_table(
        "swaps",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("shift", sa.String(length=24), nullable=False),
        sa.Column("other", sa.String(length=24), server_default="", nullable=False),
        sa.Column("asked", sa.String(length=80), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by", sa.String(length=120), server_default="", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_swaps")),
    )
    op.create_index("ix_swaps_party", "swaps", ["party", "state"], unique=False)


def downgrade() -> None:
    op.drop_table("swaps")
    op.drop_table("roster_tokens")
    op.drop_table("roster_shifts")
    op.drop_table("roster_people")
    op.drop_table("roster_duties")
    op.drop_table("roster_changes")
    op.drop_table("handovers")
    op.drop_table("confirmations")
