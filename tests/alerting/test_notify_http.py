"""Short messages and webhooks against real HTTP servers: a scripted receiver, and Kannel with a fake centre."""

import hashlib
import hmac
import json
import logging
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

import pytest

from alerting.errors import DeliveryError
from alerting.notify.messages import short_text
from alerting.notify.sms import SmsChannel
from alerting.notify.webhook import SIGNATURE, WebhookChannel
from alerting.settings import SmsSettings, WebhookSettings
from tests.support.acting import NOON, Clock
from tests.support.acting_servers import HAS_KANNEL, a_free_port, a_kannel, a_letter, a_receiver

SECRET = "bí mật"


@pytest.fixture
async def receiver():
    async with a_receiver() as receiver:
        yield receiver


async def attempt(channel, letter):
    try:
        await channel.send(letter)
    finally:
        await channel.close()


def an_sms(url, **changes):
    return SmsChannel(SmsSettings(url=url, **changes))


def a_webhook(**changes):
    return WebhookChannel(WebhookSettings(secret=SECRET, **changes), clock=Clock())


def a_number(**changes):
    return a_letter(address="+84910000001", **changes)


async def test_a_webhook_carries_the_facts_signed_with_their_time(receiver):
    await attempt(a_webhook(), a_letter(address=receiver.url))
    [call] = receiver.calls
    stamp = int(NOON.timestamp())
    expected = hmac.new(SECRET.encode(), f"{stamp}.".encode() + call.body, hashlib.sha256).hexdigest()
    assert call.headers[SIGNATURE.lower()] == f"t={stamp},v1={expected}"
    told = json.loads(call.body)
    assert (told["number"], told["kind"], told["link"]) == ("SC-21-0001", "page", "https://ts.invalid/a/abc")
    assert call.headers["thongsuot-key"] == told["key"]


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (500, False),
        (503, False),
        (408, False),
        (425, False),
        (429, False),
        (400, True),
        (404, True),
        (410, True),
        (302, True),
    ],
)
async def test_the_receivers_status_decides_whether_a_later_attempt_can_help(receiver, status, permanent):
    receiver.script.append((status, "", 0))
    with pytest.raises(DeliveryError, match=f"answered {status}") as failure:
        await attempt(a_webhook(), a_letter(address=receiver.url))
    assert (failure.value.permanent, failure.value.uncertain) == (permanent, False)
    assert [call.status for call in receiver.calls] == [status]


async def test_a_receiver_that_takes_too_long_may_have_taken_it(receiver):
    receiver.script.append((200, "ok", 1))
    with pytest.raises(DeliveryError) as failure:
        await attempt(a_webhook(timeout_seconds=0.2), a_letter(address=receiver.url))
    assert (failure.value.permanent, failure.value.uncertain) == (False, True)
    [_taken] = receiver.calls


async def test_a_receiver_that_hangs_up_without_an_answer_may_have_taken_it(receiver):
    receiver.script.append((0, "", 0))
    with pytest.raises(DeliveryError) as failure:
        await attempt(a_webhook(), a_letter(address=receiver.url))
    assert failure.value.uncertain
    [_taken] = receiver.calls


@pytest.mark.parametrize(
    ("address", "permanent"),
    [("http://127.0.0.1:{port}/hook", False), ("ftp://so.invalid/hook", True), ("http://[::bad", True)],
)
async def test_what_was_not_reached_surely_took_nothing(address, permanent):
    with pytest.raises(DeliveryError) as failure:
        await attempt(a_webhook(), a_letter(address=address.format(port=a_free_port())))
    assert (failure.value.permanent, failure.value.uncertain) == (permanent, False)


async def test_a_gateway_gets_its_own_field_names_and_number_format(receiver):
    fields = {"destination": "{to}", "message": "{text}", "ref": "{key}", "brand": "STTTT{}"}
    channel = an_sms(receiver.url, fields=fields, secret_fields={"key": "k"}, number_format="national")
    await attempt(channel, a_number())
    sent = {name: values[0] for name, values in parse_qs(receiver.calls[0].body.decode()).items()}
    assert sent["destination"] == "0910000001"
    assert sent["message"].startswith("P1 SC-21-0001 Vong ring")
    assert (sent["ref"], sent["key"], sent["brand"]) == ("1:1:0:0:vnpt-1.0:email", "k", "STTTT{}")


async def test_a_json_gateway_is_told_in_json_with_its_secret_header(receiver):
    channel = an_sms(
        receiver.url,
        encoding="json",
        secret_headers={"Authorization": "Bearer s"},
        number_format="digits",
        fold=False,
    )
    await attempt(channel, a_number(link=""))
    [call] = receiver.calls
    assert call.headers["authorization"] == "Bearer s"
    assert json.loads(call.body)["to"] == "84910000001"
    assert "Vòng ring" in json.loads(call.body)["text"]


async def test_a_gateway_that_answers_200_with_a_refusal_has_not_taken_it(receiver):
    receiver.script.append((200, "ERR: no credit", 0))
    with pytest.raises(DeliveryError, match="no credit"):
        await attempt(an_sms(receiver.url, success="^OK"), a_number())
    receiver.script.append((200, "OK 17", 0))
    await attempt(an_sms(receiver.url, success="^OK"), a_number())
    refused, taken = receiver.calls
    assert refused.body == taken.body


async def test_the_gateways_password_appears_neither_in_logs_nor_in_errors(receiver, caplog):
    receiver.script.append((500, "", 0))
    channel = an_sms(receiver.url, method="GET", encoding="query", secret_fields={"password": "hush-hush"})
    with caplog.at_level(logging.INFO), pytest.raises(DeliveryError) as failure:
        await attempt(channel, a_number())
    assert "password=hush-hush" in urlsplit(receiver.calls[0].path).query
    assert "hush" not in caplog.text
    assert "hush" not in str(failure.value)
    assert "hush" not in repr(SmsSettings(url=receiver.url, secret_fields={"password": "hush-hush"}))


KANNEL_FIELDS = {
    "from": "ThongSuot",
    "to": "{to}",
    "text": "{text}",
    "coding": "{coding}",
    "charset": "UTF-8",
}


def kannel_settings(kannel, **changes):
    return SmsSettings(
        url=f"http://127.0.0.1:{kannel.port}/cgi-bin/sendsms",
        method="GET",
        encoding="query",
        fields=KANNEL_FIELDS,
        secret_fields={"username": "u", "password": "p"},
        success="^[03]:",
        **changes,
    )


@pytest.mark.skipif(not HAS_KANNEL, reason="kannel and kannel-extras are not installed")
async def test_kannel_takes_a_page_in_one_part_with_and_without_marks(tmp_path):
    async with a_kannel(tmp_path) as kannel:
        await attempt(SmsChannel(kannel_settings(kannel)), a_number())
        [plain] = await kannel.received(1)
        assert (
            "Vong ring VNPT-RING-947 (My Xuyen): 11 xa mat duong VNPT Nhan: https://ts.invalid/a/abc" in plain
        )
        await attempt(SmsChannel(kannel_settings(kannel, fold=False)), a_number(link=""))
        marked = (await kannel.received(2))[-1]
        written = unquote_to_bytes(marked.rpartition(" ucs-2 ")[2].rstrip(">").replace("+", " "))
        assert written.decode("utf-16-be") == short_text(a_number(link=""), fold=False)
        wrong = kannel_settings(kannel).model_copy(update={"secret_fields": {}})
        with pytest.raises(DeliveryError) as failure:
            await attempt(SmsChannel(wrong), a_number())
        assert failure.value.permanent
        assert len(await kannel.received(2)) == 2
