"""A storm of pages: what waits for one person leaves in one message, the gravest by itself, and nothing is lost."""

import asyncio
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from alerting import schema
from alerting.budget import Budget, share
from alerting.links import LINK_PATH
from alerting.message_store import add_messages
from alerting.models import DeliveryState, IncidentState
from alerting.notify.channel import Letter
from alerting.notify.messages import short_text, spoken_text, subject, text
from alerting.outbox import Outbox
from inventory.database import transaction
from inventory.models import ContactChannel
from tests.support.acting import NOON, SECOND, a_duty_room
from tests.support.acting_servers import a_letter, refused

EMAIL = ContactChannel.EMAIL
LEASE = timedelta(seconds=30)


@pytest.fixture
async def room(tmp_path, database_url):
    async with a_duty_room(tmp_path, url=database_url) as room:
        yield room


def an_outbox(room):
    return Outbox(database=room.database, clock=room.clock, links=room.service.links, lease=LEASE)


async def a_storm(room, count):
    """Open ``count`` incidents; answers a page for each, none of them stored."""
    for number in range(count):
        await room.believe(f"path:UB-31{501 + number}-DT")
    await room.service.absorb()
    pages = [
        next(m for m in await room.messages(one.id) if m.channel is EMAIL) for one in await room.incidents()
    ]
    async with transaction(room.database) as connection:
        await connection.execute(delete(schema.outbox))
    assert len(pages) == count
    return pages


async def store(room, pages, *, severity="P3", mark=""):
    made = [
        replace(
            page,
            key=f"{page.key}{mark}",
            body={**page.body, "severity": severity},
            not_before=room.clock(),
            not_after=room.clock() + timedelta(hours=1),
        )
        for page in pages
    ]
    async with transaction(room.database) as connection:
        await add_messages(connection, made)


async def stored(room):
    return [
        page for one in await room.incidents() for page in await room.messages(one.id) if page.kind == "page"
    ]


async def leave(box, *, limit=4):
    """Send everything that may leave now; answers the letters of pages."""
    letters = []
    while claimed := await box.claim(EMAIL, limit=limit):
        for letter in claimed:
            if await box.may_leave(letter):
                await box.sent(letter, "gateway-1")
                letters.append(letter)
    return [letter for letter in letters if letter.message.kind == "page"]


def numbers(letter):
    return sorted(page.incident for page in letter.messages)


async def test_three_pages_leave_by_themselves_and_more_leave_as_one_message(room):
    pages = await a_storm(room, 8)
    await store(room, pages[:3])
    assert [numbers(letter) for letter in await leave(an_outbox(room))] == [[1], [2], [3]]
    room.clock.advance(seconds=31)
    await store(room, pages[3:])
    [letter] = await leave(an_outbox(room))
    assert numbers(letter) == [4, 5, 6, 7, 8]
    rows = {page.incident: page for page in await stored(room)}
    assert {rows[n].state for n in range(1, 9)} == {DeliveryState.SENT}
    assert {rows[n].carried_by for n in range(5, 9)} == {rows[4].id}
    assert rows[4].carried_by is None


async def test_once_the_budget_is_used_up_the_rest_waits_for_its_window_and_no_longer(room):
    pages = await a_storm(room, 6)
    await store(room, pages[:3])
    box = an_outbox(room)
    await leave(box)
    room.clock.advance(seconds=10)
    await store(room, pages[3:])
    assert await leave(box) == []
    assert await box.next_due(EMAIL) == room.clock() + 20 * SECOND
    room.clock.advance(seconds=20)
    assert [numbers(letter) for letter in await leave(box)] == [[4], [5], [6]]


async def test_the_gravest_page_waits_for_no_budget_and_shares_no_message(room):
    pages = await a_storm(room, 9)
    await store(room, pages[:6])
    await store(room, pages[6:], severity="P1")
    box = an_outbox(room)
    first = await box.claim(EMAIL, limit=3)
    assert [(numbers(letter), letter.companions) for letter in first] == [([7], ()), ([8], ()), ([9], ())]
    assert [numbers(letter) for letter in await leave(box)] == [[1, 2, 3, 4, 5, 6]]
    await store(room, pages[6:], severity="P1", mark="again")
    assert [numbers(letter) for letter in await leave(box)] == [[7], [8], [9]]


async def test_the_link_and_the_code_of_a_merged_message_take_on_every_incident_in_its_own_ledger(room):
    await store(room, await a_storm(room, 5))
    [letter] = await leave(an_outbox(room))
    incidents, person = await room.service.answers.by_code(letter.code)
    assert (sorted(one.id for one in incidents), person.code) == ([1, 2, 3, 4, 5], "vnpt-1")
    await room.service.acknowledge(2, actor="Người khác")
    taken = await room.service.answers.acknowledge_by_link(letter.link.rpartition(LINK_PATH)[2])
    assert len(taken) == 5
    for number in range(1, 6):
        incident = await room.incident(number)
        assert incident.state is IncidentState.ACKNOWLEDGED
        assert (await room.events(number)).count("acknowledged") == 1
        assert incident.acknowledged_by == ("Người khác" if number == 2 else person.name)


async def test_what_is_taken_on_before_the_message_leaves_is_not_in_it(room):
    await store(room, await a_storm(room, 6))
    box = an_outbox(room)
    [letter] = await box.claim(EMAIL, limit=4)
    await room.service.acknowledge(1, actor="A")
    assert not await box.may_leave(letter)
    [again] = await leave(box)
    assert numbers(again) == [2, 3, 4, 5, 6]
    assert {page.attempts for page in again.messages} == {1}
    [first] = [page for page in await room.messages(1) if page.kind == "page"]
    assert (first.state, first.carried_by) == (DeliveryState.WITHDRAWN, None)


