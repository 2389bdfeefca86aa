"""SQL of accounts, sessions and sign-in throttling. Takes a connection, never commits, never asks for the time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory.access import Actor, Role
from inventory.schema import accounts, sessions, sign_in_throttle

__all__ = [
    "HANDLE_LENGTH",
    "Account",
    "OpenSession",
    "Session",
    "account_named",
    "add_account",
    "add_session",
    "all_accounts",
    "change_password",
    "change_role",
    "disable_account",
    "drop_expired",
    "drop_session",
    "drop_session_by_handle",
    "drop_sessions_of",
    "forgive",
    "has_accounts",
    "session_with",
    "sessions_of",
    "set_whole_at",
    "touch_session",
    "whole_at",
]

HANDLE_LENGTH = 16
"""Letters of a token's hash that name a session in a list: 64 bits, of which none helps to find the token."""


@dataclass(frozen=True, slots=True)
class Account:
    """A row of ``accounts``."""

    name: str
    role: Role
    party: str
    person: str
    password_hash: str
    must_change_password: bool
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None

    @property
    def actor(self) -> Actor:
        """The account as somebody who acts."""
        return Actor(
            name=self.name,
            role=self.role,
            party=self.party,
            person=self.person,
            must_change_password=self.must_change_password,
        )


@dataclass(frozen=True, slots=True)
class Session:
    """A session and whose it is; only sessions of accounts that are not disabled are ever read."""

    token_hash: str
    actor: Actor
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    owes_code: bool = False


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its owner sees it in a list. ``handle`` names it there and opens nothing."""

    handle: str
    created_at: datetime
    seen_at: datetime
    address: str
    user_agent: str


def _account_of(row: RowMapping) -> Account:
    return Account(**{**row, "role": Role(row["role"])})


async def has_accounts(connection: AsyncConnection) -> bool:
    """Answer whether anybody could sign in at all."""
    return bool((await connection.execute(select(func.count()).select_from(accounts))).scalar_one())


async def all_accounts(connection: AsyncConnection) -> tuple[Account, ...]:
    """Read every account by name."""
    rows = (await connection.execute(select(accounts).order_by(accounts.c.name))).mappings()
    return tuple(_account_of(row) for row in rows)


async def account_named(connection: AsyncConnection, name: str) -> Account | None:
    """Read one account, disabled or not."""
    row = (await connection.execute(select(accounts).where(accounts.c.name == name))).mappings().first()
    return None if row is None else _account_of(row)


async def add_account(connection: AsyncConnection, account: Account) -> None:
    """Write a new account; a second one of the same name is refused by the database."""
    columns = (column.name for column in accounts.c)
    await connection.execute(insert(accounts).values({name: getattr(account, name) for name in columns}))


async def change_password(
    connection: AsyncConnection, name: str, *, password_hash: str, must_change: bool, at: datetime
) -> bool:
    """Set a password; answer whether there was such an account."""
    statement = (
        update(accounts)
        .where(accounts.c.name == name)
        .values(password_hash=password_hash, must_change_password=must_change, changed_at=at)
    )
    return (await connection.execute(statement)).rowcount == 1


async def change_role(
    connection: AsyncConnection, name: str, *, role: Role, party: str, person: str, at: datetime
) -> bool:
    """Make an open account something else; answer whether there was such an account."""
    statement = (
        update(accounts)
        .where(accounts.c.name == name, accounts.c.disabled_at.is_(None))
        .values(role=role, party=party, person=person, changed_at=at)
    )
    return (await connection.execute(statement)).rowcount == 1


async def disable_account(connection: AsyncConnection, name: str, *, at: datetime) -> bool:
    """Close an account for good; its sessions stop to count at once. Answer whether it was open."""
    statement = (
        update(accounts)
        .where(accounts.c.name == name, accounts.c.disabled_at.is_(None))
        .values(disabled_at=at, changed_at=at)
    )
    return (await connection.execute(statement)).rowcount == 1


async def add_session(connection: AsyncConnection, **columns: Any) -> None:
    """Write a new session."""
    await connection.execute(insert(sessions).values(**columns))


async def session_with(connection: AsyncConnection, token_hash: str, *, now: datetime) -> Session | None:
    """Read a session that has not expired and whose account is not disabled."""
    statement = (
        select(
            sessions.c.token_hash,
            sessions.c.created_at,
            sessions.c.seen_at,
            sessions.c.expires_at,
            sessions.c.owes_code,
            accounts.c.name,
            accounts.c.role,
            accounts.c.party,
            accounts.c.person,
            accounts.c.must_change_password,
        )
        .join(accounts, accounts.c.name == sessions.c.account)
        .where(
            sessions.c.token_hash == token_hash, sessions.c.expires_at > now, accounts.c.disabled_at.is_(None)
        )
    )
    row = (await connection.execute(statement)).mappings().first()
    if row is None:
        return None
    actor = Actor(
        name=row["name"],
        role=Role(row["role"]),
        party=row["party"],
        person=row["person"],
        must_change_password=row["must_change_password"],
    )
    return Session(
        row["token_hash"], actor, row["created_at"], row["seen_at"], row["expires_at"], row["owes_code"]
    )


async def sessions_of(connection: AsyncConnection, name: str, *, now: datetime) -> tuple[OpenSession, ...]:
    """Read an account's sessions that still count, newest first."""
    statement = (
        select(sessions)
        .where(sessions.c.account == name, sessions.c.expires_at > now, sessions.c.owes_code.is_(False))
        .order_by(sessions.c.seen_at.desc())
    )
    return tuple(
        OpenSession(
            row["token_hash"][:HANDLE_LENGTH],
            row["created_at"],
            row["seen_at"],
            row["address"],
            row["user_agent"],
        )
        for row in (await connection.execute(statement)).mappings()
    )


