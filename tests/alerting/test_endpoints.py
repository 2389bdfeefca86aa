"""A party's own machines are told of its incidents, in order and signed; what they are told and where is kept in bounds."""

import asyncio
import hashlib
import hmac
import json
import ssl
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from alerting.direction import reassign
from alerting.endpoint_address import Reach
from alerting.endpoint_service import MOST, Editor
from alerting.endpoint_store import change_endpoint
from alerting.endpoints import EVENT_VALID, OVERLAP, EndpointEvent, EndpointFault, Trouble, trouble_of
from alerting.errors import RefusedEndpointError, UnknownEndpointError
from alerting.message_store import messages_of, oldest_waiting
from alerting.models import DeliveryState
from alerting.notify.event import signatures
from alerting.notify.webhook import SIGNATURE, signature
from alerting.schema import incidents, outbox
from alerting.settings import EventSettings
from inventory.database import reading, transaction
from inventory.models import ContactChannel
from tests.support.acting import a_duty_room, until
from tests.support.acting_servers import a_receiver
from tests.support.certificates import Authority
from tests.support.machines import EVERYTHING, VNPT, Machines, told
from tests.support.sealing import a_key

VIETTEL = Editor("NOC Viettel", "VIETTEL")


@pytest.fixture
async def machines(tmp_path, database_url):
    async with a_duty_room(tmp_path, url=database_url) as room:
        yield Machines(room)


@pytest.fixture
async def receiver():
    async with a_receiver() as receiver:
        yield receiver


async def test_every_entry_of_the_ledger_is_told_once_and_in_order(machines, receiver):
    made = await machines.add(receiver)
    await machines.room.cut()
    await machines.room.service.acknowledge(1, actor="NOC VNPT")
    await machines.room.service.progress(1, actor="NOC VNPT", note="đội đang đi")
    await machines.quiet()
    entries = await machines.room.ledger(1)
    assert [each["sequence"] for each in told(receiver)] == [entry.sequence for entry in entries]
    assert [each["deed"] for each in told(receiver)] == [entry.event.value for entry in entries]
    first = told(receiver)[0]
    assert (first["event"], first["incident"]["owner"], first["link"]) == (
        "opened",
        "VNPT",
        "https://ts.invalid/incidents/1",
    )
    assert told(receiver)[-1]["note"] == "đội đang đi"
    [taken] = [each for each in told(receiver) if each["deed"] == "acknowledged"]
    assert (taken["event"], taken["incident"]["state"]) == ("status", "acknowledged")
    for call in receiver.calls:
        assert call.headers["thongsuot-key"] == json.loads(call.body)["key"]
        stamp = int(machines.room.clock().timestamp())
        assert call.headers[SIGNATURE.lower()] == signature(made.secret.encode(), call.body, stamp)


async def test_only_what_was_chosen_is_told_and_nothing_of_another_party(machines, receiver):
    await machines.add(receiver, events=[EndpointEvent.STATUS])
    async with a_receiver() as other:
        await machines.add(other, by=VIETTEL)
        await machines.room.cut()
        await machines.room.service.acknowledge(1, actor="NOC VNPT")
        await machines.quiet()
        assert [each["event"] for each in told(receiver)] == ["status"]
        assert other.calls == []


async def test_whom_an_incident_is_handed_to_hears_of_it_and_who_had_it_no_more(machines, receiver):
    await machines.add(receiver)
    async with a_receiver() as other:
        await machines.add(other, by=VIETTEL)
        await machines.room.cut()
        await machines.quiet()
        before = len(told(receiver))
        deed = partial(reassign, actor="Trực Sở", owner="VIETTEL", note="việc của bạn")
        await machines.room.service.act(1, deed)
        await machines.quiet()
        assert len(receiver.calls) == before
        first = told(other)[0]
        assert (first["event"], first["incident"]["owner"]) == ("opened", "VIETTEL")
        assert [each["sequence"] for each in told(other)] == list(range(1, len(other.calls) + 1))
        assert first["key"].endswith(":1")
        assert "VNPT" not in json.dumps(
            {**first, "incident": {**first["incident"], "title": "", "title_en": ""}}
        )


