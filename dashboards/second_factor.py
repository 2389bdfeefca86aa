"""Codes by time as a second proof (RFC 6238), and recovery codes for the day on which the telephone is lost.

A code serves once, and one time step either side is forgiven, because telephones' clocks are not ours. The secret
counts only after a first code was right, so that nobody locks themselves out by half a set-up. It is kept sealed
(:mod:`inventory.sealing`); where it does not open, because the key is gone, a recovery code still counts, and
``thongsuot user drop-factor`` lets in who has none.
"""

from base64 import b32encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

import pyotp
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from dashboards.passwords import readable_password
from inventory import audit
from inventory import credential_store as store
from inventory.database import reading, transaction
from inventory.seal import SealError
from inventory.sealing import Sealing

__all__ = ["ISSUER", "RECOVERY_CODES", "SecondFactors", "provisioning", "step_of"]

log = structlog.get_logger(__name__)

ISSUER = "Thông Suốt"
RECOVERY_CODES = 8
_PERIOD = 30
_FORGIVEN = (0, -1, 1)
"""Time steps around now whose codes are taken: RFC 6238, 5.2 recommends one for the network's delay."""


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """Answer the time step that ``code`` belongs to, at or beside ``at``; None: it is of no such step."""
    digits = "".join(letter for letter in code if letter.isdigit())
    if len(digits) != 6:
        return None
    totp = pyotp.TOTP(secret, interval=_PERIOD)
    now = int(at.timestamp()) // _PERIOD
    return next((now + by for by in _FORGIVEN if totp.verify(digits, for_time=(now + by) * _PERIOD)), None)


def provisioning(secret: str, account: str) -> str:
    """Answer the address that an authenticator reads from a square code or a link."""
    return pyotp.TOTP(secret, interval=_PERIOD).provisioning_uri(name=account, issuer_name=ISSUER)


class SecondFactors:
    """Sets up, asks for and forgets second factors."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        sealing: Sealing,
        clock: Callable[[], datetime],
        token: Callable[[], str],
    ) -> None:
        self._database = database
        self._sealing = sealing
        self._clock = clock
        self._token = token

    async def is_asked(self, account: str) -> bool:
        """Answer whether signing in to the account asks for a code."""
        async with reading(self._database) as connection:
            factor = await store.factor_of(connection, account)
        return factor is not None and factor.confirmed_at is not None

    async def left(self, account: str) -> int:
        """Count the recovery codes that were not used."""
        async with reading(self._database) as connection:
            return await store.recovery_codes_left(connection, account)

    async def begin(self, account: str) -> str:
        """Answer a secret to set up; the one that was begun and not confirmed, if there is one that opens.

        Raises :class:`SealError` where the secret could not be kept sealed.
        """
        async with transaction(self._database) as connection:
            factor = await store.factor_of(connection, account)
            if factor is not None and factor.confirmed_at is not None:
                raise ValueError(f"{account} has a second factor already")
            begun = self._opened(factor)
            if begun is not None:
                return begun
            # 160 bits, as long as the hash that codes are made with (RFC 4226, 4).
            secret = b32encode(sha256(self._token().encode()).digest()[:20]).decode()
            sealed = await self._sealing.seal(connection, secret, store.FACTOR_SECRET.place(account))
            await store.put_factor(connection, account, sealed, at=self._clock())
        return secret

    async def confirm(self, account: str, code: str, *, address: str) -> tuple[str, ...] | None:
        """Count from now on if ``code`` is right; answer the recovery codes, which are shown once, or None."""
        now = self._clock()
        async with transaction(self._database) as connection:
            factor = await store.factor_of(connection, account)
            secret = None if factor is None or factor.confirmed_at else self._opened(factor)
            step = None if secret is None else step_of(secret, code, now)
            if step is None:
                return None
            await store.spend_step(connection, account, step)
            await store.confirm_factor(connection, account, at=now)
            codes = tuple(self._recovery_code() for _ in range(RECOVERY_CODES))
            await store.replace_recovery_codes(connection, account, tuple(map(_hash, codes)))
            await audit.write(
                connection, at=now, actor=account, act=audit.AuditAct.FACTOR_SET, address=address
            )
        log.info("second factor set", account=account)
        return codes

    async def fits(self, account: str, code: str) -> bool:
        """Whether ``code`` is right now; it is used up by asking, so that it cannot be used again."""
        async with transaction(self._database) as connection:
            factor = await store.factor_of(connection, account)
            if factor is None or factor.confirmed_at is None:
                return False
            secret = self._opened(factor)
            step = None if secret is None else step_of(secret, code, self._clock())
            if step is not None:
                return await store.spend_step(connection, account, step)
            return await store.spend_recovery_code(connection, account, _hash(code))

    async def drop(self, account: str, *, actor: str, address: str = "") -> None:
        """Ask for no code any more."""
        async with transaction(self._database) as connection:
            await store.drop_factor(connection, account)
            await audit.write(
                connection,
                at=self._clock(),
                actor=actor,
                act=audit.AuditAct.FACTOR_REMOVED,
                subject=account,
                address=address,
            )
        log.info("second factor removed", account=account, actor=actor)

    async def is_shut(self, account: str) -> bool:
        """Answer whether no telephone's code can be right here, because the secret does not open."""
        async with reading(self._database) as connection:
            factor = await store.factor_of(connection, account)
        return factor is not None and self._opened(factor) is None

    def _opened(self, factor: store.SecondFactor | None) -> str | None:
        """Answer a factor's secret, or None where it does not open."""
        if factor is None:
            return None
        try:
            return self._sealing.open(factor.secret, store.FACTOR_SECRET.place(factor.account))
        except SealError as error:
            log.warning("second factor does not open", account=factor.account, reason=str(error))
            return None

    def _recovery_code(self) -> str:
        return readable_password(sha256(self._token().encode()).digest())[:14]


def _hash(code: str) -> str:
    return sha256(code.strip().casefold().encode()).hexdigest()