async def drop_session_by_handle(connection: AsyncConnection, name: str, handle: str) -> bool:
    """End the session of an account that is named ``handle`` in its list; answer whether there was one."""
    if len(handle) != HANDLE_LENGTH:
        return False
    statement = delete(sessions).where(
        sessions.c.account == name, sessions.c.token_hash.startswith(handle, autoescape=True)
    )
    return (await connection.execute(statement)).rowcount > 0


async def touch_session(connection: AsyncConnection, token_hash: str, *, at: datetime) -> None:
    """Note that a session was used."""
    await connection.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(seen_at=at))


async def drop_session(connection: AsyncConnection, token_hash: str) -> None:
    """End one session."""
    await connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


async def drop_sessions_of(connection: AsyncConnection, name: str, *, but: str = "") -> int:
    """End every session of an account, except the one whose token hash is ``but``; answer how many."""
    statement = delete(sessions).where(sessions.c.account == name, sessions.c.token_hash != but)
    return (await connection.execute(statement)).rowcount


async def drop_expired(connection: AsyncConnection, *, now: datetime) -> None:
    """Forget sessions that ended and allowances that are whole again."""
    await connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    await connection.execute(delete(sign_in_throttle).where(sign_in_throttle.c.whole_at <= now))


async def whole_at(connection: AsyncConnection, keys: tuple[str, ...]) -> dict[str, datetime]:
    """Read when each allowance will be whole again; a key that is absent is whole."""
    statement = select(sign_in_throttle).where(sign_in_throttle.c.key.in_(keys))
    return {row["key"]: row["whole_at"] for row in (await connection.execute(statement)).mappings()}


async def set_whole_at(connection: AsyncConnection, values: dict[str, datetime]) -> None:
    """Replace allowances; the caller holds the write transaction in which they were read."""
    if not values:
        return
    await connection.execute(delete(sign_in_throttle).where(sign_in_throttle.c.key.in_(tuple(values))))
    rows = [{"key": key, "whole_at": at} for key, at in values.items()]
    await connection.execute(insert(sign_in_throttle), rows)


async def forgive(connection: AsyncConnection, key: str) -> None:
    """Make an allowance whole again."""
    await connection.execute(delete(sign_in_throttle).where(sign_in_throttle.c.key == key))
