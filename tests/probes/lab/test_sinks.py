import asyncio
import json
import urllib.parse
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage

import aiosmtplib
import httpx2
import pytest

from probes.lab.sinks import Sinks
from tests.support.lab import the_time


@asynccontextmanager
async def sinks_in(directory):
    sinks = Sinks(directory=directory, clock=the_time)
    await sinks.start()
    try:
        yield sinks
    finally:
        await sinks.stop()


def kept(directory, name):
    path = directory / name
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def a_page(subject="[P2] Mất liên lạc xã Tham Đôn"):
    message = EmailMessage()
    message["From"] = "thongsuot@example.vn"
    message["To"] = "truc@example.vn"
    message["Subject"] = subject
    message.set_content("Đường VNPT đứt từ 07:01.\n")
    message.add_alternative("<p>Đường VNPT đứt</p>", subtype="html")
    return message


async def test_a_mail_is_kept_whole_and_listed_with_its_words(tmp_path):
    async with sinks_in(tmp_path) as sinks:
        before = datetime.now(UTC)
        await aiosmtplib.send(a_page(), hostname="127.0.0.1", port=sinks.smtp_port, start_tls=False)
    [mail] = kept(tmp_path, "mail.jsonl")
    assert mail["to"] == ["truc@example.vn"]
    assert mail["subject"] == "[P2] Mất liên lạc xã Tham Đôn"
    assert mail["text"] == "Đường VNPT đứt từ 07:01.\n"
    assert before <= datetime.fromisoformat(mail["at"]) <= datetime.now(UTC)
    assert b"Subject:" in (tmp_path / "mail" / mail["file"]).read_bytes()


async def test_each_mail_has_a_file_of_its_own(tmp_path):
    async with sinks_in(tmp_path) as sinks:
        await asyncio.gather(
            *(
                aiosmtplib.send(
                    a_page(f"thư {n}"), hostname="127.0.0.1", port=sinks.smtp_port, start_tls=False
                )
                for n in range(8)
            )
        )
    assert {mail["subject"] for mail in kept(tmp_path, "mail.jsonl")} == {f"thư {n}" for n in range(8)}
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 8


async def posted(sinks, path, **content):
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.request(url=f"http://127.0.0.1:{sinks.http_port}{path}", **content)


SAID = {"to": "+84990000001", "text": "P2 Tham Đôn: mất đường VNPT"}


@pytest.mark.parametrize(
    "content",
    [
        {"method": "GET", "params": SAID},
        {"method": "POST", "params": SAID},
        {"method": "POST", "data": SAID},
        {"method": "POST", "json": SAID},
    ],
    ids=["query", "posted query", "form", "JSON"],
)
async def test_the_gateway_takes_a_text_however_a_profile_sends_it(tmp_path, content):
    async with sinks_in(tmp_path) as sinks:
        answer = await posted(sinks, "/sendsms", **content)
    assert answer.status_code == 202
    [text] = kept(tmp_path, "sms.jsonl")
    assert (text["to"], text["text"]) == (SAID["to"], SAID["text"])


@pytest.mark.parametrize("missing", ["to", "text"])
async def test_a_text_without_number_or_words_is_refused_and_not_kept(tmp_path, missing):
    query = urllib.parse.urlencode({key: value for key, value in SAID.items() if key != missing})
    async with sinks_in(tmp_path) as sinks:
        assert (await posted(sinks, f"/sendsms?{query}", method="GET")).status_code == 400
    assert kept(tmp_path, "sms.jsonl") == []


async def test_a_webhook_is_kept_with_its_headers_and_body(tmp_path):
    async with sinks_in(tmp_path) as sinks:
        answer = await posted(
            sinks, "/hook/vnpt?x=1", method="POST", content=b'{"a": 1}', headers={"X-Signature": "abc"}
        )
    assert answer.status_code == 200
    [hook] = kept(tmp_path, "webhook.jsonl")
    assert (hook["path"], hook["body"], hook["headers"]["x-signature"]) == (
        "/hook/vnpt?x=1",
        '{"a": 1}',
        "abc",
    )


async def test_other_paths_are_not_found(tmp_path):
    async with sinks_in(tmp_path) as sinks:
        assert (await posted(sinks, "/", method="GET")).status_code == 404


@pytest.mark.parametrize(
    "noise",
    [b"\0\1\2\r\n\r\n", b"POST /sendsms HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"GET\r\n\r\n",
     b"POST /sendsms HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{"],
)  # fmt: skip
async def test_noise_gets_no_answer_and_does_no_harm(tmp_path, noise):
    async with sinks_in(tmp_path) as sinks:
        reader, writer = await asyncio.open_connection("127.0.0.1", sinks.http_port)
        writer.write(noise)
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        await writer.wait_closed()
        assert (await posted(sinks, "/sendsms", method="GET", params=SAID)).status_code == 202
