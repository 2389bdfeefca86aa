"""Which targets come and go: a label for people, which never blocks the opening or the ending of anything.

A *turn* is a change of state between carrying and not carrying (down or partial); becoming or having been unknown is
none. A target is flapping while it turned at least :data:`TURNS` times, three outages, within :data:`WINDOW_NS`. The
field's usual weighing of the last 21 results is left aside on purpose: with confirming looks they may be four seconds
or four minutes, and "six times in half an hour" is what a duty officer can tell a carrier.

Pure but for its own memory, which holds nothing of targets that do not turn.
"""

from collections import deque
from collections.abc import Mapping

from monitor.models import State
from monitor.moments import SECOND

__all__ = ["TURNS", "WINDOW_NS", "Turns", "is_turn"]

TURNS = 6
"""As many changes between carrying and not carrying make a target flapping."""

WINDOW_NS = 1800 * SECOND
"""The time within which they count."""

_LOST = frozenset({State.DOWN, State.PARTIAL})


def is_turn(old: State, new: State) -> bool:
    """Whether a change of state is between carrying and not carrying."""
    return State.UNKNOWN not in {old, new} and (old in _LOST) != (new in _LOST)


class Turns:
    """When each target turned lately."""

    def __init__(self) -> None:
        self._turns: dict[str, deque[int]] = {}

    def note(self, target: str, at_ns: int) -> None:
        """Remember that a target turned."""
        self._turns.setdefault(target, deque(maxlen=TURNS)).append(at_ns)

    def inherit(self, old: "Turns", names: Mapping[str, str]) -> None:
        """Take over what is known of targets that did not change but for their name (old to new)."""
        known = old.known().items()
        self._turns.update({names[target]: deque(turns, TURNS) for target, turns in known if target in names})

    def known(self) -> dict[str, tuple[int, ...]]:
        """Answer the last turns of every target that turned, oldest first."""
        return {target: tuple(turns) for target, turns in self._turns.items()}

    def is_flapping(self, target: str, now_ns: int) -> bool:
        """Whether a target has turned too often lately."""
        turns = self._turns.get(target)
        return turns is not None and len(turns) == TURNS and now_ns - turns[0] < WINDOW_NS

    def flapping(self, now_ns: int) -> frozenset[str]:
        """Answer the targets that have turned too often lately, and forget those that have long been quiet."""
        for target in [t for t, turns in self._turns.items() if now_ns - turns[-1] >= WINDOW_NS]:
            del self._turns[target]
        return frozenset(target for target in self._turns if self.is_flapping(target, now_ns))
