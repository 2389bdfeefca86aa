import asyncio
import time

from probes.deadlines import GRAIN_SECONDS, Deadlines


class Bell:
    """Collects what came due, and when."""

    def __init__(self):
        self.rung = []
        self.changed = asyncio.Event()

    def ring(self, entries):
        self.rung += [(entry, time.monotonic()) for entry in entries]
        self.changed.set()

    async def heard(self, count):
        async with asyncio.timeout(60):
            while len(self.rung) < count:
                self.changed.clear()
                await self.changed.wait()
        return [entry for entry, _ in self.rung]


async def test_deadlines_of_mixed_lengths_come_due_in_the_order_of_time():
    bell = Bell()
    deadlines = Deadlines(monotonic=time.monotonic, on_due=bell.ring)
    now = time.monotonic()
    for after, name in ((0.09, "third"), (0.03, "first"), (0.06, "second")):
        deadlines.set(now, after, name)
    assert await bell.heard(3) == ["first", "second", "third"]
    assert not len(deadlines)


async def test_no_deadline_comes_early():
    bell = Bell()
    deadlines = Deadlines(monotonic=time.monotonic, on_due=bell.ring)
    set_at = time.monotonic()
    for step in range(50):
        deadlines.set(set_at + step * 0.001, 0.02, step)
    await bell.heard(50)
    assert [entry for entry, _ in bell.rung] == list(range(50))
    assert all(at >= set_at + entry * 0.001 + 0.02 for entry, at in bell.rung)


async def test_a_deadline_set_while_others_come_due_is_kept():
    again = asyncio.Event()

    def ring(entries):
        if "once" in entries:
            deadlines.set(time.monotonic(), 0.01, "again")
        if "again" in entries:
            again.set()

    deadlines = Deadlines(monotonic=time.monotonic, on_due=ring)
    deadlines.set(time.monotonic(), 0.01, "once")
    await asyncio.wait_for(again.wait(), 60)


async def test_closing_forgets_every_deadline():
    bell = Bell()
    deadlines = Deadlines(monotonic=time.monotonic, on_due=bell.ring)
    deadlines.set(time.monotonic(), 0.01, "never")
    deadlines.close()
    later = Bell()
    others = Deadlines(monotonic=time.monotonic, on_due=later.ring)
    others.set(time.monotonic(), 0.03, "later")
    await later.heard(1)
    assert bell.rung == []


async def test_whoever_is_over_is_forgotten_before_its_time_and_wakes_nobody():
    bell = Bell()
    over = set(range(100))
    deadlines = Deadlines(monotonic=time.monotonic, on_due=bell.ring, is_over=over.__contains__)
    now = time.monotonic()
    for number in range(100):
        deadlines.set(now, 3600.0, number)
    deadlines.set(now, 0.01, "soon")
    assert await bell.heard(1) == ["soon"]
    assert not len(deadlines)


async def test_deadlines_of_a_moment_are_met_by_one_waking():
    wakings = []
    done = asyncio.Event()

    def ring(entries):
        wakings.append(len(entries))
        if sum(wakings) == 200:
            done.set()

    deadlines = Deadlines(monotonic=time.monotonic, on_due=ring)
    began = time.monotonic()
    for number in range(200):
        deadlines.set(began + number * 0.0005, 0.02, number)
    await asyncio.wait_for(done.wait(), 60)
    # A tenth of a second of deadlines: one waking for the first, then one every grain at most.
    assert len(wakings) <= (time.monotonic() - began) / GRAIN_SECONDS + 1
    assert len(wakings) < 50
