"""The bus end of a vantage that posts its batches to the service.

Only what can never be read there (4xx that speak of the body) is dropped; everything else is kept and comes again
(:mod:`probes.bus_spooled`).
"""

from collections.abc import Callable
from ssl import SSLContext
from typing import Any, Final

import httpx2
from typing_extensions import override

from probes.bus_spooled import SpoolingPublisher
from probes.spool import Spool

__all__ = ["HttpPublisher"]

_DEADLINE_SECONDS: Final = 5.0
_HOPELESS: Final = frozenset({400, 413, 415, 422})


class HttpPublisher(SpoolingPublisher):
    """Publishes to ``url`` with a bearer token."""

    def __init__(
        self,
        *,
        url: str,
        token: str,
        spool: Spool,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        tls: SSLContext | None = None,
        **more: Any,
    ) -> None:
        super().__init__(spool=spool, monotonic=monotonic, wall_ns=wall_ns, **more)
        self._url = url
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"},
            timeout=_DEADLINE_SECONDS,
            verify=tls if tls is not None else True,
            trust_env=False,
        )

    @override
    def _close(self) -> None:
        self._client.close()

    @override
    def _post(self, body: list[bytes]) -> bool:
        marked = [self._marked(frame) for frame in body]
        try:
            answer = self._client.post(self._url, content=b"".join(marked))
        except httpx2.HTTPError as error:
            return self._failed(f"{type(error).__name__}: {error}")
        if answer.is_success:
            return self._went(len(body))
        if answer.status_code in _HOPELESS:
            self._refuse(len(body), f"{answer.status_code} {answer.text[:200]}")
            return True
        return self._failed(f"status {answer.status_code}")
