"""What an incident means to the province: communes cut off, communes on their last path, other places."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerting.models import Incident
from inventory.models import Inventory
from inventory.topology import Topology

__all__ = ["Impact", "impact_of"]


@dataclass(frozen=True, slots=True)
class Impact:
    """Codes of communes cut off and on their last path, and of sites hit that stand for no commune's verdict."""

    cut: tuple[str, ...]
    last_path: tuple[str, ...]
    weakened: tuple[str, ...]
    sites: tuple[str, ...]


def impact_of(incident: Incident, inventory: Inventory, topology: Topology) -> Impact:
    """Answer what ``incident`` hits, each commune under the worst that befell it."""
    facts = incident.facts.get("evidence", {})
    cut = _communes(facts.get("isolated", ()), topology)
    last = tuple(code for code in _communes(facts.get("last_path", ()), topology) if code not in cut)
    hit = tuple(code for code in facts.get("sites", ()) if code in inventory.sites)
    weakened = tuple(code for code in _communes(hit, topology) if code not in cut and code not in last)
    return Impact(cut, last, weakened, hit)


def _communes(sites: Iterable[str], topology: Topology) -> tuple[str, ...]:
    found = (topology.commune_of(site) for site in sites)
    return tuple(dict.fromkeys(code for code in found if code))
