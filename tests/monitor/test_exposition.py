"""The fleet's page is exactly what Prometheus reads, and says exactly what is believed."""

import math
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from inventory.topology import Topology
from monitor.columns import FleetColumns, columns_of
from monitor.exposition import VERDICTS, FleetRenderer
from monitor.judged import STATES
from monitor.models import State, Verdict
from tests.bench.metrics import columns, fleet
from tests.support.monitoring import an_inventory, belief_on, with_address


def parsed(pieces):
    """Series by metric name, then by labels."""
    found = {}
    for family in text_string_to_metric_families(b"".join(pieces).decode()):
        for sample in family.samples:
            labels = frozenset(sample.labels.items())
            assert labels not in found.setdefault(sample.name, {}), "a series came twice"
            found[sample.name][labels] = sample.value
    return found


def of(code):
    return frozenset({("target", code)})


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.one_of(st.just(math.nan), st.floats(0, 99, width=32)),
            st.floats(0, 1, width=32),
            st.one_of(st.just(0), st.integers(10**18, 2 * 10**18)),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_every_value_reads_back(believed):
    inventory, topology = fleet(len(believed))
    state, rtt, loss, result = (np.array(column) for column in zip(*believed, strict=True))
    page = FleetRenderer(inventory, topology).render(
        FleetColumns(
            state=state.astype(np.uint8),
            since_ns=np.zeros(len(state), np.int64),
            last_result_ns=result.astype(np.int64),
            outcome=np.zeros(len(state), np.uint8),
            rtt=rtt.astype(np.float32),
            loss=loss.astype(np.float32),
            evidence=np.zeros(len(state), np.uint8),
            evidence_ns=np.zeros(len(state), np.int64),
            doubted_ns=np.zeros(len(state), np.int64),
        ),
        {},
    )
    series = parsed(page)
    for number, code in enumerate(topology.codes):
        is_known = STATES[state[number]] is not State.UNKNOWN
        assert (of(code) in series.get("thongsuot_target_up", {})) == is_known
        if is_known:
            assert series["thongsuot_target_up"][of(code)] == (STATES[state[number]] is not State.DOWN)
        assert series["thongsuot_target_state"][of(code)] == state[number]
        assert (of(code) in series.get("thongsuot_target_rtt_seconds", {})) == (not math.isnan(rtt[number]))
        if not math.isnan(rtt[number]):
            assert series["thongsuot_target_rtt_seconds"][of(code)] == pytest.approx(rtt[number], abs=1e-7)
        name = "thongsuot_target_last_result_timestamp_seconds"
        assert (of(code) in series.get(name, {})) == (result[number] > 0)
        if result[number] > 0:
            assert series[name][of(code)] == pytest.approx(result[number] / 1e9, abs=0.001)
            assert series["thongsuot_target_loss_ratio"][of(code)] == pytest.approx(loss[number], abs=1e-4)


async def test_sites_and_details_are_told(tmp_path):
    async with belief_on(tmp_path / "b.db", an_inventory()) as duty:
        await duty.all_answer(at=0)
        renderer = FleetRenderer(duty.inventory, duty.service.topology)
        series = parsed(renderer.render(duty.service.columns(), duty.service.verdicts()))
        ready = VERDICTS.index(Verdict.READY)
        assert set(series["thongsuot_site_verdict"].values()) == {ready}
        details = [dict(labels) for labels in series["thongsuot_target_info"]]
        assert {
            "target": "X-31-FIXED",
            "kind": "icmp",
            "of": "X-31-FIXED",
            "carrier": "VNPT",
            "site": "X-31",
            "area": "31",
            "priority": "B",
        } in details


async def test_an_unknown_target_has_no_up(tmp_path):
    async with belief_on(tmp_path / "b.db", an_inventory()) as duty:
        renderer = FleetRenderer(duty.inventory, duty.service.topology)
        series = parsed(renderer.render(columns_of(duty.service.belief), {}))
        assert "thongsuot_target_up" not in series
        assert len(series["thongsuot_target_state"]) == len(duty.inventory.targets)


def test_labels_are_escaped():
    inventory = an_inventory()
    strange = 'a "quoted" \\ one\nof two lines'
    target = inventory.targets["X-31-FIXED"]
    renamed = {strange: target}
    odd = with_address(inventory, "X-31-FIXED", "127.0.0.9", digest="odd")
    object.__setattr__(odd, "targets", renamed)
    series = parsed(FleetRenderer(odd, Topology(odd)).render(columns(1), {}))
    assert of(strange) in series["thongsuot_target_up"]


def test_columns_of_another_fleet_are_refused():
    inventory, topology = fleet(3)
    with pytest.raises(ValueError, match="2 columns for 3 targets"):
        FleetRenderer(inventory, topology).render(columns(2), {})


def test_a_swap_renders_the_other_fleet():
    renderer = FleetRenderer(*fleet(3))
    renderer.swap(*fleet(5))
    assert len(parsed(renderer.render(columns(5), {}))["thongsuot_target_state"]) == 5


def test_pieces_are_small_and_rendering_twice_gives_the_same():
    renderer = FleetRenderer(*fleet(20_000))
    believed = columns(20_000)
    first = renderer.render(believed, {})
    assert max(len(piece) for piece in first) <= 262_144
    assert renderer.render(believed, {}) == first


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (package prometheus)")
def test_promtool_has_nothing_to_say():
    renderer = FleetRenderer(*fleet(50))
    page = b"".join(renderer.render(columns(50), {}))
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
