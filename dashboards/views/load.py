"""Links as the capacity page shows them: how busy each is, and who could lend where one is too narrow. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from inventory.models import Inventory
from monitor.load_store import CongestionRow
from monitor.load_summary import LinkLoad

__all__ = ["CongestionLine", "Lender", "LinkLine", "congestion_lines", "link_lines"]

_LEAST_TO_LEND_MBPS = 1.0
_MOST_LENDERS = 4


@dataclass(frozen=True, slots=True)
class Lender:
    """Another carrier's link between the same places, and what it could carry besides."""

    link: str
    carrier: str
    spare_mbps: float


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A link; ``lenders`` only where it is, or will be, too narrow."""

    seen: LinkLoad
    carrier: str
    lenders: tuple[Lender, ...] = ()

    @property
    def will_be_narrow(self) -> bool:
        """Whether its busy hour on election day is expected at the norm or over it."""
        return self.seen.expected is not None and self.seen.expected.load >= self.seen.norm


@dataclass(frozen=True, slots=True)
class CongestionLine:
    """A congestion with the name of its link."""

    row: CongestionRow
    name: str
    carrier: str


def link_lines(seen: Sequence[LinkLoad], inventory: Inventory) -> list[LinkLine]:
    """Answer a line for each link, in their order; lenders are looked for among the links given."""
    lines = [LinkLine(each, _party(each.link.carrier, inventory)) for each in seen]
    return [
        replace(line, lenders=_lenders(line.seen, seen, inventory))
        if line.seen.congested_since is not None or line.will_be_narrow
        else line
        for line in lines
    ]


def _lenders(narrow: LinkLoad, seen: Iterable[LinkLoad], inventory: Inventory) -> tuple[Lender, ...]:
    ends = {narrow.link.from_, narrow.link.to}
    found = [
        Lender(each.link.code, _party(each.link.carrier, inventory), each.spare_mbps)
        for each in seen
        if each.link.carrier != narrow.link.carrier
        and {each.link.from_, each.link.to} == ends
        and each.congested_since is None
        and each.spare_mbps is not None
        and each.spare_mbps >= _LEAST_TO_LEND_MBPS
    ]
    return tuple(sorted(found, key=lambda each: -each.spare_mbps)[:_MOST_LENDERS])


def congestion_lines(rows: Iterable[CongestionRow], inventory: Inventory) -> list[CongestionLine]:
    """Answer a line for each congestion; a link that is gone is called by its code."""
    return [
        CongestionLine(
            row,
            inventory.links[row.link].name if row.link in inventory.links else row.link,
            _party(row.carrier, inventory),
        )
        for row in rows
    ]


def _party(code: str, inventory: Inventory) -> str:
    party = inventory.parties.get(code)
    return party.name if party else code
