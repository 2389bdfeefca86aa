"""A report goes to its readers: by the outbox, with its file, once, and its page tells what became of it."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from alerting.errors import DeliveryError
from alerting.links import AcknowledgementLinks
from alerting.metrics import AlertingMetrics
from alerting.models import DeliveryState, MessageKind
from alerting.notify.email import EmailChannel
from alerting.outbox import Outbox
from alerting.settings import EmailSettings
from alerting.worker import OutboxWorker
from dashboards.reports.errors import ReportRefusedError
from dashboards.reports.order import Fields, Kind, Order
from dashboards.reports.sending import attachment_from, readers_of
from dashboards.reports.worker import ReportWorker
from inventory.access import Role
from inventory.models import ContactChannel, Duty, PartyKind
from tests.dashboards.conftest import Visitor
from tests.support.acting import until
from tests.support.acting_servers import a_mail_sink
from tests.support.duty_room import PASSWORD, a_duty_room

EMAIL = ContactChannel.EMAIL


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as opened:
        await opened.advance(60, step=20)
        yield opened


async def built(room, order=None):
    reports = room.deps.reports
    order = order or Order(Kind.DAILY)
    identifier = await reports.order(order, room.now - timedelta(hours=1), room.now, by="trucban")
    assert await reports.build_next() == identifier
    return await reports.report(identifier, scope=None)


def links():
    return AcknowledgementLinks(token=lambda: "x" * 43, public_url="https://ts.invalid")


def outbox(room):
    return Outbox(database=room.database, clock=room.clock, links=links(), lease=timedelta(seconds=30))


async def a_reader(room, report, kind=PartyKind.DEPARTMENT):
    found = [each for each in await room.deps.sending.readers(report) if each.party.kind is kind]
    return next(each for each in found if any(c.channel is EMAIL for c in each.person.contacts))


async def claimed(room, channel=EMAIL):
    return await outbox(room).claim(channel, limit=9)


async def test_a_report_arrives_by_mail_with_its_pdf_and_the_link_to_its_page(room):
    report = await built(room)
    reader = await a_reader(room, report)
    assert await room.deps.sending.send(report.id, people=[reader.person.code], by="trucban") == 1
    async with a_mail_sink() as sink:
        settings = EmailSettings(host="127.0.0.1", port=sink.port, sender="ts@so.invalid")
        channel = EmailChannel(settings, files=attachment_from(room.database))
        worker = OutboxWorker(
            database=room.database,
            channels={EMAIL: channel},
            clock=room.clock,
            links=links(),
            metrics=AlertingMetrics(CollectorRegistry()),
        )
        stop = asyncio.Event()
        running = asyncio.create_task(worker.run(stop))

        async def told():
            return (await room.deps.sending.history(report))[0].message.state is DeliveryState.SENT

        try:
            await until(told)
        finally:
            stop.set()
            await running
    [mail] = sink.mails
    [pdf] = list(mail.iter_attachments())
    assert pdf.get_filename() == f"daily-{report.id}.pdf"
    assert pdf.get_content() == await room.deps.reports.content(report, "pdf")
    text = mail.get_body().get_content()
    assert f"/reports/{report.id}" in text
    assert mail["Subject"].startswith(f"[BC] BC-{report.id} Báo cáo gửi đọc: Báo cáo ngày")
    assert mail["X-Thongsuot-Report"] == f"BC-{report.id}"
    [line] = await room.deps.sending.history(report)
    assert (line.name, line.sending.by, line.message.kind) == (
        reader.person.name,
        "trucban",
        MessageKind.NOTICE,
    )


async def test_the_same_version_goes_to_nobody_twice_and_a_new_one_goes_again(room):
    report, sending = await built(room), room.deps.sending
    reader = (await a_reader(room, report)).person.code
    both = await asyncio.gather(*(sending.send(report.id, people=[reader], by="trucban") for _ in range(2)))
    assert sorted(both) == [0, 1]
    assert len(await sending.history(report)) == 1
    await room.deps.reports.edit(report.id, texts={}, fields=Fields(number="45"), by="trucban")
    await room.deps.reports.build_next()
    assert await sending.send(report.id, people=[reader], by="trucban") == 1
    assert len(await sending.history(report)) == 2


async def test_what_failed_for_good_may_be_sent_again_by_hand(room):
    report, sending = await built(room), room.deps.sending
    reader = (await a_reader(room, report)).person.code
    await sending.send(report.id, people=[reader], by="trucban")
    [letter] = await claimed(room)
    assert await outbox(room).may_leave(letter)
    await outbox(room).failed(letter, DeliveryError("550 unknown", permanent=True))
    [line] = await sending.history(report)
    assert (line.message.state, line.message.error) == (DeliveryState.FAILED, "550 unknown")
    assert await sending.send(report.id, people=[reader], by="trucban") == 1


async def test_a_report_made_anew_does_not_leave_under_the_old_ones_name(room):
    report = await built(room)
    await room.deps.sending.send(report.id, people=[(await a_reader(room, report)).person.code], by="x")
    [letter] = await claimed(room)
    await room.deps.reports.edit(report.id, texts={}, fields=Fields(number="46"), by="trucban")
    await room.deps.reports.build_next()
    with pytest.raises(DeliveryError, match="made anew") as failure:
        await attachment_from(room.database)(letter.message)
    assert failure.value.permanent
    assert not failure.value.refused


async def test_a_carrier_is_sent_only_what_was_made_for_it(room):
    whole, own = await built(room), await built(room, Order(Kind.CARRIER, party="VNPT"))
    live = await room.deps.roster.living()

    def carriers(report):
        readers = readers_of(report, live, room.now)
        return {each.party.code for each in readers if each.party.kind is PartyKind.CARRIER}

    assert carriers(whole) == set()
    assert carriers(own) == {"VNPT"}
    viettel = next(each.code for each in live.people.values() if each.party == "VIETTEL")
    with pytest.raises(ReportRefusedError):
        await room.deps.sending.send(own.id, people=[viettel], by="trucban")


async def test_a_slots_report_goes_once_by_itself_to_whoever_leads(room):
    slot = next(each for each in room.inventory.election.report_slots if each > room.now)
    room.now = slot + timedelta(seconds=3)
    worker = ReportWorker(
        service=room.deps.reports,
        election=lambda: room.inventory.election,
        clock=room.clock,
        sending=room.deps.sending,
    )
    await worker._turn()
    await worker._turn()
    assert worker.failures == 0
    [report] = await room.deps.reports.reports(scope=None)
    [line] = await room.deps.sending.history(report)
    readers = {each.person.code: each.duties for each in await room.deps.sending.readers(report)}
    assert Duty.LEADERSHIP in readers[line.message.person]
    assert line.sending.by == ""
    assert len(await claimed(room, line.message.channel)) == 1


async def visitor_of(room, name, role, **more):
    await room.deps.auth.add(name, role, PASSWORD, **more)
    made = Visitor(room)
    await made.sign_in(name)
    return made


async def test_the_page_sends_to_a_duty_and_to_a_person_and_tells_what_became_of_it(room):
    officer = await visitor_of(room, "trucban", Role.DUTY_OFFICER)
    try:
        report = await built(room)
        page = await officer.see(f"/reports/{report.id}")
        assert "Chưa gửi báo cáo này cho ai." in page.text
        held = next(each for each in await room.deps.sending.readers(report) if each.duties)
        duty = f"duty.{held.party.code}.{held.duties[0].value}"
        assert f'name="{duty}"' in page.text
        done = await officer.send(
            f"/reports/{report.id}/send",
            {duty: "1", f"person.{held.person.code}": "1"},
            seen_on=f"/reports/{report.id}",
        )
        assert done.status_code == 200
        assert "chờ gửi" in done.text
        assert held.person.name in done.text.partition('id="sent"')[2]
        nobody = await officer.send(f"/reports/{report.id}/send", {}, seen_on=f"/reports/{report.id}")
        assert nobody.status_code == 422
        assert len(await room.deps.sending.history(report)) == 1
    finally:
        await officer.client.aclose()


async def test_a_carriers_account_sends_nothing_and_does_not_see_who_was_told(room):
    carrier = await visitor_of(room, "vnpt-truc", Role.CARRIER, party="VNPT")
    try:
        report = await built(room, Order(Kind.CARRIER, party="VNPT"))
        page = await carrier.see(f"/reports/{report.id}")
        assert page.status_code == 200
        assert 'id="sent"' not in page.text
        refused = await carrier.send(
            f"/reports/{report.id}/send", {"person.vnpt-1": "1"}, seen_on=f"/reports/{report.id}"
        )
        assert refused.status_code == 403
        assert await room.deps.sending.history(report) == ()
    finally:
        await carrier.client.aclose()
