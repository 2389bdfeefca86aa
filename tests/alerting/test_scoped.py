"""What is held against a party it is told, to the count; what would tell of another it is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerting.models import IncidentEvent, IncidentState, LedgerEntry
from alerting.scoped import incident_for, ledger_for, scope_of, version_for, version_meant
from tests.support.acting import a_duty_room

START = datetime(2021, 5, 23, 12, tzinfo=UTC)


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


@pytest.fixture
async def trunk(room):
    """A fault of VNPT's that hit a site which its own lines reach, and one that only VIETTEL's lines reach."""
    inventory = room.service.inventory
    of = {
        party: {p.site: p.code for p in inventory.paths.values() if p.carrier == party}
        for party in ("VNPT", "VIETTEL")
    }
    own = next(iter(of["VNPT"]))
    other = "ONLY-VIETTEL"
    path = replace(inventory.paths[next(iter(of["VIETTEL"].values()))], code="UB-OTHER", site=other)
    inventory = replace(
        inventory,
        sites={**inventory.sites, other: replace(inventory.sites[own], code=other)},
        paths={**inventory.paths, path.code: path},
    )
    impact = {
        "impact": "isolated",
        "sites": 2,
        "communes": 2,
        "voters": 900,
        "isolated": 1,
        "tally_sites": [own, other],
    }
    evidence = {"sites": [own, other], "paths": [of["VNPT"][own], path.code], "isolated": [other]}
    incident = replace(await room.cut(), facts={"impact": impact, "evidence": evidence})
    return inventory, own, incident


def entries(*owners):
    """A ledger of a note an entry, by who was accountable when it was written."""
    return [
        LedgerEntry(
            1,
            place,
            START + timedelta(minutes=place),
            IncidentEvent.NOTE,
            owner,
            IncidentState.OPEN,
            IncidentState.OPEN,
            {"changes": {"owner": owner}} if place == 1 or owners[place - 2] != owner else {},
            "",
            "",
        )
        for place, owner in enumerate(owners, 1)
    ]


async def test_a_carrier_is_told_how_big_its_fault_is_and_not_which_of_it_is_others(trunk):
    inventory, own, incident = trunk
    told = incident_for(incident, scope_of("VNPT", inventory)).facts
    counts = {name: told["impact"][name] for name in ("sites", "communes", "voters", "impact")}
    assert counts == {"sites": 2, "communes": 2, "voters": 900, "impact": "isolated"}
    assert (told["evidence"]["sites"], told["impact"]["tally_sites"]) == ([own], [own])
    assert [inventory.paths[code].carrier for code in told["evidence"]["paths"]] == ["VNPT"]
    assert "isolated" not in told["evidence"]
    assert "isolated" not in told["impact"]


async def test_the_department_is_told_everything(trunk):
    inventory, _own, incident = trunk
    assert incident_for(incident, scope_of(None, inventory)) == incident


async def test_a_ledger_is_numbered_as_if_ones_own_times_were_all_there_was(room):
    written = entries("VIETTEL", "VIETTEL", "VNPT", "VNPT", "VIETTEL", "VNPT")
    inventory = room.service.inventory
    seen = {party: scope_of(party, inventory) for party in ("VNPT", "VIETTEL")}
    for party, scope in seen.items():
        shown = ledger_for(written, scope)
        assert [entry.sequence for entry in shown] == [1, 2, 3]
        assert {entry.actor for entry in shown} == {party}
        assert version_for(written, scope) == 3
    assert [version_meant(shown, written, seen["VNPT"]) for shown in range(5)] == [-1, 3, 4, 6, -1]
    assert (version_for(written, None), version_meant(5, written, None)) == (6, 5)
    assert version_for([], seen["VNPT"]) == version_for([], None) == 0
