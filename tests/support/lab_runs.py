"""Faults in the lab's province on real sockets: one cut after another, and what the service made of each.

The province lives in a network of its own, so that an uplink can be cut for good and nobody else's loopback is
touched. Waiting is what a cut needs to be a cut: real seconds pass here, and conditions are waited for with deadlines.
"""

import asyncio
import json
import math
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from inventory.loader import load
from inventory.models import PartyKind
from inventory.samples import sample
from inventory.topology import Topology
from probes.lab.control import LabControl
from tests.support.netns import own_network
from tests.support.province import Province, moment
from tests.support.scoring import Believed, Expected, Opened, injuries_of

__all__ = ["Bench", "a_bench", "pass_time"]

UPLINK = """table inet thongsuot_uplink {
  chain input {
    type filter hook input priority -20; policy accept;
    ip daddr { 127.0.1.1, 127.0.2.1, 127.0.3.1, 127.0.4.1, 127.11.0.0-127.250.255.255 } drop
  }
}
"""


def pass_time(seconds):
    """Let a fault last: time itself is what is tested."""
    time.sleep(max(0.0, seconds))


class Bench:
    """A running province with its inventory, cut and mended by selector."""

    def __init__(self, province, inventory):
        self.province = province
        self.inventory = inventory
        self.topology = Topology(inventory)
        self.carriers = [p.code for p in inventory.parties.values() if p.kind is PartyKind.CARRIER]
        self.began = time.time()

    def cut(self, *, lasts=12.0, conditions=(), owner="", **selector):
        """Cut what is selected for ``lasts`` seconds, mend it, wait until all is well; answer what was expected."""
        return self.suffer("cut", lasts=lasts, conditions=conditions, owner=owner, **selector)

    def suffer(self, verb, *, lasts, conditions=(), owner="", extra=(), **selector):
        arguments = [part for name, code in selector.items() for part in (f"--{name}", code)]
        fault = self.province.lab(verb, *arguments, *extra)
        began = datetime.fromisoformat(fault["began_at"]).timestamp()
        pass_time(began + lasts - time.time())
        self.province.lab("restore")
        self.settle()
        return Expected(owner, frozenset(conditions), began, time.time())

    def settle(self):
        """Wait until no outage is open and every incident is over."""
        self.province.wait_for(lambda: not self.open_outages(), "every outage has ended", seconds=60)
        self.province.wait_for(lambda: not self.open_incidents(), "every incident is over", seconds=60)

    def open_outages(self):
        return self.province.rows("SELECT 1 FROM outages WHERE ended_at IS NULL LIMIT 1")

    def open_incidents(self):
        return self.province.rows("SELECT 1 FROM incidents WHERE ended_at IS NULL LIMIT 1")

    @contextmanager
    def without_uplink(self):
        """Cut the vantage off from everything: targets and canaries."""
        subprocess.run(["nft", "-f", "-"], input=UPLINK, text=True, check=True)
        try:
            yield
        finally:
            subprocess.run(["nft", "delete", "table", "inet", "thongsuot_uplink"], check=True)

    def cut_at_once(self, **selector):
        """Cut what is selected with no command to be started for it; answer when it held."""
        answer = asyncio.run(LabControl(self.province.state).ask({"do": "cut", **selector}))
        assert answer["ok"], answer
        return datetime.fromisoformat(answer["began_at"]).timestamp()

    def injuries(self):
        lines = (self.province.state / "faults.jsonl").read_text(encoding="utf-8").splitlines()
        return injuries_of(json.loads(line) for line in lines)

    def outages(self):
        return [
            Believed(row["target"], _at(row["started_at"]), _at(row["noticed_at"]), _at(row["ended_at"]))
            for row in self.province.rows("SELECT * FROM outages")
        ]

    def opened(self):
        """Incidents with the moment at which a channel first took a page."""
        sent = {
            row["incident"]: _at(row["at"])
            for row in self.province.rows(
                "SELECT incident, min(sent_at) AS at FROM outbox WHERE kind = 'page' AND sent_at IS NOT NULL"
                " GROUP BY incident"
            )
        }
        return [
            Opened(row["owner"], row["condition"], _at(row["opened_at"]), sent.get(row["id"], math.inf))
            for row in self._incidents()
        ]

    def standing(self):
        """Incidents that were not merged into a wider one, with the first page of theirs or of what they took over."""
        opened = dict(zip((row["id"] for row in self._incidents()), self.opened(), strict=True))
        parents = {row["id"]: row["parent"] or row["id"] for row in self._incidents()}
        first = {
            stands: min(opened[child].paged for child, parent in parents.items() if parent == stands)
            for stands in set(parents.values())
        }
        return [replace(opened[stands], paged=paged) for stands, paged in first.items()]

    def _incidents(self):
        return self.province.rows("SELECT * FROM incidents ORDER BY opened_at, id")

    def unobserved(self):
        return self.province.rows("SELECT * FROM unobserved")

    def same_as(self, risk):
        """Conditions that no look can tell from ``risk``: groups of exactly its targets, or its only path."""
        targets = set(self.topology.targets_of_risk(risk))
        above = self.topology.risks_of_target(next(iter(targets)))
        same = {f"risk:{r}" for r in above if set(self.topology.targets_of_risk(r)) == targets}
        paths = {self.topology.path_of(target) for target in targets}
        return same | ({f"path:{path}" for path in paths} if len(paths) == 1 else set())


@contextmanager
def a_bench(folder, *, name="soc-trang-2021", cadence="5s", verify="1s"):
    """A province of the sample that looks every ``cadence`` all day and whose targets have all answered."""
    folder = Path(folder)
    inventory = folder / "inventory"
    shutil.copytree(sample(name), inventory)
    policy = inventory / "policy.yml"
    text = policy.read_text(encoding="utf-8")
    text = text.replace("cadence: 10s", f"cadence: {cadence}").replace("cadence: 5s", f"cadence: {cadence}")
    policy.write_text(text.replace("verify: 30s", f"verify: {verify}"), encoding="utf-8")
    state = folder / "state"
    state.mkdir()
    with own_network():
        province = Province(inventory, state)
        try:
            province.start()
            bench = Bench(province, load(inventory))
            everything = len(bench.inventory.targets)
            province.wait_for(lambda: _up(province) == everything, "every target has answered", seconds=60)
            bench.began = time.time()
            yield bench
        finally:
            province.stop()


def _up(province):
    for line in province.get("/metrics").text.splitlines():
        if line.startswith('thongsuot_targets{state="up"} '):
            return float(line.rpartition(" ")[2])
    return 0.0


def _at(text):
    return moment(text).astimezone(UTC).timestamp() if text else math.inf
