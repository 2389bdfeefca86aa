"""A carrier's portal: what its engineer owes by deadline, done with a thumb and without script; nothing of another."""

import re
from datetime import timedelta

import pytest

from alerting.models import IncidentState
from alerting.reported import Matter, Report
from dashboards.i18n import Language, words_in
from dashboards.views.portal import mine_of
from dashboards.views.turns import turns_of_party
from inventory.access import Actor, Role
from inventory.audit import AuditAct
from tests.dashboards.conftest import ORIGIN, Visitor
from tests.support.duty_room import PASSWORD


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.fixture
async def carrier(room):
    await room.deps.auth.add("vnpt", Role.CARRIER, PASSWORD, party="VNPT", person="VNPT-OPS-2")
    made = Visitor(room)
    await made.sign_in("vnpt")
    yield made
    await made.client.aclose()


@pytest.fixture
async def cut(room):
    await room.cut("VNPT-RING-947")
    [incident] = await room.incidents()
    return incident


async def test_a_carrier_lands_on_its_portal_and_takes_on_its_incident_with_one_tap(room, carrier, cut):
    landed = await carrier.see("/")
    assert str(landed.url) == f"{ORIGIN}/portal"
    assert cut.title in landed.text
    assert "31 trên 31 địa chỉ của đơn vị mất liên lạc" in text_of(landed)
    form = re.search(rf'action="/incidents/{cut.id}/acknowledge">.*?</form>', landed.text, re.DOTALL)
    assert "<textarea" not in form[0]
    done = await carrier.send(f"/incidents/{cut.id}/acknowledge", {"from": "portal"}, seen_on="/portal")
    assert str(done.url) == f"{ORIGIN}/portal#i{cut.id}"
    assert "Đã tiếp nhận" in text_of(done)
    assert (await room.deps.records.incident(cut.id, owner="VNPT")).acknowledged_by == "Trực ca VNPT 2"


async def test_progress_is_one_tap_with_a_promise_and_restoration_two(room, carrier, cut):
    await carrier.send(f"/incidents/{cut.id}/acknowledge", {"from": "portal"}, seen_on="/portal")
    page = await carrier.see("/portal")
    phrases = re.findall(r'<button name="note" value="([^"]+)"', page.text)
    assert "Đang trên đường." in phrases
    told = await carrier.send(
        f"/incidents/{cut.id}/progress",
        {"from": "portal", "note": phrases[0], "minutes": "30"},
        seen_on="/portal",
    )
    assert f"đơn vị hẹn {(room.now + timedelta(minutes=30 + 7 * 60)):%H:%M}" in text_of(told)
    assert "Báo khôi phục mà đo kiểm không đạt sẽ bị tính." in told.text
    await carrier.send(f"/incidents/{cut.id}/restored", {"from": "portal"}, seen_on="/portal")
    ledger = await room.deps.records.ledger(cut.id)
    assert [entry.event for entry in ledger if entry.actor == "Trực ca VNPT 2"] == [
        "acknowledged",
        "progress",
        "restored",
    ]


@pytest.mark.parametrize("minutes", ["0", "1441", "-5", "abc", "9" * 400])
async def test_a_promise_that_no_button_makes_is_refused(room, carrier, cut, minutes):
    await carrier.send(f"/incidents/{cut.id}/acknowledge", {"from": "portal"}, seen_on="/portal")
    form = {"from": "portal", "note": "x", "minutes": minutes}
    answer = await carrier.send(f"/incidents/{cut.id}/progress", form, seen_on="/portal")
    assert answer.status_code == 422


async def test_what_is_due_first_stands_first_and_what_is_settled_last(room, carrier, cut):
    later = await room.alerting.report(
        Report(Matter.POOR_SERVICE, "sóng yếu", "Trực ban", "key-1", owner="VNPT")
    )
    await room.alerting.acknowledge(cut.id, actor="Trực ca VNPT 2", person="VNPT-OPS-2")
    live = await room.deps.records.live(owner="VNPT")
    monitor = room.monitor
    mine = mine_of(
        live,
        Actor("vnpt", Role.CARRIER, "VNPT"),
        inventory=room.inventory,
        topology=monitor.topology,
        snapshot=monitor.snapshot(),
        words=words_in(Language.VI),
    )
    dues = [each.row.deadline_at for each in mine if each.waits_for_us]
    assert dues == sorted(dues)
    assert {each.row.id for each in mine} == {cut.id, later.id}
    shown = re.findall(r'<article class="card mine[^>]*id="i(\d+)"', (await carrier.see("/portal")).text)
    assert [int(number) for number in shown] == [each.row.id for each in mine]


async def test_a_storm_is_taken_on_together_from_the_portal(room, carrier):
    for number in range(3):
        await room.alerting.report(
            Report(Matter.NO_SERVICE, "mất sóng", "Trực ban", f"key-{number}", owner="VNPT")
        )
    page = await carrier.see("/portal")
    assert page.text.count('href="/incidents/at-once"') == 2
    named = re.findall(r'name="(i\d+)"', (await carrier.see("/incidents/at-once")).text)
    done = await carrier.send("/incidents/at-once", dict.fromkeys(named, "yes"), seen_on="/incidents/at-once")
    assert "/incidents/at-once" not in done.text
    assert {one.state for one in await room.incidents()} == {IncidentState.ACKNOWLEDGED}


