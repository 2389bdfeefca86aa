"""Answering a challenge: HTTP Digest as SIP uses it (RFC 3261 section 22, RFC 2617, RFC 7616, RFC 8760).

Of several challenges the strongest that is known is answered. Pure: the client's nonce comes in as an argument, and
the password leaves only within a hash.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from probes.sip_message import SipResponse

__all__ = ["Challenge", "Credentials", "authorization", "challenge_of"]

_STRENGTH: Final = ("MD5", "MD5-SESS", "SHA-256", "SHA-256-SESS", "SHA-512-256", "SHA-512-256-SESS")
"""Known algorithms, weakest first."""

_HASHES: Final = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_CHALLENGES: Final = {"www-authenticate": "Authorization", "proxy-authenticate": "Proxy-Authorization"}
_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,"]+))')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we say we are; the password is never shown."""

    username: str
    password: str

    @override
    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is to be answered; ``header`` names the header of the answer, ``qop`` is auth, auth-int or empty."""

    header: str
    realm: str
    nonce: str
    algorithm: str
    qop: str
    opaque: str


def challenge_of(response: SipResponse) -> Challenge | None:
    """Answer the strongest Digest challenge in a 401 or 407 that can be answered, or None."""
    found = [_challenge(name, value) for name, value in response.headers if name in _CHALLENGES]
    known = [challenge for challenge in found if challenge is not None]
    return max(known, key=lambda challenge: _STRENGTH.index(challenge.algorithm.upper()), default=None)


def authorization(
    challenge: Challenge, credentials: Credentials, *, method: str, uri: str, cnonce: str, body: bytes = b""
) -> tuple[str, str]:
    """Answer the header, name and value, that meets the challenge for one request (nonce count 1)."""
    algorithm = challenge.algorithm.upper()
    digest = _HASHES[algorithm.removesuffix("-SESS")]

    def hashed(*parts: str | bytes) -> str:
        raw = b":".join(part.encode() if isinstance(part, str) else part for part in parts)
        return hashlib.new(digest, raw, usedforsecurity=False).hexdigest()

    secret = hashed(credentials.username, challenge.realm, credentials.password)
    if algorithm.endswith("-SESS"):
        secret = hashed(secret, challenge.nonce, cnonce)
    asked = hashed(method, uri, hashed(body)) if challenge.qop == "auth-int" else hashed(method, uri)
    used = ("00000001", cnonce, challenge.qop) if challenge.qop else ()
    parts = [
        f'username="{_quotable(credentials.username)}"',
        f'realm="{_quotable(challenge.realm)}"',
        f'nonce="{_quotable(challenge.nonce)}"',
        f'uri="{uri}"',
        f'response="{hashed(secret, challenge.nonce, *used, asked)}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.qop:
        parts += [f'cnonce="{cnonce}"', f"qop={challenge.qop}", "nc=00000001"]
    if challenge.opaque:
        parts.append(f'opaque="{_quotable(challenge.opaque)}"')
    return challenge.header, "Digest " + ", ".join(parts)


def _challenge(name: str, value: str) -> Challenge | None:
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    given = {
        key.lower(): _ESCAPED.sub(r"\1", quoted) or plain for key, quoted, plain in _PARAMETER.findall(rest)
    }
    algorithm = given.get("algorithm", "MD5")
    qop = _qop(given.get("qop", ""))
    if "nonce" not in given or algorithm.upper() not in _STRENGTH or qop is None:
        return None
    return Challenge(
        header=_CHALLENGES[name],
        realm=given.get("realm", ""),
        nonce=given["nonce"],
        algorithm=algorithm,
        qop=qop,
        opaque=given.get("opaque", ""),
    )


def _qop(offered: str) -> str | None:
    """Choose a quality of protection: none where none is offered, None where none of the offered is known."""
    choices = {choice.strip().lower() for choice in offered.split(",")}
    if choices == {""}:
        return ""
    return next((known for known in ("auth", "auth-int") if known in choices), None)


def _quotable(text: str) -> str:
    # A line break would end the header; nothing that is a realm or a nonce holds one.
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "")
