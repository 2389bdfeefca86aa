"""The audit: who did what to access, when and from where. Written in the transaction of the act, never changed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory.schema import audit

__all__ = ["AuditAct", "AuditEntry", "entries", "write"]


class AuditAct(StrEnum):
    """What can be done to access."""

    SIGNED_IN = "signed_in"
    CODE_OWED = "code_owed"
    SIGN_IN_REFUSED = "sign_in_refused"
    CODE_REFUSED = "code_refused"
    ACCOUNT_OPENED = "account_opened"
    ACCOUNT_CLOSED = "account_closed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an act, no secret
    PASSWORD_GIVEN = "password_given"  # noqa: S105 - the name of an act, no secret
    SESSION_ENDED = "session_ended"
    FACTOR_SET = "factor_set"
    FACTOR_REMOVED = "factor_removed"
    TOKEN_GIVEN = "token_given"  # noqa: S105 - the name of an act, no secret
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - the name of an act, no secret
    IDENTITY_LINKED = "identity_linked"
    LOOKED_NOW = "looked_now"
    """Asked for looks at a site out of turn: traffic that a person caused is traced to that person."""
    WEBHOOK_SET = "webhook_set"
    WEBHOOK_REMOVED = "webhook_removed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A row of ``audit``. ``actor`` is the account that acted, or the name that was tried."""

    id: int
    at: datetime
    actor: str
    act: AuditAct
    subject: str
    address: str
    details: str


async def write(
    connection: AsyncConnection,
    *,
    at: datetime,
    actor: str,
    act: AuditAct,
    subject: str = "",
    address: str = "",
    details: str = "",
) -> None:
    """Write one line. Secrets never belong into ``details``."""
    await connection.execute(
        insert(audit).values(
            at=at,
            actor=actor[:80],
            act=act,
            subject=subject[:120],
            address=address[:64],
            details=details[:1000],
        )
    )


async def entries(
    connection: AsyncConnection, *, limit: int, before: int | None = None, actor: str = ""
) -> tuple[AuditEntry, ...]:
    """Read the newest lines below number ``before``, of one ``actor`` where one is named."""
    statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(audit.c.id < before)
    if actor:
        statement = statement.where(audit.c.actor == actor)
    rows = (await connection.execute(statement)).mappings()
    return tuple(AuditEntry(**{**row, "act": AuditAct(row["act"])}) for row in rows)
