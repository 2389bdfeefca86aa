"""Voice, chat and a second gateway against real HTTP servers; Kannel's receipts; Debian's Alertmanager."""

import asyncio
import json
import shutil
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import apprise
import httpx2
import pytest

from alerting.alertmanager import AlertmanagerPusher
from alerting.errors import DeliveryError
from alerting.notify.chat import ChatChannel
from alerting.notify.fallback import FallbackChannel
from alerting.notify.messages import short_text, spoken_text
from alerting.notify.sms import SmsChannel
from alerting.notify.voice import VoiceChannel
from alerting.notify.webhook import SIGNATURE, signature
from alerting.roster_gaps import is_gap
from alerting.settings import AlertmanagerSettings, ChatSettings, SmsSettings, VoiceSettings
from alerting.store import incidents as read_incidents
from inventory.database import reading
from tests.support.acting import NOON, Clock, a_duty_room, until
from tests.support.acting_servers import (
    HAS_KANNEL,
    ScriptedChannel,
    a_free_port,
    a_kannel,
    a_letter,
    a_receiver,
    refused,
)


@pytest.fixture
async def receiver():
    async with a_receiver() as receiver:
        yield receiver


async def attempt(channel, letter):
    try:
        return await channel.send(letter)
    finally:
        await channel.close()


async def test_a_voice_gateway_is_asked_to_read_the_matter_and_the_code_digit_by_digit(receiver):
    receiver.script = [(200, '{"reference": "call-7"}', 0)]
    channel = VoiceChannel(VoiceSettings(url=receiver.url, secret="k"), clock=Clock())
    letter = a_letter(address="+84910000001", code="12345678")
    assert await attempt(channel, letter) == "call-7"
    [call] = receiver.calls
    told = json.loads(call.body)
    assert (told["to"], told["language"], told["code"]) == ("+84910000001", "vi-VN", "12345678")
    assert told["say"] == spoken_text(letter)
    assert told["say"].endswith("mã: 1, 2, 3, 4, 5, 6, 7, 8.")
    assert call.headers[SIGNATURE.lower()] == signature(b"k", call.body, int(NOON.timestamp()))


@pytest.mark.parametrize("answer", ["ok", "[]", '{"reference": 5}'])
async def test_a_voice_gateway_need_not_name_its_calls(receiver, answer):
    receiver.script = [(200, answer, 0)]
    channel = VoiceChannel(VoiceSettings(url=receiver.url, secret="k"), clock=Clock())
    assert await attempt(channel, a_letter(address="+84910000001")) is None
    [_call] = receiver.calls


def a_chat(receiver, **changes):
    services = {"so": f"json://127.0.0.1:{receiver.port}/{{to}}"}
    return ChatChannel(ChatSettings(services=services, **changes))


def chat_letter(**changes):
    return a_letter(address="so/truc ban", **changes)


async def test_a_chat_service_is_told_by_its_address_with_the_readers_name_in_it(receiver):
    assert await attempt(a_chat(receiver), chat_letter()) is None
    [call] = receiver.calls
    assert call.path.rstrip("/").endswith("/truc%20ban")
    told = json.loads(call.body)
    assert "SC-21-0001" in told["title"]
    assert "https://ts.invalid/a/abc" in told["message"]
    assert "Vòng ring" in told["message"]


async def test_a_chat_service_that_refuses_is_tried_again_and_one_that_hangs_is_uncertain(receiver):
    receiver.script = [(500, "no", 0)]
    with pytest.raises(DeliveryError) as failure:
        await attempt(a_chat(receiver), chat_letter())
    assert (failure.value.permanent, failure.value.uncertain) == (False, False)
    receiver.script = [(200, "ok", 1)]
    with pytest.raises(DeliveryError) as failure:
        await attempt(a_chat(receiver, timeout_seconds=0.3), chat_letter())
    assert (failure.value.permanent, failure.value.uncertain) == (False, True)

    async def let_go():
        return not receiver.talks

    await until(let_go)
    refused_for_now, hanging = receiver.calls
    assert refused_for_now.body == hanging.body


async def test_an_unknown_chat_service_is_our_fault_and_never_the_contacts(receiver):
    with pytest.raises(DeliveryError) as failure:
        await attempt(a_chat(receiver), a_letter(address="telegram/5"))
    assert failure.value.permanent
    assert not failure.value.refused


@pytest.mark.parametrize(
    "url", ["tgram://123456789:abcdefg_hijklmnop/{to}", "zalo://12345:abcdef/{to}"], ids=["telegram", "zalo"]
)
async def test_the_bots_that_people_here_use_are_known_to_the_library(receiver, url):
    await a_chat(receiver).close()
    assert isinstance(apprise.Apprise.instantiate(url.replace("{to}", "12315544")), apprise.NotifyBase)


async def test_a_second_gateway_is_asked_at_once_when_the_first_certainly_did_not_take_it():
    first, second = ScriptedChannel(refused()), ScriptedChannel()
    both = FallbackChannel(first, second)
    letter = a_letter()
    await both.send(letter)
    assert (first.letters, second.letters) == ([], [letter])


async def test_a_second_gateway_is_not_asked_while_the_first_may_have_sent_it_but_begins_the_next_attempt():
    first, second = ScriptedChannel(refused(uncertain=True)), ScriptedChannel()
    both = FallbackChannel(first, second)
    with pytest.raises(DeliveryError):
        await both.send(a_letter(attempts=1))
    assert second.letters == []
    again = a_letter(attempts=2)
    await both.send(again)
    assert (first.letters, second.letters) == ([], [again])