async def test_the_receipt_of_a_merged_message_holds_for_every_page_in_it(room):
    await store(room, await a_storm(room, 5))
    box = an_outbox(room)
    await leave(box)
    assert (await box.receipt(reference="gateway-1", delivered=True)).result == "delivered"
    assert {page.state for page in await stored(room)} == {DeliveryState.DELIVERED}
    assert (await box.receipt(reference="gateway-1", delivered=False)).result == "repeated"


@pytest.mark.parametrize("late", [False, True])
async def test_when_a_merged_message_fails_the_ladder_of_every_incident_goes_on(room, late):
    await store(room, await a_storm(room, 5))
    box = an_outbox(room)
    [letter] = await box.claim(EMAIL, limit=4)
    if late:
        await box.sent(letter, "r")
        outcome = await box.receipt(reference="r", delivered=False, reason="no such number")
    else:
        outcome = await box.failed(letter, refused(permanent=True))
    assert outcome.hastened
    assert {page.state for page in await stored(room)} == {DeliveryState.FAILED}
    assert await room.service.tick() == 5
    assert {(await room.incident(number)).assignee for number in range(1, 6)} == {"vnpt-2"}


async def test_a_page_whose_message_was_cut_off_leaves_after_its_lease(room):
    await store(room, await a_storm(room, 5))
    [lost] = await an_outbox(room).claim(EMAIL, limit=4)
    room.clock.advance(seconds=31)
    box = an_outbox(room)
    [again] = await leave(box)
    assert numbers(again) == numbers(lost)
    assert (await box.sent(lost)).result == "repeated"


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["P1", "P2", "P3", "P4"]),
        st.integers(1, 8),
        st.integers(0, 12),
        st.sampled_from(["sent", "sent", "failed", "cut"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=MOVES)
def test_in_any_storm_every_page_is_carried_by_exactly_one_message_that_was_sent(moves):
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_any_storm(moves, Path(folder)))


async def _any_storm(moves, folder):
    async with a_duty_room(folder) as room:
        pages, box, letters = await a_storm(room, 8), an_outbox(room), []
        for turn, (severity, count, pause, fate) in enumerate([*moves, ("P4", 1, 120, "sent")]):
            await store(room, pages[:count], severity=severity, mark=f"/{turn}")
            letters += await _turn(box, fate)
            room.clock.advance(seconds=pause)
        for _ in range(20):
            letters += await leave(box)
            room.clock.advance(seconds=15)
        rows = await stored(room)
        carriers = {letter.message.id for letter in letters}
        assert Counter(page.id for letter in letters for page in letter.messages) == Counter(
            p.id for p in rows
        )
        assert {page.state for page in rows} == {DeliveryState.SENT}
        assert all((page.carried_by or page.id) in carriers for page in rows)
        assert all(not letter.companions for letter in letters if letter.message.body["severity"] == "P1")


async def _turn(box, fate):
    """Claim once and let the letters meet ``fate``; answers those that were sent."""
    letters = [letter for letter in await box.claim(EMAIL, limit=4) if await box.may_leave(letter)]
    for letter in letters if fate != "cut" else []:
        await (box.sent(letter) if fate == "sent" else box.failed(letter, refused()))
    return letters if fate == "sent" else []


def a_merged_letter(count, **changes):
    letters = [
        a_letter(
            code="12345678",
            id=number,
            incident=number,
            body={"number": f"SC-21-{number:04}", "severity": "P3" if number > 1 else "P2"},
            **changes,
        )
        for number in range(1, count + 1)
    ]
    first = letters[0]
    return Letter(first.message, first.link, first.code, tuple(one.message for one in letters[1:]))


@pytest.mark.parametrize(("count", "parts"), [(2, 1), (9, 1), (40, 1), (40, 3), (300, 2)])
def test_a_short_message_names_what_fits_and_counts_the_rest(count, parts):
    written = short_text(a_merged_letter(count), fold=True, parts=parts)
    assert len(written) <= (160 if parts == 1 else parts * 153)
    assert written.startswith(f"P2 {count} su co: SC-21-0001")
    assert "https://ts.invalid/a/abc" in written
    named = written.count("SC-21-")
    assert named == count or f"va {count - named} phieu nua" in written


def test_a_mail_lists_every_incident_with_its_severity_title_and_deadline_and_one_code():
    letter = a_merged_letter(12)
    assert subject(letter) == "[P2] 12 sự cố chờ tiếp nhận: SC-21-0001, SC-21-0002, SC-21-0003 và 9 phiếu nữa"
    written = text(letter)
    for number in range(1, 13):
        assert written.count(f"[P{3 if number > 1 else 2}] SC-21-{number:04}: ") == 2
    assert written.count("hạn tiếp nhận 12:03:00 23/05/2021") == 12
    assert written.count("1234 5678") == 2
    assert "12 sự cố" in spoken_text(letter)
    assert "Và 9 phiếu nữa" in spoken_text(letter)


def test_the_budget_lets_single_pages_go_then_merges_then_waits():
    waiting = [replace(a_letter(body={"severity": "P3"}).message, id=number) for number in range(1, 5)]
    budget = Budget()
    assert share(waiting[0], waiting[:3], [], budget).pages == (waiting[0],)
    assert len(share(waiting[0], waiting, [], budget).pages) == 4
    assert len(share(waiting[0], waiting[:2], [NOON, NOON], budget).pages) == 2
    full = share(waiting[0], waiting, [NOON + SECOND, NOON, NOON], budget)
    assert (full.pages, full.wait_until) == ((), NOON + 30 * SECOND)
