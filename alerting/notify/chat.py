"""Chat bots (Telegram, Zalo) and the long tail of services that apprise knows.

A contact is ``chat:SERVICE/NAME``; the settings hold the service's address with ``{to}`` where the name goes, so a
bot's token is in no inventory. apprise works with threads and blocking sockets: it runs in a thread of its own, and
whoever waits does so with a deadline. A call that outlasts it may have arrived: the outcome is uncertain.

apprise says whether a service took a message and not why it did not; what it refuses is tried again, and only an
address that cannot be one is refused for good.
"""

import asyncio
import warnings
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import apprise
from typing_extensions import override

from alerting.errors import DeliveryError
from alerting.notify.channel import Channel, Letter
from alerting.notify.messages import subject, text
from alerting.settings import ChatSettings

__all__ = ["ChatChannel"]

_THREADS = 4


class ChatChannel(Channel):
    """Hands letters to the services of the settings."""

    def __init__(self, settings: ChatSettings) -> None:
        self._services = {name: secret.get_secret_value() for name, secret in settings.services.items()}
        self._timeout = settings.timeout_seconds
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="chat")
        _load()

    @override
    async def send(self, letter: Letter) -> str | None:
        service, _, name = letter.message.address.partition("/")
        template = self._services.get(service)
        if template is None:
            raise DeliveryError(f"no chat service is called {service!r}", permanent=True, refused=False)
        way = apprise.Apprise.instantiate(
            template.replace("{to}", quote(name, safe="")), suppress_exceptions=True
        )
        if not isinstance(way, apprise.NotifyBase):
            raise DeliveryError(f"{service} cannot write to {name!r}", permanent=True)
        # The socket gives up soon after we do: a silence is then told from a refusal, and no thread is lost to it.
        way.socket_connect_timeout = way.socket_read_timeout = self._timeout * 1.2
        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(self._threads, _told, way, subject(letter), text(letter))
        try:
            async with asyncio.timeout(self._timeout):
                took = await working
        except TimeoutError as late:
            raise DeliveryError(f"{service} did not answer", permanent=False, uncertain=True) from late
        if not took:
            raise DeliveryError(f"{service} did not take it", permanent=False)
        return None

    @override
    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _load() -> None:
    """Let apprise read its hundred and more services now rather than when the first message waits."""
    with warnings.catch_warnings():
        # Some of its services import what a later Python will not have; none of that is ours to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        apprise.Apprise.instantiate("json://localhost")


def _told(way: apprise.NotifyBase, title: str, body: str) -> bool:
    return bool(way.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT))
