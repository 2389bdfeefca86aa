"""What every test may count on: tests that need root are left out by name where there is none."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support import databases
from tests.support.arrivals import expecting
from tests.support.postgres import POSTGRES_BIN

# Debian keeps servers in sbin, which a person's path leaves out; started by a test they need no more rights than it has.
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

# A machine that also builds something is slow, not wrong: how long an example takes is no test of ours. The examples are the
# same in every run, so that a red one is red for what changed; looking for new ones is the work of tests.fuzz.run.
settings.register_profile(
    "ours", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")


def pytest_addoption(parser):
    parser.addoption("--database", choices=databases.ENGINES, default="sqlite", help="engine of every test")


def pytest_configure(config):
    databases.chosen.engine = config.getoption("--database")


def pytest_unconfigure():
    databases.chosen.close()


@pytest.fixture(autouse=True)
def no_unexpected_message():
    """Every receiver of mail, SMS, calls and webhooks is strict: what arrives there and is not looked at fails the test."""
    with expecting():
        yield


@pytest.fixture(params=databases.ENGINES)
def database_url(request, tmp_path):
    """An empty database, once on each engine."""
    if request.param == "postgresql" and POSTGRES_BIN is None:
        pytest.skip("needs PostgreSQL (apt-get install postgresql)")
    yield databases.chosen.at(tmp_path / "thongsuot.db", request.param)
    databases.chosen.forget(tmp_path)


def pytest_collection_modifyitems(config, items):
    chosen = config.getoption("markexpr")
    for item in items:
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root (raw sockets, nftables or namespaces)"))
        if item.get_closest_marker("soak") and "soak" not in chosen:
            item.add_marker(pytest.mark.skip(reason="long; run by make soak"))
        if item.get_closest_marker("faults_long") and "faults_long" not in chosen:
            item.add_marker(pytest.mark.skip(reason="long; run by make faults"))
    _tell_stories_in_order(items)


def _tell_stories_in_order(items):
    """Undo the shuffling inside modules whose tests are chapters of one story, each module in its own places."""
    told = {}
    for place, item in enumerate(items):
        if item.get_closest_marker("story"):
            told.setdefault(item.path, []).append(place)
    for places in told.values():
        chapters = sorted((items[place] for place in places), key=lambda item: item.location[1])
        for place, item in zip(places, chapters, strict=True):
            items[place] = item
