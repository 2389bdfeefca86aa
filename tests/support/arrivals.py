"""Where messages arrive in tests, and what makes each of them fail whose messages were not all expected.

A receiver keeps what it takes in :class:`Arrivals`. A message counts as expected once the test has looked at it: by
unpacking, by index, in a loop or by comparing the whole. Counting is not looking: a page too many, to the wrong person
or a second time, is found when the test ends, also where it arrived after the last assertion. The fixture
``no_unexpected_message`` (tests/conftest.py) is in force for every test, whatever receiver it starts.
"""

from contextlib import contextmanager

__all__ = ["Arrivals", "expecting"]

_open = []
"""What was made during the test that runs."""


class Arrivals(list):
    """What arrived at one receiver, in order; only appended to."""

    def __init__(self, where):
        super().__init__()
        self._where = where
        self._seen = set()
        _open.append(self)

    def __iter__(self):
        for place, one in enumerate(super().__iter__()):
            self._seen.add(place)
            yield one

    def __getitem__(self, place):
        self._seen.update(range(len(self))[place] if isinstance(place, slice) else [range(len(self))[place]])
        return super().__getitem__(place)

    def __add__(self, other):
        return [*self, *other]

    def __eq__(self, other):
        self._seen.update(range(len(self)))
        return super().__eq__(other)

    __hash__ = None

    def unexpected(self):
        """Answer what arrived and was never looked at, with where it arrived."""
        return [
            f"{self._where}: {one!r:.400}"
            for place, one in enumerate(super().__iter__())
            if place not in self._seen
        ]


@contextmanager
def expecting():
    """Fail when the block ends and any receiver made in it holds a message that was never looked at."""
    before = list(_open)
    _open.clear()
    try:
        yield
        left = [message for arrivals in _open for message in arrivals.unexpected()]
        assert left == [], f"{len(left)} messages arrived that nobody expected"
    finally:
        _open[:] = before