async def test_what_is_restricted_is_told_to_no_machine(machines, receiver):
    await machines.add(receiver)
    await machines.room.cut()
    await machines.quiet()
    before = len(told(receiver))
    async with transaction(machines.room.database) as connection:
        await connection.execute(update(incidents).values(restricted=True))
    await machines.room.service.note(1, actor="NOC VNPT", note="kín")
    await machines.quiet()
    assert len(receiver.calls) == before


async def test_an_event_that_is_not_taken_holds_up_its_own_incident_alone_and_is_tried_again(
    machines, receiver
):
    await machines.add(receiver)
    receiver.script.append((503, "", 0))
    await machines.room.cut()
    async with machines.telling() as worker:
        await until(lambda: asyncio.sleep(0, len(receiver.calls) == 1))
        await machines.room.service.note(1, actor="NOC VNPT", note="sau")
        worker.wake()

        async def waits():
            rows = await machines.rows()
            return rows[0]["state"] == "pending" and rows[0]["error"] == "answered 503"

        await until(waits)
        [first, *_] = await machines.service.deliveries("VNPT")
        assert first.state is DeliveryState.PENDING
        assert len(receiver.calls) == 1
        machines.room.clock.advance(seconds=6)
        worker.wake()

        async def everything():
            return all(row["state"] == "sent" for row in await machines.rows())

        await until(everything)
    sequences = [each["sequence"] for each in told(receiver)]
    assert sequences == [1, *range(1, len(sequences))]
    assert told(receiver)[0]["key"] == told(receiver)[1]["key"]


async def test_a_machine_that_is_away_alarms_nobody_and_is_given_up_after_a_day(machines, receiver):
    await machines.add(receiver)
    receiver.script += [(503, "", 0)] * 50
    await machines.room.cut()
    async with reading(machines.room.database) as connection:
        assert all(one.channel is not ContactChannel.EVENT for one in await messages_of(connection, 1))
    machines.room.clock.advance(seconds=EVENT_VALID.total_seconds() + 1)
    await machines.quiet()
    assert {row["state"] for row in await machines.rows()} == {"failed"}
    async with transaction(machines.room.database) as connection:
        await connection.execute(update(outbox).where(outbox.c.channel != "event").values(state="sent"))
        await connection.execute(update(outbox).where(outbox.c.channel == "event").values(state="pending"))
        assert await oldest_waiting(connection, machines.room.clock()) is None


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(machines, receiver):
    made = await machines.add(receiver)
    renewed = await machines.service.renew_secret(VNPT, made.id)
    assert renewed.secret != made.secret
    await machines.service.test(VNPT, made.id)
    both = receiver.calls[0].headers[SIGNATURE.lower()]
    stamp = int(machines.room.clock().timestamp())
    for secret in (renewed.secret, made.secret):
        signed = f"{stamp}.".encode() + receiver.calls[0].body
        assert f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}" in both
    machines.room.clock.advance(seconds=OVERLAP.total_seconds())
    await machines.service.test(VNPT, made.id)
    assert receiver.calls[1].headers[SIGNATURE.lower()].count("v1=") == 1


def test_one_secret_signs_as_every_webhook_is_signed():
    assert signatures(("s",), b"{}", 7) == signature(b"s", b"{}", 7)


@pytest.mark.parametrize(
    ("script", "trouble", "status"),
    [
        ((204, "", 0), None, 204),
        ((404, "", 0), Trouble.ANSWERED, 404),
        ((302, "", 0), Trouble.ANSWERED, 302),
        ((0, "", 0), Trouble.NO_ANSWER, None),
    ],
)
async def test_a_test_message_says_at_once_how_it_went(machines, receiver, script, trouble, status):
    made = await machines.add(receiver)
    receiver.script.append(script)
    trial = await machines.service.test(VNPT, made.id)
    assert (trial.trouble, trial.status) == (trouble, status)
    assert trial.seconds < 5
    [row] = await machines.service.deliveries("VNPT")
    assert (row.event, row.number, row.attempts) == ("test", "", 1)
    assert row.state is (DeliveryState.FAILED if trouble else DeliveryState.SENT)
    assert (await machines.rows())[0]["incident"] is None
    assert told(receiver)[0]["event"] == "test"
    with pytest.raises(RefusedEndpointError) as refused:
        await machines.service.test(VNPT, made.id)
    assert refused.value.fault is EndpointFault.TOO_SOON


