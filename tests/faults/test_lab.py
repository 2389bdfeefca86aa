"""Faults in the lab's province on real sockets, from one cut line to the death of the service in the middle.

The chapters share one province, because starting it is dear; each leaves it whole. The score is taken at the end.
"""

import time

import pytest

from tests.faults import results
from tests.support.lab_runs import a_bench, pass_time
from tests.support.scoring import expectations_met, false_pages, pages_after, score, spread

pytestmark = [pytest.mark.root, pytest.mark.story, pytest.mark.faults_long, pytest.mark.timeout(1800)]

LINES = ("UBBC-31498-MOBILE", "UBBC-31531-MOBILE", "UBBC-31570-MOBILE", "UBBC-31675-MOBILE")
LINE_SECONDS = 16.0
"""How long a single line is cut. Its owner is told once the policy's ``hold_lone`` (4 s) has passed beside the cadence
(5 s) and a timeout (1 s), 10.2 s after the cut at worst; later where a look was lost lately, as on a machine that does
much else. A cut of 12 s would judge the machine; cuts of 10 s are judged by simulation.
"""

GROUPS = (
    "VNPT-OLT-941-1",
    "VNPT-OLT-943-1",
    "VNPT-RING-944",
    "VIETTEL-RING-945",
    "MOBIFONE-RING-942",
    "VNPT-RING-947",
    "VIETTEL-RING-943",
    "VIETTEL-CORE-94",
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with a_bench(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def wanted():
    """What each chapter expects, by its name."""
    return {}


def several(bench):
    """The groups above that this sample has, with more than one target."""
    return [risk for risk in GROUPS if len(bench.topology.targets_of_risk(risk)) > 1]


def test_single_lines_are_cut(bench, wanted):
    for line in LINES:
        if line not in bench.inventory.paths:
            continue
        [target, *_] = bench.topology.targets_of_path(line)
        alone = {c for r in bench.topology.risks_of_path(line) for c in bench.same_as(r)}
        wanted[line] = bench.cut(
            lasts=LINE_SECONDS,
            target=target,
            owner=bench.topology.owner_of(target),
            conditions={f"path:{line}", *alone},
        )
        [found] = expectations_met([wanted[line]], bench.opened()[-1:])
        assert found, (wanted[line], bench.opened())


def test_groups_of_several_sites_are_cut(bench, wanted):
    groups = several(bench)
    assert len(groups) >= 6
    for risk in groups:
        owner = bench.inventory.risks[risk].owner
        wanted[risk] = bench.cut(risk=risk, owner=owner, conditions=bench.same_as(risk))
    right = expectations_met([wanted[risk] for risk in groups], bench.opened())
    assert sum(right) >= 0.95 * len(right), list(zip(groups, right, strict=True))


def test_a_minute_of_two_percent_loss_is_no_outage(bench):
    before = len(bench.outages()), len(bench.opened())
    arguments = ("--area", "94", "--ratio", "0.02")
    bench.province.lab("loss", *arguments)
    pass_time(60)
    bench.province.lab("restore")
    assert (len(bench.outages()), len(bench.opened())) == before


def test_answers_300_ms_late_are_no_outage(bench):
    before = len(bench.outages()), len(bench.opened())
    bench.province.lab("slow", "--area", "94", "--ms", "300")
    pass_time(20)
    bench.province.lab("restore")
    assert (len(bench.outages()), len(bench.opened())) == before


def test_a_vantage_without_uplink_accuses_nobody_and_writes_its_blindness_down(bench):
    before = len(bench.outages()), len(bench.opened())
    began = time.time()
    with bench.without_uplink():
        pass_time(20)
    [gap] = bench.province.wait_for(
        lambda: [row for row in bench.unobserved() if row["reason"] == "isolated" and row["ended_at"]],
        "sight came back",
        seconds=20,
    )
    accused = [incident for incident in bench.opened() if incident.opened >= began]
    assert [incident for incident in accused if incident.owner in bench.carriers] == []
    assert len(bench.outages()) == before[0]
    assert gap["vantage"]


def test_a_service_killed_in_the_middle_of_a_cut_finds_it_once(bench, wanted):
    risk = "VNPT-RING-946"
    fault = bench.province.lab("cut", "--risk", risk)
    count = len(bench.topology.targets_of_risk(risk))
    bench.province.wait_for(
        lambda: len(bench.province.rows("SELECT 1 FROM outages WHERE ended_at IS NULL")) == count,
        "all of the ring is down",
        seconds=30,
    )
    bench.province.kill_service()
    bench.province.start_service()
    pass_time(5)
    bench.province.lab("restore")
    bench.settle()
    mine = [incident for incident in bench.opened() if incident.condition == f"risk:{risk}"]
    assert len(mine) == 1
    assert fault["targets"] == count


def test_the_score_of_the_whole_story(bench, wanted):
    outages, opened = bench.outages(), bench.opened()
    told = score(
        bench.injuries(),
        outages,
        watched_seconds=time.time() - bench.began,
        targets=len(bench.inventory.targets),
    )
    expected = sorted(wanted.values(), key=lambda each: each.began)
    causes = expectations_met(expected, opened)
    known = [incident for incident in opened if incident.condition != "risk:VNPT-RING-946"]
    false = sum(false_pages(expected, known, carriers=bench.carriers).values())
    results.note(
        "lab, real sockets",
        {
            "scenario": "lines, groups, loss, slow, uplink, kill -9",
            "seconds": round(time.time() - bench.began),
            **told.facts(),
            "causes": len(causes),
            "causes_right": sum(causes),
            **{f"page_{name}": value for name, value in spread(pages_after(expected, opened)).items()},
            "incidents": len(opened),
            "false_pages": false,
        },
    )
    assert told.recall == 1.0
    assert told.false_outages == 0
    assert false == 0
