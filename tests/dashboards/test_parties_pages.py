"""Carriers, vantages and risk groups as the department sees them; what a carrier may see of them: nothing, or its own."""

import re
from datetime import timedelta

from dashboards.i18n import Language, words_in
from dashboards.views.carrier import standing_of, standings_by_area, troubles
from dashboards.views.vantage import Sight, vantage_lines
from monitor.metrics import VantageFigures
from monitor.models import State

WORDS = words_in(Language.VI)


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


async def test_carriers_are_compared_and_who_owes_most_stands_first(officer, cut):
    page = await officer.see("/carriers")
    order = re.findall(r'<a href="/carriers/([A-Z]+)">', page.text.split("<table")[1])
    assert order[0] == "VNPT"
    assert set(order) == {"VNPT", "VIETTEL", "MOBIFONE", "FPT", "EVN", "VNPOST"}
    assert "1 · 1 chưa tiếp nhận" in text_of(page)
    assert "22 / 210" in text_of(page)


async def test_a_carriers_page_says_what_it_owes_where_it_is_down_and_whom_to_call(room, officer, cut):
    page = text_of(await officer.see("/carriers/VNPT"))
    assert cut.title in page
    assert "Huyện Mỹ Xuyên 14 22 22" in page
    assert "Trực ca VNPT 4" in page
    assert "kế tiếp: Trực ca VNPT 1 từ 22:00" in page
    assert "A 5 phút 15 phút 1 giờ" in page
    assert "14 điểm" in page


async def test_counts_of_paths_add_up_and_a_site_is_named_once_a_state(room, cut):
    inventory, topology, snapshot = room.inventory, room.monitor.topology, room.monitor.snapshot()
    whole = standing_of("VNPT", inventory, snapshot)
    areas = standings_by_area("VNPT", inventory, topology, snapshot)
    assert sum(each.paths for each in areas) == whole.paths
    assert sum(each.down for each in areas) == whole.down == 22
    assert whole.up + whole.down + whole.degraded + whole.unknown == whole.paths
    found, more = troubles("VNPT", inventory, topology, snapshot)
    assert more == 0
    assert len({(each.site, each.state) for each in found}) == len(found) == 14
    assert sum(len(each.media) for each in found) == whole.down
    assert {each.state for each in found} == {State.DOWN}


async def test_what_is_not_there_is_not_found(officer):
    for path in ("/carriers/NOBODY", "/vantages/NOWHERE", "/risks/NOTHING"):
        assert (await officer.see(path)).status_code == 404, path


async def test_a_carrier_sees_no_page_about_parties_or_vantages_not_even_its_own(carrier):
    for path in ("/carriers", "/carriers/VIETTEL", "/carriers/VNPT", "/vantages", "/vantages/SOC-TRANG-1"):
        assert (await carrier.see(path)).status_code == 403, path


async def test_a_carrier_sees_its_own_risk_groups_with_its_own_paths_alone(room, carrier, cut):
    own = next(
        code
        for code, risk in room.inventory.risks.items()
        if risk.owner == "VIETTEL" and room.monitor.topology.paths_of_risk(code)
    )
    page = await carrier.see(f"/risks/{own}")
    assert page.status_code == 200
    assert "/sites/" not in page.text
    theirs, missing = await carrier.see("/risks/VNPT-RING-947"), await carrier.see("/risks/NOTHING")
    assert theirs.status_code == missing.status_code == 404
    assert text_of(theirs) == text_of(missing)
    assert cut.title not in page.text


async def test_a_risk_groups_page_lists_what_fails_with_it_and_its_incident(officer, cut):
    page = await officer.see("/risks/VNPT-RING-947")
    assert cut.title in page.text
    assert page.text.count('class="state-down"') >= 22
    assert 'href="/sites/UBBC-31711"' in page.text


async def test_a_vantage_says_what_it_stands_on_and_when_it_could_not_look(room, officer):
    await room.advance(30, canaries=False)
    listing = text_of(await officer.see("/vantages"))
    assert "bị cô lập, không thấy gì" in listing
    assert "VNPT Sóc Trăng" in listing
    assert "0/4" in listing
    await room.advance(20)
    page = text_of(await officer.see("/vantages/SOC-TRANG-1?window=7d"))
    assert "đang quan sát" in page
    assert "không thấy gì, kể cả điểm luôn phải trả lời" in page
    assert "/metrics" in page


async def test_a_vantage_that_sends_nothing_is_not_taken_for_one_that_sees(room, officer):
    room.now += timedelta(seconds=60)
    assert "không nhận được tin" in text_of(await officer.see("/vantages"))


async def test_what_a_vantage_counts_of_its_work_is_shown_and_its_breaches_named(room):
    figures = {"SOC-TRANG-1": VantageFigures(lag_seconds=0.25, spool=3, breaches=frozenset({"lag"}))}
    [line] = vantage_lines(
        room.inventory,
        room.monitor.snapshot(),
        figures,
        (),
        since=room.now - timedelta(days=1),
        now=room.now,
        words=WORDS,
    )
    assert (line.sight, line.breaches, line.is_trouble) == (Sight.LOOKING, ("đo trễ",), True)
    assert line.figures.spool == 3
