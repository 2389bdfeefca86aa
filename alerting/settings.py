"""Settings of acting: how messages leave. Read once by the composition root and handed in; secrets never print."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from inventory.models import ContactChannel

__all__ = [
    "AlertmanagerSettings",
    "ChatSettings",
    "DeliverySettings",
    "EmailSettings",
    "EventSettings",
    "Network",
    "RosterSettings",
    "SmsSettings",
    "VoiceSettings",
    "WebhookSettings",
]

Network = IPv4Network | IPv6Network
_Seconds = Annotated[float, Field(gt=0, le=60)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EmailSettings(_Section):
    """The relay that takes our mail."""

    host: str = Field(description="Name or address of the SMTP relay.")
    port: int = Field(default=25, ge=1, le=65535, description="Port of the SMTP relay.")
    sender: str = Field(description="Address that messages come from; its domain names their Message-IDs.")
    sender_name: str = Field(default="Thông Suốt", description="Name shown beside the sender's address.")
    security: Literal["none", "starttls", "tls"] = Field(
        default="none", description="none (a relay on this machine), starttls, or tls from the first byte."
    )
    username: str = Field(default="", description="Account at the relay; empty: none.")
    password: SecretStr = Field(default=SecretStr(""), description="Password of that account.")
    timeout_seconds: _Seconds = Field(
        default=10.0, description="Longest wait for one step of the conversation."
    )


class SmsSettings(_Section):
    """An SMS gateway spoken to over HTTP. Fields may hold {to}, {text}, {key} and {coding}."""

    url: HttpUrl = Field(description="Address of the gateway's send call.")
    method: Literal["GET", "POST"] = Field(default="POST", description="HTTP method of the send call.")
    encoding: Literal["query", "form", "json"] = Field(default="form", description="Where the fields go.")
    fields: Mapping[str, str] = Field(
        default={"to": "{to}", "text": "{text}"}, description="Fields of the call, by the gateway's names."
    )
    secret_fields: Mapping[str, SecretStr] = Field(
        default={}, description="Further fields that are never logged: accounts, passwords, keys."
    )
    secret_headers: Mapping[str, SecretStr] = Field(
        default={}, description="Headers that are never logged, such as Authorization."
    )
    number_format: Literal["e164", "digits", "national"] = Field(
        default="e164", description="+84912345678, 84912345678 or 0912345678."
    )
    fold: bool = Field(
        default=True,
        description="Write Vietnamese without marks: 160 characters a part rather than 70.",
    )
    success: str = Field(
        default="",
        description="Regular expression that the answer must match besides a 2xx status; empty: any.",
    )
    rejected: str = Field(
        default="",
        description="Regular expression of answers that refuse the number for good; empty: none does.",
    )
    reference: str = Field(
        default="",
        description="Regular expression whose first group is the gateway's name for the message; empty: none.",
    )
    parts: int = Field(default=1, ge=1, le=4, description="Most parts of one message; longer text is cut.")
    timeout_seconds: _Seconds = Field(default=10.0, description="Longest wait for the gateway's answer.")


class WebhookSettings(_Section):
    """Calls to the addresses that people have as webhook contacts."""

    secret: SecretStr = Field(description="Key of the HMAC-SHA256 signature that every call carries.")
    timeout_seconds: _Seconds = Field(default=10.0, description="Longest wait for the receiver's answer.")


class EventSettings(_Section):
    """Events to addresses that parties set for their machines."""

    networks: tuple[Network, ...] = Field(
        default=(),
        description=(
            "Networks beside the public Internet that such addresses may lie in, over plain http too, as JSON: "
            '["10.20.0.0/16"]; every other private, loopback or link-local address is refused.'
        ),
    )
    timeout_seconds: _Seconds = Field(default=10.0, description="Longest wait for the receiver's answer.")


class VoiceSettings(_Section):
    """A voice gateway that calls a number and reads a text out, told by a signed webhook."""

    url: HttpUrl = Field(description="Address of the gateway's call for a call.")
    secret: SecretStr = Field(description="Key of the HMAC-SHA256 signature, as of webhooks.")
    language: str = Field(default="vi-VN", description="Language that the text is read in.")
    timeout_seconds: _Seconds = Field(default=10.0, description="Longest wait for the gateway's answer.")


class ChatSettings(_Section):
    """Chat bots and the long tail, by addresses in apprise's words; contacts are written chat:SERVICE/NAME."""

    services: Mapping[str, SecretStr] = Field(
        description='Service to its address with {to}, as JSON: {"telegram": "tgram://TOKEN/{to}"}.'
    )
    timeout_seconds: _Seconds = Field(default=10.0, description="Longest wait for the service's answer.")


class AlertmanagerSettings(_Section):
    """A Prometheus Alertmanager that is told of our incidents, and may tell us of its alerts."""

    url: HttpUrl | None = Field(default=None, description="Address of the Alertmanager; none: not told.")
    token: SecretStr = Field(
        default=SecretStr(""),
        description="Bearer token that /hooks/alertmanager asks for; empty: nothing is taken there.",
    )
    timeout_seconds: _Seconds = Field(default=10.0, description="Longest wait for its answer.")


class DeliverySettings(_Section):
    """How hard the outbox works, and how delivery watches itself."""

    lease_seconds: _Seconds = Field(
        default=30.0, description="How long a worker may hold a message before another takes it up."
    )
    concurrency: int = Field(default=4, ge=1, le=64, description="Attempts at once on each channel.")
    gateway_token: SecretStr = Field(
        default=SecretStr(""),
        description="Token that gateways call /hooks/receipts and /hooks/answers with; empty: nothing is taken.",
    )
    heartbeat_url: HttpUrl | None = Field(
        default=None,
        description="Dead-man's switch: called while every loop is healthy; whoever watches it calls us if it stops.",
    )
    heartbeat_seconds: float = Field(
        default=60.0, ge=1, le=3600, description="Pause between calls of the dead-man's switch."
    )
    canaries: Mapping[ContactChannel, str] = Field(
        default={},
        description='Addresses that a trial message goes to, as JSON: {"sms": "+84…"}; failing opens an incident.',
    )
    canary_seconds: float = Field(
        default=3600.0, ge=10, le=86400, description="Pause between trial messages."
    )


class RosterSettings(_Section):
    """Asking people to confirm their shifts."""

    ask_hours: float = Field(
        default=0,
        ge=0,
        le=240,
        description="Hours before a shift that its person is sent a link and a code to confirm it; 0: nobody is asked.",
    )
    remind_hours: float = Field(
        default=6,
        ge=0,
        le=120,
        description="Hours before an unconfirmed shift that its person is asked again.",
    )
    tell_hours: float = Field(
        default=2,
        ge=0,
        le=120,
        description="Hours before an unconfirmed shift that the department and the party's own people are told.",
    )
