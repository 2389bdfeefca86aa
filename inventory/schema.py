"""Tables of access: accounts, their sessions, and the table that slows guessing down.

They lie in the lowest layer because every other one may ask who is acting. No secret is kept in clear: a
password as its argon2 hash, a session as the SHA-256 of its token.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, false

from inventory.database import UtcDateTime, metadata

__all__ = ["accounts", "sessions", "sign_in_throttle"]

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("role", String(20), nullable=False),
    # Scope of a carrier's account; empty where the role sees everything.
    Column("party", String(40), nullable=False, server_default=""),
    # Code of the person in the roster, where the account is one person's own.
    Column("person", String(80), nullable=False, server_default=""),
    Column("password_hash", String(255), nullable=False),
    Column("must_change_password", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("account", String(80), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("address", String(64), nullable=False, server_default=""),
    Column("user_agent", String(255), nullable=False, server_default=""),
    Index("ix_sessions_account", "account"),
    Index("ix_sessions_expires_at", "expires_at"),
)

sign_in_throttle = Table(
    "sign_in_throttle",
    metadata,
    # "pair:NAME@ADDRESS", "address:ADDRESS" or "account:NAME".
    Column("key", String(180), primary_key=True),
    # When the allowance will be whole again (the "theoretical arrival time" of GCRA): one column, one rule.
    Column("whole_at", UtcDateTime, nullable=False),
    Index("ix_sign_in_throttle_whole_at", "whole_at"),
)
