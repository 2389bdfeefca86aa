"""When an answer is overdue: RFC 6298."""

import numpy as np
import pytest

from probes.estimate import FLOOR_SECONDS, RttEstimator


def patience(estimator, slot=0):
    return float(estimator.patience(np.array([slot]))[0])


def test_before_the_first_answer_the_wait_is_the_rfcs_one_second():
    assert patience(RttEstimator(1)) == 1.0


def test_the_first_answer_sets_srtt_and_half_of_it_as_variance():
    estimator = RttEstimator(1)
    estimator.learn(0, 0.4)
    assert patience(estimator) == pytest.approx(0.4 + 4 * 0.2)


def test_later_answers_move_the_estimate_by_an_eighth_and_a_quarter():
    estimator = RttEstimator(1)
    estimator.learn(0, 0.4)
    estimator.learn(0, 0.8)
    variance = 0.2 + (0.4 - 0.2) / 4
    assert patience(estimator) == pytest.approx(0.4 + 0.4 / 8 + 4 * variance)


def test_a_fast_line_is_given_the_floor_and_not_its_microseconds():
    estimator = RttEstimator(1)
    for _ in range(100):
        estimator.learn(0, 0.00002)
    assert patience(estimator) == FLOOR_SECONDS


def test_slots_do_not_share_history():
    estimator = RttEstimator(2)
    estimator.learn(1, 0.3)
    assert patience(estimator, 0) == 1.0
    assert patience(estimator, 1) == pytest.approx(0.9)
