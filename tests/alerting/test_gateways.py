"""What gateways say later: receipts that only move forward, codes that are typed, alerts of another Alertmanager."""

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from alerting.contact_store import faults_of_contacts
from alerting.models import DeliveryState, IncidentState
from alerting.schema import outbox
from alerting.web.gateways import gateway_routes
from inventory.database import reading
from inventory.models import ContactChannel
from tests.support.acting import a_duty_room, until
from tests.support.acting_servers import ScriptedChannel, an_outbox_worker, refused

EMAIL, SMS = ContactChannel.EMAIL, ContactChannel.SMS
TOKEN, OTHER = "cổng-sms".encode().hex(), "alertmanager-token"
SENT, DELIVERED, FAILED = DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.FAILED


@pytest.fixture
async def room(tmp_path, database_url):
    async with a_duty_room(tmp_path, url=database_url) as room:
        yield room


class NamedChannel(ScriptedChannel):
    """A gateway that gives every message a name."""

    async def send(self, letter):
        await super().send(letter)
        return f"ref-{letter.message.key}"


class Gateway:
    """The doors of the service, and the worker behind them."""

    def __init__(self, room, worker, client, mail, sms):
        self.room, self.worker, self.client = room, worker, client
        self.mail, self.sms = mail, sms

    async def receipt(self, token=TOKEN, **fields):
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.post("/hooks/receipts", data=fields, headers=headers)

    async def answer(self, text, sender="+84910000001"):
        answer = await self.client.get(
            "/hooks/answers", params={"token": TOKEN, "from": sender, "text": text}
        )
        return answer.text

    async def state_of(self, channel):
        return next(m.state for m in await self.room.messages() if m.channel is channel and m.kind == "page")

    async def sent(self):
        async def both():
            return len(self.mail.letters) + len(self.sms.letters) >= 2 and {
                m.state for m in await self.room.messages() if m.kind == "page"
            } <= {SENT, DELIVERED}

        await until(both)

    def key(self, channel):
        letters = self.mail.letters if channel is EMAIL else self.sms.letters
        return letters[0].message.key


@pytest.fixture
async def gateway(room):
    mail, sms = ScriptedChannel(), NamedChannel()
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}) as worker:
        app = FastAPI()
        app.include_router(
            gateway_routes(
                service=room.service, outbox=worker, clock=room.clock, monotonic=lambda: 0.0,
                gateway_token=TOKEN, alerts_token=OTHER,
            )
        )  # fmt: skip
        async with AsyncClient(transport=ASGITransport(app), base_url="http://ts.invalid") as client:
            yield Gateway(room, worker, client, mail, sms)
    async with reading(room.database) as connection:
        decided = set((await connection.execute(select(outbox.c.key))).scalars())
    left = [one.key for letter in mail.letters + sms.letters for one in letter.messages]
    assert len(left) == len(set(left)), "each leaves once"
    assert set(left) <= decided


async def test_a_receipt_by_key_or_by_the_gateways_own_name_moves_a_page_to_delivered(room, gateway):
    await room.cut()
    await gateway.sent()
    key = gateway.key(SMS)
    assert (await gateway.receipt(reference=f"ref-{key}", status="delivered")).status_code == 204
    assert await gateway.state_of(SMS) == DELIVERED
    assert (await gateway.receipt(key=gateway.key(EMAIL), status="1")).status_code == 204
    assert await gateway.state_of(EMAIL) == DELIVERED
    page = next(m for m in await room.messages() if m.channel is SMS)
    assert page.delivered_at == room.clock()


async def test_the_first_final_word_stands_and_a_word_on_the_way_changes_nothing(room, gateway):
    await room.cut()
    await gateway.sent()
    key = gateway.key(SMS)
    for status in ("8", "4", "buffered"):
        await gateway.receipt(key=key, status=status)
        assert await gateway.state_of(SMS) == SENT
    await gateway.receipt(key=key, status="delivered")
    await gateway.receipt(key=key, status="failed")
    assert await gateway.state_of(SMS) == DELIVERED
    assert (await gateway.receipt(key="nobody's", status="failed")).status_code == 204
    assert room.service.metrics.receipts.labels("unknown")._value.get() == 1


