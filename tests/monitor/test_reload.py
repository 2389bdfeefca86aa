"""The inventory is edited while something is down: what goes on, what ends, and whose it is from then on."""

from dataclasses import replace

import pytest

from inventory.database import reading
from monitor.models import ChangeReason, State, SubjectKind
from monitor.store import open_outages
from probes.models import Outcome
from tests.support.monitoring import an_inventory, belief_on, with_address

LINE = "X-31-FIXED"


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "belief.db", an_inventory(vantages=("V1", "V2"))) as duty:
        for vantage in ("V1", "V2"):
            await duty.all_answer(at=0, vantage=vantage)
        yield duty


async def falls(duty, *codes, at, **more):
    for vantage in more.pop("vantages", ("V1", "V2")):
        await duty.fall(*codes, at=at, vantage=vantage, **more)
    for second in range(1, 5):
        await duty.tick(at=at + second)


async def outages(duty):
    async with reading(duty.database) as connection:
        return {outage.target: outage for outage in await open_outages(connection)}


def told(duty, kind=SubjectKind.CAUSE):
    return [(change.subject, change.new) for change in duty.heard if change.kind is kind]


def seen_by(inventory, *vantages, digest):
    return replace(inventory, vantages={v: inventory.vantages[v] for v in vantages}, digest=digest)


async def test_what_only_a_vantage_that_left_saw_down_is_up_with_the_swap(duty):
    await falls(duty, LINE, at=5, vantages=("V2",))
    assert duty.service.belief.state(LINE) is State.PARTIAL
    await duty.service.swap(seen_by(duty.inventory, "V1", digest="two"))
    assert duty.service.belief.state(LINE) is State.UP


async def test_what_all_that_are_left_see_down_is_down_with_the_swap(duty):
    await falls(duty, LINE, at=5, vantages=("V2",))
    await duty.service.swap(seen_by(duty.inventory, "V2", digest="two"))
    assert duty.service.belief.state(LINE) is State.DOWN
    assert (await outages(duty)).keys() == {LINE}


async def test_a_renamed_target_is_down_under_its_new_name_and_its_incident_goes_on(duty):
    await falls(duty, LINE, at=5)
    assert told(duty) == [("path:X-31-FIXED", "down")]
    targets = dict(duty.inventory.targets)
    renamed = replace(targets.pop(LINE), code="X-31-CO-DINH")
    await duty.service.swap(replace(duty.inventory, targets={**targets, renamed.code: renamed}, digest="two"))
    await duty.tick(at=20)
    assert duty.service.belief.state("X-31-CO-DINH") is State.DOWN
    assert (await outages(duty)).keys() == {"X-31-CO-DINH"}
    assert told(duty) == [("path:X-31-FIXED", "down")]


async def test_a_removed_target_is_nobodys_incident_and_nobody_says_that_it_answers(duty):
    await falls(duty, LINE, at=5)
    await duty.service.swap(an_inventory(vantages=("V1", "V2"), without=[LINE], digest="two"))
    assert not await outages(duty)
    last = [change for change in duty.heard if change.kind is SubjectKind.CAUSE][-1]
    assert (last.new, last.reason) == ("up", ChangeReason.RECOMPUTED)
    assert "đã sửa" in last.evidence["explanation"]["vi"]


async def test_a_line_that_is_another_carriers_now_becomes_that_carriers_incident(duty):
    await falls(duty, LINE, at=5)
    path = replace(duty.inventory.paths[LINE], carrier="VIETTEL", risks=("BTS-31",))
    edited = replace(duty.inventory, paths={**duty.inventory.paths, LINE: path}, digest="two")
    await duty.service.swap(edited)
    assert (await outages(duty)).keys() == {LINE}
    for second in range(20, 26):
        await duty.tick(at=second)
    causes = [change for change in duty.heard if change.kind is SubjectKind.CAUSE]
    assert [(c.new, c.evidence["owner"]) for c in causes] == [
        ("down", "VNPT"),
        ("up", "VNPT"),
        ("down", "VIETTEL"),
    ]


async def test_lines_that_hang_behind_another_group_now_leave_the_cause_of_the_first(duty):
    behind = [f"X-{c}-{m}" for c in ("31", "32") for m in ("FIXED", "FIBRE")]
    await falls(duty, *behind, at=5)
    assert told(duty) == [("risk:OLT-1", "down")]
    paths = {c: replace(p, risks=("RING",)) if c in behind else p for c, p in duty.inventory.paths.items()}
    risks = {code: risk for code, risk in duty.inventory.risks.items() if code != "OLT-1"}
    await duty.service.swap(replace(duty.inventory, paths=paths, risks=risks, digest="two"))
    for second in range(20, 26):
        await duty.tick(at=second)
    assert ("risk:OLT-1", "up") in told(duty)
    explained = {target for cause in duty.service._attribution.causes for target in cause.down}
    assert explained == set(behind)


async def test_the_last_looks_at_an_address_that_was_given_up_say_nothing_of_the_new_one(duty):
    await duty.service.swap(with_address(duty.inventory, LINE, "127.9.9.9", digest="two"))
    await falls(duty, LINE, "X-31-FIBRE", at=5)  # under way to the addresses of before
    assert (await outages(duty)).keys() == {"X-31-FIBRE"}
    assert duty.service.belief.state(LINE) is State.UNKNOWN


async def test_a_vantage_that_leaves_while_it_is_blind_is_isolated_no_more(tmp_path):
    inventory = an_inventory(vantages=("V1", "V2"), canaries=2)
    async with belief_on(tmp_path / "belief.db", inventory) as duty:
        dead = [(0, 5.0, Outcome.TIMEOUT), (1, 5.0, Outcome.TIMEOUT)]
        for at in (5, 6):
            await duty.look({}, at=at, vantage="V2", canaries=[(n, at, o) for n, _, o in dead])
        assert told(duty, SubjectKind.VANTAGE) == [("V2", "isolated")]
        await duty.service.swap(replace(an_inventory(canaries=2), digest="two"))
        assert told(duty, SubjectKind.VANTAGE)[-1] == ("V2", "seeing")


async def test_what_waited_for_canaries_that_are_taken_away_waits_no_more(tmp_path):
    inventory = an_inventory(canaries=2)
    answers = [(0, 0.0, Outcome.OK), (1, 0.0, Outcome.OK)]
    async with belief_on(tmp_path / "belief.db", inventory) as duty:
        await duty.all_answer(at=0, canaries=answers)
        await duty.look({}, at=5.5, canaries=[(0, 5.5, Outcome.OK)])
        await duty.fall(LINE, at=5)
        assert not await outages(duty)
        bare = replace(an_inventory(), digest="two")
        await duty.service.swap(bare)
        await duty.look({LINE: Outcome.TIMEOUT}, at=9, inventory=bare)
        assert (await outages(duty)).keys() == {LINE}


async def test_a_target_that_left_while_we_were_away_is_not_found_down_when_it_is_entered_again(tmp_path):
    file = tmp_path / "belief.db"
    async with belief_on(file, an_inventory()) as duty:
        await duty.all_answer(at=0)
        await duty.fall(LINE, at=5)
        await duty.service.stop()
    async with belief_on(file, an_inventory(without=[LINE], digest="two"), at=30, epoch=2):
        pass
    async with belief_on(file, an_inventory(), at=60, epoch=3) as duty:
        assert duty.service.belief.state(LINE) is State.UNKNOWN
