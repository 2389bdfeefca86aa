"""Roll call: what is written down, whom to call at which number, what an answer proves, and how answers are counted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerting.field_errors import FieldRefusedError, UnknownFieldWorkError
from alerting.rollcall import RollAnswer, RollCall, confirmed, numbers_of, tally
from alerting.rollcall_service import Answered, RollCallService
from inventory.models import ProbeKind, Target
from inventory.topology import Topology
from tests.support.acting import NOON, a_duty_room

CLEAR, PARTIAL, LOST, SILENT = RollAnswer


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


@pytest.fixture
def calls(room):
    return RollCallService(database=room.database, inventory=lambda: room.service.inventory, clock=room.clock)


def a_call(site="A", answer=CLEAR, *, at=NOON, path=""):
    return RollCall(id=1, site=site, answer=answer, path=path, network="", note="", at=at, by="trực ban")


async def test_an_answer_is_kept_with_who_asked_when_over_what(room, calls):
    site = next(iter(room.service.inventory.sites))
    told = await calls.answer(Answered(site, PARTIAL, network="VNPT", note=" mất mạng "), actor="trực ban")
    assert (told.at, told.by, told.note) == (room.clock(), "trực ban", "mất mạng")
    again = await calls.answer(Answered(site, CLEAR), actor="lãnh đạo")
    assert await calls.of_site(site) == (again, told)
    assert await calls.newest(NOON - timedelta(hours=1)) == {site: again}
    assert await calls.after(told.id) == [again]
    assert await calls.last_id() == again.id


async def test_an_old_answer_is_no_answer_of_now(room, calls):
    site = next(iter(room.service.inventory.sites))
    await calls.answer(Answered(site, CLEAR), actor="trực ban")
    assert await calls.newest(room.clock() + timedelta(seconds=1)) == {}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"site": "NO-SUCH"}, UnknownFieldWorkError),
        ({"path": "NO-SUCH"}, FieldRefusedError),
        ({"network": "NO-SUCH"}, FieldRefusedError),
    ],
)
async def test_what_the_inventory_does_not_know_is_not_written_down(room, calls, changes, refusal):
    site = next(iter(room.service.inventory.sites))
    with pytest.raises(refusal):
        await calls.answer(Answered(**{"site": site, "answer": CLEAR, **changes}), actor="trực ban")
    assert await calls.last_id() == 0


def test_a_site_is_called_at_its_own_numbers_and_then_at_the_communes(room):
    inventory = room.service.inventory
    commune = next(s for s in inventory.sites.values() if s.kind == "commune_committee")
    path = inventory.paths[Topology.of(inventory).paths_of_site(commune.code)[0]]
    unit = replace(commune, code="UNIT", kind="polling_unit")
    own = replace(path, code="UNIT-FIXED", site="UNIT", number="+842990000999")
    known = replace(
        inventory,
        sites={**inventory.sites, "UNIT": unit},
        paths={**inventory.paths, path.code: replace(path, number="+842990000001"), own.code: own},
    )
    topology = Topology(known)
    assert [each.number for each in numbers_of(known, topology, commune.code)] == ["+842990000001"]
    found = numbers_of(known, topology, "UNIT")
    assert [each.number for each in found] == ["+842990000999", "+842990000001"]
    assert [each.site for each in found] == ["UNIT", commune.code]
    assert numbers_of(known, topology, "NO-SUCH") == ()


def test_n_of_m_answered_counts_each_site_once_and_no_contact_not_at_all():
    newest = {"A": a_call("A"), "B": a_call("B", LOST), "C": a_call("C", SILENT), "X": a_call("X")}
    newest["D"] = a_call("D", at=NOON - timedelta(hours=2))
    counted = tally("ABCDE", newest, NOON - timedelta(hours=1))
    assert (counted.sites, counted.answered, counted.uncalled) == (5, 2, 2)
    assert counted.counts == {CLEAR: 1, PARTIAL: 0, LOST: 1, SILENT: 1}


def test_only_who_was_reached_and_well_confirms_a_path(room):
    inventory = room.service.inventory
    site = next(code for code in inventory.sites if len(Topology.of(inventory).paths_of_site(code)) > 1)
    [first, second, *_] = Topology.of(inventory).paths_of_site(site)
    words = {f"{path}.word": Target(f"{path}.word", path, ProbeKind.ROLLCALL, "") for path in (first, second)}
    known = replace(inventory, targets={**inventory.targets, **words})
    topology = Topology(known)

    def proven(answer, path=""):
        return list(confirmed(a_call(site, answer, path=path), known, topology))

    assert sorted(proven(CLEAR)) == sorted(words)
    assert proven(PARTIAL, first) == [f"{first}.word"]
    assert proven(PARTIAL) == proven(LOST, first) == proven(SILENT, first) == []
