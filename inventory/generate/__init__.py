"""Writes the sample inventories: two provinces as they could have been on 23 May 2021, and a nation for load.

Units are official, everything else is made up and says so. The same code writes the same bytes: a test holds
that what is committed under ``inventory/samples`` is what this writes.
"""

from datetime import date
from pathlib import Path

from inventory.generate.documents import Province
from inventory.generate.nation import nation_folder
from inventory.generate.province import province_folder

__all__ = ["QUANG_NAM", "SOC_TRANG", "nation", "quang_nam", "soc_trang"]

SOC_TRANG = Province(
    key="soc-trang-2021",
    code="94",
    name="Sóc Trăng",
    name_en="Soc Trang",
    units="soc_trang",
    day=date(2021, 5, 23),
    area_code="299",
    vantage="SOC-TRANG-1",
)
QUANG_NAM = Province(
    key="quang-nam-2021",
    code="49",
    name="Quảng Nam",
    name_en="Quang Nam",
    units="quang_nam",
    day=date(2021, 5, 23),
    area_code="235",
    vantage="QUANG-NAM-1",
)


def soc_trang(directory: Path) -> None:
    """Write ``soc-trang-2021``: 11 districts, 109 communes."""
    province_folder(SOC_TRANG).write(directory)


def quang_nam(directory: Path) -> None:
    """Write ``quang-nam-2021``: 18 districts, 241 communes."""
    province_folder(QUANG_NAM).write(directory)


def nation(directory: Path, *, targets: int = 140_000) -> None:
    """Write ``nation``: a country's worth of communes, polling units and plant, for load."""
    nation_folder(targets=targets).write(directory)
