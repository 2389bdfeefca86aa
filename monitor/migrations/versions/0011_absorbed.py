"""A cause that a wider one took over says so."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("causes", sa.Column("absorbed_by", sa.String(90), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("causes", "absorbed_by")
