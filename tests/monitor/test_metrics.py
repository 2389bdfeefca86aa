"""What the service says of itself is countable, and nothing of it is per target."""

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.metrics import VantageFigures
from probes.models import Outcome
from tests.support.monitoring import an_inventory, belief_on


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "b.db", an_inventory(canaries=1)) as service:
        await service.all_answer(at=0, canaries=[(0, 0, Outcome.OK)], rtt=0.03)
        await service.fall("X-31-FIXED", at=1, canaries=[(0, 1.5, Outcome.OK)])
        service.service.snapshot()
        yield service


def samples(duty):
    found = {}
    for family in text_string_to_metric_families(duty.metrics.rendered().decode()):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


async def test_looks_are_counted_by_outcome(duty):
    found = samples(duty)
    name = "thongsuot_probe_results_total"
    assert found[name, frozenset({("vantage", "V1"), ("outcome", "ok")})] == 12
    assert found[name, frozenset({("vantage", "V1"), ("outcome", "timeout")})] == 3


async def test_durations_are_binned_by_kind_and_carrier_and_a_timeout_is_never_one(duty):
    found = samples(duty)
    labels = frozenset({("kind", "icmp"), ("carrier", "VNPT"), ("vantage", "V1")})
    assert found["thongsuot_probe_duration_seconds_count", labels] == 8
    assert found["thongsuot_probe_duration_seconds_sum", labels] == pytest.approx(0.24)
    below = {
        le: found["thongsuot_probe_duration_seconds_bucket", labels | {("le", le)}] for le in ("0.02", "0.05")
    }
    assert below == {"0.02": 0, "0.05": 8}


async def test_belief_is_counted_by_state_and_verdict(duty):
    found = samples(duty)
    assert found["thongsuot_targets", frozenset({("state", "down")})] == 1
    assert found["thongsuot_targets", frozenset({("state", "up")})] == 11
    assert found["thongsuot_sites", frozenset({("verdict", "degraded")})] == 1
    assert found["thongsuot_outages_open", frozenset()] == 1


async def test_a_vantage_tells_its_own_figures(duty):
    duty.metrics.watch_vantage("V1", lambda: VantageFigures(lag_seconds=0.25, receive_drops=7, spool=3))
    found = samples(duty)
    labels = frozenset({("vantage", "V1")})
    assert found["thongsuot_schedule_lag_seconds", labels] == 0.25
    assert found["thongsuot_receive_drops_total", labels] == 7
    assert found["thongsuot_spool_results", labels] == 3
    assert found["thongsuot_vantage_isolated", labels] == 0


async def test_nothing_tells_when_it_was_created(duty):
    assert not [name for name, _ in samples(duty) if name.endswith("_created")]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (package prometheus)")
async def test_promtool_has_nothing_to_say(duty):
    duty.metrics.watch_vantage("V1", VantageFigures)
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=duty.metrics.rendered(),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
