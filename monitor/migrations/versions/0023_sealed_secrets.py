"""Secrets are sealed: room for them, and by which keys. What lies in clear is sealed when the service starts."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COLUMNS = (
    ("second_factors", "secret"),
    ("webhook_endpoints", "secret"),
    ("webhook_endpoints", "previous_secret"),
)


def upgrade() -> None:
    op.create_table(
        "seal_keys",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_seal_keys")),
    )
    _resize(64, 200)


def downgrade() -> None:
    # An older version reads a sealed secret as if it were one: nobody could sign in by it, nothing could be signed.
    for table, column in COLUMNS:
        op.execute(f"DELETE FROM {table} WHERE {column} LIKE 'sealed.%'")  # noqa: S608 - the names stand above
    _resize(200, 64)
    op.drop_table("seal_keys")


def _resize(before: int, after: int) -> None:
    if op.get_bind().dialect.name == "sqlite":
        # The table is laid anew, and the old one must not stay readable in the file's free pages.
        op.execute("PRAGMA secure_delete=ON")
    for table, column in COLUMNS:
        with op.batch_alter_table(table) as batch:
            batch.alter_column(
                column,
                existing_type=sa.String(before),
                type_=sa.String(after),
                existing_nullable=False,
                existing_server_default="" if column == "previous_secret" else None,
            )
