"""Whatever a folder holds, the answer is an inventory or faults: never an exception, never an endless look."""

import shutil

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.loader import examine
from tests.support.inventories import GOOD

FILES = sorted(str(path.relative_to(GOOD)) for path in GOOD.rglob("*.*"))
PIECES = st.sampled_from(
    [
        b"",
        b",",
        b'"',
        b"\n",
        b"\r",
        b":",
        b"- ",
        b"[",
        b"{",
        b"&a ",
        b"*a",
        b"\x00",
        b"\xff",
        b"\xe2\x80\x8b",
        b"\t",
        b"9",
        b"x",
    ]
) | st.binary(max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=st.sampled_from(FILES),
    edits=st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 30), PIECES), min_size=1, max_size=4),
)
def test_a_damaged_file_yields_faults_or_an_inventory(tmp_path, file, edits):
    folder = tmp_path / "inventory"
    shutil.copytree(GOOD, folder, dirs_exist_ok=True)
    raw = (folder / file).read_bytes()
    for offset, length, piece in edits:
        place = offset % (len(raw) + 1)
        raw = raw[:place] + piece + raw[place + length :]
    (folder / file).write_bytes(raw)
    examination = examine(folder)
    assert (examination.inventory is None) == bool(examination.faults)
    for fault in examination.faults:
        assert fault.reason
        assert fault.reason_en
        assert str(fault).startswith(fault.file)
