"""What a vantage looks at: slots, kin, and how often."""

from dataclasses import replace
from datetime import timedelta

import pytest

from inventory.loader import load
from inventory.models import Phase, ProbeKind
from inventory.samples import sample
from inventory.topology import Topology
from probes.fleet import build_fleet, pacing_of


@pytest.fixture(scope="module")
def province():
    return load(sample("soc-trang-2021"))


def a_fleet(inventory, **more):
    return build_fleet(inventory, Topology(inventory), inventory.vantages["SOC-TRANG-1"], **more)


def with_target(inventory, code, **changes):
    return replace(
        inventory, targets={**inventory.targets, code: replace(inventory.targets[code], **changes)}
    )


def slot_of(inventory, code):
    fleet = a_fleet(inventory)
    return fleet.slots[fleet.slot_of[code]]


def test_a_vantage_looks_at_every_target_that_names_no_vantage_and_at_its_canaries(province):
    fleet = a_fleet(province)
    assert len(fleet.slots) == len(province.targets) + 4
    assert fleet.canary.sum() == 4
    assert fleet.index[: len(province.targets)].tolist() == list(range(len(province.targets)))


def test_a_target_that_names_another_vantage_is_left_to_it(province):
    inventory = with_target(province, "UBBC-31684-FIXED.sip", vantages=("CAN-THO-1",))
    assert "UBBC-31684-FIXED.sip" not in a_fleet(inventory).slot_of


def test_kin_are_those_behind_the_same_ont_first_and_then_the_ring(province):
    fleet = a_fleet(province)
    kin = [fleet.slots[slot].code for slot in fleet.kin(fleet.slot_of["UBBC-31684-FIXED.sip"])]
    assert kin[0].startswith("UBBC-31684-FIBRE")
    assert "VNPT-RING-947.edge" in kin
    assert len(kin) == len(set(kin)) <= 64
    assert "UBBC-31684-FIXED.sip" not in kin


def test_a_canary_has_no_kin(province):
    fleet = a_fleet(province)
    assert fleet.kin(len(fleet.slots) - 1).tolist() == []


def test_without_icmp_canaries_are_knocked_at_by_tcp(province):
    assert {s.kind for s in a_fleet(province, canaries_by=ProbeKind.TCP).slots if s.is_canary} == {
        ProbeKind.TCP
    }


def test_the_tally_night_looks_more_often_than_the_months_before(province):
    fleet = a_fleet(province)
    slot = fleet.slot_of["UBBC-31684-FIXED.sip"]
    night = pacing_of(fleet, province, Phase.TALLY).cadence[slot]
    before = pacing_of(fleet, province, Phase.PREPARE).cadence[slot]
    assert timedelta(microseconds=int(night) / 1000) == timedelta(seconds=5)
    assert before > night


def test_a_targets_own_cadence_and_timeout_replace_the_policys_and_reach_no_probe(province):
    code = "UBBC-31684-FIBRE.router"
    inventory = with_target(province, code, options={"cadence": "5m", "timeout": "4s"})
    fleet = a_fleet(inventory)
    pacing = pacing_of(fleet, inventory, Phase.TALLY)
    slot = fleet.slot_of[code]
    assert (pacing.cadence[slot], pacing.timeout[slot]) == (300_000_000_000, 4_000_000_000)
    assert dict(fleet.slots[slot].options) == {}


def test_only_a_path_marked_as_test_line_may_be_called(province):
    code = "UBBC-31684-FIXED.sip"
    typed = with_target(province, code, kind=ProbeKind.SIP_CALL, options={"test_line": "yes"})
    assert "test_line" not in slot_of(typed, code).options
    path = replace(typed.paths["UBBC-31684-FIXED"], test_line=True)
    marked = replace(typed, paths={**typed.paths, path.code: path})
    assert slot_of(marked, code).options["test_line"] == "yes"


def test_a_heartbeat_needs_no_resolver_because_it_comes_to_us(province):
    inventory = with_target(
        province, "UBBC-31684-FIXED.sip", kind=ProbeKind.HEARTBEAT, address="ubbc.example"
    )
    assert slot_of(inventory, "UBBC-31684-FIXED.sip").needs_no_resolver
