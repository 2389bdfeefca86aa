"""Whose numbers a batch counts in: the fleets of the inventories before, translated to the one of now.

A batch that was under way while the inventory was swapped speaks of the fleet before, and a worker far away may for
hours. A target that has another address since is another one: what was seen at the old address says nothing of it. A
dead router that is replaced by one of another address must not be down once more by the last looks at the old one.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from inventory.codes import CodeIndex
from probes.models import SampleBatch

__all__ = ["Fleets"]

_KEPT = 4

Indices = npt.NDArray[np.intp]


class Fleets:
    """The fleets that batches may speak of, by digest of their inventory."""

    def __init__(self) -> None:
        self._codes: dict[str, tuple[str, ...]] = {}
        self._strangers: dict[str, set[str]] = {}
        self._translations: dict[str, Indices] = {}
        self._digest, self._index = "", CodeIndex(())

    def know(self, digest: str, codes: tuple[str, ...]) -> None:
        """Take batches of another inventory, whose fleet was ``codes``."""
        self._codes.setdefault(digest, codes)

    def enter(self, digest: str, index: CodeIndex, *, gone: Iterable[str] = ()) -> None:
        """Count in the numbers of this fleet from now on; ``gone`` targets of those before are not meant any more."""
        for known in self._codes:
            self._strangers.setdefault(known, set()).update(gone)
        self._strangers.pop(digest, None)
        self._codes.pop(digest, None)
        self._codes[digest] = index.codes
        for old in list(self._codes)[:-_KEPT]:
            del self._codes[old]
            self._strangers.pop(old, None)
        self._digest, self._index = digest, index
        self._translations.clear()

    def numbered(self, batch: SampleBatch) -> tuple[Indices, npt.NDArray[np.bool_]] | None:
        """Answer the targets of a batch in our numbers, and which of them are targets of ours; nothing if unknown."""
        codes = self._codes.get(batch.fleet)
        if codes is None:
            return None
        target, known = batch.target.astype(np.intp), batch.target < len(codes)
        if batch.fleet != self._digest:
            target = self._translated(batch.fleet, codes)[np.minimum(batch.target, len(codes) - 1)]
            known = known & (target >= 0)
        return target, known

    def _translated(self, fleet: str, codes: tuple[str, ...]) -> Indices:
        if fleet not in self._translations:
            strangers = self._strangers.get(fleet, set())
            self._translations[fleet] = self._index.places(
                "" if code in strangers else code for code in codes
            )
        return self._translations[fleet]
