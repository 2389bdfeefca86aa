"""What is written down of the peers, what the README says of it, and our own column driven again."""

import pytest

from tests.peers import ours
from tests.peers.results import OURS, README, kept, with_table
from tests.peers.tasks import TASKS
from tests.support.desk import CHROMIUM, a_browser


def test_the_table_in_the_readme_is_what_was_written_down():
    text = README.read_text(encoding="utf-8")
    assert text == with_table(text, kept()), "run: python -m tests.peers.results"


def test_no_peer_that_was_driven_needs_fewer_steps_than_we_do():
    columns = kept()
    our_tasks = columns[OURS]["tasks"]
    fewer = {
        (program, key): (cell["steps"], our_tasks[key]["steps"])
        for program, column in columns.items()
        for key, cell in column["tasks"].items()
        if cell["steps"] is not None and cell["steps"] < our_tasks[key]["steps"]
    }
    assert fewer == {}
    assert set(our_tasks) == set(TASKS)


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: no task is driven")
async def test_our_own_steps_are_what_was_written_down(tmp_path):
    async with a_browser() as browser:
        counted = await ours.drive(browser, tmp_path)
    assert {key: each.steps for key, each in counted.items()} == {
        key: cell["steps"] for key, cell in kept()[OURS]["tasks"].items()
    }
