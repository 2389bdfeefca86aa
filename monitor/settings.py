"""Settings of the service: one frozen tree, read once from the environment; each package receives its section only.

``THONGSUOT_`` names a setting, two underscores a setting inside a section: ``THONGSUOT_EMAIL__HOST=mail.local``.
A misspelt name inside a section, or an unknown value, is refused with a message that names it. Secrets may lie in
files of a folder named by ``THONGSUOT_SECRETS_DIR`` (``thongsuot_webhook__secret``), which must be readable.
"""

import os
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, IPvAnyNetwork, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from alerting.settings import (
    AlertmanagerSettings,
    ChatSettings,
    DeliverySettings,
    EmailSettings,
    EventSettings,
    RosterSettings,
    SmsSettings,
    VoiceSettings,
    WebhookSettings,
)
from dashboards.settings import PagesSettings

__all__ = ["RetentionSettings", "Settings", "read_settings", "table_of_settings"]


class RetentionSettings(BaseModel, frozen=True, extra="forbid"):
    """How long the record is kept."""

    history_days: int = Field(default=90, ge=1, description="Days of minute-by-minute latency and loss.")
    changes_days: int = Field(default=730, ge=30, description="Days of state changes and outages.")


class RecordSettings(BaseModel, frozen=True, extra="forbid"):
    """The record that ``thongsuot replay`` repeats."""

    folder: Path = Field(description="Folder of the record that `thongsuot replay` repeats.")
    limit_mb: int = Field(
        default=1024, ge=1, description="Megabytes that the record may take; its oldest part goes first."
    )


class TrapSettings(BaseModel, frozen=True, extra="forbid"):
    """SNMP traps: reasons to look at their sender now, never evidence by themselves."""

    host: str = Field(default="0.0.0.0", description="Address to listen on for traps.")
    port: int = Field(default=10162, ge=0, le=65535, description="Port to listen on for traps.")
    communities: tuple[SecretStr, ...] = Field(
        description="Communities that devices send with (v2c), as JSON."
    )
    vendors: dict[str, str] = Field(
        default_factory=dict,
        description="Makers' own traps: object identifier to kind, such as dying_gasp, as JSON.",
    )


class ReflectorSettings(BaseModel, frozen=True, extra="forbid"):
    """Reflecting STAMP packets (RFC 8762), so that other vantages can measure the way to this one."""

    host: str = Field(description="Numeric address to reflect at.")
    port: int = Field(default=862, ge=0, le=65535, description="Port to reflect at.")
    allowed: tuple[IPvAnyNetwork, ...] = Field(description="Networks whose packets are reflected, as JSON.")


class BusSettings(BaseModel, frozen=True, extra="forbid"):
    """NATS JetStream, over which batches of vantages elsewhere come."""

    url: SecretStr = Field(description="Server, with its user if need be: nats://user:password@host.")
    domains: tuple[str, ...] = Field(
        default=(),
        description="JetStream domains of the vantages' leaf nodes, as JSON; none without leaf nodes.",
    )