async def test_a_refusal_for_good_counts_only_when_both_gateways_say_so():
    for second, permanent in ((refused(), False), (refused(permanent=True), True)):
        both = FallbackChannel(ScriptedChannel(refused()), ScriptedChannel(second))
        with pytest.raises(DeliveryError) as failure:
            await both.send(a_letter())
        assert failure.value.permanent is permanent
    both = FallbackChannel(ScriptedChannel(refused(permanent=True)), ScriptedChannel(refused()))
    with pytest.raises(DeliveryError) as failure:
        await both.send(a_letter())
    assert not failure.value.permanent


async def test_a_gateways_answer_is_read_for_its_name_of_the_message_and_for_refusals(receiver):
    settings = SmsSettings(url=receiver.url, success="^OK", rejected="blacklist", reference=r"id=(\w+)")
    receiver.script = [(200, "OK id=a1b2", 0), (200, "ERR blacklisted", 0), (200, "ERR busy", 0)]
    channel = SmsChannel(settings)
    letter = a_letter(address="+84910000001", code="12345678")
    assert await channel.send(letter) == "a1b2"
    for permanent in (True, False):
        with pytest.raises(DeliveryError) as failure:
            await channel.send(letter)
        assert failure.value.permanent is permanent
    await channel.close()
    assert len({call.body for call in receiver.calls}) == 1


def test_a_short_message_keeps_link_and_code_where_both_fit_and_the_link_before_the_code():
    letter = a_letter(code="12345678")
    assert short_text(letter, fold=True).endswith("Nhan: https://ts.invalid/a/abc hoac ma 12345678")
    long = a_letter(code="12345678", link="https://ts.invalid/a/" + "x" * 100)
    assert short_text(long, fold=True).isascii()
    assert len(short_text(long, fold=True)) <= 160
    assert short_text(long, fold=True, parts=2).endswith("hoac ma 12345678")


@pytest.mark.skipif(not HAS_KANNEL, reason="needs kannel and kannel-extras")
async def test_kannel_tells_the_fate_of_a_message_to_the_address_that_it_was_given(tmp_path, receiver):
    async with a_kannel(tmp_path) as kannel:
        settings = SmsSettings(
            url=f"http://127.0.0.1:{kannel.port}/cgi-bin/sendsms",
            method="GET",
            encoding="query",
            fields={
                "from": "ThongSuot", "to": "{to}", "text": "{text}", "coding": "{coding}", "charset": "UTF-8",
                "dlr-mask": "31", "dlr-url": f"{receiver.url}?key=k1&status=%d",
            },
            secret_fields={"username": "u", "password": "p"},
            number_format="digits",
            success="Accepted|Queued",
        )  # fmt: skip
        await attempt(SmsChannel(settings), a_letter(address="+84910000001", code="12345678"))
        await kannel.received(1)

        async def final():
            told = [parse_qs(urlsplit(call.path).query) for call in receiver.calls]
            return [one for one in told if one["status"] == ["1"]]

        [told] = await until(final, within=60)
        assert told["key"] == ["k1"]


@pytest.mark.skipif(not shutil.which("prometheus-alertmanager"), reason="needs prometheus-alertmanager")
async def test_alertmanager_shows_our_incident_while_it_lives_and_not_after(tmp_path):
    async with (
        _an_alertmanager(tmp_path) as url,
        a_duty_room(tmp_path, clock=_RealClock()) as room,
        httpx2.AsyncClient(trust_env=False) as client,
    ):
        pusher = AlertmanagerPusher(
            AlertmanagerSettings(url=url),
            database=room.database,
            clock=room.clock,
            metrics=room.service.metrics,
            public_url="https://ts.invalid",
        )

        async def shown():
            try:
                answer = await client.get(f"{url}/api/v2/alerts")
            except httpx2.TransportError:
                return None
            return answer.json() if answer.is_success else None

        await until(lambda: _answered(shown), within=60)
        await room.cut()
        # Nobody holds a duty of 2021 today, so the gaps of the roster are incidents too.
        async with reading(room.database) as connection:
            live = await read_incidents(connection, limit=50)
        [incident] = [each for each in live if not is_gap(each.condition)]
        assert await pusher.tell() == len(live)
        [alert] = [each for each in await until(shown) if each["labels"]["incident"] == incident.number]
        assert alert["labels"]["incident"] == incident.number
        assert alert["labels"]["party"] == incident.owner
        assert alert["annotations"]["summary"] == incident.title
        for each in live:
            await room.service.cancel(each.id, actor="A", note="thử")
        assert await pusher.tell() == len(live)
        await until(lambda: _empty(shown))
        assert await pusher.tell() == 0
        await pusher.close()


@asynccontextmanager
async def _an_alertmanager(folder):
    """A real one that tells nobody, at the address given."""
    port = a_free_port()
    config = folder / "am.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    process = await asyncio.create_subprocess_exec(
        "prometheus-alertmanager", f"--config.file={config}", f"--storage.path={folder / 'd'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


class _RealClock(Clock):
    """Alertmanager goes by its own clock, so ours must be the same."""

    def __call__(self):
        return datetime.now(UTC)


async def _answered(shown):
    return await shown() is not None


async def _empty(shown):
    return await shown() == []
