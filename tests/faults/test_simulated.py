"""Faults in a simulated province: virtual time, seeded chance, the product's own schedule, belief and acting.

What is judged must hold; what is only measured (heavy loss, bursts, cuts shorter than a decision needs) goes into
the table of results with everything else, so that a change of policy shows what it costs. Time is virtual: how long a
test may take is no judgement, only a guard against one that hangs, and wide enough for a machine that does much else.
"""

import pytest

from tests.faults import results
from tests.faults.scenarios import LONG, SCENARIOS
from tests.support.simulated_runs import run_scenario

SHORT = [scenario for scenario in SCENARIOS if scenario.is_judged and not scenario.is_long]
REST = [scenario for scenario in SCENARIOS if not (scenario.is_judged and not scenario.is_long)]


def named(scenario):
    return scenario.name


def judge(run, scenario):
    score = run.score
    assert run.false_pages == 0, run.opened
    assert scenario.is_noisy or score.false_outages == 0
    if scenario.is_blind:
        assert all(incident.owner == "STTTT" for incident in run.opened)
        return
    assert score.found == score.cuts
    assert all(run.causes), (run.expected, run.opened)


async def recorded(scenario):
    run = await run_scenario(scenario, believe_every=5 if scenario.sample == "province" else 1)
    results.note("simulated", run.row())
    if run.replayed is not None:
        assert run.believed
        assert run.replayed == run.believed
    return run


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", SHORT, ids=named)
async def test_what_is_believed_is_what_was_done(scenario):
    judge(await recorded(scenario), scenario)


@pytest.mark.faults_long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", REST, ids=named)
async def test_what_is_believed_of_worse_days(scenario):
    run = await recorded(scenario)
    if scenario.is_judged:
        judge(run, scenario)


@pytest.mark.faults_long
@pytest.mark.timeout(5400)
async def test_a_day_of_two_percent_loss_makes_no_outage_and_pages_no_carrier():
    run = await recorded(LONG[0])
    assert run.looks > 2200 * 86_400 / 5
    assert run.score.outages == 0
    assert run.opened == ()


@pytest.mark.faults_long
@pytest.mark.timeout(2400)
async def test_the_cause_of_what_several_sites_share_is_right_in_95_of_100(capsys):
    run = await recorded(LONG[1])
    assert len(run.causes) >= 20
    assert sum(run.causes) >= 0.95 * len(run.causes)
    assert run.score.recall == 1.0
