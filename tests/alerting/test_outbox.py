"""Sending: leases, fences, retries, withdrawals, and what happens when all of a step fails."""

import asyncio
from datetime import timedelta

import pytest

from alerting.budget import Budget
from alerting.models import DeliveryState
from alerting.outbox import Outbox
from inventory.models import ContactChannel
from tests.support.acting import MINUTE, SECOND, a_duty_room, until
from tests.support.acting_servers import ScriptedChannel, an_outbox_worker, refused

EMAIL, SMS = ContactChannel.EMAIL, ContactChannel.SMS
LEASE = timedelta(seconds=30)


@pytest.fixture
async def room(tmp_path, database_url):
    async with a_duty_room(tmp_path, url=database_url) as room:
        yield room


def an_outbox(room):
    return Outbox(database=room.database, clock=room.clock, links=room.service.links, lease=LEASE)


async def states(room, kind="page"):
    return {m.channel: m.state for m in await room.messages() if m.kind == kind}


def readers(*channels):
    """Answer who was written to, by channel and in order; nobody else was."""
    return [[letter.message.person for letter in channel.letters] for channel in channels]


async def settled(room, state, *, count=1):
    async def reached():
        return sum(m.state == state for m in await room.messages()) >= count

    await until(reached)


async def test_a_page_leaves_by_the_commit_that_decided_it_and_waits_for_no_turn(room, monkeypatch):
    """The lanes sleep for an hour: what leaves was woken."""
    monkeypatch.setattr("alerting.worker._IDLE", 3600.0)
    mail, sms = ScriptedChannel(), ScriptedChannel()
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}):
        turns = room.service.metrics.turns.labels("outbox")
        await until(lambda: asyncio.sleep(0, turns._value.get() >= 3))
        await room.cut()
        await settled(room, DeliveryState.SENT, count=2)
    assert [letter.message.person for letter in mail.letters + sms.letters] == ["vnpt-1", "vnpt-1"]
    assert mail.closed
    assert sms.closed


async def test_a_page_carries_a_link_whose_token_is_stored_nowhere(room, tmp_path):
    sms = ScriptedChannel()
    mail = ScriptedChannel()
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}):
        await room.cut()
        await settled(room, DeliveryState.SENT, count=2)
    assert readers(mail, sms) == [["vnpt-1"], ["vnpt-1"]]
    link = mail.letters[0].link
    assert link.startswith("https://ts.invalid/a/token-")
    token = link.rpartition("/")[2].encode()
    for path in tmp_path.iterdir():
        assert token not in path.read_bytes()


async def test_looking_at_a_link_changes_nothing_and_acting_on_it_acknowledges_as_its_person(room):
    sms = ScriptedChannel()
    mail = ScriptedChannel()
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}):
        incident = await room.cut()
        await settled(room, DeliveryState.SENT, count=2)
        token = mail.letters[0].link.rpartition("/")[2]
        before = await room.events()
        [shown], person = await room.service.answers.by_link(token)
        assert (shown.id, person.code) == (incident.id, "vnpt-1")
        assert await room.events() == before
        [taken] = await room.service.answers.acknowledge_by_link(token)
        assert (taken.acknowledged_by, taken.assignee) == ("Trực ca VNPT 1", "vnpt-1")
        [again] = await room.service.answers.acknowledge_by_link(token)
        assert again.acknowledged_by == "Trực ca VNPT 1"
        room.clock.advance(hours=1)
        assert await room.service.answers.by_link(token) is None
        assert await room.service.answers.by_link("made up") is None
    # Beside the pages the department's officer is told, who pages nobody.
    assert readers(sms) == [["vnpt-1"]]
    assert {letter.message.kind for letter in mail.letters[1:]} <= {"notice"}


async def test_a_failure_for_now_is_tried_again_after_five_fifteen_and_forty_five_seconds(room):
    sms = ScriptedChannel()
    mail = ScriptedChannel(*(refused() for _ in range(3)))
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}) as worker:
        await room.cut()
        for attempt, wait in enumerate((5, 15, 45), start=1):

            async def failed(attempt=attempt):
                page = (await room.messages())[0]
                return page.state == DeliveryState.PENDING and page.attempts == attempt

            await until(failed)
            page = (await room.messages())[0]
            assert page.not_before == room.clock() + wait * SECOND
            assert page.error == "refused by the script"
            room.clock.advance(seconds=wait)
            worker.wake()
        await settled(room, DeliveryState.SENT, count=2)
    assert readers(mail, sms) == [["vnpt-1"], ["vnpt-1"]]
    assert (await room.messages())[0].error == ""