async def test_nobody_elses_endpoint_can_be_told_from_one_that_never_was(machines, receiver):
    made = await machines.add(receiver)
    service = machines.service
    for number in (made.id, 4711):
        deeds = (
            service.test(VIETTEL, number),
            service.remove(VIETTEL, number),
            service.renew_secret(VIETTEL, number),
            service.change(VIETTEL, number, url=receiver.url, events=EVERYTHING, enabled=False),
        )
        for deed in deeds:
            with pytest.raises(UnknownEndpointError):
                await deed
    assert await service.of("VIETTEL") == []
    assert await service.deliveries("VIETTEL") == []
    assert [each.enabled for each in await service.of("VNPT")] == [True]
    assert receiver.calls == []


async def test_what_was_switched_off_or_removed_is_told_nothing_more(machines, receiver):
    made = await machines.add(receiver)
    await machines.room.cut()
    await machines.service.change(VNPT, made.id, url=made.url, events=EVERYTHING, enabled=False)
    await machines.quiet()
    assert receiver.calls == []
    assert {trouble_of(row["error"]) for row in await machines.rows()} == {Trouble.OFF}
    before = len(await machines.rows())
    await machines.room.service.note(1, actor="NOC VNPT", note="x")
    assert len(await machines.rows()) == before
    await machines.service.remove(VNPT, made.id)
    assert await machines.service.of("VNPT") == []


async def test_an_address_is_written_down_once_and_there_are_not_too_many(machines, receiver):
    await machines.add(receiver)
    with pytest.raises(RefusedEndpointError, match="already"):
        await machines.add(receiver)
    for number in range(MOST - 1):
        await machines.service.add(VNPT, url=f"{receiver.url}/{number}", events=EVERYTHING)
    with pytest.raises(RefusedEndpointError, match="too many"):
        await machines.service.add(VNPT, url=f"{receiver.url}/x", events=EVERYTHING)
    with pytest.raises(RefusedEndpointError, match="no event"):
        await machines.service.add(VIETTEL, url=receiver.url, events=())


def leading_to(*numbers):
    async def resolve(_name, _port):
        return numbers

    return resolve


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("ftp://noc.example/x", EndpointFault.NO_ADDRESS),
        ("noc.example/x", EndpointFault.NO_ADDRESS),
        ("https://", EndpointFault.NO_ADDRESS),
        ("https://noc.example/" + "x" * 200, EndpointFault.NO_ADDRESS),
        ("https://noc.example/a b", EndpointFault.NO_ADDRESS),
        ("https://noc.example/\r\nX: y", EndpointFault.NO_ADDRESS),
        ("https://noc.example:port/", EndpointFault.NO_ADDRESS),
        ("https://[::1", EndpointFault.NO_ADDRESS),
        ("https://noc.example\\@127.0.0.1/", EndpointFault.NO_ADDRESS),
        ("https://user:pass@noc.example/x", EndpointFault.CREDENTIALS),
        ("http://noc.example/x", EndpointFault.PLAIN_HTTP),
    ],
)
async def test_what_is_no_address_to_call_is_refused(url, fault):
    with pytest.raises(RefusedEndpointError) as refused:
        await Reach(resolve=leading_to("203.1.2.3")).look(url)
    assert refused.value.fault is fault


@pytest.mark.parametrize(
    "number",
    [
        "127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1",
        "100.64.0.1", "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "ff02::1",
    ],
)  # fmt: skip
async def test_no_name_leads_into_a_network_that_is_not_public(number):
    for numbers in ((number,), ("203.1.2.3", number)):
        with pytest.raises(RefusedEndpointError) as refused:
            await Reach(resolve=leading_to(*numbers)).look("https://noc.example/x")
        assert refused.value.fault is EndpointFault.FORBIDDEN_NETWORK


