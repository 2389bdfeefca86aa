"""What becomes of looks: answers good, late, double, forged and absurd, with clocks that the test holds."""

import numpy as np
import pytest

from probes.icmp_address import SOCKADDR, Addresses
from probes.icmp_batch import Sent
from probes.icmp_clock import StampClock
from probes.icmp_flight import FlightTable
from probes.icmp_lane import Take
from probes.icmp_match import Matcher
from probes.icmp_packet import Family, Quotes, Reading
from probes.icmp_results import IcmpStatistics
from probes.models import Flag, Outcome
from tests.support.icmp import SECOND, Collected, slots

MS = 1_000_000
FLEET = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
EPOCH = 1_700_000_000 * SECOND


class Field:
    """A matcher with a clock in the test's hand, and what it says."""

    def __init__(self, addresses=FLEET):
        self.now_ns = 50 * SECOND
        self.ahead_ns = EPOCH
        self.seen = Collected()
        self.count = IcmpStatistics()
        self.flight = FlightTable()
        self.match = Matcher(
            clock=StampClock(monotonic_ns=lambda: self.now_ns, wall_ns=lambda: self.now_ns + self.ahead_ns),
            statistics=self.count,
            flight=self.flight,
            on_results=self.seen.take,
            on_overdue=self.seen.suspect,
        )
        self.match.install(1, Addresses.of(addresses))

    def look(self, *where, timeout_ns=2 * SECOND, flags=0, spread_ns=0, failed=()):
        looks = self.flight.reserve(len(where))
        sent = Sent(
            count=len(where),
            at_ns=np.full(len(where), self.now_ns),
            spread_ns=np.full(len(where), spread_ns),
            failed=list(failed),
        )
        self.match.launched(slots(*where), sent, timeout_ns=timeout_ns, flags=flags)
        return looks.tolist()

    def answer(self, *pairs, after_ns=0, source=None):
        """Let answers (slot, look) arrive, received by the kernel ``after_ns`` from now."""
        slot, look = zip(*pairs, strict=True)
        names = Addresses.of([source or FLEET[number] for number in slot]).rows
        row = np.arange(len(pairs))
        reading = Reading(row, slots(*slot), slots(*look), None, 0, 0)
        stamps = np.full(len(pairs), self.now_ns + self.ahead_ns + after_ns)
        self.match.take(Take(Family.V4, reading, names, stamps))

    def error(self, *, look=0, sequence=0, known=True, about=FLEET[0]):
        quotes = Quotes(
            row=np.array([0]),
            sequence=np.array([sequence], np.uint16),
            look=slots(look),
            known=np.array([known]),
            destination=np.array([[int(part) for part in about.split(".")]], np.uint8),
        )
        reading = Reading(np.array([], np.intp), slots(), slots(), quotes, 0, 0)
        self.match.take(Take(Family.V4, reading, np.zeros(1, SOCKADDR), np.zeros(1, np.int64)))

    def wait(self, span_ns):
        self.now_ns += span_ns
        self.match.end_due(self.now_ns)

    @property
    def outcomes(self):
        return [(slot, outcome, flags) for slot, outcome, _, flags, *_ in self.seen.looks]


def test_an_answer_ends_a_look_with_its_round_trip_and_the_time_it_was_sent():
    field = Field()
    sent_at = field.now_ns + field.ahead_ns
    (look,) = field.look(1, flags=Flag.CONFIRM)
    field.now_ns += 30 * MS
    field.answer((1, look), after_ns=-10 * MS)
    ((slot, outcome, rtt, flags, at_ns, generation),) = field.seen.looks
    assert (slot, outcome, flags, at_ns, generation) == (1, Outcome.OK, Flag.CONFIRM, sent_at, 1)
    assert rtt == pytest.approx(0.020)


def test_an_answer_after_suspicion_is_good_and_marked_late():
    field = Field()
    (look,) = field.look(1)
    field.wait(SECOND)
    assert field.seen.overdue == [(1, 1)]
    field.answer((1, look))
    field.wait(9 * SECOND)
    assert field.outcomes == [(1, Outcome.OK, Flag.LATE)]
    assert (field.count.late, field.count.expired) == (1, 0)


def test_a_measured_slot_is_suspected_by_its_own_history_and_not_after_a_second():
    field = Field()
    for _ in range(20):
        (look,) = field.look(1)
        field.now_ns += 10 * MS
        field.answer((1, look))
    field.look(0, 1)
    field.wait(200 * MS)
    assert field.seen.overdue == [(1, 1)]
    field.wait(800 * MS)
    assert field.seen.overdue == [(1, 1), (1, 0)]


def test_an_answer_read_late_but_received_in_time_is_good():
    field = Field()
    (look,) = field.look(1)
    field.now_ns += 60 * SECOND
    field.answer((1, look), after_ns=-59 * SECOND)
    field.wait(0)
    assert field.outcomes == [(1, Outcome.OK, 0)]
    assert field.seen.looks[0][2] == pytest.approx(1.0)


def test_an_answer_received_after_the_timeout_is_a_loss_even_if_read_first():
    field = Field()
    (look,) = field.look(1)
    field.now_ns += 3 * SECOND
    field.answer((1, look))
    field.wait(0)
    field.answer((1, look))
    assert field.outcomes == [(1, Outcome.TIMEOUT, 0)]
    assert field.count.expired == 2


