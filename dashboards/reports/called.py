"""Roll calls as reports tell of them: from what officers wrote down to the record, and what a carrier is told. Pure.

How a site is as a whole rests on everybody's lines, and so does what it answers. A carrier is told of the calls to
numbers of its own lines alone, and only whether somebody confirmed the line: "all clear" and "partly lost" both confirm
the line that the call came over, "all lost" and "no contact" confirm none (alerting.rollcall). So no answer tells it
how another's line is. Nor is it told who called over which network, what else was said, or how many calls there were:
its own are numbered as if they were all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alerting.rollcall import RollCall
from dashboards.reports.record import Called, Heard, Record
from inventory.models import Inventory
from inventory.topology import Topology

__all__ = ["called", "of_carrier", "of_sites", "roll_of"]

_CONFIRMING = frozenset({Heard.CLEAR, Heard.PARTIAL, Heard.CONFIRMED})


def called(calls: Iterable[RollCall], inventory: Inventory, topology: Topology) -> tuple[Called, ...]:
    """Answer the calls to sites that the inventory still has, in the order in which they were made."""
    ordered = sorted(calls, key=lambda each: (each.at, each.id))
    return tuple(_called(each, inventory, topology) for each in ordered if each.site in inventory.sites)


def _called(call: RollCall, inventory: Inventory, topology: Topology) -> Called:
    site, path = inventory.sites[call.site], inventory.paths.get(call.path)
    return Called(
        identifier=f"rollcall:{call.id}",
        site=site.code,
        site_name=site.name,
        commune=topology.commune_of(site.code) or site.area,
        at=call.at,
        answer=Heard(call.answer.value),
        path=call.path,
        carrier=path.carrier if path else "",
        network=call.network,
        by=call.by,
        note=call.note,
    )


def roll_of(inventory: Inventory, topology: Topology) -> Mapping[str, frozenset[str]]:
    """Answer every site of the inventory, with the carriers whose lines reach it."""
    return {
        site: frozenset(inventory.paths[path].carrier for path in topology.paths_of_site(site))
        for site in inventory.sites
    }


def of_carrier(record: Record, party: str) -> Record:
    """Answer the record with the roll as a carrier is told of it: its own lines, confirmed or not."""
    own = [each for each in record.calls if each.carrier == party]
    return replace(
        record,
        calls=tuple(_told(each, place) for place, each in enumerate(own, start=1)),
        roll={site: carriers for site, carriers in record.roll.items() if party in carriers},
    )


def _told(call: Called, place: int) -> Called:
    answer = Heard.CONFIRMED if call.answer in _CONFIRMING else Heard.UNCONFIRMED
    return replace(call, identifier=f"rollcall:{place}", answer=answer, network="", by="", note="")


def of_sites(record: Record, sites: Iterable[str]) -> Record:
    """Answer the record with the roll of ``sites`` alone."""
    kept = frozenset(sites)
    return replace(
        record,
        calls=tuple(each for each in record.calls if each.site in kept),
        roll={site: carriers for site, carriers in record.roll.items() if site in kept},
    )
