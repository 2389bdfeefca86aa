"""Tables of access: accounts, their sessions, and the table that slows guessing down.

They lie in the lowest layer because every other one may ask who is acting. No secret is kept in clear: a
password as its argon2 hash, a session, token or recovery code as its SHA-256. The secret of a second factor, which the
service must know to count codes, is sealed (:mod:`inventory.seal`) by a key that lies elsewhere.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false

from inventory.database import UtcDateTime, metadata

__all__ = [
    "accounts",
    "api_tokens",
    "audit",
    "federated_identities",
    "federated_sign_ins",
    "recovery_codes",
    "seal_keys",
    "second_factors",
    "sessions",
    "sign_in_throttle",
]

_big = BigInteger().with_variant(Integer, "sqlite")

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
    # A password was right and a code is still owed: such a session opens nothing but the page that asks for it.
    Column("owes_code", Boolean, nullable=False, server_default=false()),
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

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("account", String(80), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
    Column("label", String(80), nullable=False),
    # Rights separated by a space; never more than the account's own count.
    Column("rights", String(400), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Index("ix_api_tokens_account", "account"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("account", String(80), ForeignKey("accounts.name", ondelete="CASCADE"), primary_key=True),
    Column("secret", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Asked for at sign-in only once a first code was right.
    Column("confirmed_at", UtcDateTime),
    # RFC 6238, 5.2: a code serves once. The last time step that one was taken of.
    Column("last_step", _big, nullable=False, server_default="0"),
)

seal_keys = Table(
    "seal_keys",
    metadata,
    # Keys that sealed secrets of this database, by name; the keys themselves lie elsewhere.
    Column("name", String(16), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("account", String(80), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
    Index("ix_recovery_codes_account", "account"),
)

federated_identities = Table(
    "federated_identities",
    metadata,
    # OpenID Connect Core, 2: only issuer and subject together name somebody for good.
    Column("issuer", String(200), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("account", String(80), ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
    Column("linked_at", UtcDateTime, nullable=False),
    Index("ix_federated_identities_account", "account"),
)

federated_sign_ins = Table(
    "federated_sign_ins",
    metadata,
    # A sign-in under way at the provider; the browser holds the state, we hold its hash and what belongs to it.
    Column("state_hash", String(64), primary_key=True),
    Column("nonce", String(80), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("next", String(512), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("act", String(40), nullable=False),
    Column("subject", String(120), nullable=False, server_default=""),
    Column("address", String(64), nullable=False, server_default=""),
    Column("details", Text, nullable=False, server_default=""),
    Index("ix_audit_at", "at"),
)
