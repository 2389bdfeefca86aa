"""The first tables: access, belief, acting; one function a table."""

import sqlalchemy as sa
from alembic import op

from inventory.database import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    "accounts",
    "causes",
    "history_chunks",
    "incidents",
    "outages",
    "sign_in_throttle",
    "site_verdicts",
    "state_changes",
    "target_states",
    "unobserved",
    "vantages",
    "escalation_runs",
    "incident_outages",
    "ledger",
    "links",
    "outbox",
    "sessions",
)
"""In the order of their references."""


def _big() -> sa.BigInteger:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_accounts()
    _create_causes()
    _create_history_chunks()
    _create_incidents()
    _create_outages()
    _create_sign_in_throttle()
    _create_site_verdicts()
    _create_state_changes()
    _create_target_states()
    _create_unobserved()
    _create_vantages()
    _create_escalation_runs()
    _create_incident_outages()
    _create_ledger()
    _create_links()
    _create_outbox()
    _create_sessions()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("party", sa.String(length=40), server_default="", nullable=False),
        sa.Column("person", sa.String(length=80), server_default="", nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )


def _create_causes() -> None:
    op.create_table(
        "causes",
        sa.Column("subject", sa.String(length=90), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("noticed_at", UtcDateTime(), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_causes")),
    )


def _create_history_chunks() -> None:
    op.create_table(
        "history_chunks",
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("vantage", sa.String(length=40), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("minutes", sa.LargeBinary(), nullable=False),
        sa.Column("loss", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("target", "vantage", "start", name=op.f("pk_history_chunks")),
    )
    with op.batch_alter_table("history_chunks", schema=None) as batch_op:
        batch_op.create_index("ix_history_chunks_start", ["start"], unique=False)


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", _big(), autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("condition", sa.String(length=90), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=2), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("deadline_at", UtcDateTime(), nullable=True),
        sa.Column("assignee", sa.String(length=80), server_default="", nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=120), server_default="", nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("cause", sa.String(length=16), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("number", name=op.f("uq_incidents_number")),
    )
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.create_index(
            "ix_incidents_deadline",
            ["deadline_at"],
            unique=False,
            sqlite_where=sa.text("state NOT IN ('closed', 'cancelled', 'merged')"),
            postgresql_where=sa.text("state NOT IN ('closed', 'cancelled', 'merged')"),
        )
        batch_op.create_index("ix_incidents_owner", ["owner", "opened_at"], unique=False)
        batch_op.create_index(
            "uq_incidents_live",
            ["condition"],
            unique=True,
            sqlite_where=sa.text("state NOT IN ('resolved', 'closed', 'cancelled', 'merged')"),
            postgresql_where=sa.text("state NOT IN ('resolved', 'closed', 'cancelled', 'merged')"),
        )


def _create_outages() -> None:
    op.create_table(
        "outages",
        sa.Column("id", _big(), autoincrement=True, nullable=False),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("noticed_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("cause", sa.String(length=90), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outages")),
    )
    with op.batch_alter_table("outages", schema=None) as batch_op:
        batch_op.create_index("ix_outages_target", ["target", "started_at"], unique=False)
        batch_op.create_index(
            "uq_outages_open",
            ["target"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )


def _create_sign_in_throttle() -> None:
    op.create_table(
        "sign_in_throttle",
        sa.Column("key", sa.String(length=180), nullable=False),
        sa.Column("whole_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_throttle")),
    )
    with op.batch_alter_table("sign_in_throttle", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_throttle_whole_at", ["whole_at"], unique=False)


def _create_site_verdicts() -> None:
    op.create_table(
        "site_verdicts",
        sa.Column("site", sa.String(length=80), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_site_verdicts")),
    )


def _create_state_changes() -> None:
    op.create_table(
        "state_changes",
        sa.Column("id", _big(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("old", sa.String(length=16), nullable=False),
        sa.Column("new", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("noticed_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("processed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_changes")),
    )
    with op.batch_alter_table("state_changes", schema=None) as batch_op:
        batch_op.create_index(
            "ix_state_changes_queue",
            ["id"],
            unique=False,
            sqlite_where=sa.text("processed_at IS NULL"),
            postgresql_where=sa.text("processed_at IS NULL"),
        )
        batch_op.create_index("ix_state_changes_subject", ["kind", "subject", "at"], unique=False)


def _create_target_states() -> None:
    op.create_table(
        "target_states",
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("vantage", sa.String(length=40), nullable=False),
        sa.Column("view", sa.String(length=16), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("last_result_at", UtcDateTime(), nullable=True),
        sa.Column("last_ok_at", UtcDateTime(), nullable=True),
        sa.Column("evidence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("evidence_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("target", "vantage", name=op.f("pk_target_states")),
    )


def _create_unobserved() -> None:
    op.create_table(
        "unobserved",
        sa.Column("id", _big(), autoincrement=True, nullable=False),
        sa.Column("vantage", sa.String(length=40), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unobserved")),
    )
    with op.batch_alter_table("unobserved", schema=None) as batch_op:
        batch_op.create_index("ix_unobserved_vantage", ["vantage", "started_at"], unique=False)


def _create_vantages() -> None:
    op.create_table(
        "vantages",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_vantages")),
    )


def _create_escalation_runs() -> None:
    op.create_table(
        "escalation_runs",
        sa.Column("incident", _big(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("loop", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident"], ["incidents.id"], name=op.f("fk_escalation_runs_incident_incidents")
        ),
        sa.PrimaryKeyConstraint("incident", "generation", name=op.f("pk_escalation_runs")),
    )
    with op.batch_alter_table("escalation_runs", schema=None) as batch_op:
        batch_op.create_index(
            "ix_escalation_runs_due",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )


def _create_incident_outages() -> None:
    op.create_table(
        "incident_outages",
        sa.Column("incident", _big(), nullable=False),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("site", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"], ["incidents.id"], name=op.f("fk_incident_outages_incident_incidents")
        ),
        sa.PrimaryKeyConstraint("incident", "target", "started_at", name=op.f("pk_incident_outages")),
    )


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("incident", _big(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("old", sa.String(length=16), nullable=False),
        sa.Column("new", sa.String(length=16), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_ledger_incident_incidents")),
        sa.PrimaryKeyConstraint("incident", "sequence", name=op.f("pk_ledger")),
    )


def _create_links() -> None:
    op.create_table(
        "links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("incident", _big(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_links_incident_incidents")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_links")),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _big(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=240), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("incident", _big(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("not_after", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_outbox_incident_incidents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_due",
            ["not_before"],
            unique=False,
            sqlite_where=sa.text("state IN ('pending', 'leased')"),
            postgresql_where=sa.text("state IN ('pending', 'leased')"),
        )
        batch_op.create_index("ix_outbox_incident", ["incident"], unique=False)


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(length=64), server_default="", nullable=False),
        sa.Column("user_agent", sa.String(length=255), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_sessions_account_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index("ix_sessions_account", ["account"], unique=False)
        batch_op.create_index("ix_sessions_expires_at", ["expires_at"], unique=False)
