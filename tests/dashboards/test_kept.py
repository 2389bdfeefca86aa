"""What somebody wrote is not lost when a form is refused, and the page of a refusal leads back."""

import pytest

from dashboards.kept import came_from, written

NOTE = "Đội cáp đang tới cầu Mỹ Xuyên 🚧 <b>gấp</b> " + "dài " * 60
HOST = {"host": "duty.example"}


async def test_a_note_written_while_the_session_ended_is_shown_again_with_the_way_back(room, officer, cut):
    page = f"/incidents/{cut.id}"
    asked = await officer.see(page)
    token = asked.text.split('name="csrf" value="')[1].partition('"')[0]
    officer.client.cookies.clear()
    answer = await officer.client.post(
        f"{page}/note",
        data={"csrf": token, "note": NOTE},
        headers={
            "origin": "http://duty.example",
            "referer": f"http://duty.example{page}",
            "accept": "text/html",
        },
    )
    assert answer.status_code == 401
    assert "Bạn đã đăng xuất: chưa ghi gì." in answer.text
    assert "cầu Mỹ Xuyên 🚧 &lt;b&gt;gấp&lt;/b&gt; dài dài" in answer.text
    assert f'href="/sign-in?next={page}"' in answer.text


async def test_a_time_that_is_none_keeps_what_was_written_and_leads_back(room, officer, cut):
    page = f"/incidents/{cut.id}"
    await officer.send(f"{page}/acknowledge", {}, seen_on=page)
    asked = await officer.see(page)
    token = asked.text.split('name="csrf" value="')[1].partition('"')[0]
    answer = await officer.client.post(
        f"{page}/progress",
        data={"csrf": token, "note": "đội đang tới", "eta": "hai giờ"},
        headers={"origin": "http://duty.example", "referer": f"http://duty.example{page}"},
    )
    assert answer.status_code == 422
    assert ">đội đang tới</textarea>" in answer.text
    assert f'href="{page}">' in answer.text


async def test_a_page_that_is_only_read_promises_no_way_back(officer):
    answer = await officer.see("/incidents/4711")
    assert answer.status_code == 404
    assert "<textarea" not in answer.text


def test_no_secret_is_written_back():
    kept = written({"csrf": "a", "password": "b", "old": "c", "code": "d", "note": "e", "text": ""})
    assert kept == ("e",)


@pytest.mark.parametrize(
    ("referer", "path"),
    [
        ("http://duty.example/incidents/1?lang=en", "/incidents/1?lang=en"),
        ("http://evil.example/incidents/1", ""),
        ("http://duty.example//evil.example", ""),
        ("", ""),
        ("/incidents/1", ""),
    ],
)
def test_the_way_back_is_a_page_of_ours(referer, path):
    assert came_from({**HOST, "referer": referer}) == path
