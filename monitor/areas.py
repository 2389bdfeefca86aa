"""What every area shows, for all areas at once: a nation's board has eleven thousand tiles and turns within a second.

The rule is :func:`monitor.verdict.area_verdict`'s, the worst of the sites that an area's tile speaks of. Which
these are is known from the inventory; the worst of them is one pass over a column.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from inventory.codes import CodeIndex
from inventory.models import Inventory
from inventory.topology import Topology
from monitor.models import Verdict
from monitor.verdict import WORST_FIRST, counting

__all__ = ["AreaIndex"]


class AreaIndex:
    """The sites that each area's tile speaks of, by place."""

    def __init__(self, inventory: Inventory, topology: Topology, sites: CodeIndex) -> None:
        members: list[int] = []
        starts: list[int] = []
        self._codes: list[str] = []
        self._empty: list[str] = []
        for code, area in inventory.areas.items():
            below = [inventory.sites[site] for site in topology.sites_of_area(code)]
            meant = [below[place].code for place in counting(area, below)]
            if not meant:
                self._empty.append(code)
                continue
            self._codes.append(code)
            starts.append(len(members))
            members += [sites[site] for site in meant]
        self._members = np.array(members, np.intp)
        self._starts = np.array(starts, np.intp)

    def verdicts(self, rank: npt.NDArray[np.uint8]) -> Mapping[str, Verdict]:
        """Answer the verdict of every area from the ranks of all sites; an area without a site is untested."""
        found = dict.fromkeys(self._empty, Verdict.UNTESTED)
        if self._codes:
            worst = np.minimum.reduceat(rank[self._members], self._starts)
            found.update(zip(self._codes, (WORST_FIRST[each] for each in worst.tolist()), strict=True))
        return found
