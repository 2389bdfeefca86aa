"""What gateways say later: references, receipts, codes to type, and contacts that were refused for good."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reference", sa.String(length=120), server_default="", nullable=False))
        batch_op.add_column(sa.Column("delivered_at", UtcDateTime(), nullable=True))
        batch_op.create_index("ix_outbox_reference", ["reference"], unique=False)
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.add_column(sa.Column("code_hash", sa.String(length=64), server_default="", nullable=False))
        batch_op.create_index("ix_links_code", ["code_hash"], unique=False)
    op.create_table(
        "contact_faults",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("incident", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident"], ["incidents.id"], name=op.f("fk_contact_faults_incident_incidents")
        ),
        sa.PrimaryKeyConstraint("channel", "address", name=op.f("pk_contact_faults")),
    )


def downgrade() -> None:
    op.drop_table("contact_faults")
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.drop_index("ix_links_code")
        batch_op.drop_column("code_hash")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_reference")
        batch_op.drop_column("delivered_at")
        batch_op.drop_column("reference")
