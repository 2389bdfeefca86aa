"""What comes and goes is labelled, and goes on opening and closing as ever."""

from dataclasses import replace

import pytest

from monitor.flapping import TURNS, WINDOW_NS, Turns, is_turn
from monitor.models import State
from monitor.moments import SECOND
from tests.support.monitoring import an_inventory, belief_on

LINE = "X-31-FIXED"
PAIRS = {
    "a fall": (State.UP, State.DOWN, True),
    "a recovery to degraded": (State.DOWN, State.DEGRADED, True),
    "seen from some carriers only": (State.UP, State.PARTIAL, True),
    "partly down to down": (State.PARTIAL, State.DOWN, False),
    "slow": (State.UP, State.DEGRADED, False),
    "not looked at": (State.DOWN, State.UNKNOWN, False),
    "looked at again": (State.UNKNOWN, State.DOWN, False),
}


@pytest.mark.parametrize(("old", "new", "counts"), PAIRS.values(), ids=PAIRS)
def test_a_turn_is_between_carrying_and_not(old, new, counts):
    assert is_turn(old, new) is counts


def test_the_label_stays_half_an_hour_from_the_first_of_the_last_six_turns():
    turns = Turns()
    for number in range(TURNS):
        assert not turns.is_flapping(LINE, 100 * SECOND)
        turns.note(LINE, (10 + number) * SECOND)
    assert turns.flapping(100 * SECOND) == {LINE}
    assert turns.flapping(10 * SECOND + WINDOW_NS) == frozenset()
    assert turns.known() == {LINE: tuple((10 + n) * SECOND for n in range(TURNS))}
    assert turns.flapping(15 * SECOND + WINDOW_NS) == frozenset()
    assert turns.known() == {}


async def three_outages(duty):
    await duty.all_answer(at=0)
    for number in range(3):
        await duty.fall(LINE, at=60 * number + 10)
        await duty.tick(at=60 * number + 15)
        await duty.rise(LINE, at=60 * number + 40)


async def test_a_flapping_line_is_labelled_but_every_outage_still_has_its_cause(tmp_path):
    async with belief_on(tmp_path / "db", an_inventory()) as duty:
        await three_outages(duty)
        snapshot = duty.service.snapshot()
        assert snapshot.targets[LINE].is_flapping
        assert not snapshot.targets["X-32-FIXED"].is_flapping
        await duty.fall(LINE, at=200)
        await duty.tick(at=205)
        causes = [change for change in duty.heard if change.kind == "cause"]
        assert [change.new for change in causes] == ["down", "up"] * 3 + ["down"]
        assert [change.evidence["flapping"] for change in causes] == [[]] * 5 + [[LINE]] * 2


async def test_the_label_outlives_a_restart_and_a_reload(tmp_path):
    async with belief_on(tmp_path / "db", an_inventory()) as duty:
        await three_outages(duty)
    async with belief_on(tmp_path / "db", an_inventory(), at=300, epoch=2) as duty:
        assert duty.service.snapshot().targets[LINE].is_flapping
        await duty.service.swap(replace(an_inventory(), digest="two"))
        assert duty.service.snapshot().targets[LINE].is_flapping
    async with belief_on(tmp_path / "db", an_inventory(), at=2000, epoch=3) as duty:
        assert not duty.service.snapshot().targets[LINE].is_flapping
