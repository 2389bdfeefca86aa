"""Events to the machines of parties, signed with each one's own secrets.

The call is signed as a webhook's is (:mod:`alerting.notify.webhook`); while a secret is being changed the signature
header carries one ``v1`` for each. ``Thongsuot-Key`` names the event, ``Thongsuot-Event`` says what it is.

In our own words: ``key``, ``event`` (``opened status called changed test``), ``at``, ``sequence`` (of the incident's
ledger), ``deed``, ``actor``, ``note``, ``incident`` and ``link``. To a TMF621 subscriber: ``eventId``, ``eventTime``,
``eventType`` and ``event.troubleTicket`` as the ticket stood after that change (its history and notes are the change's
own; ``href`` leads to all of them).

The answer's body is never read: whoever sets an address must not learn by us what lies there.
"""

import hashlib
import hmac
import json
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from alerting.endpoint_address import Reach
from alerting.endpoint_store import ENDPOINT_SECRET, PREVIOUS_SECRET
from alerting.endpoint_store import endpoint as read_endpoint
from alerting.endpoints import TEST, Dialect, Endpoint, EndpointEvent, EndpointFault
from alerting.errors import DeliveryError, RefusedEndpointError
from alerting.models import Message
from alerting.notify.channel import Channel, Letter
from alerting.notify.http import judged, mapped, open_client
from alerting.notify.webhook import SIGNATURE
from alerting.settings import EventSettings
from inventory.database import reading
from inventory.seal import SealError
from inventory.sealing import Sealing

__all__ = ["EVENT_TYPES", "EventChannel", "payload", "signatures"]

log = structlog.get_logger(__name__)

EVENT_TYPES: Mapping[EndpointEvent, str] = {
    EndpointEvent.OPENED: "TroubleTicketCreateEvent",
    EndpointEvent.STATUS: "TroubleTicketStatusChangeEvent",
    EndpointEvent.CHANGED: "TroubleTicketAttributeValueChangeEvent",
}
"""What TMF621 calls what an endpoint hears of; it has no word for that somebody is called."""


class EventChannel(Channel):
    """Posts events to the endpoint that the message names, as the endpoint is now."""

    def __init__(
        self,
        settings: EventSettings,
        *,
        database: AsyncEngine,
        sealing: Sealing,
        clock: Callable[[], datetime],
        public_url: str,
        party_name: Callable[[str], str],
        reach: Reach | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.reach = reach or Reach(settings.networks)
        # No connection is kept: the next call may be another party's, to another name at the same number.
        self._client = open_client(settings.timeout_seconds, kept=0, trust=trust)
        self._database = database
        self._sealing = sealing
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._party_name = party_name

    @override
    async def send(self, letter: Letter) -> str | None:
        message = letter.message
        async with reading(self._database) as connection:
            endpoint = await read_endpoint(connection, int(message.person.rpartition(":")[2]))
        if endpoint is None or not endpoint.enabled:
            raise DeliveryError("switched off, or removed", permanent=True)
        await self.post(endpoint, message)
        return None

    async def post(self, endpoint: Endpoint, message: Message) -> int:
        """Attempt once and answer the status, a 2xx; everything else is a :class:`DeliveryError`."""
        body = json.dumps(
            payload(endpoint, message, self._public_url, self._party_name), ensure_ascii=False, sort_keys=True
        ).encode()
        try:
            address = await self.reach.look(endpoint.url)
        except RefusedEndpointError as refused:
            passing = refused.fault is EndpointFault.UNKNOWN_NAME
            raise DeliveryError(f"the address: {refused.fault.value}", permanent=not passing) from refused
        now = self._clock()
        secrets = self._opened(endpoint, now)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Host": address.host,
            "Thongsuot-Key": message.key,
            "Thongsuot-Event": str(message.body["event"]),
            SIGNATURE: signatures(secrets, body, int(now.timestamp())),
        }
        extensions = {"sni_hostname": address.name}
        asked = self._client.stream("POST", address.url, headers=headers, content=body, extensions=extensions)
        with mapped():
            async with asked as answer:
                status = answer.status_code
        judged(status)
        return status

    def _opened(self, endpoint: Endpoint, at: datetime) -> tuple[str, ...]:
        """Answer what to sign with. The present secret must open; one that ran out of favour and does not is left out."""
        try:
            secret = self._sealing.open(endpoint.secret, ENDPOINT_SECRET.place(endpoint.id))
        except SealError as error:
            log.warning("webhook not signed", endpoint=endpoint.id, reason=str(error))
            # Passing: the key may be put back, and until the event's time runs out it is tried again.
            raise DeliveryError("the secret does not open on this machine", permanent=False) from error
        if len(endpoint.secrets_at(at)) == 1:
            return (secret,)
        try:
            return (
                secret,
                self._sealing.open(endpoint.previous_secret, PREVIOUS_SECRET.place(endpoint.id)),
            )
        except SealError as error:
            log.warning("webhook not signed with the secret before", endpoint=endpoint.id, reason=str(error))
            return (secret,)

    @override
    async def close(self) -> None:
        await self._client.aclose()


def signatures(secrets: tuple[str, ...], body: bytes, stamp: int) -> str:
    """Answer the value of the signature header for ``body``, signed at ``stamp`` with every one of ``secrets``."""
    signed = f"{stamp}.".encode() + body
    made = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return f"t={stamp}" + "".join(f",v1={each}" for each in made)


def payload(
    endpoint: Endpoint, message: Message, public_url: str, party_name: Callable[[str], str]
) -> dict[str, Any]:
    """Answer what ``endpoint`` is told of ``message``, in its own dialect."""
    body = message.body
    if endpoint.dialect is Dialect.OWN:
        facts = {name: value for name, value in body.items() if name not in {"what", "number"}}
        link = f"{public_url}/incidents/{message.incident}" if message.incident else ""
        return {"key": message.key, "link": link, **facts}
    told: dict[str, Any] = {"eventId": message.key, "eventTime": body["at"]}
    if body["event"] == TEST:
        return {**told, "eventType": "TestEvent", "event": {}}
    ticket = dict(body["ticket"])
    ticket["href"] = public_url + ticket["href"]
    ticket["relatedParty"] = [{**one, "name": party_name(one["id"])} for one in ticket["relatedParty"]]
    kind = EVENT_TYPES[EndpointEvent(body["event"])]
    return {**told, "eventType": kind, "event": {"troubleTicket": ticket}}
