"""Somebody offers a shift, a colleague takes it or a lead approves: history kept, nobody on two duties at once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from alerting.roster import FindingKind, Origin
from alerting.roster_errors import ImpossibleShiftError, NotTheirsError, SettledError, UnknownShiftError
from alerting.roster_service import RosterService
from alerting.schema import outbox
from alerting.swap_service import SwapService
from alerting.swaps import SwapState
from inventory.database import reading
from inventory.models import Duty, Shift
from tests.support.acting import (
    NOON,
    PEOPLE,
    SHIFTS,
    a_duty_room,
    a_person,
    an_inventory,
    by_code,
    tokens,
)

HOUR = timedelta(hours=1)
OPS = ("VNPT", Duty.OPERATIONS)
OUTSIDER = a_person("vnpt-3", "VNPT", "Văn thư VNPT", email="vanthu@vnpt.invalid")


@pytest.fixture
async def room(tmp_path):
    inventory = an_inventory(people=by_code((*PEOPLE, OUTSIDER)), shifts=SHIFTS)
    async with a_duty_room(tmp_path, inventory=inventory) as room:
        yield room


@pytest.fixture
def roster(room):
    return RosterService(
        database=room.database, inventory=lambda: room.service.inventory, clock=room.clock, token=tokens()
    )


@pytest.fixture
def swapping(roster):
    return SwapService(roster, public_url="https://ts.invalid")


@pytest.fixture
async def shifts(roster):
    """vnpt-1 holds 18 to 26 hours after noon, vnpt-2 the eight hours after."""
    made = [
        Shift(*OPS, "vnpt-1", NOON + 18 * HOUR, NOON + 26 * HOUR),
        Shift(*OPS, "vnpt-2", NOON + 26 * HOUR, NOON + 34 * HOUR),
    ]
    return [await roster.add(one, actor="vnpt", scope="VNPT") for one in made]


async def people_of(roster):
    view = await roster.view(scope="VNPT")
    return [(s.person, s.origin) for s in view.shifts if s.start > NOON]


async def told(room):
    async with reading(room.database) as connection:
        rows = (await connection.execute(select(outbox).order_by(outbox.c.id))).mappings()
        return [(row["body"]["what"], row["person"]) for row in rows if row["channel"] == "email"]


async def test_an_exchange_happens_when_the_other_one_accepts(roster, swapping, shifts):
    first, second = shifts
    swap = await swapping.ask(
        first.id, person="vnpt-2", other=second.id, actor="vnpt-1", scope="VNPT", mine="vnpt-1"
    )
    assert [person for person, _ in await people_of(roster)] == ["vnpt-1", "vnpt-2"]
    with pytest.raises(UnknownShiftError):
        await swapping.answer(swap.id, accepts=True, actor="vnpt-1", scope="VNPT", person="vnpt-1")
    await swapping.answer(swap.id, accepts=True, actor="vnpt-2", scope="VNPT", person="vnpt-2")
    assert await people_of(roster) == [("vnpt-2", Origin.SWAP), ("vnpt-1", Origin.SWAP)]
    view = await roster.view(scope="VNPT")
    assert all(s.confirmed_at for s in view.shifts if s.start > NOON)
    assert not {f.kind for f in view.findings(NOON, NOON + 34 * HOUR, "VNPT")} & {
        FindingKind.GAP,
        FindingKind.DOUBLE_DUTY,
    }
    with pytest.raises(SettledError):
        await swapping.answer(swap.id, accepts=False, actor="vnpt-2", scope="VNPT")


async def test_an_offer_to_all_is_told_to_colleagues_of_the_duty_and_the_first_taker_has_it(
    room, roster, swapping, shifts
):
    swap = await swapping.ask(shifts[0].id, actor="vnpt-1", scope="VNPT", mine="vnpt-1", note="con ốm")
    assert await told(room) == [("swap_asked", "vnpt-2")]
    with pytest.raises(ImpossibleShiftError, match="same party and duty"):
        await swapping.answer(swap.id, accepts=True, actor="vnpt-3", scope="VNPT", person="vnpt-3")
    done = await swapping.answer(swap.id, accepts=True, actor="vnpt-2", scope="VNPT", person="vnpt-2")
    assert (done.state, done.answered_by) == (SwapState.ACCEPTED, "vnpt-2")
    assert [person for person, _ in await people_of(roster)] == ["vnpt-2", "vnpt-2"]
    assert (await told(room))[-1] == ("swap_answered", "vnpt-1")
    acts = [line.act for line in await roster.changes(scope="VNPT", limit=2)]
    assert acts == ["swapped", "swap_asked"]


async def test_one_colleagues_no_leaves_an_offer_to_all_open(swapping, shifts):
    swap = await swapping.ask(shifts[0].id, actor="vnpt-1", scope="VNPT")
    left = await swapping.answer(swap.id, accepts=False, actor="vnpt-2", scope="VNPT", person="vnpt-2")
    assert left.state is SwapState.ASKED


async def test_a_lead_approves_for_somebody_of_another_duty(roster, swapping, shifts):
    swap = await swapping.ask(shifts[0].id, actor="vnpt-1", scope="VNPT")
    with pytest.raises(ImpossibleShiftError, match="nobody was named"):
        await swapping.answer(swap.id, accepts=True, actor="trưởng ca", scope="VNPT")
    await swapping.answer(swap.id, accepts=True, actor="trưởng ca", scope="VNPT", taker="vnpt-3")
    assert (await people_of(roster))[0] == ("vnpt-3", Origin.SWAP)


async def test_nobody_is_left_on_two_duties_at_once(roster, swapping, shifts):
    await roster.add(
        Shift("VNPT", Duty.RESPONSE, "vnpt-2", NOON + 20 * HOUR, NOON + 22 * HOUR), actor="vnpt", scope="VNPT"
    )
    swap = await swapping.ask(shifts[0].id, person="vnpt-2", actor="vnpt-1", scope="VNPT")
    with pytest.raises(ImpossibleShiftError, match="two shifts at once"):
        await swapping.answer(swap.id, accepts=True, actor="vnpt-2", scope="VNPT", person="vnpt-2")
    assert (await people_of(roster))[0][0] == "vnpt-1"


async def test_what_has_begun_is_handed_over_not_swapped(room, roster, swapping, shifts):
    running = next(s for s in (await roster.view(scope="VNPT")).shifts if s.start < NOON)
    with pytest.raises(ImpossibleShiftError, match="hand over"):
        await swapping.ask(running.id, person="vnpt-2", actor="vnpt-1", scope="VNPT")
    swap = await swapping.ask(shifts[0].id, person="vnpt-2", actor="vnpt-1", scope="VNPT")
    room.clock.now = shifts[0].start
    with pytest.raises(SettledError):
        await swapping.answer(swap.id, accepts=True, actor="vnpt-2", scope="VNPT", person="vnpt-2")


async def test_one_offers_and_takes_back_only_ones_own_shift_and_once(swapping, shifts):
    with pytest.raises(NotTheirsError):
        await swapping.ask(shifts[1].id, actor="vnpt-1", scope="VNPT", mine="vnpt-1")
    swap = await swapping.ask(shifts[0].id, actor="vnpt-1", scope="VNPT", mine="vnpt-1")
    with pytest.raises(ImpossibleShiftError, match="offered already"):
        await swapping.ask(shifts[0].id, actor="vnpt-1", scope="VNPT", mine="vnpt-1")
    with pytest.raises(NotTheirsError):
        await swapping.withdraw(swap.id, actor="vnpt-2", scope="VNPT", person="vnpt-2")
    done = await swapping.withdraw(swap.id, actor="vnpt-1", scope="VNPT", person="vnpt-1")
    assert done.state is SwapState.WITHDRAWN


async def test_another_party_cannot_tell_an_offer_from_none(swapping, shifts):
    swap = await swapping.ask(shifts[0].id, actor="vnpt-1", scope="VNPT")
    assert await swapping.swaps(scope="VIETTEL") == ()
    for attempt in (
        swapping.answer(swap.id, accepts=True, actor="v", scope="VIETTEL"),
        swapping.withdraw(swap.id, actor="v", scope="VIETTEL"),
    ):
        with pytest.raises(UnknownShiftError):
            await attempt