class Settings(BaseSettings):
    """Everything that an administrator may set."""

    model_config = SettingsConfigDict(
        env_prefix="THONGSUOT_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        # A message about a wrong setting goes to a log; what was given may be a secret, or hold one.
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    inventory: Path = Field(description="Folder of the inventory (election.yml, sites.csv, …).")
    state: Path = Field(
        default=Path("var"), description="Folder for the database and everything that changes."
    )
    database_url: str = Field(
        default="",
        description="Database; empty: SQLite in the state folder. PostgreSQL: postgresql+psycopg://…",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=1, le=65535, description="Port to listen on.")
    proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(),
        description="Networks of proxies before us, as JSON, whose X-Forwarded-For says who asks; none: nobody's does."
        " Behind a proxy that is not named, all people count as one address when sign-ins are slowed.",
    )
    day: date | None = Field(
        default=None, description="Hold the election on this day instead (drills, samples)."
    )
    vantage: str = Field(
        default="", description="Vantage that this process looks from; empty: the inventory's first."
    )
    looks: bool = Field(default=True, description="Whether this process looks itself.")
    vantage_tokens: dict[str, str] = Field(
        default_factory=dict,
        description="Vantages that look from elsewhere: code to the SHA-256 of its token, as JSON.",
    )
    seal_key: SecretStr = Field(
        default=SecretStr(""),
        description="Keys that secrets in the database are sealed by, newest first, spaces between"
        " (`thongsuot seal new`); empty: the file `seal.key` of the state folder, made once.",
    )
    bus: BusSettings | None = Field(default=None, description="NATS, for vantages elsewhere; none: not read.")
    extra_ca: Path | None = Field(
        default=None, description="Further certificate authority for HTTPS targets."
    )
    email: EmailSettings | None = Field(default=None, description="How mail leaves; none: it does not.")
    sms: SmsSettings | None = Field(default=None, description="How SMS leaves; none: it does not.")
    webhook: WebhookSettings | None = Field(
        default=None, description="How webhooks are signed; none: no calls."
    )
    events: EventSettings = Field(
        default=EventSettings(), description="Addresses that parties set for their own machines."
    )
    sms_fallback: SmsSettings | None = Field(
        default=None, description="Second SMS gateway, asked when the first does not take a message."
    )
    voice: VoiceSettings | None = Field(default=None, description="Voice gateway; none: people call by hand.")
    chat: ChatSettings | None = Field(
        default=None, description="Chat bots; none: no chat contact is written to."
    )
    alertmanager: AlertmanagerSettings = Field(
        default=AlertmanagerSettings(), description="Alertmanager, told of incidents and heard."
    )
    delivery: DeliverySettings = Field(
        default=DeliverySettings(), description="How the outbox works and watches itself."
    )
    roster: RosterSettings = Field(
        default=RosterSettings(), description="Asking people to confirm their shifts."
    )
    traps: TrapSettings | None = Field(default=None, description="SNMP traps; none: not listened to.")
    reflector: ReflectorSettings | None = Field(default=None, description="Reflecting STAMP; none: not done.")
    pages: PagesSettings = Field(default=PagesSettings(), description="What of the pages may be set.")
    retention: RetentionSettings = Field(
        default=RetentionSettings(), description="How long the record is kept."
    )
    record: RecordSettings | None = Field(default=None, description="Record of looks; none: not kept.")
    administrator_password: SecretStr = Field(
        default=SecretStr(""),
        description="Password of the first administrator; empty: one is made and printed once.",
    )

    @property
    def url(self) -> str:
        """The database, with the default filled in."""
        given = self.database_url
        # What every other tool calls PostgreSQL names no driver; ours is psycopg.
        for prefix in ("postgres://", "postgresql://"):
            given = (
                f"postgresql+psycopg://{given.removeprefix(prefix)}" if given.startswith(prefix) else given
            )
        return given or f"sqlite+aiosqlite:///{(self.state / 'thongsuot.db').absolute()}"


def read_settings(**given: object) -> Settings:
    """Read the environment once; ``given`` (from the command line) wins where it is not None."""
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return Settings(_secrets_dir=os.environ.get("THONGSUOT_SECRETS_DIR"), **chosen)


def table_of_settings() -> str:
    """Make the README's table from the settings themselves."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    rows += _rows(Settings, "THONGSUOT_")
    return "\n".join(rows)


def _rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        section = _section_of(field.annotation)
        if section is not None:
            rows += _rows(section, f"{prefix}{name.upper()}__")
            continue
        given = field.get_default(call_default_factory=True)
        default = "" if field.is_required() or given in (None, "") else str(given)
        default = "" if "**" in default else default
        rows.append(
            f"| `{prefix}{name.upper()}` | {f'`{default}`' if default else ''} | {field.description} |"
        )
    return rows


def _section_of(annotation: object) -> type[BaseModel] | None:
    """Answer the model that a field holds, alone or beside None."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
