"""What parties could lend: an optional list, checked like every other."""

import shutil
from datetime import date

from inventory.loader import examine, load
from inventory.models import MeansKind
from inventory.samples import sample

HEADER = "code,party,kind,name,area,count,capacity,contact,rehearsed\n"


def a_folder(tmp_path, *rows):
    folder = shutil.copytree(sample("soc-trang-2021"), tmp_path / "province")
    (folder / "means.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return folder


def test_an_inventory_may_be_without_means():
    assert load(sample("quang-nam-2021")).means is not None


def test_means_are_read_by_code_and_change_the_digest(tmp_path):
    before = load(sample("soc-trang-2021")).digest
    loaded = load(
        a_folder(tmp_path, "XE-1,VIETTEL,vehicle,Xe phát sóng lưu động,947,2,4G,0979000001,2021-05-10")
    )
    [means] = loaded.means.values()
    assert (means.kind, means.count, means.area) == (MeansKind.VEHICLE, 2, "947")
    assert means.rehearsed == date(2021, 5, 10)
    assert loaded.digest != before


def test_every_fault_of_a_means_names_its_place(tmp_path):
    faults = examine(a_folder(tmp_path, "XE-1,NOBODY,boat,,0,many,,,soon")).faults
    assert {fault.column for fault in faults} == {"party", "kind", "name", "area", "count", "rehearsed"}
    assert {(fault.file, fault.line) for fault in faults} == {("means.csv", 2)}
    assert all(fault.reason and fault.reason_en for fault in faults)
