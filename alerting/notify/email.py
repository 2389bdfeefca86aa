"""E-mail by SMTP (RFC 5321): one letter, one conversation, threaded by incident (RFC 5322, section 3.6.4).

A message whose body names a file (``attached``) carries it. The file is asked for right before the letter leaves, from
whoever keeps it: the outbox holds no documents.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib
from typing_extensions import override

from alerting.errors import DeliveryError
from alerting.models import Message, MessageKind
from alerting.notify.channel import Channel, Letter
from alerting.notify.messages import subject, text
from alerting.settings import EmailSettings

__all__ = ["AttachedFile", "EmailChannel", "letter_to_mail"]


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as a mail carries it. ``media_type`` is ``type/subtype``; ``name`` is ASCII."""

    name: str
    media_type: str
    content: bytes


_Files = Callable[[Message], Awaitable[AttachedFile]]
"""Answers the file that a message names; raises ``DeliveryError`` where it cannot be had."""


class EmailChannel(Channel):
    """Hands letters to the configured relay."""

    def __init__(self, settings: EmailSettings, *, files: _Files | None = None) -> None:
        self._settings = settings
        self._files = files

    @override
    async def send(self, letter: Letter) -> str | None:
        secret = self._settings.password.get_secret_value()
        attached = await self._attached(letter.message)
        try:
            await aiosmtplib.send(
                letter_to_mail(letter, self._settings, attached),
                hostname=self._settings.host,
                port=self._settings.port,
                username=self._settings.username or None,
                password=secret or None,
                use_tls=self._settings.security == "tls",
                start_tls=self._settings.security == "starttls",
                timeout=self._settings.timeout_seconds,
            )
        except aiosmtplib.SMTPException as refused:
            raise _as_delivery_error(refused) from refused
        except (OSError, ValueError) as broken:
            # ValueError: an address that no mail can be written to.
            permanent = isinstance(broken, ValueError)
            raise DeliveryError(f"mail not sent: {type(broken).__name__}", permanent=permanent) from broken
        return None

    async def _attached(self, message: Message) -> AttachedFile | None:
        if not message.body.get("attached"):
            return None
        if self._files is None:
            raise DeliveryError("nobody keeps the file that is to be attached", permanent=True, refused=False)
        return await self._files(message)

    @override
    async def close(self) -> None:
        """Nothing is kept open between letters."""


def letter_to_mail(
    letter: Letter, settings: EmailSettings, attached: AttachedFile | None = None
) -> EmailMessage:
    """Write ``letter`` as a mail. Its Message-ID follows from the message's key: a repetition is recognisable."""
    message = letter.message
    domain = settings.sender.rpartition("@")[2]
    root = f"<{message.body['number']}@{domain}>"
    mail = EmailMessage()
    if settings.sender_name.isascii():
        mail["From"] = Address(settings.sender_name, addr_spec=settings.sender)
    else:
        mail.set_raw("From", f"{_encoded('From', settings.sender_name)}\n <{settings.sender}>")
    mail["To"] = message.address
    mail.set_raw("Subject", _encoded("Subject", subject(letter)))
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:40]}@{domain}>"
    mail["In-Reply-To"] = root
    mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    about = "Report" if "report" in message.body else "Shift" if "shift" in message.body else "Incident"
    mail[f"X-Thongsuot-{about}"] = str(message.body["number"])
    if _is_urgent(message):
        mail["Importance"] = "high"
        mail["X-Priority"] = "1"
    mail.set_content(text(letter), cte="base64")
    if attached is not None:
        kind, _, subtype = attached.media_type.partition("/")
        mail.add_attachment(attached.content, maintype=kind, subtype=subtype, filename=attached.name)
    return mail


def _encoded(name: str, value: str) -> str:
    """Write the value of a header in encoded words (RFC 2047), folded.

    EmailMessage's own folding (seen in Python 3.11) drops the space at which one encoded word ends and the next
    begins, so that every fifth of our subjects ran two words together. What is set raw it does not fold again.
    """
    return Header(value, "us-ascii" if value.isascii() else "utf-8", header_name=name).encode()


def _is_urgent(message: Message) -> bool:
    return message.kind is MessageKind.PAGE and message.body["severity"] in {"P1", "P2"}


def _as_delivery_error(refused: aiosmtplib.SMTPException) -> DeliveryError:
    """Tell a refusal for good (5xx, RFC 5321 section 4.2.1) from one for now, and from silence after the text."""
    reason = f"{type(refused).__name__}: {refused}"
    if isinstance(refused, aiosmtplib.SMTPRecipientsRefused):
        codes = [one.code for one in refused.recipients]
        return DeliveryError(reason, permanent=all(code >= 500 for code in codes))
    if isinstance(refused, aiosmtplib.SMTPResponseException):
        # Refusing us or our text for good says nothing about the reader's address.
        return DeliveryError(reason, permanent=refused.code >= 500, refused=False)
    # Silence or a cut may have come after the relay took the text: the letter may have left.
    before = (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPConnectTimeoutError)
    return DeliveryError(reason, permanent=False, uncertain=not isinstance(refused, before))
