"""From a belief to somebody's telephone: the service on a real database."""

import pytest

from alerting.models import IncidentState
from inventory.models import Severity
from tests.support.acting import NOON, RING, a_duty_room


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


async def test_a_cut_ring_opens_one_incident_that_names_the_carrier_and_pages_its_person_on_duty(room):
    incident = await room.cut(communes=3)
    assert incident.state is IncidentState.OPEN
    assert (incident.owner, incident.assignee) == ("VNPT", "vnpt-1")
    assert incident.number == "SC-21-0001"
    assert incident.title == f"Vòng ring {RING} (Mỹ Xuyên): 3 xã mất đường VNPT"
    assert incident.title_en == f"Ring {RING} (Mỹ Xuyên): 3 communes lost VNPT"
    assert incident.severity is Severity.P2
    assert incident.opened_at == NOON
    assert await room.pages() == [("vnpt-1", "email", "pending"), ("vnpt-1", "sms", "pending")]
    assert await room.notices() == []
    assert room.changed == [incident.id]
