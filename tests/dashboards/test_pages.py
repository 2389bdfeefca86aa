"""What people see and do on the pages, without a browser."""

import re
from datetime import timedelta

import pytest

from alerting.models import IncidentState
from dashboards.routes import PAGES
from inventory.access import Role
from inventory.database import transaction
from tests.dashboards.conftest import ORIGIN, Visitor
from tests.support.duty_room import PASSWORD


def text_of(answer) -> str:
    """The page as it is read: tags out, space folded."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.fixture
async def cut(room):
    await room.cut("VNPT-RING-947")
    [incident] = await room.incidents()
    return incident


async def signed_in(room, name: str, role: Role, party: str = "") -> Visitor:
    await room.deps.auth.add(name, role, PASSWORD, party=party)
    visitor = Visitor(room)
    await visitor.sign_in(name)
    return visitor


async def test_a_calm_province_says_that_nothing_waits(officer):
    page = await officer.see("/")
    assert "109 xã, phường, thị trấn" in text_of(page)
    assert "Không có phiếu sự cố nào đang mở." in page.text
    assert page.text.count('class="tile ready') == 109


async def test_a_cut_is_read_off_the_board_in_one_glance(officer, cut):
    page = await officer.see("/")
    assert page.text.count('class="tile at_risk') == 8
    assert page.text.count('class="tile degraded') == 3
    row = text_of(page).split("Phiếu sự cố đang mở")[1]
    assert "1 phiếu · 1 chưa tiếp nhận" in row
    assert cut.title in row
    assert "8 xã còn một đường" in row
    assert "VNPT Sóc Trăng" in row
    assert "Tiếp nhận trong" in row
    assert "Đài truyền thanh huyện Mỹ Xuyên" in text_of(page)


async def test_the_board_is_there_without_script(officer):
    page = await officer.see("/")
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in page.text
    assert re.search(r"<time data-clock[^>]*>19:18:02</time>", page.text)


async def test_the_wall_shows_the_board_without_controls(room, cut):
    screen = await signed_in(room, "ubbc", Role.COMMITTEE)
    page = await screen.see("/wall")
    assert page.status_code == 200
    assert "<form" not in page.text.split("<dialog")[0]
    assert cut.title in page.text
    await screen.client.aclose()


async def test_an_incident_is_acknowledged_worked_on_restored_verified_and_closed(room, officer, cut):
    page = f"/incidents/{cut.id}"
    before = await officer.see(page)
    assert 'id="acknowledge"' in before.text
    assert "đã gọi, chưa trả lời" in text_of(before)

    taken = await officer.send(f"{page}/acknowledge", {"note": ""}, seen_on=page)
    assert str(taken.url) == f"{ORIGIN}{page}"
    assert "Đã tiếp nhận" in text_of(taken)
    assert 'id="acknowledge"' not in taken.text

    told = await officer.send(f"{page}/progress", {"note": "Đang hàn cáp", "eta": "19:50"}, seen_on=page)
    assert "Đang hàn cáp" in told.text
    assert "Dự kiến xong lúc 19:50" in text_of(told)

    await room.restore()
    assert "Đã thông trở lại (theo đo kiểm)" in (await officer.see(page)).text
    await room.advance(120)
    closing = await officer.send(
        f"{page}/close", {"cause": "fibre_cut", "note": "Xe cẩu làm đứt cáp, đã hàn nối."}, seen_on=page
    )
    assert "Đứt cáp quang" in text_of(closing)
    stored = await room.deps.records.incident(cut.id, owner=None)
    assert stored.state is IncidentState.CLOSED
    assert stored.acknowledged_by == "Trực ban Sở 1"
    listing = text_of(await officer.see("/incidents"))
    assert "Không có phiếu sự cố nào đang mở." in listing
    assert stored.number in listing.split("Phiếu đã kết thúc")[1]


async def test_an_hour_that_has_passed_means_tomorrow(room, officer, cut):
    page = f"/incidents/{cut.id}"
    await officer.send(f"{page}/acknowledge", {}, seen_on=page)
    told = await officer.send(f"{page}/progress", {"note": "x", "eta": "01:30"}, seen_on=page)
    assert "Dự kiến xong lúc 24/05 01:30" in text_of(told)


async def test_a_claim_of_restoration_is_told_apart_from_a_measured_one(room, officer, cut):
    page = f"/incidents/{cut.id}"
    await officer.send(f"{page}/acknowledge", {}, seen_on=page)
    claimed = await officer.send(f"{page}/restored", {"note": "Đã xong"}, seen_on=page)
    assert "Báo khôi phục" in text_of(claimed)
    assert "theo đo kiểm" not in claimed.text


async def test_a_carrier_sees_and_acts_on_its_own_incidents_alone(room, cut):
    theirs = await signed_in(room, "vnpt", Role.CARRIER, "VNPT")
    others = await signed_in(room, "viettel", Role.CARRIER, "VIETTEL")
    page = f"/incidents/{cut.id}"

    assert str((await theirs.see("/")).url) == f"{ORIGIN}/portal"
    assert cut.title in (await theirs.see("/incidents")).text
    assert "Tiếp nhận" in text_of(await theirs.see(page))
    assert "Đóng phiếu" not in text_of(await theirs.see(page)).split("Diễn biến")[0]

    assert cut.title not in (await others.see("/incidents")).text
    assert (await others.see(page)).status_code == 404
    refused = await others.send(f"{page}/acknowledge", {}, seen_on="/incidents")
    assert refused.status_code == 404
    assert (await room.deps.records.incident(cut.id, owner=None)).state is IncidentState.OPEN

    duty = text_of(await others.see("/duty"))
    assert "Trực ca Viettel" in duty
    assert "Trực ca VNPT" not in duty
    for closed in ("/wall", "/sites/UBBC-31711", "/areas/947"):
        assert (await others.see(closed)).status_code == 403
    await theirs.client.aclose()
    await others.client.aclose()


async def test_a_committee_reads_everything_and_changes_nothing(room, cut):
    reader = await signed_in(room, "ubbc", Role.COMMITTEE)
    page = f"/incidents/{cut.id}"
    assert 'class="card actions"' not in (await reader.see(page)).text
    assert (await reader.send(f"{page}/acknowledge", {}, seen_on="/incidents")).status_code == 403
    await reader.client.aclose()


async def test_a_link_shows_on_get_and_acts_on_post_only_and_once(room, visitor, cut):
    async with transaction(room.database) as connection:
        address = await room.alerting.links.issue(
            connection, incident=cut.id, person="VNPT-OPS-2", expires_at=room.now + timedelta(minutes=10)
        )
    path = address.link.removeprefix("http://127.0.0.1")
    for _ in range(2):
        shown = await visitor.see(path)
        assert "Tiếp nhận với tên Trực ca VNPT 2" in text_of(shown)
    assert (await room.deps.records.incident(cut.id, owner=None)).state is IncidentState.OPEN

    foreign = await visitor.send(path, {}, seen_on=path, origin="http://evil.example")
    assert foreign.status_code == 403
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', (await visitor.see(path)).text)[1]
    done = await visitor.client.post(path, data={"csrf": token}, headers={"origin": ORIGIN})
    assert "Đã tiếp nhận lúc" in text_of(done)
    stored = await room.deps.records.incident(cut.id, owner=None)
    assert (stored.state, stored.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "Trực ca VNPT 2")
    again = await visitor.client.post(path, data={"csrf": token}, headers={"origin": ORIGIN})
    assert again.status_code == 200
    assert "Phiếu đã được tiếp nhận lúc" in text_of(await visitor.see(path))


async def test_a_link_that_nobody_sent_says_what_to_do(visitor):
    answer = await visitor.see("/a/not-a-token")
    assert answer.status_code == 410
    assert "gọi trực ban của Sở" in answer.text


async def test_a_site_shows_its_paths_their_evidence_and_what_they_stand_on(room, officer, cut):
    await room.advance(60)
    page = text_of(await officer.see("/sites/UBBC-31711?window=1h"))
    assert "Điện thoại cố định · VNPT Sóc Trăng mất" in page
    assert "bằng chứng: dịch vụ trả lời" in page
    assert "Vòng ring VNPT huyện Mỹ Xuyên" in page
    assert "1 lần mất, 1 phút" in page
    assert "Trực ca VNPT" in page
    assert "UBBC-31711-FIXED.sip: xem bằng số" in page
    columns = (await officer.client.get("/sites/UBBC-31711/history?window=1h")).json()["targets"]
    losses = [value for value in columns["UBBC-31711-FIXED.sip"]["loss"] if value is not None]
    assert max(losses) > 50
    assert {len(column) for column in columns["UBBC-31711-FIXED.sip"].values()} == {len(losses)}


async def test_searching_without_diacritics_opens_a_single_match(officer):
    found = await officer.see("/search?q=ubbc+xa+dai+tam")
    assert "/sites/" in str(found.url)
    many = text_of(await officer.see("/search?q=my+xuyen"))
    assert "Huyện Mỹ Xuyên" in many
    assert "Không tìm thấy “xyz”" in text_of(await officer.see("/search?q=xyz"))


async def test_language_and_colours_are_remembered(officer, cut):
    english = await officer.see("/?lang=en")
    assert '<html lang="en"' in english.text
    assert "1 incident · 1 not acknowledged" in text_of(english)
    assert '<html lang="en"' in (await officer.see("/duty")).text
    assert '<html lang="vi"' in (await officer.see("/duty?lang=vi")).text
    assert '<html lang="vi"' in (await officer.see("/duty?lang=xx")).text
    assert 'data-theme="dark"' in (await officer.see("/?theme=dark")).text
    assert 'data-theme="dark"' in (await officer.see("/duty")).text
    assert "data-theme" not in (await officer.see("/?theme=auto")).text


OPEN = {
    "/a",
    "/a/{token}",
    "/c",
    "/c/{token}",
    "/roster/calendar/{token}",
    "/roster/mine/{token}",
    "/sign-in",
    "/sign-in/code",
    "/sign-in/provider",
    "/sign-in/provider/back",
}
"""What opens without a session: nothing of the province, or what a token of its own was given for."""


def test_every_page_but_sign_in_and_links_asks_for_a_session():
    assert {page.path for page in PAGES if page.is_open} == OPEN
    without_right = {page.path for page in PAGES if page.right is None and not page.is_open}
    assert without_right == {
        "/",
        "/events",
        "/sign-out",
        "/password",
        "/account",
        "/account/{action}",
        "/guide",
        "/guide/{topic}",
        "/search",
    }
