"""The auditor: what does not hold is mended once, then an alarm, and all of it is counted."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from alerting import schema
from alerting.auditor import Auditor, FindingKind
from alerting.models import IncidentState
from inventory.database import transaction
from tests.support.acting import MINUTE, a_duty_room


@pytest.fixture
async def room(tmp_path, database_url):
    async with a_duty_room(tmp_path, url=database_url) as room:
        yield room


@pytest.fixture
def auditor(room):
    return Auditor(
        service=room.service, database=room.database, clock=room.clock, metrics=room.service.metrics
    )


async def broken(room, *statements):
    async with transaction(room.database) as connection:
        for statement in statements:
            await connection.execute(statement)


def counted(room, kind, result):
    return room.service.metrics.findings.labels(kind, result)._value.get()


async def test_a_room_in_which_all_holds_has_nothing_found(room, auditor):
    await room.cut()
    assert await auditor.audit() == []
    await room.service.acknowledge(1, actor="A")
    assert await auditor.audit() == []
    assert not auditor.is_alarmed


async def test_a_page_that_was_decided_and_is_gone_is_written_again(room, auditor):
    await room.cut()
    before = {m.key for m in await room.messages() if m.kind == "page"}
    await broken(room, delete(schema.outbox).where(schema.outbox.c.kind == "page"))
    [finding] = await auditor.audit()
    assert finding.kind is FindingKind.UNPAGED
    assert {m.key for m in await room.messages() if m.kind == "page"} == before
    assert await auditor.audit() == []
    assert counted(room, "unpaged", "repaired") == 1


async def test_an_open_incident_without_a_ladder_gets_one(room, auditor):
    await room.cut()
    runs = schema.escalation_runs
    await broken(room, update(runs).values(ended_at=room.clock()))
    assert [finding.kind for finding in await auditor.audit()] == [FindingKind.UNCLIMBED]
    assert await auditor.audit() == []
    await room.pass_time(minutes=4)
    assert (await room.incident()).assignee == "vnpt-2"


async def test_an_incident_whose_clock_stands_gets_it_set_going(room, auditor):
    await room.cut()
    await room.service.acknowledge(1, actor="A")
    await broken(room, update(schema.incidents).values(deadline_at=None))
    assert [finding.kind for finding in await auditor.audit()] == [FindingKind.TIMELESS]
    assert await auditor.audit() == []


async def test_a_deadline_that_nobody_met_is_met_by_the_auditor(room, auditor):
    await room.cut()
    await broken(room, update(schema.outbox).values(state="sent"))
    room.clock.advance(minutes=5)
    assert [finding.kind for finding in await auditor.audit()] == [FindingKind.OVERDUE]
    assert (await room.incident()).deadline_at > room.clock()
    assert counted(room, "overdue", "repaired") == 1


async def test_a_message_that_lies_untouched_wakes_the_outbox_then_opens_an_incident_of_the_department(room):
    woken = []
    auditor = Auditor(
        service=room.service,
        database=room.database,
        clock=room.clock,
        metrics=room.service.metrics,
        wake_outbox=lambda: woken.append(True),
    )
    await room.cut()
    await room.service.acknowledge(1, actor="A")
    stuck = {"state": "leased", "leased_until": room.clock() - timedelta(minutes=2)}
    await broken(room, update(schema.outbox).where(schema.outbox.c.kind == "page").values(**stuck))
    found = await auditor.audit()
    assert {finding.kind for finding in found} == {FindingKind.STUCK}
    assert woken
    assert len(await room.incidents()) == 1
    await auditor.audit()
    assert auditor.is_alarmed
    alarm = await room.incident()
    assert (alarm.condition, alarm.owner, alarm.state) == ("service:delivery", "STTTT", IncidentState.OPEN)
    assert counted(room, "stuck", "alarmed") == len(found)
    await broken(room, update(schema.outbox).where(schema.outbox.c.state == "leased").values(state="sent"))
    await auditor.audit()
    assert not auditor.is_alarmed
    assert (await room.incident(alarm.id)).state is IncidentState.RESTORED
    room.clock.now += MINUTE
