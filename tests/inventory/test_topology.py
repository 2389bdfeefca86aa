from dataclasses import replace

import pytest

from inventory.loader import load
from inventory.models import Priority, Risk, RiskKind
from inventory.samples import sample
from inventory.topology import Topology
from tests.support.inventories import GOOD

INVENTORY = load(GOOD)
TOPOLOGY = Topology(INVENTORY)
SOC_TRANG = load(sample("soc-trang-2021"))


def test_the_fleet_is_in_the_order_of_the_file_and_indexed():
    assert TOPOLOGY.codes == ("T1", "T2", "T3", "T4", "T5", "T6")
    assert [TOPOLOGY.index[code] for code in TOPOLOGY.codes] == list(range(6))


def test_a_target_leads_to_its_path_site_and_owner():
    assert (TOPOLOGY.path_of("T3"), TOPOLOGY.site_of("T3")) == ("UB2-FIBRE", "UB2")
    assert TOPOLOGY.owner_of("T3") == "VNPT"
    assert TOPOLOGY.priority_of("T3") is Priority.B


def test_a_target_of_a_link_or_risk_group_has_no_path_but_an_owner_and_the_gravest_priority():
    for code in ("T5", "T6"):
        assert TOPOLOGY.path_of(code) is None
        assert TOPOLOGY.site_of(code) is None
        assert TOPOLOGY.owner_of(code) == "VNPT"
        assert TOPOLOGY.priority_of(code) is Priority.B


def test_risks_are_told_nearest_first():
    assert TOPOLOGY.risks_of_path("UB2-FIBRE") == ("OLT1", "FEEDER1", "RING1")
    assert TOPOLOGY.risks_of_target("T1") == ("OLT1", "RING1")
    assert TOPOLOGY.risks_of_target("T5") == ("RING1",)
    assert TOPOLOGY.risks_of_target("T6") == ("RING1",)


def test_whatever_stands_on_a_ring_fails_with_it():
    assert set(TOPOLOGY.targets_of_risk("RING1")) == {"T1", "T3", "T5", "T6"}
    assert set(TOPOLOGY.targets_of_risk("OLT1")) == {"T1", "T3"}
    assert TOPOLOGY.targets_of_risk("FEEDER1") == ("T3",)
    assert set(TOPOLOGY.paths_of_risk("RING1")) == {"UB1-FIXED", "UB2-FIBRE"}


def test_sites_lead_to_paths_and_targets():
    assert TOPOLOGY.paths_of_site("UB1") == ("UB1-FIXED", "UB1-MOBILE")
    assert TOPOLOGY.targets_of_site("UB1") == ("T1", "T2")
    assert TOPOLOGY.targets_of_path("UB2-MOBILE") == ("T4",)


def test_areas_lead_up_and_down_the_tree():
    assert TOPOLOGY.areas_below("94") == ("941", "00001", "00002")
    assert TOPOLOGY.areas_below("00001") == ()
    assert TOPOLOGY.sites_of_area("94") == ("UB1", "UB2")
    assert TOPOLOGY.commune_of("UB2") == "00002"
    assert (TOPOLOGY.district_of("00002"), TOPOLOGY.district_of("941")) == ("941", "941")
    assert TOPOLOGY.district_of("94") is None


def test_a_site_of_the_province_lies_in_no_commune():
    assert Topology(SOC_TRANG).commune_of("TALLY-1") is None


def test_without_districts_a_commune_lies_in_none():
    areas = {
        "94": INVENTORY.areas["94"],
        **{code: replace(INVENTORY.areas[code], parent="94") for code in ("00001", "00002")},
    }
    risks = {code: replace(risk, area=None) for code, risk in INVENTORY.risks.items()}
    topology = Topology(replace(INVENTORY, areas=areas, risks=risks, links={}, targets={}))
    assert topology.district_of("00001") is None
    assert topology.areas_below("94") == ("00001", "00002")


def test_a_thousand_parents_deep_everything_still_falls_together():
    deep = {
        f"R{n}": Risk(f"R{n}", RiskKind.TRUNK, "x", "VNPT", parent=f"R{n - 1}" if n else None)
        for n in range(1000)
    }
    risks = {**deep, **INVENTORY.risks, "RING1": replace(INVENTORY.risks["RING1"], parent="R999")}
    topology = Topology(replace(INVENTORY, risks=risks))
    chain = topology.risks_of_path("UB1-FIXED")
    assert chain == ("OLT1", "RING1", *(f"R{n}" for n in range(999, -1, -1)))
    assert set(topology.targets_of_risk("R0")) == {"T1", "T3", "T5", "T6"}


def test_a_path_on_a_group_and_on_its_parent_is_counted_once():
    path = replace(INVENTORY.paths["UB1-FIXED"], risks=("RING1", "OLT1"))
    topology = Topology(replace(INVENTORY, paths={**INVENTORY.paths, "UB1-FIXED": path}))
    assert topology.risks_of_path("UB1-FIXED") == ("RING1", "OLT1")
    assert sorted(topology.targets_of_risk("RING1")) == ["T1", "T3", "T5", "T6"]


@pytest.mark.parametrize("carrier", ["VNPT", "VIETTEL", "MOBIFONE", "FPT"])
def test_a_core_takes_every_path_of_its_carrier_with_it(carrier):
    topology = Topology(SOC_TRANG)
    fallen = set(topology.paths_of_risk(f"{carrier}-CORE-94"))
    assert fallen == {code for code, path in SOC_TRANG.paths.items() if path.carrier == carrier}


def test_both_directions_tell_the_same():
    topology = Topology(SOC_TRANG)
    for risk in SOC_TRANG.risks:
        for target in topology.targets_of_risk(risk):
            assert risk in topology.risks_of_target(target)
    for target in SOC_TRANG.targets:
        for risk in topology.risks_of_target(target):
            assert target in topology.targets_of_risk(risk)
