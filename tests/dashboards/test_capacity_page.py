"""Capacity and congestion on the page: what presses first, who could lend, and what nobody measured is not called free."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from inventory.access import Role
from inventory.database import transaction
from inventory.models import ProbeKind
from monitor import store
from monitor.congestion import Congestion
from monitor.decisions import Decisions
from monitor.load import Direction
from monitor.load_service import congestion_cause
from monitor.moments import nanoseconds
from tests.dashboards.conftest import Visitor
from tests.dashboards.test_pages import text_of
from tests.support.duty_room import PASSWORD, a_duty_room, sample_of
from tests.support.loads import carried, congested

FULL, ROOMY, BUSY = "VNPT-LINK-947", "VIETTEL-LINK-947", "FPT-LINK-947"
NAME = "Truyền dẫn VNPT huyện Mỹ Xuyên"


def measuring(*links):
    """The sample, of whose links these alone are measured."""
    plain = sample_of("soc-trang-2021")
    targets = {
        code: target
        for code, target in plain.targets.items()
        if target.kind is not ProbeKind.SNMP or target.of in links
    }
    return replace(plain, targets=targets)


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path, inventory=measuring(FULL, ROOMY, BUSY)) as opened:
        yield opened


async def a_busy_week(room):
    """One link is congested, one has room, one will be too narrow on the day."""
    database, now = room.database, room.now
    await carried(database, FULL, now=now, load=0.7, a_day=0)
    await carried(database, ROOMY, now=now, load=0.3, a_day=0)
    await carried(database, BUSY, now=now, load=0.79, a_day=0.03)
    await congested(database, FULL, "VNPT", since=now - timedelta(minutes=25), until=now)
    meter = room.monitor.measures.loads
    for link, load in ((FULL, 0.91), (ROOMY, 0.2)):
        meter.take(link, f"{link}.snmp", Direction.OUT, at_ns=nanoseconds(now), load=load)


def rows(page):
    return re.findall(r'<tr data-key="l([^"]+)"', page.text)


def row(page, link):
    found = re.search(rf'<tr data-key="l{link}".*?</tr>', page.text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


async def test_the_congested_link_stands_first_with_since_when_and_who_could_lend(room, officer):
    await a_busy_week(room)
    page = await officer.see("/capacity")
    assert rows(page)[0] == FULL
    assert "nghẽn từ" in row(page, FULL)
    assert "91 %" in row(page, FULL)
    capacity = room.inventory.links[ROOMY].capacity_mbps
    assert f"Viettel Sóc Trăng {capacity / 2000:.1f}".replace(".", ",") in row(page, FULL)
    assert "1 tuyến đang nghẽn" in text_of(page)


async def test_a_link_that_will_be_too_narrow_on_the_day_says_so_beforehand(room, officer):
    await a_busy_week(room)
    page = await officer.see("/capacity?lang=en")
    assert "too narrow for election day" in row(page, BUSY)
    assert "too narrow" not in row(page, ROOMY)


async def test_what_nobody_measured_is_never_called_free(room, officer):
    page = await officer.see("/capacity")
    assert "không trả lời 15 phút nay" in row(page, FULL)
    assert "chưa đo" in row(page, "VNPT-LINK-941")
    assert f"đo được 3/{len(room.inventory.links)} tuyến" in text_of(page)


async def test_a_carrier_sees_its_own_links_and_nobody_else_s_room(room):
    await a_busy_week(room)
    await congested(
        room.database, BUSY, "FPT", since=room.now - timedelta(hours=9), until=room.now, ended=True
    )
    await room.deps.auth.add("vnpt", Role.CARRIER, PASSWORD, party="VNPT")
    visitor = Visitor(room)
    await visitor.sign_in("vnpt")
    page = await visitor.see("/capacity")
    assert set(rows(page)) == {c for c, link in room.inventory.links.items() if link.carrier == "VNPT"}
    assert "Viettel" not in page.text
    assert "FPT" not in page.text
    await visitor.client.aclose()


async def test_past_congestions_are_listed_with_length_and_peak(room, officer):
    since = room.now - timedelta(hours=9)
    await congested(room.database, FULL, "VNPT", since=since, until=since + timedelta(minutes=40), ended=True)
    shown = text_of(await officer.see("/capacity"))
    assert f"40 phút {NAME}" in shown.replace("  ", " ")
    assert "93 %" in shown


async def test_where_nothing_is_measured_it_says_how_that_is_done(tmp_path):
    async with a_duty_room(tmp_path, inventory=measuring()) as room:
        await room.add_accounts()
        visitor = Visitor(room)
        await visitor.sign_in("trucban")
        shown = text_of(await visitor.see("/capacity"))
        assert "không biết có nghẽn hay không" in shown
        assert "targets.csv" in shown
        await visitor.client.aclose()


async def test_a_province_without_links_says_where_they_are_written(tmp_path):
    empty = replace(measuring(), links={})
    async with a_duty_room(tmp_path, inventory=empty) as room:
        await room.add_accounts()
        visitor = Visitor(room)
        await visitor.sign_in("trucban")
        assert "links.csv" in text_of(await visitor.see("/capacity"))
        await visitor.client.aclose()


async def test_an_incident_says_why_it_is_one_and_a_congestion_leads_to_the_loads(room, officer):
    await room.cut("VNPT-RING-947")
    link = room.inventory.links[FULL]
    busy = Congestion(FULL, Direction.OUT, nanoseconds(room.now), nanoseconds(room.now), 0.93)
    told = congestion_cause(link, [busy], at=room.now, noticed_at=room.now, norm=0.8, is_on=True)
    async with transaction(room.database) as connection:
        await store.apply(connection, Decisions(changes=[told]))
    await room.act()
    by_condition = {incident.condition: incident for incident in await room.incidents()}
    cut = text_of(await officer.see(f"/incidents/{by_condition['risk:VNPT-RING-947'].id}"))
    assert re.search(
        r"Vì sao: \d+/\d+ xã .* mất đường đi qua vòng ring VNPT-RING-947; nơi khác không mất", cut
    )
    page = await officer.see(f"/incidents/{by_condition[f'load:{FULL}'].id}")
    assert "tải 93 % dung lượng, mức cho phép 80 %" in text_of(page)
    assert 'href="/capacity"' in page.text.split("<main", 1)[1]


async def test_a_carrier_is_not_told_what_else_was_lost(room):
    await room.cut("VNPT-RING-947")
    [cut] = await room.incidents()
    await room.deps.auth.add("vnpt", Role.CARRIER, PASSWORD, party="VNPT")
    visitor = Visitor(room)
    await visitor.sign_in("vnpt")
    assert "nơi khác" not in (await visitor.see(f"/incidents/{cut.id}")).text
    await visitor.client.aclose()
