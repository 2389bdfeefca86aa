"""An agent asked through pysnmp: for what gufo cannot (3DES, contexts), and for a second opinion by ``engine=pysnmp``.

About twenty times as slow, and it sees no ICMP error, so a closed port is a TIMEOUT here. One SnmpEngine serves all
agents of a loop: it takes a while to make, and its users are shared by name. So a second one is made only where two
agents know one user name by different keys. Nothing is looked up in MIB files; errors are returned, not raised.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from pysnmp.entity import config
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto import errind
from pysnmp.proto.rfc1902 import OctetString
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject, UnSpecified
from pysnmp.smi.rfc1902 import ObjectIdentity, ObjectType

from probes.models import Outcome
from probes.snmp_client import AUTHENTICATION, Reply, SnmpClientStatistics, SnmpWalkError
from probes.snmp_keys import master_key
from probes.snmp_mib import Value
from probes.snmp_plan import Authentication, Credentials, Privacy, Version

__all__ = ["PysnmpClient", "PysnmpEngines", "forget_usm_user", "usm_user", "value_of"]

_AUTH: Final = {
    Authentication.MD5: hlapi.USM_AUTH_HMAC96_MD5,
    Authentication.SHA1: hlapi.USM_AUTH_HMAC96_SHA,
    Authentication.SHA224: hlapi.USM_AUTH_HMAC128_SHA224,
    Authentication.SHA256: hlapi.USM_AUTH_HMAC192_SHA256,
    Authentication.SHA384: hlapi.USM_AUTH_HMAC256_SHA384,
    Authentication.SHA512: hlapi.USM_AUTH_HMAC384_SHA512,
}
_PRIV: Final = {
    Privacy.DES: hlapi.USM_PRIV_CBC56_DES,
    Privacy.DES3: hlapi.USM_PRIV_CBC168_3DES,
    Privacy.AES128: hlapi.USM_PRIV_CFB128_AES,
    Privacy.AES192: hlapi.USM_PRIV_CFB192_AES_BLUMENTHAL,
    Privacy.AES256: hlapi.USM_PRIV_CFB256_AES_BLUMENTHAL,
}
_AUTHORISATION_ERROR = 16
"""RFC 3416 section 3, as are the names below."""
_NO_SUCH_NAME = 2
_STATUS = {1: "tooBig", 5: "genErr", 13: "resourceUnavailable"}
_ABSENT = (NoSuchObject, NoSuchInstance, EndOfMibView, UnSpecified)
_NOT_US = (
    errind.UnknownUserName,
    errind.WrongDigest,
    errind.AuthenticationFailure,
    errind.AuthenticationError,
    errind.DecryptionError,
    errind.UnsupportedSecurityLevel,
    errind.UnknownSecurityName,
    errind.NotInTimeWindow,
    errind.UnknownEngineID,
    errind.NoAccessEntry,
    errind.NoSuchContext,
)
_PATIENCE_SECONDS = 10.0
"""Longer than any look: whoever asks keeps the deadline and cancels."""
_STEP_SECONDS = 1.0
_STEP_RETRIES = 2
_BULK_ROWS = 25


class PysnmpEngines:
    """The engines of one loop, made when first needed."""

    def __init__(self) -> None:
        self._engines: list[tuple[hlapi.SnmpEngine, dict[str, Credentials]]] = []
        self._retired: list[hlapi.SnmpEngine] = []
        self._making = asyncio.Lock()

    async def engine(self, credentials: Credentials) -> hlapi.SnmpEngine:
        """Answer an engine that knows the user's name by these keys only."""
        async with self._making:
            for engine, users in self._engines:
                if users.setdefault(_name(credentials), credentials) == credentials:
                    return engine
            engine = await asyncio.to_thread(hlapi.SnmpEngine)
            self._engines.append((engine, {_name(credentials): credentials}))
            return engine

    def retire(self, engine: hlapi.SnmpEngine) -> None:
        """Make another engine next time: this one remembers for minutes what an agent was before it restarted."""
        kept = [entry for entry in self._engines if entry[0] is not engine]
        if len(kept) < len(self._engines):
            self._engines = kept
            self._retired.append(engine)
            # Others' questions are still under way on it.
            asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self._close_retired, engine)

    def close(self) -> None:
        """Close the sockets."""
        for engine in [*(engine for engine, _ in self._engines), *self._retired]:
            engine.close_dispatcher()
        self._engines.clear()
        self._retired.clear()

    def _close_retired(self, engine: hlapi.SnmpEngine) -> None:
        if engine in self._retired:
            self._retired.remove(engine)
            engine.close_dispatcher()