async def test_a_number_that_could_not_be_reached_is_marked_its_people_told_once_and_success_clears_it(
    room, gateway
):
    await room.cut()
    await gateway.sent()
    await gateway.receipt(key=gateway.key(SMS), status="2", reason="absent subscriber")
    assert await gateway.state_of(SMS) == FAILED
    async with reading(room.database) as connection:
        [fault] = await faults_of_contacts(connection)
    assert (fault.channel, fault.address, fault.person) == (SMS, "+84910000001", "vnpt-1")
    assert await room.service.tell_of_contacts() == 1
    assert await room.service.tell_of_contacts() == 0
    notices = [m for m in await room.messages() if m.kind == "notice"]
    assert {(n.person, n.body["what"], n.body["contact"]) for n in notices} == {
        ("stttt-1", "contact_refused", "sms:+84910000001")
    }
    await room.believe("path:UB-31501-DT")
    await room.service.absorb()

    async def cleared():
        async with reading(room.database) as connection:
            return not await faults_of_contacts(connection)

    if any(m.channel is SMS for m in await room.messages(2)):
        await until(cleared)


async def test_once_all_of_a_step_is_reported_undelivered_the_next_person_is_called(room, gateway):
    await room.cut()
    await gateway.sent()
    for channel in (SMS, EMAIL):
        await gateway.receipt(key=gateway.key(channel), status="failed")
    assert await room.service.tick() == 1
    assert (await room.incident()).assignee == "vnpt-2"


async def test_a_code_typed_in_a_reply_acknowledges_as_the_person_it_was_sent_to_first_wins(room, gateway):
    await room.cut()
    await gateway.sent()
    code = gateway.sms.letters[0].code
    assert "Khong thay ma" in await gateway.answer("tôi đang tới")
    assert "khong dung" in await gateway.answer("9999 9999")
    assert (await room.incident()).state is IncidentState.OPEN
    assert (await gateway.answer(f"Ma {code[:4]} {code[4:]} ok")).startswith("Da tiep nhan SC-21-")
    taken = await room.incident()
    assert (taken.state, taken.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "Trực ca VNPT 1")
    assert (await gateway.answer(code, sender="another")).startswith("Da tiep nhan SC-21-")
    assert (await room.events()).count("acknowledged") == 1
    room.clock.advance(hours=1)
    assert "khong dung" in await gateway.answer(code, sender="a third")


async def test_codes_are_not_to_be_guessed(room, gateway):
    answers = [
        (await gateway.client.get("/hooks/answers", params={"token": TOKEN, "from": "x", "text": "12345678"}))
        for _ in range(7)
    ]
    assert [answer.status_code for answer in answers[:5]] == [200] * 5
    assert answers[-1].status_code == 429


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [("/hooks/receipts", "wrong", 401), ("/hooks/answers", "", 401), ("/hooks/alertmanager", TOKEN, 401)],
)
async def test_every_door_has_its_own_token(gateway, path, token, status):
    answer = await gateway.client.post(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status


async def told(gateway, *alerts, status=204):
    answer = await gateway.client.post(
        "/hooks/alertmanager",
        json={"version": "4", "alerts": list(alerts)},
        headers={"Authorization": f"Bearer {OTHER}"},
    )
    assert answer.status_code == status, answer.text
    return answer


def an_alert(status="firing", **changes):
    return {
        "status": status,
        "fingerprint": "c0ffee",
        "labels": {"alertname": "DiskFull", "party": "VNPT", "site": "UB-31501"},
        "annotations": {"summary": "Đĩa đầy"},
        "startsAt": "2021-05-23T04:59:00Z",
        "endsAt": "2021-05-23T04:59:30Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        **changes,
    }


async def test_an_alert_opens_one_incident_however_often_it_is_told_and_its_end_restores_it(room, gateway):
    for _ in range(3):
        await told(gateway, an_alert())
    opened = await room.incident()
    assert (opened.condition, opened.owner, opened.title) == ("alert:c0ffee", "VNPT", "Đĩa đầy")
    assert len(await room.incidents()) == 1
    await told(gateway, an_alert("resolved"))
    await told(gateway, an_alert("resolved"))
    assert (await room.incident()).state is IncidentState.RESTORED


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "maybe"},
        {"fingerprint": ""},
        {"fingerprint": 5},
        {"startsAt": "yesterday"},
        {"startsAt": "2021-05-23T04:59:00"},
    ],
    ids=str,
)
async def test_an_alert_that_cannot_be_read_is_refused_by_name_and_changes_nothing(room, gateway, broken):
    answer = await told(gateway, an_alert(**broken), status=422)
    assert "alerts[0]" in answer.json()["detail"]
    assert await room.incidents() == []


async def test_a_contact_refused_for_good_while_sending_is_marked_and_one_without_a_gateway_is_not(room):
    sms = ScriptedChannel(refused(permanent=True))
    async with an_outbox_worker(room, {SMS: sms}):
        await room.cut()

        async def over():
            return {m.state for m in await room.messages() if m.kind == "page"} == {FAILED}

        await until(over)
    async with reading(room.database) as connection:
        assert [fault.channel for fault in await faults_of_contacts(connection)] == [SMS]
