"""Mail through a real SMTP conversation."""

import asyncio
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest

from alerting.errors import DeliveryError
from alerting.models import MessageKind
from alerting.notify.email import EmailChannel, letter_to_mail
from alerting.settings import EmailSettings
from inventory.models import ContactChannel
from tests.support.acting import a_duty_room
from tests.support.acting_servers import ScriptedChannel, a_free_port, a_letter, a_mail_sink, an_outbox_worker

SENDER = "thongsuot@so.invalid"


@pytest.fixture
async def sink():
    async with a_mail_sink() as sink:
        yield sink


def a_channel(port, **changes):
    return EmailChannel(EmailSettings(host="127.0.0.1", port=port, sender=SENDER, **changes))


async def test_a_page_arrives_with_its_vietnamese_subject_and_text_unharmed(sink):
    await a_channel(sink.port).send(a_letter())
    [mail] = sink.mails
    assert mail["Subject"] == "[P1] SC-21-0001 Vòng ring VNPT-RING-947 (Mỹ Xuyên): 11 xã mất đường VNPT"
    assert mail["From"] == "Thông Suốt <thongsuot@so.invalid>"
    assert mail["To"] == "truc1@vnpt.invalid"
    assert "Mất từ: 12:00:00 23/05/2021" in mail.get_content()
    assert mail["Date"].datetime.isoformat() == "2021-05-23T05:00:00+00:00"


NAMES = ["Thông Suốt", "Thong Suot", "Sở Thông tin và Truyền thông tỉnh Sóc Trăng, trực ban bầu cử"]


@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_a_subject_or_of_the_senders_name_runs_into_the_next_however_long_they_are(name):
    settings = EmailSettings(host="127.0.0.1", sender=SENDER, sender_name=name)
    title = (
        "Vòng ring Mỹ Xuyên: 11 xã mất đường VNPT, chờ số liệu của các huyện Kế Sách, Cù Lao Dung, Thạnh Trị"
    )
    for length in range(1, len(title)):
        letter = a_letter(body={"title": title[:length].rstrip()})
        content = letter_to_mail(letter, settings).as_bytes(policy=policy.SMTP)
        read = message_from_bytes(content, policy=policy.default)
        assert read["Subject"] == f"[P1] SC-21-0001 {title[:length].rstrip()}"
        # Python's own parser puts a space between the encoded words of a name (RFC 2047, section 6.2, has none there).
        sender = message_from_bytes(content)["From"]
        assert " ".join(str(make_header(decode_header(sender))).split()) == f"{name} <{SENDER}>"
        head, _, _ = content.partition(b"\r\n\r\n")
        assert max(len(line) for line in head.split(b"\r\n")) <= 78


async def test_mails_of_one_incident_form_a_thread_and_say_that_no_person_wrote_them(sink):
    channel = a_channel(sink.port)
    await channel.send(a_letter())
    await channel.send(a_letter(key="1:1:1:0:vnpt-2.0:email"))
    first, second = sink.mails
    assert first["References"] == second["References"] == "<SC-21-0001@so.invalid>"
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert (first["Importance"], first["X-Priority"]) == ("high", "1")


async def test_the_same_message_sent_again_has_the_same_message_id(sink):
    channel = a_channel(sink.port)
    await channel.send(a_letter())
    await channel.send(a_letter(link="https://ts.invalid/a/other", attempts=2))
    first, second = sink.mails
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_notice_is_not_marked_urgent(sink):
    await a_channel(sink.port).send(a_letter(link="", kind=MessageKind.NOTICE, body={"what": "restored"}))
    assert sink.mails[0]["Importance"] is None


@pytest.mark.parametrize(
    ("reply", "permanent"),
    [("451 try later", False), ("452 full", False), ("554 no", True), ("552 too big", True)],
)
async def test_the_relays_answer_decides_whether_a_later_attempt_can_help(sink, reply, permanent):
    sink.replies.append(reply)
    with pytest.raises(DeliveryError) as failure:
        await a_channel(sink.port).send(a_letter())
    assert (failure.value.permanent, failure.value.uncertain) == (permanent, False)
    assert sink.mails == []


@pytest.mark.parametrize(("reply", "permanent"), [("550 unknown", True), ("450 greylisted", False)])
async def test_a_refused_recipient_is_refused_for_good_or_for_now(sink, reply, permanent):
    sink.refused["truc1@vnpt.invalid"] = reply
    with pytest.raises(DeliveryError) as failure:
        await a_channel(sink.port).send(a_letter())
    assert (failure.value.permanent, failure.value.uncertain) == (permanent, False)


async def test_a_relay_that_is_not_there_is_a_failure_for_now_that_surely_sent_nothing():
    with pytest.raises(DeliveryError) as failure:
        await a_channel(a_free_port()).send(a_letter())
    assert (failure.value.permanent, failure.value.uncertain) == (False, False)


async def test_silence_after_the_text_leaves_it_open_whether_the_mail_left(sink):
    async def silence():
        await asyncio.sleep(1)
        return "250 too late"

    sink.replies.append(silence)
    with pytest.raises(DeliveryError) as failure:
        await a_channel(sink.port, timeout_seconds=0.2).send(a_letter())
    assert (failure.value.permanent, failure.value.uncertain) == (False, True)


async def test_an_address_that_is_none_is_refused_for_good(sink):
    with pytest.raises(DeliveryError) as failure:
        await a_channel(sink.port).send(a_letter(address="không phải địa chỉ\nBcc: x@y.invalid"))
    assert failure.value.permanent


async def test_from_a_cut_to_the_mail_of_the_person_on_duty_and_nobody_else(tmp_path, sink):
    async with a_duty_room(tmp_path) as room:
        sms = ScriptedChannel()
        channels = {ContactChannel.EMAIL: a_channel(sink.port), ContactChannel.SMS: sms}
        async with an_outbox_worker(room, channels):
            incident = await room.cut()
            await sink.wait_for(1)
            await room.service.acknowledge(incident.id, actor="Trực ca VNPT 1", person="vnpt-1")
            await sink.wait_for(2)
            await room.mend()
            await sink.wait_for(3)
            await room.pass_time(seconds=30)
            await sink.wait_for(4)
    assert [(mail["To"], mail["Subject"].split(" Vòng")[0]) for mail in sink.mails] == [
        ("truc1@vnpt.invalid", "[P2] SC-21-0001"),
        ("truc@so.invalid", "[P2] SC-21-0001 Đã tiếp nhận:"),
        ("truc@so.invalid", "[P2] SC-21-0001 Đã có tín hiệu trở lại, đang xác minh:"),
        ("truc@so.invalid", "[P2] SC-21-0001 Đã khôi phục, chờ đóng phiếu:"),
    ]
    assert [(letter.message.address, letter.message.kind) for letter in sms.letters] == [
        ("+84910000001", "page")
    ]
