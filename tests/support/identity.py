"""A real OpenID Connect provider on loopback (a package of its own, run as its own process), and a browser for it."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.support.servers import connects, free_port, started

__all__ = ["a_provider", "signed_in_there"]


@contextmanager
def a_provider(log: Path, *users: Mapping[str, object]) -> Iterator[str]:
    """Run a provider that knows ``users`` (claims, each with a ``sub``); answers its issuer."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "oidc-provider-mock"), "--port", str(port)]
    for user in users:
        command += ["--user-claims", json.dumps(user)]
    with started(*command, log=log, is_ready=lambda: connects(port)):
        yield f"http://127.0.0.1:{port}"


async def signed_in_there(departure: str, subject: str) -> str:
    """Do at the provider what a person does: say who you are; answers where the browser is sent back to."""
    async with httpx2.AsyncClient() as browser:
        answer = await browser.post(departure, data={"sub": subject})
    return answer.headers["location"]
