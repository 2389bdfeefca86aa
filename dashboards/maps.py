"""The tile map of the inventory in use, laid out again only when the inventory is another one."""

from dashboards.views.tilemap import TileMap, tile_map
from inventory.models import Inventory

__all__ = ["Maps"]


class Maps:
    """Keeps the last map that was laid out."""

    def __init__(self) -> None:
        self._digest: str | None = None
        self._map: TileMap | None = None

    def of(self, inventory: Inventory) -> TileMap:
        """Answer the map of ``inventory``."""
        if self._map is None or self._digest != inventory.digest:
            self._map, self._digest = tile_map(inventory), inventory.digest
        return self._map
