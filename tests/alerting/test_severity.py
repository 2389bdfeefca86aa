"""How grave, by impact and phase, with the inputs kept."""

from dataclasses import replace

import pytest

from alerting.province import Province
from alerting.severity import MATRIX, Impact, Period, Weight, graver, severity_of, weigh
from inventory.models import Phase, Severity, SiteKind
from tests.support.acting import an_inventory, ring_evidence

PROVINCE = Province(an_inventory())


def a_weight(impact=Impact.LAST_PATH, phase=Phase.POLL, **changes):
    given = {"sites": 1, "communes": 1, "voters": 100, "isolated": 0, "last_path": 1, **changes}
    return Weight(impact, phase, **given)


def weighed(evidence, province=PROVINCE):
    return weigh(evidence, phase=Phase.POLL, inventory=province.inventory, topology=province.topology)


def test_the_matrix_answers_for_every_impact_in_every_period():
    assert len(MATRIX) == len(Impact) * len(Period)


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_falls_into_a_period(phase):
    assert severity_of(a_weight(phase=phase)) in Severity


@pytest.mark.parametrize(
    ("impact", "row"),
    [
        (Impact.TALLY_OR_WHOLE_CARRIER, "P2 P1 P1 P3"),
        (Impact.ISOLATED, "P3 P1 P1 P3"),
        (Impact.LAST_PATH, "P4 P2 P2 P4"),
        (Impact.REDUNDANT_PATH, "P4 P3 P3 P4"),
        (Impact.DEGRADED, "P4 P3 P2 P4"),
    ],
)
def test_the_same_fault_weighs_more_while_votes_are_cast_and_counted(impact, row):
    phases = (Phase.PREPARE, Phase.POLL, Phase.TALLY, Phase.POST)
    assert " ".join(severity_of(a_weight(impact, phase)) for phase in phases) == row


@pytest.mark.parametrize("hit", [{"communes": 10}, {"voters": 50_000}])
def test_many_hit_together_raise_it_by_one_level_but_not_above_the_highest(hit):
    assert severity_of(a_weight(**hit)) is Severity.P1
    assert severity_of(a_weight(Impact.ISOLATED, **hit)) is Severity.P1
    assert severity_of(a_weight(phase=Phase.PREPARE, **hit)) is Severity.P3
    assert a_weight(**hit).as_facts()["raised"] is True


def test_a_computation_never_lowers_a_severity():
    assert graver(Severity.P1, Severity.P3) is Severity.P1
    assert graver(Severity.P4, Severity.P2) is Severity.P2


def test_sites_on_their_last_path_and_sites_with_none_are_told_apart():
    assert weighed(ring_evidence(communes=3)).impact is Impact.LAST_PATH
    assert weighed(ring_evidence(communes=3, isolated=1)).impact is Impact.ISOLATED
    assert weighed(ring_evidence(communes=3, last_path=[])).impact is Impact.REDUNDANT_PATH


def test_a_carrier_that_lost_every_path_in_a_district_is_lost_whole():
    weight = weighed(ring_evidence(communes=11))
    assert weight.impact is Impact.TALLY_OR_WHOLE_CARRIER
    assert weight.whole_districts == ("947",)
    assert (weight.communes, weight.voters, weight.sites) == (11, 33_000, 11)


def test_a_tally_server_that_cannot_be_reached_is_of_the_gravest_kind():
    inventory = an_inventory()
    sites = {code: replace(site, kind=SiteKind.TALLY_SERVER) for code, site in inventory.sites.items()}
    weight = weighed(ring_evidence(communes=1, isolated=1), Province(an_inventory(sites=sites)))
    assert weight.impact is Impact.TALLY_OR_WHOLE_CARRIER
    assert weight.as_facts()["tally_sites"] == ["UB-31501"]


def test_evidence_of_what_no_longer_exists_weighs_nothing_and_breaks_nothing():
    weight = weighed({"owner": "GONE", "sites": ["gone"], "paths": ["gone"], "isolated": ["gone"]})
    assert (weight.sites, weight.communes, weight.isolated) == (0, 0, 0)
    assert weighed({}).impact is Impact.REDUNDANT_PATH
