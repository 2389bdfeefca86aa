"""Inspections: the checklist on the spot, findings mended and verified, a party sees its own findings alone."""

from datetime import timedelta

import pytest

from alerting.attachments import EvidenceFolder
from alerting.errors import ChangedMeanwhileError
from alerting.field_errors import FieldRefusedError, UnknownFieldWorkError
from alerting.inspection_service import InspectionPlan, InspectionService
from alerting.inspections import Answer, FindingState, InspectionState, Result
from tests.support.acting import NOON, a_duty_room

DAY = timedelta(days=1)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


@pytest.fixture
def inspections(room, tmp_path):
    return InspectionService(
        database=room.database,
        inventory=lambda: room.service.inventory,
        clock=room.clock,
        folder=EvidenceFolder(tmp_path / "evidence"),
    )


@pytest.fixture
async def visit(inspections):
    return await inspections.plan(InspectionPlan("947", NOON + DAY, ("Thanh tra Sở",)), actor="trực ban")


async def test_a_visit_is_planned_answered_mended_verified_and_closed(room, inspections, visit):
    assert visit.state is InspectionState.PLANNED
    answers = {"generator": Answer(Result.FAULT, "không nổ"), "fuel": Answer(Result.OK)}
    made = await inspections.answer(visit.id, answers, hosts=["UBND Mỹ Xuyên"], remarks="trời mưa")
    assert (made.state, made.visited_at) == (InspectionState.VISITED, NOON)
    assert made.answers["generator"] == Answer(Result.FAULT, "không nổ")
    made = await inspections.find(
        visit.id, text="Thay bình khởi động", owner="VNPT", due_at=NOON + DAY, actor="Thanh tra Sở"
    )
    [finding] = made.findings
    assert finding.state(NOON) is FindingState.OPEN
    assert finding.state(NOON + 2 * DAY) is FindingState.LATE
    with pytest.raises(FieldRefusedError):
        await inspections.close(visit.id, actor="Thanh tra Sở")
    fixed = await inspections.fixed(finding.id, note="đã thay", actor="VNPT", scope="VNPT")
    assert fixed.state(NOON + 2 * DAY) is FindingState.FIXED
    again = await inspections.verified(finding.id, holds=False, actor="Thanh tra Sở")
    assert again.state(NOON) is FindingState.OPEN
    await inspections.fixed(finding.id, note="thay lại", actor="VNPT", scope="VNPT")
    await inspections.verified(finding.id, holds=True, actor="Thanh tra Sở")
    closed = await inspections.close(visit.id, actor="Thanh tra Sở")
    assert (closed.state, closed.closed_by) == (InspectionState.CLOSED, "Thanh tra Sở")
    with pytest.raises(FieldRefusedError):
        await inspections.answer(visit.id, {}, hosts=[], remarks="")


async def test_a_party_sees_its_own_findings_and_nothing_else_of_a_visit(inspections, visit):
    await inspections.answer(visit.id, {"fuel": Answer(Result.OK)}, hosts=["A"], remarks="kín")
    for owner in ("VNPT", "VIETTEL"):
        await inspections.find(visit.id, text=f"việc của {owner}", owner=owner, due_at=NOON, actor="x")
    mine = await inspections.one(visit.id, scope="VNPT")
    assert [one.text for one in mine.findings] == ["việc của VNPT"]
    assert (mine.answers, mine.hosts, mine.remarks, mine.inspectors) == ({}, (), "", ())
    theirs = (await inspections.one(visit.id, scope="VIETTEL")).findings[0]
    with pytest.raises(UnknownFieldWorkError):
        await inspections.fixed(theirs.id, note="", actor="vnpt", scope="VNPT")
    assert await inspections.inspections(scope="EVN") == ()


async def test_two_people_do_not_overwrite_each_others_answers(inspections, visit):
    await inspections.answer(visit.id, {"fuel": Answer(Result.OK)}, hosts=[], remarks="", version=1)
    with pytest.raises(ChangedMeanwhileError):
        await inspections.answer(visit.id, {"fuel": Answer(Result.FAULT)}, hosts=[], remarks="", version=1)


async def test_a_photograph_is_kept_by_its_content_and_read_again(inspections, visit):
    await inspections.attach(visit.id, name="máy nổ.png", content=PNG, actor="Thanh tra Sở")
    await inspections.attach(visit.id, name="lại.png", content=PNG, actor="Thanh tra Sở")
    [file] = (await inspections.one(visit.id, scope=None)).files
    assert await inspections.file(visit.id, file.sha256) == ("máy nổ.png", "image/png", PNG)
    with pytest.raises(UnknownFieldWorkError):
        await inspections.file(visit.id, "0" * 64)


async def test_a_visit_that_was_made_is_not_called_off_and_one_that_was_not_can_be(inspections, visit):
    other = await inspections.plan(InspectionPlan("", NOON, ("A",), site="UB-31501"), actor="x")
    assert other.area == "31501"
    assert (await inspections.cancel(other.id, actor="x")).state is InspectionState.CANCELLED
    await inspections.answer(visit.id, {"fuel": Answer(Result.OK)}, hosts=[], remarks="")
    with pytest.raises(FieldRefusedError):
        await inspections.cancel(visit.id, actor="x")


@pytest.mark.parametrize(
    "plan",
    [
        InspectionPlan("nowhere", NOON, ("A",)),
        InspectionPlan("947", NOON, ()),
        InspectionPlan("", NOON, ("A",), "x"),
    ],
)
async def test_a_visit_that_cannot_be_is_refused(inspections, plan):
    with pytest.raises(FieldRefusedError):
        await inspections.plan(plan, actor="x")
