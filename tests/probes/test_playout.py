import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.playout import late_packets


@pytest.mark.parametrize(
    ("transits", "late"),
    [
        ([], 0),
        ([5.0], 0),
        ([0.0, 0.05, 0.0, 0.05], 0),
        ([0.0, 0.1, 0.0, 0.0], 1),
        ([0.0, 0.1, 0.0, 0.1, 0.0, 0.1], 3),
        ([0.0, 0.0, *[0.2] * 50], 1),
        ([0.3, 0.2, 0.1, 0.0], 0),
    ],
    ids=["none", "one", "within", "a spike", "spikes", "slower for good", "ever faster"],
)
def test_a_packet_is_late_by_what_the_phone_waited_for_so_far(transits, late):
    assert late_packets(transits, buffer_seconds=0.06) == late


@given(st.lists(st.floats(-10, 10), max_size=40), st.floats(0, 1), st.floats(-1e3, 1e3))
def test_a_longer_buffer_is_never_worse_for_one_spike_and_clocks_do_not_matter(transits, buffer, shift):
    late = late_packets(transits, buffer_seconds=buffer)
    assert 0 <= late <= max(0, len(transits) - 1)
    assert late_packets(transits, buffer_seconds=30) == 0
    quantised = [round(transit * 64) / 64 for transit in transits]  # so that sums are exact
    moved = [transit + round(shift) for transit in quantised]
    assert late_packets(moved, buffer_seconds=0.25) == late_packets(quantised, buffer_seconds=0.25)
