"""The province as a map of equal tiles, one a commune: geometry only, worked out once per inventory.

Sizes are SVG user units: a tile is 48 × 48 in a cell of 52 × 56, so that a district's name fits on its upper
border like the legend of a frame. Colours, signs and what is too small to read are the stylesheet's business.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from dashboards.views.typeset import fitted, width_of
from inventory.models import Area, AreaKind, Inventory

__all__ = ["CELL", "TILE", "District", "Tile", "TileMap", "communes_of", "short_name", "tile_map"]

TILE = (48, 48)
CELL = (52, 56)
_MARGIN = 4
_TOP = 12
_DENSE_ABOVE = 15
_LABEL, _DENSE_LABEL = 13.5, 22.0
_PREFIXES = re.compile(r"^(Thị trấn|Thị xã|Thành phố|Phường|Huyện|Quận|Xã|Tỉnh|Đặc khu)\s+", re.IGNORECASE)

Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tile:
    """One commune: where its tile stands and how its name is set (baselines from the tile's top)."""

    code: str
    name: str
    district: str
    x: int
    y: int
    size: float
    lines: tuple[tuple[str, float], ...]
    col: int
    row: int


@dataclass(frozen=True, slots=True)
class District:
    """A district's name and where it stands on the upper border; one in the east has no room to grow eastward."""

    code: str
    name: str
    x: float
    y: float
    is_east: bool


@dataclass(frozen=True, slots=True)
class TileMap:
    """A whole province. ``borders`` and ``outline`` are SVG path data. A dense map shows names only when large."""

    width: int
    height: int
    tiles: tuple[Tile, ...]
    districts: tuple[District, ...]
    borders: str
    outline: str
    is_dense: bool
    has_corner: bool
    """Whether the north-west corner is empty, so that a few lines of text can stand there."""


def short_name(area: Area) -> str:
    """Shorten an official name: ``Phường 5`` to ``P.5``, ``Thị trấn Kế Sách`` to ``TT Kế Sách``, others bare."""
    bare = _PREFIXES.sub("", area.name).strip()
    if area.kind is AreaKind.WARD:
        return f"P.{bare}"
    return f"TT {bare}" if area.kind is AreaKind.TOWNSHIP else bare


def communes_of(inventory: Inventory) -> tuple[Area, ...]:
    """Answer the lowest units that exist on election day, in the inventory's order."""
    day = inventory.election.day
    return tuple(
        area for area in inventory.areas.values() if area.kind.is_commune_level and _exists(area, day)
    )


def _exists(area: Area, day: date) -> bool:
    begun = area.valid_from is None or area.valid_from <= day
    return begun and (area.valid_to is None or day <= area.valid_to)


def tile_map(inventory: Inventory) -> TileMap:
    """Lay out every commune; those without a place on the map follow below it, district by district."""
    communes = communes_of(inventory)
    cells = _placed(communes)
    district_of = {area.code: _district(inventory, area) for area in communes}
    owners = {cells[code]: district_of[code] for code in cells}
    columns = max((col for col, _ in owners), default=0) + 1
    rows = max((row for _, row in owners), default=0) + 1
    is_dense = max(columns, rows) > _DENSE_ABOVE
    names = {code: inventory.areas[code].name for code in set(district_of.values()) if code}
    return TileMap(
        width=columns * CELL[0] + 2 * _MARGIN,
        height=rows * CELL[1] + _TOP + _MARGIN,
        tiles=tuple(
            _tile(area, cells[area.code], names.get(district_of[area.code], "")) for area in communes
        ),
        districts=tuple(_districts(owners, names, is_dense=is_dense)),
        borders=_edges(owners, inner=True),
        outline=_edges(owners, inner=False),
        is_dense=is_dense,
        has_corner=_has_corner(owners, columns),
    )


def _has_corner(owners: Mapping[Cell, str], columns: int) -> bool:
    """Look for a third of the width and two rows (four of a dense map's small ones) without a tile."""
    width, height = columns // 3, 4 if columns > _DENSE_ABOVE else 2
    return not any(col < width and row < height for col, row in owners)


def _district(inventory: Inventory, area: Area) -> str:
    parent = inventory.areas.get(area.parent or "")
    return "" if parent is None or parent.kind.is_province_level else parent.code


def _placed(communes: Iterable[Area]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    taken: set[Cell] = set()
    homeless: list[Area] = []
    for area in communes:
        cell = None if area.col is None or area.row is None else (area.col, area.row)
        if cell is None or cell in taken:
            homeless.append(area)
        else:
            cells[area.code] = cell
            taken.add(cell)
    width = max((col for col, _ in taken), default=11) + 1
    below = max((row for _, row in taken), default=-2) + 2
    homeless.sort(key=lambda area: (area.parent or "", area.code))
    for position, area in enumerate(homeless):
        cells[area.code] = (position % width, below + position // width)
    return cells


def _tile(area: Area, cell: Cell, district: str) -> Tile:
    size, lines = fitted(short_name(area), width=46, sizes=(12.5, 11.5, 10.5), most_lines=2)
    if len(lines) == 2 and size <= 10.5 and len(short_name(area).split()) > 2:
        size, lines = fitted(short_name(area), width=46, sizes=(11, 10.5, 10), most_lines=3)
    first = 20.0 if len(lines) == 1 else 15.5 if len(lines) == 2 else 13.0
    step = size + 1
    x, y = _corner(cell)
    return Tile(
        code=area.code,
        name=area.name,
        district=district,
        x=x + (CELL[0] - TILE[0]) // 2,
        y=y + (CELL[1] - TILE[1]) // 2,
        size=size,
        lines=tuple((line, first + step * position) for position, line in enumerate(lines)),
        col=cell[0],
        row=cell[1],
    )


def _corner(cell: Cell) -> Cell:
    return _MARGIN + cell[0] * CELL[0], _TOP + cell[1] * CELL[1]


def _districts(owners: Mapping[Cell, str], names: Mapping[str, str], *, is_dense: bool) -> Iterable[District]:
    """Set each name on the longest run of its upper border where no other name stands; inside, where none is left."""
    size = _DENSE_LABEL if is_dense else _LABEL
    east = max((_corner((col + 1, row))[0] for col, row in owners), default=0)
    taken: list[tuple[float, float, float, float]] = []
    for code, runs in sorted(_runs_of(owners).items(), key=lambda item: item[1][0][1][1]):
        name = _PREFIXES.sub("", names[code])
        width = width_of(name, size)
        boxes = []
        for _, cell in runs:
            x, y = _corner(cell)
            boxes.append((x + 7, y - size / 2, x + 7 + width, y + size / 2))
        box = next((box for box in boxes if not any(_overlap(box, other) for other in taken)), boxes[0])
        taken.append(box)
        is_east = box[0] + 1.4 * width > east
        yield District(code, name, round(box[0], 1), round(box[1] + size / 2 - 1.5, 1), is_east)


def _runs_of(owners: Mapping[Cell, str]) -> dict[str, list[tuple[int, Cell]]]:
    """Answer for each district its runs of cells, those on its upper border first, the longest and northernmost first."""
    edge: dict[str, list[tuple[int, Cell]]] = defaultdict(list)
    inside: dict[str, list[tuple[int, Cell]]] = defaultdict(list)
    for (col, row), code in sorted(owners.items(), key=lambda item: (item[0][1], item[0][0])):
        if not code:
            continue
        found = (inside if owners.get((col, row - 1)) == code else edge)[code]
        if found and found[-1][1][1] == row and found[-1][1][0] + found[-1][0] == col:
            found[-1] = (found[-1][0] + 1, found[-1][1])
        else:
            found.append((1, (col, row)))
    for runs in (*edge.values(), *inside.values()):
        runs.sort(key=lambda run: (-run[0], run[1][1]))
    return {code: [*runs, *inside[code]] for code, runs in edge.items()}


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _edges(owners: Mapping[Cell, str], *, inner: bool) -> str:
    """Draw the borders between districts (inner) or around the province, as few straight strokes as possible."""
    across: dict[int, list[int]] = defaultdict(list)
    down: dict[int, list[int]] = defaultdict(list)
    for (col, row), code in owners.items():
        for other, line, at in (
            ((col, row - 1), across[row], col),
            ((col, row + 1), across[row + 1], col),
            ((col - 1, row), down[col], row),
            ((col + 1, row), down[col + 1], row),
        ):
            neighbour = owners.get(other)
            if (neighbour is not None and neighbour != code) if inner else neighbour is None:
                line.append(at)
    parts = []
    for row, columns in sorted(across.items()):
        for start, end in _runs(columns):
            (x, y), (right, _) = _corner((start, row)), _corner((end, row))
            parts.append(f"M{x} {y}H{right}")
    for col, rows in sorted(down.items()):
        for start, end in _runs(rows):
            (x, y), (_, bottom) = _corner((col, start)), _corner((col, end))
            parts.append(f"M{x} {y}V{bottom}")
    return "".join(parts)


def _runs(positions: Iterable[int]) -> Iterable[Cell]:
    ordered = sorted(set(positions))
    start = 0
    for index, position in enumerate(ordered):
        if index + 1 == len(ordered) or ordered[index + 1] != position + 1:
            yield ordered[start], position + 1
            start = index + 1
