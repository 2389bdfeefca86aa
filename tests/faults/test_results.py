"""What is written down of the faults, and what the README says of it."""

from tests.faults.results import README, kept, with_table


def test_the_table_in_the_readme_is_what_was_written_down():
    text = README.read_text(encoding="utf-8")
    assert text == with_table(text, kept()), "run: python -m tests.faults.results"


def test_the_long_runs_reached_what_they_must():
    rows = kept()["simulated"]
    assert rows["24 h of 2 % random loss"]["false_outages"] == 0
    assert rows["24 h of 2 % random loss"]["false_pages"] == 0
    several = rows["groups of several sites, one after the other"]
    assert several["causes_right"] >= 0.95 * several["causes"]
    for name, row in rows.items():
        assert row["recall"] in {None, 1.0}, name
        assert row["false_pages"] == 0, name