async def test_the_operators_networks_may_be_called_over_plain_http_too():
    reach = Reach(EventSettings(networks=("10.0.0.0/8",)).networks, resolve=leading_to("10.1.2.3"))
    found = await reach.look("http://noc.example:8080/x?y=1")
    assert (found.url, found.host, found.name) == (
        "http://10.1.2.3:8080/x?y=1",
        "noc.example:8080",
        "noc.example",
    )
    with pytest.raises(RefusedEndpointError):
        await Reach(reach._networks, resolve=leading_to("127.0.0.1")).look("http://noc.example/x")


async def test_a_name_that_leads_elsewhere_later_is_not_followed(tmp_path, receiver):
    leads = SimpleNamespace(to="127.0.0.1")

    async def resolve(_name, _port):
        return [leads.to]

    async with a_duty_room(tmp_path) as room:
        networks = EventSettings(networks=("127.0.0.0/30",)).networks
        machines = Machines(room, reach=Reach(networks, resolve=resolve))
        made = await machines.service.add(
            VNPT, url=f"http://noc.example:{receiver.port}/x", events=EVERYTHING
        )
        assert (await machines.service.test(VNPT, made.id)).status == 200
        assert receiver.calls[0].headers["host"] == f"noc.example:{receiver.port}"
        leads.to = "127.0.0.9"
        room.clock.advance(seconds=timedelta(minutes=1).total_seconds())
        assert (await machines.service.test(VNPT, made.id)).trouble is Trouble.ADDRESS
        assert len(receiver.calls) == 1


@pytest.mark.parametrize(
    ("certified", "trouble"), [("noc.example", None), ("127.0.0.1", Trouble.NOT_REACHED)]
)
async def test_the_certificate_must_be_that_of_the_name_whatever_number_is_called(
    tmp_path, receiver, certified, trouble
):
    authority = Authority()
    identity = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    identity.load_cert_chain(*authority.mint(certified).write(tmp_path, "noc"))
    trust = ssl.create_default_context(cafile=str(authority.write(tmp_path / "ca.pem")))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=identity)
    port = server.sockets[0].getsockname()[1]
    async with a_duty_room(tmp_path) as room:
        networks = EventSettings(networks=("127.0.0.0/8",)).networks
        reach = Reach(networks, resolve=leading_to("127.0.0.1"))
        machines = Machines(room, reach=reach, trust=trust)
        made = await machines.service.add(VNPT, url=f"https://noc.example:{port}/x", events=EVERYTHING)
        assert (await machines.service.test(VNPT, made.id)).trouble is trouble
        assert [call.path for call in receiver.calls] == ([] if trouble else ["/x"])
    server.close()
    await receiver.settle()
    await server.wait_closed()


async def test_without_its_key_an_event_waits_and_is_signed_when_the_key_is_back(machines, receiver):
    made = await machines.add(receiver)
    machines.keys.keys, machines.sealing._held = [a_key(2)], None
    trial = await machines.service.test(VNPT, made.id)
    assert (trial.trouble, receiver.calls) == (Trouble.SEALED, [])
    with pytest.raises(RefusedEndpointError) as refused:
        await machines.service.renew_secret(VNPT, made.id)
    assert refused.value.fault is EndpointFault.NOT_SEALED
    with pytest.raises(RefusedEndpointError):
        await machines.service.add(VNPT, url=f"{receiver.url}/2", events=EVERYTHING)
    assert len(await machines.service.of("VNPT")) == 1
    machines.keys.keys = [a_key(1)]
    machines.room.clock.advance(seconds=11)
    assert (await machines.service.test(VNPT, made.id)).trouble is None
    [call] = receiver.calls
    stamp = int(machines.room.clock().timestamp())
    assert call.headers[SIGNATURE.lower()] == signature(made.secret.encode(), call.body, stamp)


async def test_a_secret_that_no_key_opens_any_more_is_mended_by_a_new_one(machines, receiver):
    made = await machines.add(receiver)
    async with transaction(machines.room.database) as connection:
        torn = {"secret": "sealed.00000000.AAAA"}
        await change_endpoint(connection, made.id, torn)
    renewed = await machines.service.renew_secret(VNPT, made.id)
    assert (await machines.service.test(VNPT, made.id)).trouble is None
    [call] = receiver.calls
    stamp = int(machines.room.clock().timestamp())
    assert call.headers[SIGNATURE.lower()] == signature(renewed.secret.encode(), call.body, stamp)