class PysnmpClient:
    """One agent."""

    def __init__(
        self,
        address: str,
        port: int,
        credentials: Credentials,
        *,
        engines: PysnmpEngines,
        monotonic: Callable[[], float],
        statistics: SnmpClientStatistics,
    ) -> None:
        self._end = (address, port)
        self._credentials = credentials
        self._user = _user(credentials)
        self._context = hlapi.ContextData(contextName=credentials.context.encode())
        self._engines = engines
        self._monotonic = monotonic
        self._statistics = statistics
        self._task: asyncio.Task[None] | None = None
        self._has_answered = False
        self._engine: hlapi.SnmpEngine | None = None

    @property
    def engine_id(self) -> bytes:
        """Empty: the engine itself remembers whom it met."""
        return b""

    @property
    def has_answered(self) -> bool:
        """Whether the agent ever answered a question of this client's."""
        return self._has_answered

    def ask(self, oids: Sequence[str], done: Callable[[Reply], None]) -> None:
        """Ask for objects."""
        self.forget()
        self._statistics.sent += 1
        self._task = asyncio.get_running_loop().create_task(self._get(list(oids), done))

    def forget(self) -> str:
        """No longer wait."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._suspect_restart()
        return "no answer"

    async def walk(self, root: str) -> AsyncGenerator[tuple[str, Value], None]:
        """Go through what lies below ``root``; each step is tried three times."""
        engine = await self._engines.engine(self._credentials)
        target = await self._target(_STEP_SECONDS, _STEP_RETRIES)
        asked = ObjectType(ObjectIdentity(root))
        arguments: tuple[Any, ...] = (engine, self._user, target, self._context)
        choices = {"lookupMib": False, "lexicographicMode": False}
        if self._credentials.version is Version.V1:
            steps = hlapi.walk_cmd(*arguments, asked, **choices)
        else:
            steps = hlapi.bulk_walk_cmd(*arguments, 0, _BULK_ROWS, asked, **choices)
        async for indication, status, _, rows in steps:
            if indication or status:
                raise SnmpWalkError(self._reply(indication, int(status), (), float("nan")))
            self._has_answered = True
            for row in _present(rows).items():
                yield row

    def close(self) -> None:
        """Let go; the socket is the engine's."""
        self.forget()

    def _suspect_restart(self) -> None:
        """Meet an agent of version 3 anew that answered before and is silent now; once a silence."""
        if self._credentials.version is Version.V3 and self._has_answered and self._engine is not None:
            self._engines.retire(self._engine)
        self._has_answered = False

    async def _get(self, oids: list[str], done: Callable[[Reply], None]) -> None:
        try:
            reply = await self._asked(oids)
        except (PySnmpError, OSError, ValueError) as error:
            reply = Reply(Outcome.ERROR, detail=f"not asked: {error}"[:200])
        self._task = None
        if reply is not None:
            done(reply)

    async def _asked(self, oids: list[str]) -> Reply | None:
        self._engine = engine = await self._engines.engine(self._credentials)
        target = await self._target(_PATIENCE_SECONDS, 0)
        asked = [ObjectType(ObjectIdentity(oid)) for oid in oids]
        begun = self._monotonic()
        indication, status, _, rows = await hlapi.get_cmd(
            engine, self._user, target, self._context, *asked, lookupMib=False
        )
        if isinstance(indication, errind.RequestTimedOut):
            return None
        now = self._monotonic()
        return replace(self._reply(indication, int(status), rows, now - begun), at=now)

    def _reply(self, indication: Any, status: int, rows: Iterable[Any], rtt: float) -> Reply:
        if isinstance(indication, errind.RequestTimedOut):
            return Reply(Outcome.TIMEOUT, detail="no answer")
        if isinstance(indication, _NOT_US) or status == _AUTHORISATION_ERROR:
            self._statistics.rejected += 1
            return Reply(
                Outcome.MISMATCH, rtt=rtt, detail=f"{AUTHENTICATION}: {indication or 'access denied'}"
            )
        if indication:
            self._statistics.malformed += 1
            return Reply(Outcome.MISMATCH, rtt=rtt, detail=str(indication))
        self._statistics.answered += 1
        self._has_answered = True
        if status and status != _NO_SUCH_NAME:
            return Reply(Outcome.MISMATCH, {}, rtt, detail=_STATUS.get(status, f"error {status}"))
        return Reply(Outcome.OK, _present(rows), rtt)

    async def _target(self, seconds: float, retries: int) -> Any:
        is_v6 = ":" in self._end[0]
        kind = hlapi.Udp6TransportTarget if is_v6 else hlapi.UdpTransportTarget
        return await kind.create(self._end, timeout=seconds, retries=retries)


