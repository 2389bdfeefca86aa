"""What keeps a page ours: headers on every answer, one origin for every write, tokens bound to a cookie.

Three locks on a write, each enough alone: the session cookie is ``SameSite=Lax``; the browser's ``Origin``
must be the host that it talks to; and the form carries a token that only somebody who read our page knows.
The token is a hash of the cookie's own secret, so nothing has to be stored to check it. Each page salts it anew:
pages travel compressed, and the length of what never reads the same tells nothing about it (the BREACH attack).
"""

from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "SecurityHeaders",
    "form_token",
    "form_token_fits",
    "is_own_origin",
    "safe_next",
    "token_hash",
]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_GRAIN = 16
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": that would turn the Origin of our own forms into "null", and we check it.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """ASGI middleware that puts the headers on every answer of the service, errors and streams too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add what is missing to the answer's headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


def token_hash(token: str) -> str:
    """Answer what the database keeps of a token: who reads the table cannot become anybody."""
    return sha256(token.encode()).hexdigest()


def form_token(secret: str, salt: str) -> str:
    """Answer a token that a form carries for the cookie ``secret``; ``salt`` is any text that no page had before."""
    grain = sha256(salt.encode()).hexdigest()[:_GRAIN]
    return grain + _sealed(secret, grain)


def _sealed(secret: str, grain: str) -> str:
    return sha256(f"thongsuot form\0{grain}{secret}".encode()).hexdigest()


def form_token_fits(secret: str, given: str) -> bool:
    """Whether ``given`` is a token of the cookie ``secret``; an empty cookie fits nothing."""
    grain, sealed = given[:_GRAIN], given[_GRAIN:]
    return bool(secret) and compare_digest(_sealed(secret, grain).encode(), sealed.encode())


def is_own_origin(headers: Mapping[str, str], public_url: str) -> bool:
    """Whether a write comes from a page of ours: the browser says so by Origin, else by Referer.

    A browser puts the host that it connected to into Host itself, so a foreign page cannot forge the pair.
    A write without either header comes from no browser that we know, and is refused.
    """
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    claimed = headers.get("origin") or headers.get("referer", "")
    origin = urlsplit(claimed)
    if origin.scheme not in {"http", "https"} or not origin.netloc:
        return False
    ours = urlsplit(public_url)
    return origin.netloc == headers.get("host") or (origin.scheme, origin.netloc) == (
        ours.scheme,
        ours.netloc,
    )


def safe_next(wanted: str | None) -> str:
    """Answer where to go after signing in: a path of ours, or the board."""
    if not wanted or len(wanted) > 512 or not wanted.startswith("/"):
        return "/"
    # "//host" and "/\host" leave the site; a control character may be dropped by a browser and do the same.
    if (
        wanted[1:2] in {"/", "\\"}
        or "\\" in wanted
        or any(ord(letter) < 33 or ord(letter) == 127 for letter in wanted)
    ):
        return "/"
    return wanted
