"""One attempt over HTTP, judged the same way for every channel that uses it."""

import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2

from alerting.errors import DeliveryError

__all__ = ["attempt", "judged", "mapped", "open_client"]

_PASSING = frozenset({408, 425, 429})
"""Client errors that a later attempt may not meet: timeout, too early, too many (RFC 9110, 8470, 6585)."""

_OF_THE_CONTACT = frozenset({400, 404, 410, 422})
"""Refusals for good that speak of whom we wrote to; the others (401, 403 …) speak of us."""


def open_client(
    timeout_seconds: float, *, kept: int = 4, trust: ssl.SSLContext | None = None
) -> httpx2.AsyncClient:
    """Open a client that follows no redirects and takes no proxy from the environment of the process.

    ``kept`` connections stay open for the next call; ``trust``: another store of authorities than the usual one.
    """
    # At INFO the library writes whole addresses to its log, and a gateway's address may hold its password.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    limits = httpx2.Limits(max_connections=16, max_keepalive_connections=kept)
    return httpx2.AsyncClient(
        timeout=timeout_seconds,
        trust_env=False,
        follow_redirects=False,
        limits=limits,
        verify=trust if trust is not None else True,
    )


async def attempt(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    **body: Any,
) -> str:
    """Call once and answer the text of a 2xx answer; everything else is a :class:`DeliveryError`.

    Neither address nor body appears in the error, since they may hold secrets.
    """
    with mapped():
        answer = await client.request(method, url, headers=dict(headers), **body)
    judged(answer.status_code)
    return answer.text


@contextmanager
def mapped() -> Iterator[None]:
    """Turn what the client raises within into a :class:`DeliveryError`."""
    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as unreached:
        raise DeliveryError(f"not reached: {type(unreached).__name__}", permanent=False) from unreached
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as wrong:
        raise DeliveryError("the address is not one that HTTP can call", permanent=True) from wrong
    except httpx2.TransportError as broken:
        raise DeliveryError(
            f"no answer: {type(broken).__name__}",
            permanent=False,
            uncertain=True,
        ) from broken


def judged(status: int) -> None:
    """Raise a :class:`DeliveryError` for every status but a 2xx."""
    if 200 <= status < 300:
        return
    retriable = status >= 500 or status in _PASSING
    raise DeliveryError(f"answered {status}", permanent=not retriable, refused=status in _OF_THE_CONTACT)
