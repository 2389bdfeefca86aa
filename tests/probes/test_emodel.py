"""The E-model against the figures that the Recommendations print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.emodel import G711, G711_CONCEALED, Codec, mos, rating, voice_mos


def test_with_all_defaults_the_rating_is_93_2():
    assert rating() == pytest.approx(93.2, abs=0.05)  # G.107, 7.7


@pytest.mark.parametrize(
    ("r", "score"),
    [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1.0), (-5, 1.0), (100, 4.5), (120, 4.5)],
)
def test_scores_are_those_of_annex_b(r, score):
    assert mos(r) == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize(
    ("delay", "r"), [(0.1, 91), (0.15, 90), (0.2, 86), (0.25, 79), (0.3, 73), (0.4, 62), (0.5, 55)]
)
def test_delay_alone_costs_what_the_curve_of_g_114_shows(delay, r):
    assert rating(one_way_seconds=delay) == pytest.approx(r, abs=1)


@pytest.mark.parametrize(
    ("loss", "codec", "impairment"),
    [
        (0.01, G711, 95 * 1 / (1 + 4.3)),
        (0.05, G711, 95 * 5 / (5 + 4.3)),
        (0.05, G711_CONCEALED, 95 * 5 / (5 + 25.1)),
        (0.02, Codec(11, 19), 11 + 84 * 2 / (2 + 19)),  # G.729A with VAD
    ],
)
def test_loss_costs_the_effective_equipment_impairment(loss, codec, impairment):
    assert rating() - rating(loss_ratio=loss, codec=codec) == pytest.approx(impairment, abs=1e-9)


def test_losses_that_come_together_cost_more():
    assert rating(loss_ratio=0.05, burst=2.0) < rating(loss_ratio=0.05)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 2), st.floats(0, 2))
def test_more_loss_and_more_delay_never_sound_better(loss, more_loss, delay, more_delay):
    better = rating(one_way_seconds=min(delay, more_delay), loss_ratio=min(loss, more_loss))
    worse = rating(one_way_seconds=max(delay, more_delay), loss_ratio=max(loss, more_loss))
    # The Recommendation's own echo terms let R rise by a few thousandths over the first milliseconds of delay.
    assert worse <= better + 0.01
    assert 1.0 <= mos(worse) <= mos(better) + 0.001 <= 4.502


def test_where_the_delay_is_not_known_the_score_is_a_listeners():
    listening = voice_mos(network_seconds=None, loss_ratio=0.0, buffer_seconds=0.06)
    talking = voice_mos(network_seconds=0.1, loss_ratio=0.0, buffer_seconds=0.06)
    assert listening == pytest.approx(4.41, abs=0.01)
    assert talking == pytest.approx(mos(rating(one_way_seconds=0.18)), abs=1e-9)
