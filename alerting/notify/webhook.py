"""Signed calls to an address of the receiver's choosing.

``Thongsuot-Signature: t=UNIX,v1=HEX`` where HEX is HMAC-SHA256, under the shared secret, of ``UNIX.BODY``: the
time stamp is signed too, so that an old call cannot be replayed as a new one. ``Thongsuot-Key`` names the
message; a page may be delivered twice, and the receiver knows the second by its key.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime

from typing_extensions import override

from alerting.notify.channel import Channel, Letter
from alerting.notify.http import attempt, open_client
from alerting.settings import WebhookSettings

__all__ = ["SIGNATURE", "WebhookChannel", "signature"]

SIGNATURE = "Thongsuot-Signature"


class WebhookChannel(Channel):
    """Posts letters as JSON."""

    def __init__(self, settings: WebhookSettings, *, clock: Callable[[], datetime]) -> None:
        self._secret = settings.secret.get_secret_value().encode()
        self._client = open_client(settings.timeout_seconds)
        self._clock = clock

    @override
    async def send(self, letter: Letter) -> str | None:
        message = letter.message
        body = json.dumps(
            {
                "key": message.key,
                "kind": message.kind.value,
                "incident": message.incident,
                "generation": message.generation,
                "link": letter.link,
                "code": letter.code,
                **message.body,
            },
            ensure_ascii=False,
            sort_keys=True,
        ).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Thongsuot-Key": message.key,
            SIGNATURE: signature(self._secret, body, int(self._clock().timestamp())),
        }
        await attempt(self._client, "POST", message.address, headers=headers, content=body)
        return None

    @override
    async def close(self) -> None:
        await self._client.aclose()


def signature(secret: bytes, body: bytes, stamp: int) -> str:
    """Answer the value of the signature header for ``body`` signed at ``stamp`` (seconds since 1970)."""
    signed = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={signed}"
