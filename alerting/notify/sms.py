"""Short messages through an HTTP gateway, described by a profile in the settings (Kannel and its many kin).

What the gateway answers is read by the profile's expressions: ``success`` must be found, ``rejected`` refuses the
number for good, ``reference`` finds the gateway's own name for the message, by which its receipts speak of it.
"""

import re
from collections.abc import Mapping

from typing_extensions import override

from alerting.errors import DeliveryError
from alerting.notify.channel import Channel, Letter
from alerting.notify.http import attempt, open_client
from alerting.notify.messages import fits_gsm, short_text
from alerting.settings import SmsSettings

__all__ = ["SmsChannel"]

_COUNTRY = "+84"


class SmsChannel(Channel):
    """Hands letters to the gateway, each in as many parts as the profile allows."""

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self._client = open_client(settings.timeout_seconds)
        self._success = re.compile(settings.success)
        self._rejected = re.compile(settings.rejected) if settings.rejected else None
        self._reference = re.compile(settings.reference) if settings.reference else None

    @override
    async def send(self, letter: Letter) -> str | None:
        settings = self._settings
        fields = self._fields(letter)
        where = {"query": "params", "form": "data", "json": "json"}[settings.encoding]
        headers = {name: secret.get_secret_value() for name, secret in settings.secret_headers.items()}
        answer = await attempt(
            self._client, settings.method, str(settings.url), headers=headers, **{where: fields}
        )
        if self._rejected is not None and self._rejected.search(answer):
            raise DeliveryError(f"the gateway refused: {answer[:80]!r}", permanent=True)
        if not self._success.search(answer):
            raise DeliveryError(f"the gateway answered {answer[:80]!r}", permanent=False)
        found = self._reference.search(answer) if self._reference is not None else None
        return found[1] if found else None

    def _fields(self, letter: Letter) -> dict[str, str]:
        written = short_text(letter, fold=self._settings.fold, parts=self._settings.parts)
        values = {
            "to": self._number(letter.message.address),
            "text": written,
            "key": letter.message.key,
            # Data coding in the gateway's usual words: 0 is the GSM 7-bit alphabet, 2 is UCS-2.
            "coding": "0" if fits_gsm(written) else "2",
        }
        secrets = {name: secret.get_secret_value() for name, secret in self._settings.secret_fields.items()}
        return {name: _filled(template, values) for name, template in self._settings.fields.items()} | secrets

    def _number(self, address: str) -> str:
        match self._settings.number_format:
            case "digits":
                return address.removeprefix("+")
            case "national":
                return "0" + address.removeprefix(_COUNTRY) if address.startswith(_COUNTRY) else address
            case _:
                return address

    @override
    async def close(self) -> None:
        await self._client.aclose()


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Fill in placeholders in one pass, so that a title with braces in it stays what it is."""
    return re.sub(r"\{(to|text|key|coding)\}", lambda found: values[found.group(1)], template)