async def test_nothing_on_the_portal_tells_of_another_carrier(room, carrier, cut):
    bts = next(c for c, r in room.inventory.risks.items() if r.kind == "bts" and r.owner == "VIETTEL")
    await room.cut(bts)
    theirs = next(one for one in await room.incidents() if one.owner == "VIETTEL")
    portal, ways = await carrier.see("/portal"), await carrier.see("/portal/settings")
    people = re.compile(r"Trực ca (Viettel|MobiFone|FPT)|Lãnh đạo trực (Viettel|MobiFone|FPT)")
    for page in (portal, ways):
        assert page.status_code == 200
        assert theirs.title not in page.text
        assert theirs.number not in page.text
        assert not people.search(page.text)
    # Which of its sites have nothing else left would tell how the other carriers' lines are.
    assert "còn một đường" not in portal.text
    assert f"/incidents/{theirs.id}" not in portal.text


async def test_who_sees_every_party_has_no_portal_of_its_own(officer):
    for path in ("/portal", "/portal/settings"):
        answer = await officer.client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/carriers")


async def test_an_account_of_an_unknown_party_is_told_so(room):
    await room.deps.auth.add("lạ", Role.CARRIER, PASSWORD, party="NOBODY")
    made = Visitor(room)
    await made.sign_in("lạ")
    answer = await made.see("/portal")
    assert answer.status_code == 404
    assert "Danh mục không có đơn vị của tài khoản này." in answer.text
    await made.client.aclose()


async def test_the_people_on_duty_now_and_next_can_be_called(room, carrier):
    page = await carrier.see("/portal")
    turns = turns_of_party(room.inventory, "VNPT", room.now)
    assert [turn.watch.duty.value for turn in turns] == ["operations", "response", "leadership"]
    for turn in turns:
        assert turn.watch.numbers
        assert turn.following.start == turn.watch.until
        for number in (*turn.watch.numbers, turn.following.numbers[0]):
            assert f'href="tel:{number.e164}"' in page.text
    assert 'href="tel:+842990000907"' in page.text


async def test_the_score_is_that_of_the_reports(room, carrier, cut):
    await room.alerting.acknowledge(cut.id, actor="Trực ca VNPT 2", person="VNPT-OPS-2")
    await room.alerting.report_restored(cut.id, actor="Trực ca VNPT 2")
    await room.advance(60, step=10)
    page = text_of(await carrier.see("/portal"))
    assert "A 1 1/1 100,0 %" in page
    assert f"Báo khôi phục nhưng chưa đạt 1 {cut.number}" in page
    await room.restore()
    await room.advance(120, step=10)
    told = await room.deps.records.conducted(owner="VNPT", since=room.now - timedelta(days=1))
    assert [each.number for each in told] == [cut.number]
    assert await room.deps.records.conducted(owner="VIETTEL", since=room.now - timedelta(days=1)) == ()
    assert await room.deps.records.conducted(owner="VNPT", since=room.now) == ()


async def test_the_portal_says_how_people_are_reached_and_who_hangs_on_the_own_network(room, carrier):
    page = text_of(await carrier.see("/portal/settings"))
    assert "Trực ca VNPT 4" in page
    assert "+84570000113 qua mạng VIETTEL" in page
    assert "Chưa có địa chỉ máy nào." in page


async def test_an_engineer_has_the_own_lines_of_a_site_looked_at_from_the_portal_and_the_incident(
    room, carrier, cut
):
    for page in ("/portal", f"/incidents/{cut.id}"):
        assert 'action="/portal/looks"' in (await carrier.see(page)).text
    site = cut.facts["evidence"]["sites"][0]
    topology, paths = room.monitor.topology, room.inventory.paths
    own = [path for path in topology.paths_of_site(site) if paths[path].carrier == "VNPT"]
    others = [path for path in topology.paths_of_site(site) if path not in own]
    assert others, "a site that only VNPT reaches would prove nothing"
    page = await carrier.send("/portal/looks", {"site": site}, seen_on="/portal")
    assert page.status_code == 200
    assert "Vừa đo" in text_of(page)
    assert sorted(room.asked) == sorted(target for path in own for target in topology.targets_of_path(path))
    assert not any(
        room.inventory.targets[t].address in page.text for p in others for t in topology.targets_of_path(p)
    )
    lines = await room.deps.auth.audited(limit=5, actor="vnpt")
    assert (lines[0].act, lines[0].subject) == (AuditAct.LOOKED_NOW, site)


async def test_anothers_site_or_path_is_as_unknown_as_none_and_asking_too_often_says_when(room, carrier, cut):
    topology, paths = room.monitor.topology, room.inventory.paths
    foreign = next(
        site
        for site in room.inventory.sites
        if topology.targets_of_site(site)
        and all(paths[path].carrier != "VNPT" for path in topology.paths_of_site(site))
    )
    site = cut.facts["evidence"]["sites"][0]
    theirs = next(path for path in topology.paths_of_site(site) if paths[path].carrier != "VNPT")
    asked = ({"site": foreign}, {"site": "NO-SUCH"}, {"site": site, "path": theirs}, {})
    answers = [await carrier.send("/portal/looks", form, seen_on="/portal") for form in asked]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({text_of(answer) for answer in answers}) == 1
    assert room.asked == []
    for _ in range(3):
        assert (await carrier.send("/portal/looks", {"site": site}, seen_on="/portal")).status_code == 200
    refused = await carrier.send("/portal/looks", {"site": site}, seen_on="/portal")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
