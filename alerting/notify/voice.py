"""Voice: a gateway that calls a number and reads a text out, asked by the same signed call as a webhook.

The body names ``to``, ``say``, ``language``, and for a page the ``code`` that whoever answers keys in; the gateway
posts what was keyed in to ``/hooks/answers``, and how the call went to ``/hooks/receipts`` with our ``key``. Its
answer may hold ``{"reference": …}``: its own name for the call.
"""

import json
from collections.abc import Callable
from datetime import datetime

from typing_extensions import override

from alerting.notify.channel import Channel, Letter
from alerting.notify.http import attempt, open_client
from alerting.notify.messages import spoken_text
from alerting.notify.webhook import SIGNATURE, signature
from alerting.settings import VoiceSettings

__all__ = ["VoiceChannel"]


class VoiceChannel(Channel):
    """Asks the gateway for a call."""

    def __init__(self, settings: VoiceSettings, *, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._client = open_client(settings.timeout_seconds)
        self._clock = clock

    @override
    async def send(self, letter: Letter) -> str | None:
        message = letter.message
        body = json.dumps(
            {
                "key": message.key,
                "to": message.address,
                "say": spoken_text(letter),
                "language": self._settings.language,
                "code": letter.code,
            },
            ensure_ascii=False,
            sort_keys=True,
        ).encode()
        secret = self._settings.secret.get_secret_value().encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Thongsuot-Key": message.key,
            SIGNATURE: signature(secret, body, int(self._clock().timestamp())),
        }
        answer = await attempt(self._client, "POST", str(self._settings.url), headers=headers, content=body)
        return _reference(answer)

    @override
    async def close(self) -> None:
        await self._client.aclose()


def _reference(answer: str) -> str | None:
    try:
        told = json.loads(answer)
    except ValueError:
        return None
    found = told.get("reference") if isinstance(told, dict) else None
    return found if isinstance(found, str) else None
