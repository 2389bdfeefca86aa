"""Where the lab's mail, SMS and webhooks end: real servers on loopback that keep everything and send nothing on.

In the state directory: ``mail/*.eml`` and ``mail.jsonl`` (at, to, subject, text, file), ``sms.jsonl`` (at, to,
text, and what else the gateway was told), ``webhook.jsonl`` (at, path, headers, body).
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

__all__ = ["Sinks"]

_HOST: Final = "127.0.0.1"
_PATIENCE_SECONDS: Final = 10.0
_LARGEST_BODY: Final = 1024 * 1024


class Sinks:
    """An SMTP server and an HTTP server; ``smtp_port`` and ``http_port`` are known after :meth:`start`.

    HTTP: ``/sendsms?to=&text=`` by GET or POST (form or JSON) is an SMS gateway and answers 202; ``/hook`` and
    what is below it keeps a webhook and answers 200.
    """

    def __init__(self, *, directory: Path, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock
        self._servers: list[asyncio.Server] = []
        self._mails = 0
        self.smtp_port = 0
        self.http_port = 0

    async def start(self, *, smtp_port: int = 0, http_port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        (self._directory / "mail").mkdir(mode=0o700, parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(
            lambda: SMTP(_MailKeeper(self._keep_mail), enable_SMTPUTF8=True, loop=loop, hostname="lab"),
            _HOST,
            smtp_port,
        )
        http = await asyncio.start_server(self._serve_http, _HOST, http_port)
        self._servers = [smtp, http]
        self.smtp_port, self.http_port = (server.sockets[0].getsockname()[1] for server in self._servers)

    async def stop(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.close()
        self._servers = []
        await asyncio.sleep(0)

    def _keep_mail(self, recipients: list[str], content: bytes) -> None:
        at = self._clock()
        self._mails += 1
        file = self._directory / "mail" / f"{at:%Y%m%dT%H%M%S.%f}-{self._mails:04d}.eml"
        file.write_bytes(content)
        message = message_from_bytes(content, policy=policy.default)
        body = message.get_body(("plain", "html"))
        text = body.get_content().replace("\r\n", "\n") if body is not None else ""
        facts = {"to": recipients, "subject": str(message["Subject"] or ""), "text": text, "file": file.name}
        self._keep("mail.jsonl", at, facts)

    def _keep(self, name: str, at: datetime, facts: Mapping[str, Any]) -> None:
        line = json.dumps({"at": at.isoformat(timespec="microseconds"), **facts}, ensure_ascii=False)
        with (self._directory / name).open("a", encoding="utf-8") as kept:
            kept.write(line + "\n")

    async def _serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                status, text = self._taken(*await _request(reader))
                body = text.encode()
                writer.write(
                    b"HTTP/1.1 %d Sink\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body)
                )
                await writer.drain()
        except (TimeoutError, OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # whoever cannot finish a request gets no answer, as from any server
        finally:
            writer.close()

    def _taken(self, target: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        parts = urlsplit(target)
        if parts.path == "/sendsms":
            facts = dict(parse_qsl(parts.query, keep_blank_values=True)) | _fields(headers, body)
            if not facts.get("to") or not facts.get("text"):
                return 400, "to and text are needed"
            self._keep("sms.jsonl", self._clock(), facts)
            return 202, "0: Accepted for delivery"
        if parts.path == "/hook" or parts.path.startswith("/hook/"):
            kept = {"path": target, "headers": headers, "body": body.decode("utf-8", "replace")}
            self._keep("webhook.jsonl", self._clock(), kept)
            return 200, "kept"
        return 404, "/sendsms or /hook"


class _MailKeeper:
    """What aiosmtpd calls with each message."""

    def __init__(self, keep: Callable[[list[str], bytes], None]) -> None:
        self._keep = keep

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 # aiosmtpd's
        """Keep a message."""
        content = envelope.content
        self._keep(list(envelope.rcpt_tos), content if isinstance(content, bytes) else str(content).encode())
        return "250 OK, kept"


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    _method, target, _version = head[0].split(" ", 2)
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _LARGEST_BODY:
        raise ValueError(f"a body of {length} bytes")
    return target, headers, await reader.readexactly(length)


def _fields(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    kind = headers.get("content-type", "")
    if "json" in kind and body:
        given = json.loads(body)
        return {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}
    if "form-urlencoded" in kind:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return {}
