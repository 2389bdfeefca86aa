"""The rules for Prometheus that we ship: its own tool reads them, tries them, and every metric in them is one of ours."""

import re
import subprocess
from pathlib import Path

import pytest

import alerting
from monitor.metrics import ServiceMetrics, VantageFigures
from probes.health import BreachKind
from tests.support.servers import needs_program

RULES = Path(alerting.__file__).parent / "rules"
FILES = sorted(path for path in RULES.glob("*.yml") if not path.stem.endswith("_test"))


def promtool(*arguments):
    needs_program("promtool")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, cwd=RULES, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_prometheus_reads_the_rules_and_they_fire_when_they_should(path):
    promtool("check", "rules", path.name)
    promtool("test", "rules", f"{path.stem}_test.yml")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_rule_asks_only_for_metrics_and_kinds_that_the_service_tells(path):
    metrics = ServiceMetrics()
    metrics.watch_vantage("V1", VantageFigures)
    told = set(re.findall(rb"^# TYPE (\w+)", metrics.rendered(), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    asked = set(re.findall(r"\b(thongsuot_\w+)", text))
    assert asked
    assert {name.encode() for name in asked} <= told
    kinds = {kind for listed in re.findall(r'kind[=!]~"([^"]+)"', text) for kind in listed.split("|")}
    assert kinds <= set(BreachKind)
