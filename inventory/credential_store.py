"""SQL of what proves who asks beside a password: tokens, second factors, recovery codes, federated identities.

Takes a connection, never commits, never asks for the time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory.access import Actor, Right, Role
from inventory.drawn import Draw, drawn_id
from inventory.schema import (
    accounts,
    api_tokens,
    federated_identities,
    federated_sign_ins,
    recovery_codes,
    second_factors,
)
from inventory.seal_store import SealedColumn

__all__ = [
    "FACTOR_SECRET",
    "ApiToken",
    "FederatedSignIn",
    "SecondFactor",
    "account_of_identity",
    "add_federated_sign_in",
    "add_token",
    "confirm_factor",
    "drop_factor",
    "factor_of",
    "holder_of",
    "identities_of",
    "link_identity",
    "put_factor",
    "recovery_codes_left",
    "replace_recovery_codes",
    "revoke_token",
    "revoke_tokens_of",
    "spend_recovery_code",
    "spend_step",
    "take_federated_sign_in",
    "tokens_of",
    "touch_token",
    "unlink_identities",
]


FACTOR_SECRET = SealedColumn(second_factors.c.secret, second_factors.c.account)
"""Where the secrets of second factors lie, sealed."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A row of ``api_tokens``, without what would let anybody use it."""

    id: int
    account: str
    label: str
    rights: frozenset[Right]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A shared secret for codes by time (RFC 6238), sealed; asked for once ``confirmed_at`` is set."""

    account: str
    secret: str
    created_at: datetime
    confirmed_at: datetime | None
    last_step: int


@dataclass(frozen=True, slots=True)
class FederatedSignIn:
    """A sign-in under way at an identity provider."""

    nonce: str
    verifier: str
    next: str


def _rights(text: str) -> frozenset[Right]:
    # A right that a later version dropped gives nothing, rather than keeping the token from being read.
    known = set(Right)
    return frozenset(Right(word) for word in text.split() if word in known)


def _token_of(row: RowMapping) -> ApiToken:
    columns = {name: value for name, value in row.items() if name != "token_hash"}
    return ApiToken(**{**columns, "rights": _rights(row["rights"])})


async def add_token(
    connection: AsyncConnection, *, rights: frozenset[Right], draw: Draw | None = None, **columns: Any
) -> int:
    """Write a new token; answer its number, which ``draw`` draws (None: counts on)."""
    given = await drawn_id(connection, api_tokens.c.id, draw)
    statement = insert(api_tokens).values(rights=" ".join(sorted(rights)), **columns, **given)
    result = await connection.execute(statement.returning(api_tokens.c.id))
    return int(result.scalar_one())


async def tokens_of(connection: AsyncConnection, account: str) -> tuple[ApiToken, ...]:
    """Read an account's tokens that were not revoked, newest first."""
    statement = (
        select(api_tokens)
        .where(api_tokens.c.account == account, api_tokens.c.revoked_at.is_(None))
        .order_by(api_tokens.c.created_at.desc(), api_tokens.c.id.desc())
    )
    return tuple(_token_of(row) for row in (await connection.execute(statement)).mappings())


async def holder_of(
    connection: AsyncConnection, token_hash: str, *, now: datetime
) -> tuple[ApiToken, Actor] | None:
    """Read a token that counts and whose it is: not revoked, not expired, the account not disabled."""
    statement = (
        select(api_tokens, accounts.c.role, accounts.c.party, accounts.c.person)
        .join(accounts, accounts.c.name == api_tokens.c.account)
        .where(
            api_tokens.c.token_hash == token_hash,
            api_tokens.c.revoked_at.is_(None),
            (api_tokens.c.expires_at.is_(None)) | (api_tokens.c.expires_at > now),
            accounts.c.disabled_at.is_(None),
        )
    )
    row = (await connection.execute(statement)).mappings().first()
    if row is None:
        return None
    found = {column.name: row[column.name] for column in api_tokens.c if column.name != "token_hash"}
    token = ApiToken(**{**found, "rights": _rights(row["rights"])})
    actor = Actor(
        name=token.account,
        role=Role(row["role"]),
        party=row["party"],
        person=row["person"],
        limits=token.rights,
    )
    return token, actor


async def touch_token(connection: AsyncConnection, identifier: int, *, at: datetime) -> None:
    """Note that a token was used."""
    await connection.execute(update(api_tokens).where(api_tokens.c.id == identifier).values(used_at=at))


