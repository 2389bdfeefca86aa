"""What an SNMP look asks, and as whom, made once from a target's options.

================ =====================================================================================
``version``      ``1``, ``2c`` or ``3``; by default ``3`` where there is a ``user``, else ``2c``
``community``    versions 1 and 2c; by default ``public``
``user``         version 3: the user's name (RFC 3414)
``auth``         ``md5 sha1 sha224 sha256 sha384 sha512``; by default ``sha256`` where there is an ``auth_key``
``auth_key``     passphrase of at least eight letters
``priv``         ``des 3des aes128 aes192 aes256``; by default ``aes128`` where there is a ``priv_key``
``priv_key``     passphrase of at least eight letters
``context``      version 3: the context's name, if not the default one
``engine``       ``gufo`` (the default: fast) or ``pysnmp`` (the default where gufo cannot: ``3des``, ``context``)
``profile``      ``interface ups system get``; by default what the options below ask for, else ``system``
``if_index``     number of the interface
``if_name``      its ifName, ifAlias or ifDescr instead: numbers may change when the agent restarts
``oids``         what profile ``get`` asks for, separated by commas; all must be there
``capacity_mbps`` what utilisation is measured against; by default the speed that the interface tells
``retries``      how often a question is asked again within the timeout; by default not at all: the
                 schedule's confirming looks do that, and are counted
================ =====================================================================================

Text is percent-decoded. Passphrases never appear in a message or a representation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Final, TypeVar
from urllib.parse import unquote

from probes import snmp_mib as mib

__all__ = [
    "SNMP_OPTIONS",
    "Authentication",
    "Credentials",
    "Engine",
    "Privacy",
    "Profile",
    "SnmpPlan",
    "Version",
    "snmp_plan",
]

SNMP_OPTIONS: Final = frozenset(
    {"version", "community", "user", "auth", "auth_key", "priv", "priv_key", "context"}
    | {"engine", "profile", "if_index", "if_name", "oids", "capacity_mbps", "retries"}
)

_LEAST_PASSPHRASE = 8
"""RFC 3414 section 11.2."""
_MOST_RETRIES = 5
_MOST_OIDS = 32
_MOST_INDEX = 2**31 - 1
_LONGEST_NAME = 32
"""Of an SNMPv3 user (SnmpAdminString, RFC 3414)."""
_LONGEST_TEXT = 255


class Version(StrEnum):
    """Version of the protocol."""

    V1 = "1"
    V2C = "2c"
    V3 = "3"


class Authentication(StrEnum):
    """How a message proves who sent it (RFC 3414, RFC 7860)."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class Privacy(StrEnum):
    """How a message is kept from others (RFC 3414, RFC 3826)."""

    DES = "des"
    DES3 = "3des"
    AES128 = "aes128"
    AES192 = "aes192"
    AES256 = "aes256"


class Engine(StrEnum):
    """Which library speaks."""

    GUFO = "gufo"
    PYSNMP = "pysnmp"


class Profile(StrEnum):
    """What is asked, and what a right answer is."""

    INTERFACE = "interface"
    UPS = "ups"
    SYSTEM = "system"
    GET = "get"


@dataclass(frozen=True, slots=True)
class Credentials:
    """As whom to ask; hashable, since looks at one agent as one user share a session."""

    version: Version
    engine: Engine
    community: str = field(default="", repr=False)
    user: str = ""
    auth: Authentication | None = None
    auth_key: str = field(default="", repr=False)
    priv: Privacy | None = None
    priv_key: str = field(default="", repr=False)
    context: str = ""


@dataclass(frozen=True, slots=True)
class SnmpPlan:
    """One look's question. ``if_index`` is 0 where ``if_name`` must be resolved first; bits a second, 0 if unknown."""

    credentials: Credentials
    profile: Profile
    if_index: int
    if_name: str
    asked: tuple[str, ...]
    capacity_bits: float
    retries: int

    def oids(self, if_index: int, *, narrow: bool = False) -> tuple[str, ...]:
        """Answer what to ask. ``narrow``: the agent has no 64-bit counters, as no agent of version 1 has."""
        clock: tuple[str, ...] = (mib.SYS_UP_TIME,)
        if self.credentials.version is Version.V3:
            clock += (mib.ENGINE_BOOTS, mib.ENGINE_TIME)
        match self.profile:
            case Profile.INTERFACE:
                is_narrow = narrow or self.credentials.version is Version.V1
                columns = _NARROW if is_narrow else _WIDE
                return clock + tuple(f"{column}.{if_index}" for column in columns)
            case Profile.UPS:
                return clock + _UPS
            case Profile.GET:
                return self.asked
        return clock


_BOTH = (mib.IF_OPER_STATUS, mib.IF_ADMIN_STATUS, mib.IF_LAST_CHANGE, mib.IF_IN_ERRORS)
_WIDE = (*_BOTH, mib.IF_HC_IN_OCTETS, mib.IF_HC_OUT_OCTETS, mib.IF_HIGH_SPEED, mib.IF_DISCONTINUITY)
_NARROW = (*_BOTH, mib.IF_IN_OCTETS, mib.IF_OUT_OCTETS, mib.IF_SPEED)
_UPS = (mib.UPS_BATTERY_STATUS, mib.UPS_OUTPUT_SOURCE, mib.UPS_CHARGE_REMAINING, mib.UPS_SECONDS_ON_BATTERY)


