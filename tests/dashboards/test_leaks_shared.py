"""Where two carriers have a part in one thing: each is told of its own, whatever becomes of the other's."""

import re

import pytest

from dashboards.views.impact import Impact
from dashboards.views.incident import affected
from inventory.access import Role
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import PASSWORD

REGION = re.compile(r'<section class="card" data-region="sites">.*?</section>', re.DOTALL)
TOKEN = re.compile(r'name="csrf" value="[0-9a-f]+"')


async def where(visitor, page):
    """What an incident's page says of the places that it hits, without the tokens of its forms."""
    return TOKEN.sub("", REGION.search((await visitor.see(page)).text)[0])


@pytest.fixture
async def vnpt(room):
    await room.deps.auth.add("vnpt", Role.CARRIER, PASSWORD, party="VNPT")
    made = Visitor(room)
    await made.sign_in("vnpt")
    yield made
    await made.client.aclose()


def bts_at(room, sites):
    """Answer a station of another carrier that serves one of ``sites``."""
    paths = room.inventory.paths.values()
    risks = (
        risk for path in paths if path.site in sites and path.carrier == "VIETTEL" for risk in path.risks
    )
    return next(code for code in risks if room.inventory.risks[code].kind == "bts")


async def test_where_an_incident_hits_a_carrier_sees_its_own_lines_and_not_how_others_are(
    room, cut, vnpt, officer
):
    page = f"/incidents/{cut.id}"
    before = await where(vnpt, page)
    seen_by_department = await where(officer, page)
    await room.cut(bts_at(room, cut.facts["evidence"]["sites"]))
    assert await where(vnpt, page) == before
    assert await where(officer, page) != seen_by_department
    assert "đường của đơn vị" in before
    assert 'class="mark' not in before


async def test_who_runs_no_lines_is_told_which_places_and_not_how_they_are(room, cut):
    sites = tuple(cut.facts["evidence"]["sites"])
    impact = Impact((), (), (), sites, ())
    shown = affected(impact, room.monitor.snapshot(), room.inventory, room.monitor.topology, scope="EVN")
    assert {(one.verdict, one.lines) for one in shown} == {(None, None)}


async def reassigned(room, officer):
    """A matter of VIETTEL's, in which three things were written down before it became VNPT's."""
    form = {"matter": "poor_service", "note": "chập chờn", "owner": "VIETTEL", "key": "k" * 32}
    await officer.send("/incidents", form, seen_on="/incidents/new")
    [made] = await room.incidents()
    for note in ("một", "hai"):
        await room.alerting.note(made.id, actor="viettel", note=note)
    await officer.send(
        f"/incidents/{made.id}/reassign",
        {"owner": "VNPT", "note": "thuộc VNPT"},
        seen_on=f"/incidents/{made.id}",
    )
    return made.id


async def test_what_was_done_before_it_became_ones_own_is_not_even_counted(room, officer, vnpt):
    incident = await reassigned(room, officer)
    entries = await room.deps.records.ledger(incident, owner="VNPT")
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    everything = await room.deps.records.ledger(incident)
    assert len(everything) > len(entries)
    assert 'data-key="t1"' in (await vnpt.see(f"/incidents/{incident}")).text
