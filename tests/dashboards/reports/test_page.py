"""The report pages as people use them: order, wait, look, edit, sign, download; a carrier sees its own only."""

import pytest

from dashboards.reports.worker import ReportWorker
from inventory.access import Role
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import PASSWORD, SCENES, a_duty_room


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as opened:
        await SCENES["closed"](opened)
        yield opened


async def visitor_of(room, name, role, **more):
    await room.deps.auth.add(name, role, PASSWORD, **more)
    made = Visitor(room)
    await made.sign_in(name)
    return made


@pytest.fixture
async def leader(room):
    made = await visitor_of(room, "lanhdao", Role.LEADER)
    yield made
    await made.client.aclose()


@pytest.fixture
async def carrier(room):
    made = await visitor_of(room, "vnpt-truc", Role.CARRIER, party="VNPT")
    yield made
    await made.client.aclose()


async def test_a_report_is_ordered_watched_edited_signed_and_downloaded(room, leader):
    form = {"kind": "post_election", "since": "2021-05-23T18:00", "language": "vi"}
    waiting = await leader.send("/reports", form, seen_on="/reports")
    assert waiting.status_code == 200
    assert "đang lập" in waiting.text
    assert 'http-equiv="refresh"' in waiting.text
    await room.deps.reports.build_next()
    page = await leader.see("/reports/1")
    assert "đã lập" in page.text
    assert "Bài học kinh nghiệm" in page.text
    edited = await leader.send(
        "/reports/1/edit",
        {
            "text.lessons": "Bài học riêng.",
            "number": "45",
            "signer": "Nguyễn Văn A",
            "issued_on": "2021-06-02",
        },
        seen_on="/reports/1",
    )
    assert edited.status_code == 200
    await room.deps.reports.build_next()
    await leader.send("/reports/1/finalise", {}, seen_on="/reports/1")
    await room.deps.reports.build_next()
    final = await leader.see("/reports/1")
    assert "đã chốt" in final.text
    assert "Bài học riêng." not in final.text  # a frozen report offers no form
    document = await leader.see("/reports/1/pdf")
    assert document.headers["content-type"] == "application/pdf"
    assert (await room.deps.reports.verify(document.content)).holds
    addendum = await leader.send("/reports/1/amend", {}, seen_on="/reports/1")
    assert str(addendum.url).endswith("/reports/2")
    assert "Báo cáo sau bầu cử" in (await leader.see("/reports")).text


async def test_a_duty_officer_edits_but_does_not_sign(room, officer_of):
    await officer_of.send("/reports", {"kind": "daily"}, seen_on="/reports")
    await room.deps.reports.build_next()
    refused = await officer_of.send("/reports/1/finalise", {}, seen_on="/reports/1")
    assert refused.status_code == 403


@pytest.fixture
async def officer_of(room):
    made = await visitor_of(room, "trucban", Role.DUTY_OFFICER)
    yield made
    await made.client.aclose()


async def test_a_carrier_orders_and_sees_its_own_annex_only(room, leader, carrier):
    await leader.send("/reports", {"kind": "daily"}, seen_on="/reports")
    refused = await carrier.send("/reports", {"kind": "daily"}, seen_on="/reports")
    assert refused.status_code == 403
    await carrier.send("/reports", {"kind": "carrier", "party": "VIETTEL"}, seen_on="/reports")
    [own] = await room.deps.reports.reports(scope="VNPT")
    assert own.party == "VNPT"
    assert (await carrier.see("/reports/1")).status_code == 404
    assert (await carrier.see("/reports/1/pdf")).status_code == 404
    assert (await carrier.see(f"/reports/{own.id}")).status_code == 200


async def test_a_dossier_is_made_of_an_incident_in_scope(room, leader, carrier):
    [incident] = await room.deps.records.ended(owner=None, limit=1, offset=0)
    made = await leader.send("/reports", {"kind": "dossier", "incident": incident.number}, seen_on="/reports")
    assert made.status_code == 200
    missing = await leader.send("/reports", {"kind": "dossier", "incident": "SC-00-9"}, seen_on="/reports")
    assert missing.status_code == 404


async def test_wrong_input_is_told(leader):
    for form, status in (
        ({"kind": "none"}, 422),
        ({"kind": "carrier"}, 422),
        ({"kind": "daily", "since": "hôm qua"}, 422),
        ({"kind": "daily", "since": "2021-05-24T00:00", "until": "2021-05-23T00:00"}, 422),
    ):
        assert (await leader.send("/reports", form, seen_on="/reports")).status_code == status
    assert (await leader.see("/reports/99")).status_code == 404
    assert (await leader.see("/reports/99/exe")).status_code == 404


async def test_the_worker_builds_what_is_queued_and_goes_on_after_a_fault(room, leader):
    await leader.send("/reports", {"kind": "daily"}, seen_on="/reports")
    await leader.send("/reports", {"kind": "quick"}, seen_on="/reports")
    worker = ReportWorker(
        service=room.deps.reports, election=lambda: room.inventory.election, clock=room.clock
    )
    await worker._turn()
    made = await room.deps.reports.reports(scope=None)
    assert {report.state.value for report in made} == {"ready"}
    assert worker.failures == 0
