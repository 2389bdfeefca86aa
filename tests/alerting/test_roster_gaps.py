"""A step that reaches nobody is skipped at once and becomes a matter of its own."""

from dataclasses import replace

from alerting.models import IncidentState
from inventory.models import Duty
from tests.support.acting import SHIFTS, a_duty_room, a_shift, an_inventory

WITHOUT = tuple(shift for shift in SHIFTS if shift.party != "VNPT")


async def test_an_empty_duty_opens_one_incident_of_the_department_however_often_it_is_met(tmp_path):
    async with a_duty_room(tmp_path, inventory=an_inventory(shifts=WITHOUT)) as room:
        await room.cut()
        await room.believe("path:UB-31505-DT")
        await room.service.absorb()
        [gap] = await room.gaps()
        assert (gap.owner, gap.state) == ("STTTT", IncidentState.OPEN)
        assert gap.title == "Thiếu người trực: trực ca vận hành, VNPT Sóc Trăng"
        assert "stttt-1" in {person for person, _, _ in await room.pages(gap.id)}


async def test_the_gap_is_over_when_somebody_holds_the_duty(tmp_path):
    inventory = an_inventory(shifts=WITHOUT)
    async with a_duty_room(tmp_path, inventory=inventory) as room:
        await room.cut()
        room.service.swap(replace(inventory, shifts=(*WITHOUT, a_shift("VNPT", Duty.OPERATIONS, "vnpt-1"))))
        await room.pass_time(minutes=6)
        [gap] = await room.gaps()
        assert gap.state is IncidentState.RESOLVED
        assert gap.ended_at is not None


async def test_a_department_without_anybody_opens_no_gaps_of_gaps(tmp_path):
    async with a_duty_room(tmp_path, inventory=an_inventory(shifts=())) as room:
        await room.cut()
        await room.pass_time(minutes=30)
        conditions = [gap.condition for gap in await room.gaps()]
        assert len(conditions) == len(set(conditions))
        assert set(conditions) <= {
            "roster:VNPT.operations",
            "roster:STTTT.operations",
            "roster:STTTT.leadership",
        }
