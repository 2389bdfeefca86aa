"""The rules that others' manuals give, worked out by hand for one target."""

import zlib

import numpy as np
import pytest

from tests.support.peer_rules import GATUS, ICINGA

TARGET = "UBBC-31498-MOBILE.router"
PHASE = zlib.crc32(TARGET.encode()) / 2**32 * 5.0


@pytest.mark.parametrize(
    ("rule", "after_the_first_look"),
    [(GATUS, 5.0 + 5.0 + 1.0), (ICINGA, 3 * 1.0 + 2 * 1.0)],
    ids=["gatus: every look at the cadence", "icinga: repeated a second after each result"],
)
def test_a_cut_just_before_a_look_is_noticed_after_three_failures(rule, after_the_first_look):
    began = 1000 * 5.0 + PHASE - 0.001
    assert rule.noticed(TARGET, began, 5.0) == pytest.approx(began + 0.001 + after_the_first_look)


def test_a_cut_just_after_a_look_waits_a_whole_cadence_more():
    began = 1000 * 5.0 + PHASE + 0.001
    assert GATUS.noticed(TARGET, began, 5.0) - began == pytest.approx(5.0 - 0.001 + 11.0)


@pytest.mark.parametrize("rule", [GATUS, ICINGA], ids=["gatus", "icinga"])
def test_three_in_a_row_at_two_percent_loss_cries_wolf_hundreds_of_times_a_day(rule):
    rng = np.random.default_rng(5)
    hour = rule.false_outages(targets=2200, loss=0.02, cadence=5.0, rng=rng, seconds=3600.0)
    assert 3 <= hour <= 30
    assert rule.false_outages(targets=100, loss=0.0, cadence=5.0, rng=rng, seconds=3600.0) == 0