async def test_a_page_that_fails_again_and_again_is_tried_each_minute_and_holds_the_ladder_up_no_more(room):
    mail, sms = ScriptedChannel(*(refused() for _ in range(9))), ScriptedChannel(refused(permanent=True))
    hastened = asyncio.Event()
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}, on_hastened=hastened.set) as worker:
        await room.cut()
        for attempt in range(1, 6):

            async def failed(attempt=attempt):
                page = next(m for m in await room.messages() if m.channel is EMAIL)
                return page.attempts == attempt and page.state == DeliveryState.PENDING

            await until(failed)
            assert hastened.is_set() == (attempt > 3)
            room.clock.advance(seconds=60 if attempt > 3 else 45)
            worker.wake()
    page = next(m for m in await room.messages() if m.channel is EMAIL)
    assert page.attempts >= 5
    assert page.state == DeliveryState.PENDING
    assert await room.service.tick() == 1


async def test_once_every_page_of_a_step_has_failed_the_next_person_is_called_at_once(room):
    mail, sms = ScriptedChannel(refused(permanent=True)), ScriptedChannel(refused(permanent=True))
    hastened = asyncio.Event()
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}, on_hastened=hastened.set):
        await room.cut()
        await asyncio.wait_for(hastened.wait(), 60)
        assert await room.service.tick() == 1
        await settled(room, DeliveryState.SENT, count=2)
    assert {letter.message.person for letter in mail.letters + sms.letters} == {"vnpt-2"}
    assert (await room.incident()).assignee == "vnpt-2"


async def test_one_page_of_a_step_that_got_through_is_enough_to_wait_for(room):
    mail, sms = ScriptedChannel(refused(permanent=True)), ScriptedChannel()
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}):
        await room.cut()
        await settled(room, DeliveryState.FAILED)
        await settled(room, DeliveryState.SENT)
    assert await room.service.tick() == 0
    assert readers(mail, sms) == [[], ["vnpt-1"]]


async def test_a_channel_that_nobody_configured_fails_for_good_and_hastens(room):
    hastened = asyncio.Event()
    async with an_outbox_worker(room, {}, on_hastened=hastened.set):
        await room.cut()
        await asyncio.wait_for(hastened.wait(), 60)
    assert set((await states(room)).values()) == {DeliveryState.FAILED}
    assert (await room.messages())[0].error == "no email channel is configured"


async def test_the_last_rung_is_never_hastened_so_a_dead_channel_does_not_spin(room):
    async with an_outbox_worker(room, {}):
        await room.cut()
        await room.pass_time(minutes=8)
        await settled(room, DeliveryState.FAILED, count=8)
        assert await room.service.tick() == 0
        assert await room.service.next_due() == room.clock() + 5 * MINUTE


async def test_an_acknowledgement_between_claim_and_send_keeps_the_page_from_leaving(room):
    incident = await room.cut()
    box = an_outbox(room)
    [letter] = await box.claim(EMAIL, limit=5)
    await room.service.acknowledge(incident.id, actor="A")
    assert not await box.may_leave(letter)
    assert (await states(room))[EMAIL] == DeliveryState.WITHDRAWN


async def test_a_page_of_an_older_generation_does_not_leave(room):
    await room.cut()
    box = an_outbox(room)
    [letter] = await box.claim(EMAIL, limit=5)
    await room.cut(isolated=1)
    assert not await box.may_leave(letter)


async def test_a_page_that_is_too_late_does_not_leave_and_is_written_down_as_failed(room):
    await room.cut()
    room.clock.advance(hours=1)
    box = an_outbox(room)
    [letter] = await box.claim(EMAIL, limit=5)
    assert not await box.may_leave(letter)
    page = next(m for m in await room.messages() if m.channel is EMAIL)
    assert (page.state, page.error) == (DeliveryState.FAILED, "its time ran out")


async def test_two_workers_never_hold_the_same_message(room):
    await room.cut()
    boxes = [an_outbox(room) for _ in range(6)]
    claimed = await asyncio.gather(*(box.claim(EMAIL, limit=5) for box in boxes))
    assert sum(len(letters) for letters in claimed) == 1


async def test_a_worker_that_overslept_its_lease_neither_sends_nor_writes(room):
    await room.cut()
    slow, quick = an_outbox(room), an_outbox(room)
    [old] = await slow.claim(EMAIL, limit=5)
    assert await quick.claim(EMAIL, limit=5) == []
    room.clock.advance(seconds=30)
    assert not await slow.may_leave(old)
    [new] = await quick.claim(EMAIL, limit=5)
    assert new.message.fence == old.message.fence + 1
    assert await quick.may_leave(new)
    assert (await quick.sent(new)).result == "sent"
    assert (await slow.sent(old)).result == "repeated"
    assert (await slow.failed(old, refused(permanent=True))).result == "failed"
    assert (await states(room))[EMAIL] == DeliveryState.SENT


