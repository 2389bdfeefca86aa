"""What an incident means to the province: communes cut off, communes on their last path, other places."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerting.models import Incident
from inventory.models import Inventory
from inventory.topology import Topology

__all__ = ["Impact", "impact_of"]


@dataclass(frozen=True, slots=True)
class Impact:
    """Codes of communes cut off, on their last path and with a spare path less; of every site hit.

    ``places`` are the names of sites above the communes (tally servers, entry points) that are cut off.
    """

    cut: tuple[str, ...]
    last_path: tuple[str, ...]
    weakened: tuple[str, ...]
    sites: tuple[str, ...]
    places: tuple[str, ...]


def impact_of(incident: Incident, inventory: Inventory, topology: Topology) -> Impact:
    """Answer what ``incident`` hits, each commune under the worst that befell it."""
    evidence = incident.facts.get("evidence", {})
    cut = _communes(evidence.get("isolated", ()), inventory, topology)
    last = tuple(
        code for code in _communes(evidence.get("last_path", ()), inventory, topology) if code not in cut
    )
    hit = tuple(code for code in evidence.get("sites", ()) if code in inventory.sites)
    weakened = tuple(
        code for code in _communes(hit, inventory, topology) if code not in cut and code not in last
    )
    isolated = [code for code in evidence.get("isolated", ()) if code in inventory.sites]
    places = tuple(inventory.sites[code].name for code in isolated if topology.commune_of(code) is None)
    return Impact(cut, last, weakened, hit, places)


def _communes(sites: Iterable[str], inventory: Inventory, topology: Topology) -> tuple[str, ...]:
    # An incident may be older than the inventory in use: a site that is gone is passed over.
    found = (topology.commune_of(site) for site in sites if site in inventory.sites)
    return tuple(dict.fromkeys(code for code in found if code))
