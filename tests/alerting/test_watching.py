"""Trial messages and the dead-man's switch: what watches delivery from inside, and lets others watch it from outside."""

from datetime import timedelta

import pytest

from alerting.canary import Canary
from alerting.dead_man import DeadMansSwitch
from alerting.models import IncidentState
from inventory.models import ContactChannel
from tests.support.acting import Clock, a_duty_room
from tests.support.acting_servers import ScriptedChannel, a_receiver, refused

SMS = ContactChannel.SMS


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


def a_canary(room, channel, waited):
    async def sleep(seconds):
        waited.append(seconds)

    return Canary(
        service=room.service,
        channels={SMS: channel} if channel else {},
        addresses={SMS: "+84980000009"},
        clock=room.clock,
        sleep=sleep,
        metrics=room.service.metrics,
        every_seconds=3600,
    )


async def test_a_trial_that_leaves_opens_nothing(room):
    channel, waited = ScriptedChannel(), []
    assert await a_canary(room, channel, waited).round() == {}
    [letter] = channel.letters
    assert (letter.message.address, letter.link, letter.code) == ("+84980000009", "", "")
    assert await room.incidents() == []
    assert waited == []
    assert room.service.metrics.canary.labels("sms")._value.get() == 1


async def test_a_trial_that_fails_once_is_tried_again_before_anybody_is_called(room):
    channel, waited = ScriptedChannel(refused()), []
    assert await a_canary(room, channel, waited).round() == {}
    assert [letter.message.address for letter in channel.letters] == ["+84980000009"]
    assert waited == [30.0]
    assert await room.incidents() == []


@pytest.mark.parametrize(
    "channel",
    [ScriptedChannel(*(refused() for _ in range(4))), ScriptedChannel(*(RuntimeError() for _ in range(4)))],
    ids=["refused", "broken"],
)
async def test_a_channel_that_stays_silent_is_one_incident_of_the_department_and_the_next_trial_restores_it(
    room, channel
):
    canary = a_canary(room, channel, [])
    assert list(await canary.round()) == [SMS]
    assert list(await canary.round()) == [SMS]
    [opened] = await room.incidents()
    assert (opened.condition, opened.owner) == ("service:channel:sms", "STTTT")
    assert "sms" in opened.title
    assert room.service.metrics.canary.labels("sms")._value.get() == 0
    assert await canary.round() == {}
    assert (await room.incident()).state is IncidentState.RESTORED


async def test_an_address_for_a_channel_that_nobody_set_up_is_found_at_the_first_trial(room):
    assert await a_canary(room, None, []).round() == {SMS: "no such channel is configured"}


async def test_the_switch_is_called_only_while_nothing_is_wrong(room):
    wrong = {}
    async with a_receiver() as receiver:
        switch = DeadMansSwitch(
            receiver.url, every_seconds=60, faults=lambda: wrong, clock=Clock(), metrics=room.service.metrics
        )
        assert await switch.call()
        wrong["loop alerting"] = "ended"
        assert not await switch.call()
        wrong.clear()
        receiver.script = [(500, "no", 0)]
        assert not await switch.call()
        await switch._client.aclose()
    assert [call.method for call in receiver.calls] == ["GET", "GET"]


async def test_a_loop_that_never_ended_a_turn_well_is_late_and_one_that_did_is_not(room):
    metrics = room.service.metrics
    assert set(metrics.late_loops(room.clock(), timedelta(seconds=90))) == {
        "loop alerting", "loop outbox", "loop auditor",
    }  # fmt: skip
    for loop in ("alerting", "outbox", "auditor"):
        metrics.last_success.labels(loop).set(room.clock().timestamp())
    assert metrics.late_loops(room.clock(), timedelta(seconds=90)) == {}
