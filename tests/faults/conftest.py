"""Shows the table of what was scored at the end; a long run writes it down."""

import pytest
import structlog

from tests.faults import results


@pytest.fixture(autouse=True)
def _quiet():
    """The service's own log of a simulated day is no news."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    yield
    structlog.configure(**before)


def pytest_terminal_summary(terminalreporter, config):
    lines = results.table()
    if not lines:
        return
    terminalreporter.section("faults: what was done against what was believed")
    for line in lines:
        terminalreporter.write_line(line)
    if "faults_long" in config.getoption("markexpr"):
        results.write()
