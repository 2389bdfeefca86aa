"""One attempt over HTTP, judged the same way for every channel that uses it."""

import logging
from collections.abc import Mapping
from typing import Any

import httpx2

from alerting.errors import DeliveryError

__all__ = ["attempt", "open_client"]

_PASSING = frozenset({408, 425, 429})
"""Client errors that a later attempt may not meet: timeout, too early, too many (RFC 9110, 8470, 6585)."""

_OF_THE_CONTACT = frozenset({400, 404, 410, 422})
"""Refusals for good that speak of whom we wrote to; the others (401, 403 …) speak of us."""


def open_client(timeout_seconds: float) -> httpx2.AsyncClient:
    """Open a client that follows no redirects and takes no proxy from the environment of the process."""
    # At INFO the library writes whole addresses to its log, and a gateway's address may hold its password.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    limits = httpx2.Limits(max_connections=16, max_keepalive_connections=4)
    return httpx2.AsyncClient(timeout=timeout_seconds, trust_env=False, follow_redirects=False, limits=limits)


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
    try:
        answer = await client.request(method, url, headers=dict(headers), **body)
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
    if answer.is_success:
        return answer.text
    retriable = answer.status_code >= 500 or answer.status_code in _PASSING
    refused = answer.status_code in _OF_THE_CONTACT
    raise DeliveryError(f"answered {answer.status_code}", permanent=not retriable, refused=refused)