def snmp_plan(options: Mapping[str, str]) -> SnmpPlan:
    """Make the plan; a ValueError says which option cannot be meant, without its secret."""
    if_index = _whole("if_index", options.get("if_index", ""), 0, most=_MOST_INDEX)
    if_name = _text("if_name", options, longest=_LONGEST_TEXT)
    asked = tuple(oid.removeprefix(".") for oid in unquote(options.get("oids", "")).split(",") if oid)
    profile = _profile(options, has_interface=bool(if_index or if_name), has_oids=bool(asked))
    if profile is Profile.INTERFACE and bool(if_index) == bool(if_name):
        raise ValueError("profile=interface needs either if_index or if_name")
    if profile is Profile.GET and not asked:
        raise ValueError("profile=get needs oids")
    if len(asked) > _MOST_OIDS or not all(map(mib.is_oid, asked)):
        raise ValueError(f"oids must be at most {_MOST_OIDS} numeric object identifiers")
    return SnmpPlan(
        credentials=_credentials(options),
        profile=profile,
        if_index=if_index,
        if_name=if_name,
        asked=asked,
        capacity_bits=_capacity(options.get("capacity_mbps", "")),
        retries=_whole("retries", options.get("retries", ""), 0, most=_MOST_RETRIES),
    )


def _profile(options: Mapping[str, str], *, has_interface: bool, has_oids: bool) -> Profile:
    fitting = Profile.INTERFACE if has_interface else Profile.GET if has_oids else Profile.SYSTEM
    return _chosen("profile", Profile, options.get("profile", ""), fitting) or fitting


def _credentials(options: Mapping[str, str]) -> Credentials:
    user = _text("user", options, longest=_LONGEST_NAME)
    version = _chosen("version", Version, options.get("version", ""), Version.V3 if user else Version.V2C)
    if version is not Version.V3:
        if version is None or user:
            raise ValueError("a user belongs to version=3")
        community = _text("community", options, longest=_LONGEST_TEXT) or "public"
        engine = _chosen("engine", Engine, options.get("engine", ""), Engine.GUFO) or Engine.GUFO
        return Credentials(version, engine, community=community)
    return _user(user, options)


def _user(user: str, options: Mapping[str, str]) -> Credentials:
    if not user:
        raise ValueError("version=3 needs a user")
    auth_key, priv_key = _passphrase("auth_key", options), _passphrase("priv_key", options)
    auth = _chosen(
        "auth", Authentication, options.get("auth", ""), Authentication.SHA256 if auth_key else None
    )
    priv = _chosen("priv", Privacy, options.get("priv", ""), Privacy.AES128 if priv_key else None)
    if (auth is None) != (not auth_key) or (priv is None) != (not priv_key):
        raise ValueError("auth needs an auth_key, and priv a priv_key")
    if priv and not auth:
        raise ValueError("privacy needs authentication: priv_key without auth_key")
    context = _text("context", options, longest=_LONGEST_TEXT)
    beyond_gufo = bool(context) or priv is Privacy.DES3
    fitting = Engine.PYSNMP if beyond_gufo else Engine.GUFO
    engine = _chosen("engine", Engine, options.get("engine", ""), fitting) or fitting
    if beyond_gufo and engine is Engine.GUFO:
        raise ValueError("engine=gufo speaks neither 3des nor context")
    return Credentials(
        Version.V3,
        engine,
        user=user,
        auth=auth,
        auth_key=auth_key,
        priv=priv,
        priv_key=priv_key,
        context=context,
    )


_Choice = TypeVar("_Choice", bound=StrEnum)


def _chosen(name: str, choices: type[_Choice], text: str, default: _Choice | None) -> _Choice | None:
    if not text:
        return default
    try:
        return choices(text.lower())
    except ValueError:
        raise ValueError(f"{name} must be one of {' '.join(choices)}, not {text!r}") from None


def _text(name: str, options: Mapping[str, str], *, longest: int) -> str:
    text = unquote(options.get(name, ""))
    if len(text.encode()) > longest or not text.isprintable():
        raise ValueError(f"{name} must be printable and at most {longest} octets")
    return text


def _passphrase(name: str, options: Mapping[str, str]) -> str:
    text = unquote(options.get(name, ""))
    if text and len(text) < _LEAST_PASSPHRASE:
        raise ValueError(f"{name} must have at least {_LEAST_PASSPHRASE} letters (RFC 3414)")
    return text


def _whole(name: str, text: str, default: int, *, most: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > most:
        raise ValueError(f"{name} must be a whole number up to {most}, not {text[:20]!r}")
    return int(text)


def _capacity(text: str) -> float:
    try:
        capacity = float(text) * 1e6 if text else 0.0
    except ValueError:
        capacity = -1.0
    if not isfinite(capacity) or capacity < 0:
        raise ValueError(f"capacity_mbps must be a number of megabits a second, not {text[:20]!r}")
    return capacity