def value_of(value: Any) -> Value | None:
    """Answer a value of pysnmp's as a plain one; None for an object that is not there."""
    if isinstance(value, _ABSENT):
        return None
    # By what they can do: SNMP's own types and ASN.1's plain ones come mixed.
    if hasattr(value, "asTuple"):
        return ".".join(str(arc) for arc in value.asTuple())
    if hasattr(value, "asOctets"):
        return bytes(value.asOctets())
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def usm_user(engine: hlapi.SnmpEngine, credentials: Credentials, *, engine_id: bytes | None = None) -> None:
    """Let an engine know a user, by the keys for the engine that authority lies with (its own by default)."""
    plain = _user(credentials)
    config.add_v3_user(
        engine,
        plain.userName,
        plain.authentication_protocol,
        _master(credentials.auth, credentials.auth_key),
        plain.privacy_protocol,
        _master(credentials.auth, credentials.priv_key),
        securityEngineId=None if engine_id is None else OctetString(engine_id),
        authKeyType=hlapi.USM_KEY_TYPE_MASTER,
        privKeyType=hlapi.USM_KEY_TYPE_MASTER,
    )


def forget_usm_user(engine: hlapi.SnmpEngine, credentials: Credentials, *, engine_id: bytes) -> None:
    """Undo :func:`usm_user`."""
    config.delete_v3_user(engine, credentials.user, OctetString(engine_id))


@lru_cache(maxsize=256)
def _master(auth: Authentication | None, passphrase: str) -> OctetString | None:
    """Hash a megabyte of passphrase once, not once an engine (RFC 3414 A.2)."""
    return None if auth is None or not passphrase else OctetString(master_key(auth, passphrase))


def _present(rows: Iterable[Any]) -> Mapping[str, Value]:
    values = ((str(row[0]), value_of(row[1])) for row in rows)
    return {oid: value for oid, value in values if value is not None}


def _name(credentials: Credentials) -> str:
    return f"{credentials.version}/{credentials.user or credentials.community}"


def _user(credentials: Credentials) -> Any:
    if credentials.version is not Version.V3:
        return hlapi.CommunityData(credentials.community, mpModel=int(credentials.version is Version.V2C))
    return hlapi.UsmUserData(
        credentials.user,
        authKey=credentials.auth_key or None,
        privKey=credentials.priv_key or None,
        authProtocol=_AUTH[credentials.auth] if credentials.auth else hlapi.USM_AUTH_NONE,
        privProtocol=_PRIV[credentials.priv] if credentials.priv else hlapi.USM_PRIV_NONE,
    )
