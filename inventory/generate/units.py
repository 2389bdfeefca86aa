"""Official units and tile maps, as packaged in ``inventory/units`` (see the README there)."""

import csv
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inventory.models import AreaKind

__all__ = ["Commune", "District", "districts_of", "english", "inside", "plain"]

_UNITS = Path(__file__).parent.parent / "units"
_KINDS = {
    "Phường": (AreaKind.WARD, "ward"),
    "Thị trấn": (AreaKind.TOWNSHIP, "township"),
    "Xã": (AreaKind.COMMUNE, "commune"),
    "Thành phố": (AreaKind.PROVINCIAL_CITY, "city"),
    "Thị xã": (AreaKind.TOWN, "town"),
    "Huyện": (AreaKind.RURAL_DISTRICT, "district"),
    "Tỉnh": (AreaKind.PROVINCE, "province"),
}


@dataclass(frozen=True, slots=True)
class Commune:
    """One commune, ward or township, with the place of its tile."""

    code: str
    name: str
    kind: AreaKind
    col: int
    row: int


@dataclass(frozen=True, slots=True)
class District:
    """One district, town or provincial city with its communes in the order of their codes."""

    code: str
    name: str
    kind: AreaKind
    communes: tuple[Commune, ...]


def districts_of(units: str) -> tuple[District, ...]:
    """Answer the districts of ``soc_trang`` or ``quang_nam``."""
    tiles = {row["commune_code"]: (int(row["col"]), int(row["row"])) for row in _rows(f"{units}_tiles.csv")}
    communes: dict[tuple[str, str], list[Commune]] = {}
    for row in _rows(f"{units}_units.csv"):
        name, code = row["commune"], row["commune_code"]
        found = Commune(code, name, _split(name)[0], *tiles[code])
        communes.setdefault((row["district_code"], row["district"]), []).append(found)
    return tuple(
        District(code, name, _split(name)[0], tuple(found)) for (code, name), found in communes.items()
    )


def _rows(file: str) -> Iterator[dict[str, str]]:
    with (_UNITS / file).open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _split(name: str) -> tuple[AreaKind, str, str]:
    """Take the kind off an official name: ``Thị xã Vĩnh Châu`` is a town called Vĩnh Châu."""
    for word, (kind, english_word) in _KINDS.items():
        # The official list writes both "Thị trấn" and "Thị Trấn".
        if name.casefold().startswith(f"{word} ".casefold()):
            return kind, english_word, name[len(word) + 1 :]
    raise ValueError(f"not an official name of a unit: {name}")


def english(name: str) -> str:
    """Answer an official name as English texts write it: ``Xã Đại Ân 2`` is ``Dai An 2 commune``."""
    _, word, bare = _split(name)
    return f"{word.capitalize()} {bare}" if bare.isdecimal() else f"{plain(bare)} {word}"


def inside(name: str) -> str:
    """Answer an official name as it stands inside a sentence: ``xã Đại Ân 2``."""
    return f"{name[: -len(_split(name)[2])].lower()}{_split(name)[2]}"


def plain(text: str) -> str:
    """Answer a text without diacritics."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in bare if not unicodedata.combining(letter))
