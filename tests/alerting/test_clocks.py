"""The time of an incident parted by owner: every instant once, and a stopped clock held against nobody."""

import itertools
from datetime import timedelta
from functools import partial

from alerting import actions, direction
from alerting.clocks import Clock, clocks, spans
from alerting.models import PendingReason
from tests.support.acting import MINUTE, a_duty_room


async def test_waiting_for_power_stops_the_carriers_clock_and_a_new_owner_starts_its_own(tmp_path):
    async with a_duty_room(tmp_path) as room:
        incident = await room.cut()
        await room.service.acknowledge(incident.id, actor="Trực ca VNPT 1")
        room.clock.advance(minutes=4)
        until = room.clock() + 20 * MINUTE
        wait = partial(
            actions.pause, actor="Trực ca VNPT 1", reason=PendingReason.POWER, until=until, note="mất điện"
        )
        await room.service.act(incident.id, wait)
        room.clock.advance(minutes=6)
        await room.service.act(
            incident.id, partial(direction.reassign, actor="Trực ban Sở 1", owner="VIETTEL", note="đổi")
        )
        room.clock.advance(minutes=3)
        entries = await room.ledger(incident.id)
        assert clocks(entries, room.clock()) == {
            ("VNPT", Clock.RUNNING): 4 * MINUTE,
            ("VNPT", Clock.PAUSED): 6 * MINUTE,
            ("VIETTEL", Clock.RUNNING): 3 * MINUTE,
        }
        found = spans(entries, room.clock())
        assert all(left.end == right.start for left, right in itertools.pairwise(found))
        assert found[-1].end - found[0].start == timedelta(minutes=13)
