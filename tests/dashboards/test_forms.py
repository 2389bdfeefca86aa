"""Writes come from our own pages, by somebody who may, and say what is wrong when they do not."""

import pytest

from dashboards.security import CONTENT_SECURITY_POLICY, is_own_origin
from inventory.access import Role
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import PASSWORD


@pytest.fixture
async def incident(room):
    await room.cut("VNPT-RING-947")
    [opened] = await room.incidents()
    return opened


async def test_a_form_from_a_foreign_page_is_refused(room, officer, incident):
    page = f"/incidents/{incident.id}"
    answer = await officer.send(f"{page}/note", {"note": "x"}, seen_on=page, origin="http://evil.example")
    assert answer.status_code == 403
    assert "Yêu cầu không đến từ trang của dịch vụ này." in answer.text


async def test_a_form_without_its_token_is_refused(officer, incident):
    for token in ("", "0" * 64):
        answer = await officer.send(
            f"/incidents/{incident.id}/acknowledge", {"csrf": token}, seen_on=f"/incidents/{incident.id}"
        )
        assert answer.status_code == 403
        assert "Mở lại trang" in answer.text


async def test_the_token_of_one_session_does_not_fit_another(room, officer, incident):
    await room.deps.auth.add("other", Role.DUTY_OFFICER, PASSWORD)
    other = Visitor(room)
    await other.sign_in("other")
    page = await other.see(f"/incidents/{incident.id}")
    stolen = page.text.split('name="csrf" value="')[1].partition('"')[0]
    answer = await officer.send(
        f"/incidents/{incident.id}/note", {"csrf": stolen, "note": "x"}, seen_on=f"/incidents/{incident.id}"
    )
    assert answer.status_code == 403
    await other.client.aclose()


async def test_a_form_that_is_too_large_is_refused_before_it_is_read(officer):
    answer = await officer.send("/incidents/1/note", {"note": "x" * 70_000}, seen_on="/")
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"origin": "http://a.example", "host": "a.example"}, True),
        ({"referer": "http://a.example/x", "host": "a.example"}, True),
        ({"origin": "https://public.example", "host": "10.0.0.1:8080"}, True),
        ({"origin": "http://b.example", "host": "a.example"}, False),
        ({"origin": "null", "host": "a.example"}, False),
        ({"host": "a.example"}, False),
        ({"origin": "http://a.example", "host": "a.example", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://a.example", "host": "a.example", "sec-fetch-site": "same-site"}, False),
    ],
    ids=[
        "same host",
        "by referer",
        "public address behind a proxy",
        "foreign",
        "null",
        "none",
        "cross",
        "sibling",
    ],
)
def test_the_browser_says_where_a_write_comes_from(headers, own):
    assert is_own_origin(headers, "https://public.example") is own


async def test_every_answer_carries_the_headers(officer):
    for path in ("/", "/sign-in", "/nowhere", "/static/x/y.css"):
        answer = await officer.see(path)
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert "unsafe" not in CONTENT_SECURITY_POLICY


async def test_pages_hold_no_inline_script_or_style(room, officer, incident):
    for path in (
        "/",
        "/wall",
        f"/incidents/{incident.id}",
        "/sites/UBBC-31711",
        "/duty",
        "/areas/947",
        "/incidents",
    ):
        text = (await officer.see(path)).text
        assert "<style" not in text
        assert ' style="' not in text
        assert " onclick" not in text
        assert all('src="' in tag for tag in text.split("<script")[1:])


async def test_pages_are_not_kept_and_files_are_kept_for_good(officer):
    page = await officer.see("/")
    assert page.headers["cache-control"] == "no-store"
    sheet = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = await officer.client.get(sheet)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert (await officer.client.get("/static/x/../../pyproject.toml")).status_code == 404


@pytest.mark.parametrize(
    ("action", "form", "status"),
    [
        ("progress", {}, 422),
        ("progress", {"note": "x", "eta": "soon"}, 422),
        ("close", {"note": "x"}, 422),
        ("close", {"note": "x", "cause": "gremlins"}, 422),
        ("close", {"note": "x", "cause": "weather"}, 409),
        ("note", {"note": "x" * 2001}, 422),
        ("explode", {}, 404),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(officer, incident, action, form, status):
    page = f"/incidents/{incident.id}"
    answer = await officer.send(f"{page}/{action}", form, seen_on=page)
    assert answer.status_code == status
    assert "<h1>" in answer.text


async def test_what_is_not_there_is_said_in_a_sentence(officer):
    for path in ("/incidents/999", "/incidents/x", "/sites/none", "/areas/none", "/nowhere"):
        answer = await officer.see(path)
        assert answer.status_code == 404
        assert "Không có" in answer.text


async def test_text_from_people_is_shown_as_text(officer, incident):
    page = f"/incidents/{incident.id}"
    shown = await officer.send(f"{page}/note", {"note": "<script>alert(1)</script>"}, seen_on=page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown.text
    assert "<script>alert" not in shown.text
