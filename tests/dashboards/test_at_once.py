"""Several waiting incidents taken on at once: from the list by a carrier, and by the link of a message of a storm."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from alerting.models import IncidentState
from alerting.reported import Matter, Report
from alerting.schema import outbox
from inventory.access import Role
from inventory.database import transaction
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import PASSWORD

AT_ONCE = "/incidents/at-once"


@pytest.fixture
async def waiting(room):
    """Three incidents of one carrier and one of another, all waiting."""
    made = [
        await room.alerting.report(Report(Matter.NO_SERVICE, "mất sóng", "Trực ban", f"key-{n}", owner=owner))
        for n, owner in enumerate(["VNPT", "VNPT", "VNPT", "VIETTEL"])
    ]
    return [one.id for one in made]


@pytest.fixture
async def carrier(room):
    await room.deps.auth.add("vnpt", Role.CARRIER, PASSWORD, party="VNPT")
    made = Visitor(room)
    await made.sign_in("vnpt")
    yield made
    await made.client.aclose()


async def test_a_page_that_left_with_another_says_with_which_and_over_whose_network(
    room, carrier, officer, waiting
):
    first, second, *_ = waiting
    await room.act()
    [page, *_] = [m for m in await room.deps.records.messages(second) if m.kind == "page"]
    [leader, *_] = [m for m in await room.deps.records.messages(first) if m.kind == "page"]
    foreign = next(m for m in await room.deps.records.messages(waiting[3]) if m.kind == "page")
    number = (await room.deps.records.incident(first, owner=None)).number
    for carrying, told in (
        (leader, f"gửi chung tin với {number}"),
        (foreign, "gửi chung một tin với phiếu khác"),
    ):
        async with transaction(room.database) as connection:
            await connection.execute(
                update(outbox).where(outbox.c.id == page.id).values(carried_by=carrying.id)
            )
        assert told in (await carrier.see(f"/incidents/{second}")).text
    theirs = (await room.deps.records.incident(waiting[3], owner=None)).number
    assert theirs not in (await carrier.see(f"/incidents/{second}")).text
    assert f"gửi chung tin với {theirs}" in (await officer.see(f"/incidents/{second}")).text
    assert "qua mạng VIETTEL" in (await officer.see(f"/incidents/{second}")).text


async def states(room):
    return {one.id: one.state for one in await room.incidents()}


async def acknowledgements(room, identifier):
    return [e for e in await room.deps.records.ledger(identifier) if e.event == "acknowledged"]


async def test_a_carrier_takes_on_everything_it_read_and_nothing_else(room, carrier, waiting):
    assert f'href="{AT_ONCE}"' in (await carrier.see("/incidents")).text
    shown = (await carrier.see(AT_ONCE)).text
    named = re.findall(r'name="(i\d+)"', shown)
    assert sorted(named) == sorted(f"i{number}" for number in waiting[:3])
    assert set((await states(room)).values()) == {IncidentState.OPEN}
    form = dict.fromkeys([*named[:2], f"i{waiting[3]}"], "yes")
    done = await carrier.send(AT_ONCE, form, seen_on=AT_ONCE)
    assert done.status_code == 200
    assert AT_ONCE not in done.text
    taken = [int(name[1:]) for name in named[:2]]
    after = await states(room)
    assert {number for number, state in after.items() if state is IncidentState.ACKNOWLEDGED} == set(taken)
    assert [len(await acknowledgements(room, number)) for number in taken] == [1, 1]


async def test_the_department_is_offered_no_button_for_what_is_not_its_own(officer, waiting):
    assert len(waiting) == 4
    assert AT_ONCE not in (await officer.see("/incidents")).text


async def test_the_link_of_a_message_of_a_storm_lists_all_and_takes_all_on(room, visitor, waiting):
    first, *others = waiting[:3]
    async with transaction(room.database) as connection:
        issued = await room.alerting.links.issue(
            connection,
            incident=first,
            others=others,
            person="VNPT-OPS-2",
            expires_at=room.now + timedelta(minutes=10),
        )
    path = "/a/" + issued.link.rpartition("/")[2]
    shown = await visitor.see(path)
    assert "Tiếp nhận tất cả với tên Trực ca VNPT 2 (3)" in shown.text
    assert set((await states(room)).values()) == {IncidentState.OPEN}
    done = await visitor.send(path, {}, seen_on=path)
    assert "Không còn phiếu nào chờ tiếp nhận" in done.text
    after = await states(room)
    assert [after[number] for number in waiting] == [IncidentState.ACKNOWLEDGED] * 3 + [IncidentState.OPEN]
    for number in waiting[:3]:
        [entry] = await acknowledgements(room, number)
        assert entry.actor == "Trực ca VNPT 2"
