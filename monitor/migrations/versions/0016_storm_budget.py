"""Pages that left inside another message name it, and a link may stand for several incidents."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("carried_by", _big))
    op.create_index("ix_outbox_carried_by", "outbox", ["carried_by"])
    op.create_index("ix_outbox_address", "outbox", ["address", "sent_at"])
    op.create_table(
        "link_incidents",
        sa.Column("token_hash", sa.String(64), sa.ForeignKey("links.token_hash"), primary_key=True),
        sa.Column("incident", _big, sa.ForeignKey("incidents.id"), primary_key=True),
    )


def downgrade() -> None:
    op.drop_table("link_incidents")
    op.drop_index("ix_outbox_address", "outbox")
    op.drop_index("ix_outbox_carried_by", "outbox")
    op.drop_column("outbox", "carried_by")