async def a_notice(room):
    incident = await room.cut()
    await room.service.acknowledge(incident.id, actor="A")
    return an_outbox(room)


async def test_a_notice_that_may_have_left_is_not_sent_twice(room):
    box = await a_notice(room)
    [letter] = await box.claim(EMAIL, limit=5)
    assert letter.link == ""
    assert await box.may_leave(letter)
    room.clock.advance(seconds=31)
    assert await box.claim(EMAIL, limit=5) == []
    notice = (await room.messages())[-1]
    assert (notice.state, notice.error[:11]) == (DeliveryState.FAILED, "the outcome")


async def test_a_notice_whose_sending_had_not_begun_is_taken_up_again(room):
    box = await a_notice(room)
    await box.claim(EMAIL, limit=5)
    room.clock.advance(seconds=31)
    [letter] = await box.claim(EMAIL, limit=5)
    assert await box.may_leave(letter)
    assert (await box.sent(letter)).result == "sent"


@pytest.mark.parametrize(("uncertain", "state"), [(True, "failed"), (False, "pending")])
async def test_a_notice_is_tried_again_only_when_it_surely_did_not_arrive(room, uncertain, state):
    box = await a_notice(room)
    [letter] = await box.claim(EMAIL, limit=5)
    assert await box.may_leave(letter)
    await box.failed(letter, refused(uncertain=uncertain))
    assert (await room.messages())[-1].state == state


async def test_an_uncertain_page_is_sent_again(room):
    sms = ScriptedChannel()
    mail = ScriptedChannel(refused(uncertain=True))
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}) as worker:
        await room.cut()

        async def tried():
            return (await room.messages())[0].error == "refused by the script"

        await until(tried)
        room.clock.advance(seconds=5)
        worker.wake()
        await settled(room, DeliveryState.SENT, count=2)
    assert readers(mail, sms) == [["vnpt-1"], ["vnpt-1"]]


async def test_a_channel_that_breaks_in_its_own_way_counts_as_a_failed_attempt(room):
    sms = ScriptedChannel()
    mail = ScriptedChannel(RuntimeError("a fault of ours"))
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}) as worker:
        await room.cut()

        async def tried():
            return (await room.messages())[0].error == "the channel failed"

        await until(tried)
        room.clock.advance(seconds=5)
        worker.wake()
        await settled(room, DeliveryState.SENT, count=2)
    assert room.service.metrics.failures.labels("channel")._value.get() == 1
    assert readers(mail, sms) == [["vnpt-1"], ["vnpt-1"]]


async def test_an_attempt_that_outlasts_its_deadline_is_given_up_while_the_lease_still_runs(room):
    sms = ScriptedChannel()
    mail = ScriptedChannel()
    mail.gate = asyncio.Event()
    lease = timedelta(seconds=0.3)
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}, lease=lease):
        await room.cut()

        async def given_up():
            return "outlasted" in (await room.messages())[0].error

        await until(given_up)
        await settled(room, DeliveryState.SENT)
    assert readers(mail, sms) == [[], ["vnpt-1"]]
    assert (await states(room))[EMAIL] == DeliveryState.PENDING


async def test_no_more_attempts_run_at_once_than_the_channel_allows(room):
    sms = ScriptedChannel()
    await room.cut()
    for number in range(9):
        await room.believe(f"path:UB-315{number + 1:02d}-DT")
    await room.service.absorb()
    mail = ScriptedChannel()
    mail.gate = asyncio.Event()
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}, concurrency=3, budget=Budget(10)):
        await until(lambda: asyncio.sleep(0, mail.running == 3))
        mail.gate.set()
        await until(lambda: asyncio.sleep(0, len(mail.letters) == 10))
    assert mail.most == 3
    assert readers(mail)[0].count("vnpt-1") == len(readers(mail)[0]) == 10
    assert set(readers(sms)[0]) <= {"vnpt-1"}


async def test_stopping_is_quick_and_what_was_cut_off_is_sent_later(room):
    sms = ScriptedChannel()
    mail = ScriptedChannel()
    mail.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with an_outbox_worker(room, {EMAIL: mail, SMS: sms}):
        await room.cut()
        await until(lambda: asyncio.sleep(0, mail.running == 1))
        stopped = loop.time()
    assert loop.time() - stopped < 15  # an attempt's own deadline is at twenty seconds
    assert mail.letters == []
    room.clock.advance(seconds=31)
    again = ScriptedChannel()
    async with an_outbox_worker(room, {EMAIL: again, SMS: sms}):
        await settled(room, DeliveryState.SENT, count=2)
    assert readers(again, sms) == [["vnpt-1"], ["vnpt-1"]]
