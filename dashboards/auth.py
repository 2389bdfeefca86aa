"""Accounts and sessions: who is signing in, who is signed in, and who no longer is.

A session is a row; its token exists only in the browser's cookie. Ending it, disabling the account or changing
the password takes effect on the next request, whichever process serves it.
"""

import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from dashboards.passwords import MINIMUM_LENGTH, Passwords, readable_password
from dashboards.security import token_hash
from dashboards.settings import PagesSettings
from dashboards.throttle import ACCOUNT, CODE, Allowance, keys_of, spent, wait_of
from inventory import audit, store
from inventory.access import Actor, Role
from inventory.credential_store import factor_of, revoke_tokens_of
from inventory.database import reading, transaction

__all__ = [
    "AccountExistsError",
    "AuthService",
    "Owed",
    "Refusal",
    "WeakPasswordError",
    "account_name",
    "ensure_administrator",
]

log = structlog.get_logger(__name__)
_TOUCH_AFTER = timedelta(minutes=1)
_CODE_WITHIN = timedelta(minutes=10)


class AccountExistsError(Exception):
    """There is already an account of that name."""


class WeakPasswordError(Exception):
    """The password is too short, or is the account's own name."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sign-in that failed. ``wait`` is how long until the next attempt counts; zero for a wrong password."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class Owed:
    """The password was right and a code is still asked for; ``token`` opens only the page that asks."""

    token: str


def account_name(text: str) -> str:
    """Answer ``text`` as names are kept: composed, lower case, without surrounding space."""
    return unicodedata.normalize("NFC", text).strip().casefold()[:80]


class AuthService:
    """Signs people in and out and keeps their accounts."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        clock: Callable[[], datetime],
        token: Callable[[], str],
        settings: PagesSettings,
        passwords: Passwords,
    ) -> None:
        self._database = database
        self._clock = clock
        self._token = token
        self._settings = settings
        self._passwords = passwords

    async def sign_in(
        self, name: str, password: str, *, address: str, user_agent: str
    ) -> str | Owed | Refusal:
        """Answer a new session's token, or why there is none. Wrong name and wrong password are one answer."""
        name = account_name(name)
        now = self._clock()
        wait = await self._spend(name, address, now)
        if wait:
            log.warning("sign-in throttled", account=name, address=address)
            return Refusal(wait)
        async with reading(self._database) as connection:
            account = await store.account_named(connection, name)
            factor = await factor_of(connection, name)
        usable = account is not None and account.disabled_at is None and account.role is not Role.MACHINE
        kept = account.password_hash if account is not None and usable else None
        if not await self._passwords.fits(password, kept) or account is None:
            await self._refused(name, address, audit.AuditAct.SIGN_IN_REFUSED)
            return Refusal(timedelta(0))
        owes = factor is not None and factor.confirmed_at is not None
        token = await self.begin(account.actor, address=address, user_agent=user_agent, owes_code=owes)
        return Owed(token) if owes else token

    async def _refused(self, name: str, address: str, act: audit.AuditAct) -> None:
        log.warning(act.value, account=name, address=address)
        async with transaction(self._database) as connection:
            await audit.write(connection, at=self._clock(), actor=name, act=act, address=address)

    async def owing(self, token: str) -> Actor | None:
        """Answer whose code the half-open session of ``token`` still owes, or nobody's."""
        async with reading(self._database) as connection:
            session = await store.session_with(connection, token_hash(token), now=self._clock())
        return session.actor if session is not None and session.owes_code else None

    async def finish(
        self,
        token: str,
        code: str,
        *,
        fits: Callable[[str, str], Awaitable[bool]],
        address: str,
        user_agent: str,
    ) -> str | Refusal:
        """Turn a half-open session into a new whole one if ``fits(account, code)``; attempts are slowed alike."""
        actor = await self.owing(token)
        if actor is None:
            return Refusal(timedelta(0))
        wait = await self.attempt_code(actor.name, address)
        if wait:
            return Refusal(wait)
        if not await fits(actor.name, code):
            await self._refused(actor.name, address, audit.AuditAct.CODE_REFUSED)
            return Refusal(timedelta(0))
        await self.sign_out(token)
        return await self.begin(actor, address=address, user_agent=user_agent)

    async def _spend(
        self, name: str, address: str, now: datetime, anywhere: Allowance = ACCOUNT
    ) -> timedelta:
        """Draw one attempt before the password is looked at, so that attempts in parallel count as well."""
        allowances = keys_of(name, address, anywhere)
        async with transaction(self._database) as connection:
            kept = await store.whole_at(connection, tuple(allowances))
            wait = wait_of(allowances, kept, now)
            if not wait:
                await store.set_whole_at(connection, spent(allowances, kept, now))
        return wait

    async def attempt(self, what: str, address: str) -> timedelta:
        """Draw one attempt at ``what`` from ``address``; answers how long to wait, zero when it may be made now."""
        return await self._spend(what, address, self._clock())

    async def attempt_code(self, account: str, address: str) -> timedelta:
        """Draw one attempt at a code of ``account``; answers how long to wait, zero when it may be made now."""
        return await self._spend(f"{account} code", address, self._clock(), CODE)

    async def begin(self, actor: Actor, *, address: str, user_agent: str, owes_code: bool = False) -> str:
        """Begin a session for somebody who proved who they are, and answer its token."""
        token, now = self._token(), self._clock()
        settings = self._settings
        length = settings.wall_session_length if actor.role.may_idle else settings.session_length
        length = _CODE_WITHIN if owes_code else length
        async with transaction(self._database) as connection:
            await store.drop_expired(connection, now=now)
            await store.forgive(connection, f"pair:{actor.name}@{address[:64]}")
            await store.add_session(
                connection,
                token_hash=token_hash(token),
                account=actor.name,
                created_at=now,
                seen_at=now,
                expires_at=now + length,
                address=address[:64],
                user_agent=user_agent[:255],
                owes_code=owes_code,
            )
            act = audit.AuditAct.CODE_OWED if owes_code else audit.AuditAct.SIGNED_IN
            await audit.write(connection, at=now, actor=actor.name, act=act, address=address)
        log.info(act.value, account=actor.name, role=actor.role.value, address=address)
        return token

    async def actor_of(self, token: str) -> Actor | None:
        """Answer who holds ``token``, or nobody: unknown, expired, idle for too long, or disabled."""
        if not token:
            return None
        hashed, now = token_hash(token), self._clock()
        async with reading(self._database) as connection:
            session = await store.session_with(connection, hashed, now=now)
        if session is None or session.owes_code:
            return None
        idle = now - session.seen_at
        if idle > self._settings.session_idle and not session.actor.role.may_idle:
            await self.sign_out(token)
            return None
        if idle > _TOUCH_AFTER:
            async with transaction(self._database) as connection:
                await store.touch_session(connection, hashed, at=now)
        return session.actor

    def handle_of(self, token: str) -> str:
        """Answer how the session of ``token`` is named in its account's list."""
        return token_hash(token)[: store.HANDLE_LENGTH]

    async def audited(
        self, *, limit: int, before: int | None = None, actor: str = ""
    ) -> tuple[audit.AuditEntry, ...]:
        """Answer what was done to access, newest first."""
        async with reading(self._database) as connection:
            return await audit.entries(connection, limit=limit, before=before, actor=actor)

    async def sign_out(self, token: str) -> None:
        """End the session of ``token``."""
        async with transaction(self._database) as connection:
            await store.drop_session(connection, token_hash(token))

    async def add(
        self,
        name: str,
        role: Role,
        password: str,
        *,
        party: str = "",
        person: str = "",
        must_change: bool = False,
        actor: str = "",
    ) -> None:
        """Open an account; raises AccountExistsError, WeakPasswordError, or ValueError for a carrier without party."""
        if role.is_scoped and not party:
            raise ValueError(f"an account of role {role.value} needs a party")
        await self._open(
            name, role, password, party=party, person=person, must_change=must_change, actor=actor
        )

    async def accounts(self) -> tuple[store.Account, ...]:
        """Answer every account by name."""
        async with reading(self._database) as connection:
            return await store.all_accounts(connection)

    async def open_administrator(self, password: str, *, must_change: bool) -> bool:
        """Open the first account, ``admin``, unless there is any account already; answer whether it was opened."""
        async with reading(self._database) as connection:
            if await store.has_accounts(connection):
                return False
        await self._open("admin", Role.ADMINISTRATOR, password, party="", person="", must_change=must_change)
        return True

    async def _open(
        self,
        name: str,
        role: Role,
        password: str,
        *,
        party: str,
        person: str,
        must_change: bool,
        actor: str = "",
    ) -> None:
        name, now = account_name(name), self._clock()
        _require_strong(name, password)
        account = store.Account(
            name=name,
            role=role,
            party=party,
            person=person,
            password_hash=await self._passwords.hash(password),
            must_change_password=must_change,
            created_at=now,
            changed_at=now,
            disabled_at=None,
        )
        async with transaction(self._database) as connection:
            if await store.account_named(connection, name) is not None:
                raise AccountExistsError(name)
            await store.add_account(connection, account)
            await audit.write(
                connection,
                at=now,
                actor=actor or "service",
                act=audit.AuditAct.ACCOUNT_OPENED,
                subject=name,
                details=f"{role.value} {party}".strip(),
            )
        log.info("account opened", account=name, role=role.value, party=party)

    async def change_password(self, name: str, old: str, new: str, *, keep: str) -> bool:
        """Set an own password and end every other session; answer whether ``old`` was right. ``keep`` is a token."""
        name = account_name(name)
        async with reading(self._database) as connection:
            account = await store.account_named(connection, name)
        kept = account.password_hash if account is not None else None
        if not await self._passwords.fits(old, kept):
            return False
        _require_strong(name, new)
        if new == old:
            raise WeakPasswordError
        hashed = await self._passwords.hash(new)
        async with transaction(self._database) as connection:
            await store.change_password(
                connection, name, password_hash=hashed, must_change=False, at=self._clock()
            )
            await store.drop_sessions_of(connection, name, but=token_hash(keep))
            await audit.write(
                connection, at=self._clock(), actor=name, act=audit.AuditAct.PASSWORD_CHANGED, subject=name
            )
        log.info("password changed", account=name)
        return True

    async def give_password(self, name: str, password: str, *, actor: str) -> bool:
        """Set somebody's password, to be changed at once, and end their sessions; answer whether they exist."""
        name, hashed = account_name(name), await self._passwords.hash(password)
        async with transaction(self._database) as connection:
            done = await store.change_password(
                connection, name, password_hash=hashed, must_change=True, at=self._clock()
            )
            await store.drop_sessions_of(connection, name)
            if done:
                await audit.write(
                    connection, at=self._clock(), actor=actor, act=audit.AuditAct.PASSWORD_GIVEN, subject=name
                )
        return done

    async def sessions(self, name: str) -> tuple[store.OpenSession, ...]:
        """Answer an account's open sessions, the last used first."""
        async with reading(self._database) as connection:
            return await store.sessions_of(connection, account_name(name), now=self._clock())

    async def end_session(self, name: str, handle: str, *, actor: str) -> bool:
        """End one of an account's sessions by its name in the list; answer whether there was such a one."""
        async with transaction(self._database) as connection:
            done = await store.drop_session_by_handle(connection, account_name(name), handle)
            if done:
                await audit.write(
                    connection, at=self._clock(), actor=actor, act=audit.AuditAct.SESSION_ENDED, subject=name
                )
        return done

    async def disable(self, name: str, *, actor: str = "") -> bool:
        """Close an account; answer whether it was open. Its sessions and tokens end with it."""
        name, now = account_name(name), self._clock()
        async with transaction(self._database) as connection:
            done = await store.disable_account(connection, name, at=now)
            await store.drop_sessions_of(connection, name)
            await revoke_tokens_of(connection, name, at=now)
            if done:
                await audit.write(
                    connection,
                    at=now,
                    actor=actor or "service",
                    act=audit.AuditAct.ACCOUNT_CLOSED,
                    subject=name,
                )
        return done


def _require_strong(name: str, password: str) -> None:
    if len(password) < MINIMUM_LENGTH or password.casefold() == name:
        raise WeakPasswordError


async def ensure_administrator(
    service: AuthService, token: Callable[[], str], *, must_change: bool = True
) -> str | None:
    """Open ``admin`` where there is no account at all; answer its password, once, for the caller to print."""
    password = readable_password(sha256(token().encode()).digest())
    return password if await service.open_administrator(password, must_change=must_change) else None