def test_second_answers_are_counted_and_change_nothing():
    field = Field()
    (look,) = field.look(1)
    field.answer((1, look), (1, look))
    field.answer((1, look))
    assert field.outcomes == [(1, Outcome.OK, 0)]
    assert field.count.duplicate == 2


def test_an_answer_from_the_wrong_sender_is_spoofed_and_the_look_goes_on():
    field = Field()
    (look,) = field.look(1)
    field.answer((1, look), source="10.0.0.3")
    assert (field.outcomes, field.count.spoofed) == ([], 1)
    field.answer((1, look))
    assert field.outcomes == [(1, Outcome.OK, 0)]


def test_an_answer_to_a_look_that_never_was_counts_as_expired():
    field = Field()
    (look,) = field.look(1)
    field.answer((1, look + 1), (2, look))
    assert (field.outcomes, field.count.expired) == ([], 2)


def test_looks_at_one_slot_200_ms_apart_end_each_by_its_own_answer():
    field = Field()
    first = field.look(1)[0]
    field.now_ns += 200 * MS
    second = field.look(1, flags=Flag.CONFIRM)[0]
    field.now_ns += 10 * MS
    field.answer((1, second))
    field.wait(2 * SECOND)
    assert field.outcomes == [(1, Outcome.OK, Flag.CONFIRM), (1, Outcome.TIMEOUT, 0)]
    field.answer((1, first))
    assert field.count.expired == 1


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_set_meanwhile_costs_the_round_trip_and_not_the_answer(hours):
    field = Field()
    (look,) = field.look(1)
    field.now_ns += 20 * MS
    stamped_before_the_step = -hours * 3_600 * SECOND
    field.ahead_ns += hours * 3_600 * SECOND
    field.answer((1, look), after_ns=stamped_before_the_step)
    assert field.outcomes == [(1, Outcome.OK, 0)]
    assert np.isnan(field.seen.looks[0][2])
    assert (field.count.clock_steps, field.count.unmeasured) == (1, 1)
    (look,) = field.look(1)
    field.now_ns += 20 * MS
    field.answer((1, look))
    assert field.seen.looks[1][2] == pytest.approx(0.020)


@pytest.mark.parametrize(("spread_ms", "rtt_ms", "is_kept"), [(1, 1, True), (5, 20, False), (5, 60, True)])
def test_a_round_trip_is_kept_only_as_far_as_its_batch_dates_it(spread_ms, rtt_ms, is_kept):
    field = Field()
    (look,) = field.look(1, spread_ns=spread_ms * MS)
    field.now_ns += rtt_ms * MS
    field.answer((1, look))
    assert np.isnan(field.seen.looks[0][2]) is np.bool_(not is_kept)


def test_looks_that_could_not_be_sent_end_as_our_error():
    field = Field()
    field.look(0, 1, 2, failed=[1])
    assert field.outcomes == [(1, Outcome.ERROR, 0)]
    assert (field.count.sent, field.count.send_errors) == (2, 1)
    field.wait(2 * SECOND)
    assert field.outcomes[1:] == [(0, Outcome.TIMEOUT, 0), (2, Outcome.TIMEOUT, 0)]


def test_timeouts_of_looks_under_way_when_the_kernel_dropped_are_marked_unreliable():
    field = Field()
    field.look(0)
    field.wait(SECOND)
    field.match.note_drops(3)
    field.wait(1)
    field.look(1)
    field.wait(2 * SECOND)
    assert field.outcomes == [(0, Outcome.TIMEOUT, Flag.UNRELIABLE), (1, Outcome.TIMEOUT, 0)]
    assert field.count.kernel_drops == 3


def test_a_routers_error_ends_the_look_it_quotes():
    field = Field()
    looks = field.look(0, 1)
    field.error(look=looks[1], about=FLEET[1])
    assert field.outcomes == [(1, Outcome.UNREACHABLE, 0)]
    field.error(look=looks[1], about=FLEET[1])
    assert (field.count.unreachable, field.count.foreign) == (1, 1)


def test_an_error_that_quotes_little_ends_the_newest_look_with_that_sequence_and_destination():
    field = Field()
    looks = field.look(0, 1)
    field.error(sequence=looks[0], known=False, about=FLEET[1])
    assert (field.outcomes, field.count.foreign) == ([], 1)
    field.error(sequence=looks[1], known=False, about=FLEET[1])
    assert field.outcomes == [(1, Outcome.UNREACHABLE, 0)]


def test_a_new_table_forgets_looks_and_keeps_the_history_of_kept_addresses():
    field = Field()
    (look,) = field.look(2)
    field.now_ns += 10 * MS
    field.answer((2, look))
    (orphan,) = field.look(2)
    field.match.install(2, Addresses.of((FLEET[2],)))
    field.answer((2, orphan))
    field.look(0)
    field.wait(200 * MS)
    assert field.seen.overdue == [(2, 0)]
    field.wait(2 * SECOND)
    assert [generation for *_, generation in field.seen.looks] == [1, 2]
    assert field.count.expired == 1


@pytest.mark.parametrize("lost", range(32))
def test_of_five_looks_exactly_the_unanswered_are_lost(lost):
    field = Field()
    looks = [field.look(1)[0] for _ in range(5)]
    for number, look in enumerate(looks):
        if not lost >> number & 1:
            field.answer((1, look))
    field.wait(2 * SECOND)
    outcomes = [outcome for _, outcome, _ in field.outcomes]
    assert outcomes.count(Outcome.TIMEOUT) == lost.bit_count()
    assert outcomes.count(Outcome.OK) == 5 - lost.bit_count()
