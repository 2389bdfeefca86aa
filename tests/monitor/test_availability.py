"""Up, down and unobserved always make up the window."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.availability import Availability, availability, availability_of, clipped, length, without
from monitor.models import Outage, Unobserved

intervals = st.lists(st.tuples(st.integers(-50, 250), st.integers(-50, 250)), max_size=20)
WINDOW = (0, 200)
NOON = datetime(2021, 5, 23, 5, tzinfo=UTC)


def seconds_of(spans, window=WINDOW):
    """Brute force: the whole numbers that lie in one of the spans."""
    return {n for start, end in spans for n in range(max(start, window[0]), min(end, window[1]))}


@given(intervals, intervals, intervals)
def test_the_parts_are_what_counting_every_second_gives(down, unobserved, planned):
    blind = seconds_of(unobserved)
    lost = seconds_of(down) - blind
    arrears = lost - seconds_of(planned)
    assert availability(window=WINDOW, down=down, unobserved=unobserved, planned=planned) == Availability(
        up_ns=200 - len(blind) - len(lost),
        down_ns=len(arrears),
        unobserved_ns=len(blind),
        planned_ns=len(lost) - len(arrears),
    )


@given(intervals, intervals, intervals)
def test_the_parts_sum_to_the_window(down, unobserved, planned):
    parts = availability(window=WINDOW, down=down, unobserved=unobserved, planned=planned)
    every = (parts.up_ns, parts.down_ns, parts.unobserved_ns, parts.planned_ns)
    assert sum(every) == 200
    assert min(every) >= 0


def test_planned_work_costs_no_availability_and_lends_none():
    parts = availability(window=WINDOW, down=[(0, 100)], unobserved=[], planned=[(50, 150)])
    assert (parts.down_ns, parts.planned_ns, parts.ratio) == (50, 50, 100 / 150)


@given(intervals, st.randoms(use_true_random=False))
def test_the_order_of_outages_does_not_matter(down, rng):
    shuffled = list(down)
    rng.shuffle(shuffled)
    assert clipped(down, WINDOW) == clipped(shuffled, WINDOW)


@given(intervals, intervals)
def test_taking_out_leaves_nothing_of_the_holes(spans, holes):
    left = without(clipped(spans, WINDOW), clipped(holes, WINDOW))
    assert seconds_of(left) == seconds_of(spans) - seconds_of(holes)
    assert length(left) == len(seconds_of(left))


def test_where_nothing_was_observed_there_is_no_figure():
    assert availability(window=WINDOW, down=[(0, 10)], unobserved=[(0, 200)]).ratio is None


def test_an_open_outage_lasts_until_the_end_of_the_window():
    minute = timedelta(minutes=1)
    parts = availability_of(
        [Outage(1, "t", NOON + 50 * minute, NOON, None)],
        [Unobserved("V1", NOON, NOON + 10 * minute, "isolated")],
        since=NOON,
        until=NOON + 60 * minute,
    )
    assert parts.down == 10 * minute
    assert parts.ratio == 40 / 50
