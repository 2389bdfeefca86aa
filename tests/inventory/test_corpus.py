"""One mistake a folder, and exactly what is said about it in both languages."""

import pytest

from inventory.loader import examine
from tests.support.inventories import DATA, GOOD, overlaid

MISTAKES = sorted(path for path in (DATA / "bad").iterdir())


def test_the_good_inventory_has_no_fault():
    assert examine(GOOD).faults == ()


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda path: path.name)
def test_a_mistake_is_told_with_its_place_and_how_to_mend_it(mistake, tmp_path):
    examination = examine(overlaid(tmp_path, mistake))
    told = "".join(f"{fault.shown('vi')}\n{fault.shown('en')}\n" for fault in examination.faults)
    assert told == (mistake / "expected").read_text(encoding="utf-8")
    assert told
    assert examination.inventory is None
