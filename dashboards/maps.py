"""The tile map of the inventory in use, laid out again only when the inventory is another one.

A tile's text is kept too: of a nation's eleven thousand tiles a few turn between two visits, and only these are
written again (0.3 s of templates for the whole map, 3 ms for a map that is known).
"""

from collections.abc import Iterable, Mapping

from markupsafe import Markup

from dashboards.i18n import Language
from dashboards.templating import render
from dashboards.views.sieve import Ground, Sieve, grounds_of
from dashboards.views.tilemap import TileMap, tile_map
from inventory.models import Inventory
from inventory.topology import Topology
from monitor.models import Verdict

__all__ = ["Maps"]

_SHOWN, _DIMMED = 'class="tile ', 'class="tile out '


class _Drawing:
    """The map's tiles as text in one language, each with the verdict that it was last written for."""

    def __init__(self, plan: TileMap, grounds: Mapping[str, Ground], language: Language) -> None:
        self._plan = plan
        self._grounds = grounds
        self._language = language
        self._verdicts: list[Verdict | None] = [None] * len(plan.tiles)
        self._tiles = [""] * len(plan.tiles)
        self._whole = Markup()

    def text(self, verdicts: Mapping[str, Verdict]) -> Markup:
        """Answer every tile; those that turned are written anew."""
        turned = [
            (place, verdict)
            for place, (tile, known) in enumerate(zip(self._plan.tiles, self._verdicts, strict=True))
            if (verdict := verdicts[tile.code]) is not known
        ]
        for place, verdict in turned:
            self._verdicts[place] = verdict
            self._tiles[place] = self._written(place, verdict)
        if turned:
            self._whole = _joined(self._tiles)
        return self._whole

    def narrowed(self, verdicts: Mapping[str, Verdict], sieve: Sieve) -> Markup:
        """Answer every tile, those that ``sieve`` leaves out marked."""
        self.text(verdicts)
        pieces = zip(self._plan.tiles, self._tiles, strict=True)
        return _joined(
            text
            if sieve.keeps_tile(self._grounds[tile.code], verdicts[tile.code])
            else text.replace(_SHOWN, _DIMMED, 1)
            for tile, text in pieces
        )

    def _written(self, place: int, verdict: Verdict) -> str:
        tile = self._plan.tiles[place]
        context = {
            "tile": tile,
            "verdict": verdict,
            "ground": self._grounds[tile.code],
            "plan": self._plan,
        }
        return render("board/tile.html", self._language, context)


def _joined(tiles: Iterable[str]) -> Markup:
    # Each was written by a template that escapes.
    return Markup("".join(tiles))  # noqa: S704 - see above


class Maps:
    """Keeps the last map that was laid out."""

    def __init__(self) -> None:
        self._digest: str | None = None
        self._map: TileMap | None = None
        self._grounds: Mapping[str, Ground] = {}
        self._drawings: dict[Language, _Drawing] = {}

    def of(self, inventory: Inventory) -> TileMap:
        """Answer the map of ``inventory``."""
        if self._map is None or self._digest != inventory.digest:
            self._map, self._digest = tile_map(inventory), inventory.digest
            self._grounds = grounds_of(inventory, Topology.of(inventory))
            self._drawings = {}
        return self._map

    def grounds(self, inventory: Inventory) -> Mapping[str, Ground]:
        """Answer what each commune of ``inventory`` is found by."""
        self.of(inventory)
        return self._grounds

    def drawn(
        self, inventory: Inventory, verdicts: Mapping[str, Verdict], language: Language, sieve: Sieve
    ) -> Markup:
        """Answer the map's tiles as text."""
        plan = self.of(inventory)
        drawing = self._drawings.get(language)
        if drawing is None:
            drawing = self._drawings[language] = _Drawing(plan, self._grounds, language)
        return drawing.narrowed(verdicts, sieve) if sieve.narrows else drawing.text(verdicts)