async def revoke_token(
    connection: AsyncConnection, identifier: int, *, account: str | None, at: datetime
) -> bool:
    """End a token, of ``account`` only where one is given; answer whether it counted until now."""
    statement = (
        update(api_tokens)
        .where(api_tokens.c.id == identifier, api_tokens.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    if account is not None:
        statement = statement.where(api_tokens.c.account == account)
    return (await connection.execute(statement)).rowcount == 1


async def revoke_tokens_of(connection: AsyncConnection, account: str, *, at: datetime) -> int:
    """End every token of an account; answer how many there were."""
    statement = (
        update(api_tokens)
        .where(api_tokens.c.account == account, api_tokens.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    return (await connection.execute(statement)).rowcount


async def factor_of(connection: AsyncConnection, account: str) -> SecondFactor | None:
    """Read an account's second factor, confirmed or not."""
    statement = select(second_factors).where(second_factors.c.account == account)
    row = (await connection.execute(statement)).mappings().first()
    return None if row is None else SecondFactor(**row)


async def put_factor(connection: AsyncConnection, account: str, secret: str, *, at: datetime) -> None:
    """Replace an account's second factor by one that is not confirmed yet; ``secret`` is sealed."""
    await drop_factor(connection, account)
    values = {"account": account, "secret": secret, "created_at": at, "last_step": 0}
    await connection.execute(insert(second_factors).values(values))


async def confirm_factor(connection: AsyncConnection, account: str, *, at: datetime) -> None:
    """Ask for codes at sign-in from now on."""
    await connection.execute(
        update(second_factors).where(second_factors.c.account == account).values(confirmed_at=at)
    )


async def spend_step(connection: AsyncConnection, account: str, step: int) -> bool:
    """Take a time step's code; answer whether it and every later one were still to be had."""
    statement = (
        update(second_factors)
        .where(second_factors.c.account == account, second_factors.c.last_step < step)
        .values(last_step=step)
    )
    return (await connection.execute(statement)).rowcount == 1


async def drop_factor(connection: AsyncConnection, account: str) -> None:
    """Forget an account's second factor and its recovery codes."""
    await connection.execute(delete(second_factors).where(second_factors.c.account == account))
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.account == account))


async def replace_recovery_codes(connection: AsyncConnection, account: str, hashes: tuple[str, ...]) -> None:
    """Keep these recovery codes and no others."""
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.account == account))
    rows = [{"code_hash": code, "account": account} for code in hashes]
    await connection.execute(insert(recovery_codes), rows)


async def spend_recovery_code(connection: AsyncConnection, account: str, code_hash: str) -> bool:
    """Use a recovery code up; answer whether there was such a one."""
    statement = delete(recovery_codes).where(
        recovery_codes.c.account == account, recovery_codes.c.code_hash == code_hash
    )
    return (await connection.execute(statement)).rowcount == 1


async def recovery_codes_left(connection: AsyncConnection, account: str) -> int:
    """Count the recovery codes that were not used."""
    statement = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.account == account)
    return int((await connection.execute(statement)).scalar_one())


async def add_federated_sign_in(connection: AsyncConnection, *, now: datetime, **columns: Any) -> None:
    """Remember a sign-in that begins; forget those that were never finished."""
    await connection.execute(delete(federated_sign_ins).where(federated_sign_ins.c.expires_at <= now))
    await connection.execute(insert(federated_sign_ins).values(**columns))


async def take_federated_sign_in(
    connection: AsyncConnection, state_hash: str, *, now: datetime
) -> FederatedSignIn | None:
    """Read and forget a sign-in under way, so that its answer counts once."""
    statement = (
        delete(federated_sign_ins)
        .where(federated_sign_ins.c.state_hash == state_hash, federated_sign_ins.c.expires_at > now)
        .returning(federated_sign_ins.c.nonce, federated_sign_ins.c.verifier, federated_sign_ins.c.next)
    )
    row = (await connection.execute(statement)).mappings().first()
    return None if row is None else FederatedSignIn(**row)


async def account_of_identity(connection: AsyncConnection, issuer: str, subject: str) -> str | None:
    """Read whose account an identity opens."""
    statement = select(federated_identities.c.account).where(
        federated_identities.c.issuer == issuer, federated_identities.c.subject == subject
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def link_identity(connection: AsyncConnection, **columns: Any) -> None:
    """Let an identity open an account from now on."""
    await connection.execute(insert(federated_identities).values(**columns))


async def unlink_identities(connection: AsyncConnection, account: str) -> int:
    """Let no identity open the account any more; answer how many did."""
    statement = delete(federated_identities).where(federated_identities.c.account == account)
    return (await connection.execute(statement)).rowcount


async def identities_of(connection: AsyncConnection, account: str) -> tuple[str, ...]:
    """Read the issuers whose identities open an account."""
    statement = select(federated_identities.c.issuer).where(federated_identities.c.account == account)
    return tuple((await connection.execute(statement)).scalars())
