"""A carrier sets where its machines are told, tries it and sees how it went: by hand, without script, and only its own."""

import json
import re

import pytest

from alerting.endpoint_service import Editor
from alerting.endpoint_store import ENDPOINT_SECRET
from alerting.endpoints import EndpointEvent
from inventory.access import Role
from tests.dashboards.conftest import Visitor
from tests.support.acting_servers import a_receiver
from tests.support.desk import CHROMIUM, a_browser, at_desk
from tests.support.duty_room import PASSWORD

SETTINGS = "/portal/settings"
VNPT = Editor("vnpt", "VNPT")
TOLD = {"event-opened": "1", "event-status": "1"}


@pytest.fixture
async def receiver():
    async with a_receiver() as receiver:
        yield receiver


async def signed_in(room, name, role, party=""):
    await room.deps.auth.add(name, role, PASSWORD, party=party)
    made = Visitor(room)
    await made.sign_in(name)
    return made


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def secret_in(answer) -> str:
    return re.search(r"whs_[\w-]{20,}", answer.text)[0]


async def test_an_address_is_added_changed_tried_and_removed_without_script(room, receiver):
    carrier = await signed_in(room, "vnpt", Role.CARRIER, "VNPT")
    answer = await carrier.send("/portal/webhooks", {"url": receiver.url, **TOLD}, seen_on=SETTINGS)
    secret = secret_in(answer)
    [made] = await room.deps.endpoints.of("VNPT")
    kept = room.sealing.open(made.secret, ENDPOINT_SECRET.place(made.id))
    assert (kept, made.events) == (secret, {EndpointEvent.OPENED, EndpointEvent.STATUS})
    assert secret not in (await carrier.see(SETTINGS)).text

    here = f"/portal/webhooks/{made.id}"
    renewed = await carrier.send(f"{here}/secret", {}, seen_on=SETTINGS)
    assert secret_in(renewed) != secret
    assert "còn ký thêm bằng khóa cũ tới" in text_of(renewed)

    receiver.script.append((503, "nội dung của máy", 0))
    tried = await carrier.send(f"{here}/test", {}, seen_on=SETTINGS)
    assert "Tin thử không được nhận. Máy trả lời 503" in text_of(tried)
    assert "nội dung của máy" not in tried.text
    assert json.loads(receiver.calls[0].body)["event"] == "test"
    soon = await carrier.send(f"{here}/test", {}, seen_on=SETTINGS)
    assert (soon.status_code, "Xin đợi mười giây." in soon.text) == (422, True)

    changed = {"url": f"{receiver.url}/2", "event-called": "1"}
    await carrier.send(f"{here}/change", changed, seen_on=SETTINGS)
    [now] = await room.deps.endpoints.of("VNPT")
    assert (now.url, now.events, now.enabled) == (f"{receiver.url}/2", {EndpointEvent.CALLED}, False)
    await carrier.send(f"{here}/remove", {}, seen_on=SETTINGS)
    assert await room.deps.endpoints.of("VNPT") == []
    await carrier.client.aclose()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"url": "noc", **TOLD}, "Đây không phải địa chỉ"),
        ({"url": "https://u:p@127.0.0.1/", **TOLD}, "Đừng ghi tên và mật khẩu"),
        ({"url": "http://169.254.169.254/latest", **TOLD}, "Hãy ghi https"),
        ({"url": "https://169.254.169.254/latest", **TOLD}, "mạng mà hệ thống không gọi tới"),
        ({"url": "http://127.0.0.1:9/"}, "Hãy chọn ít nhất một việc"),
    ],
)
async def test_what_cannot_be_is_refused_in_words_and_nothing_is_written(room, form, said):
    carrier = await signed_in(room, "vnpt", Role.CARRIER, "VNPT")
    answer = await carrier.send("/portal/webhooks", form, seen_on=SETTINGS)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert await room.deps.endpoints.of("VNPT") == []
    await carrier.client.aclose()


async def test_another_carrier_sees_and_moves_nothing_of_it(room, receiver):
    made = await room.deps.endpoints.add(VNPT, url=receiver.url, events=tuple(EndpointEvent))
    other = await signed_in(room, "viettel", Role.CARRIER, "VIETTEL")
    page = await other.see(f"{SETTINGS}?party=VNPT")
    assert receiver.url not in page.text
    for deed in ("test", "secret", "change", "remove"):
        answers = [
            await other.send(f"/portal/webhooks/{number}/{deed}", {"party": "VNPT", **TOLD}, seen_on=SETTINGS)
            for number in (made.id, 4711)
        ]
        assert [each.status_code for each in answers] == [404, 404]
        assert text_of(answers[0]) == text_of(answers[1])
    added = await other.send(
        "/portal/webhooks", {"party": "VNPT", "url": receiver.url, **TOLD}, seen_on=SETTINGS
    )
    assert added.status_code == 200
    assert [each.party for each in await room.deps.endpoints.of("VIETTEL")] == ["VIETTEL"]
    assert len(await room.deps.endpoints.of("VNPT")) == 1
    assert receiver.calls == []
    await other.client.aclose()


async def test_the_administrator_sets_any_partys_and_the_departments_own(room, receiver):
    admin = await signed_in(room, "quan-tri", Role.ADMINISTRATOR)
    department = next(iter(p.code for p in room.inventory.parties.values() if p.kind == "department"))
    for party, key in (("VNPT", "VNPT"), (department, "")):
        page = f"{SETTINGS}?party={party}"
        form = {"party": party, "url": f"{receiver.url}/{party}", **TOLD}
        assert (await admin.send("/portal/webhooks", form, seen_on=page)).status_code == 200
        assert [each.url for each in await room.deps.endpoints.of(key)] == [f"{receiver.url}/{party}"]
    assert str((await admin.see(SETTINGS)).url).endswith("/carriers")
    await admin.client.aclose()


async def test_who_may_not_set_addresses_does_not(room):
    officer = await signed_in(room, "truc", Role.DUTY_OFFICER)
    sent = await officer.send("/portal/webhooks", {"party": "VNPT", "url": "https://x"}, seen_on="/incidents")
    assert sent.status_code == 403
    assert str((await officer.see(f"{SETTINGS}?party=VNPT")).url).endswith("/carriers")
    await officer.client.aclose()


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine")
@pytest.mark.parametrize(
    ("language", "add", "taken", "sent"),
    [
        ("vi", "Thêm địa chỉ", "Tin thử đã được nhận. Máy trả lời 200.", "tin thử"),
        ("en", "Add an address", "The test message was taken. It answered 200.", "test message"),
    ],
)
async def test_an_engineer_sets_an_address_tries_it_and_sees_the_delivery(
    room, receiver, language, add, taken, sent
):
    async with (
        a_browser() as browser,
        at_desk(room, browser, language=language, name="vnpt", board="/portal") as desk,
    ):
        await desk.go(SETTINGS)
        await desk.see("#webhooks summary").to_have_text(add)
        await desk.write("#webhooks [name=url]", "http://127.0.0.1:9/old")
        await desk.click("#webhooks form button.primary")
        await desk.see(".once code").to_contain_text("whs_")
        await desk.click(".hook details summary")
        await desk.write(".hook [name=url]", receiver.url)
        await desk.click(".hook details[open] button.primary")
        await desk.see(".hook h3").to_contain_text(receiver.url)
        await desk.click(".hook-deeds > form button")
        await desk.see(".hook [role=status]").to_contain_text(taken)
        await desk.see(".told li").to_contain_text(sent)
        assert desk.steps <= 6
    [call] = receiver.calls
    assert json.loads(call.body)["event"] == "test"
