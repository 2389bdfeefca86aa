"""Each page leads to what comes next: after a link in a message, in a report's form, at a handover, beside a deadline."""

import re
from datetime import timedelta
from urllib.parse import quote

from inventory.access import Role
from inventory.database import transaction
from inventory.models import Duty
from tests.dashboards.test_pages import text_of
from tests.support.duty_room import PASSWORD


async def test_who_took_it_on_by_link_reports_progress_or_calls_with_one_touch(room, visitor, cut):
    async with transaction(room.database) as connection:
        issued = await room.alerting.links.issue(
            connection,
            incident=cut.id,
            person="VNPT-OPS-2",
            expires_at=room.now + timedelta(minutes=10),
        )
    path = "/a/" + issued.link.rpartition("/")[2]
    done = await visitor.send(path, {}, seen_on=path)
    onward = quote(f"/incidents/{cut.id}")
    hotline = room.inventory.parties["STTTT"].hotline
    for page in (done, await visitor.see(path)):
        assert f'href="/sign-in?next={onward}"' in page.text
        assert f'href="tel:{hotline}"' in page.text


async def test_a_quick_report_is_ordered_without_passing_what_only_others_need(officer):
    page = (await officer.see("/reports")).text
    form = page[page.index('action="/reports"') : page.index("Lập báo cáo</button>")]
    folded = re.search(r'<details class="more">.*</details>', form, re.DOTALL)
    assert folded
    assert all(f'name="{name}"' in folded[0] for name in ("party", "area", "incident", "stage", "language"))
    asked = (await officer.see("/reports?kind=dossier&incident=SC-21-0001")).text
    assert '<details class="more" open>' in asked


async def test_at_a_handover_ones_own_turn_stands_first_and_open(room, visitor):
    view = await room.deps.roster.view(scope=None)
    [own] = [
        shift
        for shift in view.shifts
        if shift.party == "STTTT" and shift.duty is Duty.OPERATIONS and shift.start <= room.now < shift.end
    ]
    await room.deps.auth.add("me", Role.DUTY_OFFICER, PASSWORD, person=own.person)
    await visitor.sign_in("me")
    page = (await visitor.see("/roster/handover")).text
    first = page[page.index('<ul class="people">') :].partition("</li>")[0]
    assert view.inventory.people[own.person].name in first
    assert "ca của bạn" in first
    assert '<details class="act" open>' in first


async def test_the_hour_of_restoration_has_the_time_that_is_left_beside_it(room, officer, cut):
    await officer.send(f"/incidents/{cut.id}/acknowledge", {}, seen_on=f"/incidents/{cut.id}")
    shown = text_of(await officer.see(f"/incidents/{cut.id}"))
    assert re.search(r"Hạn khôi phục \d\d:\d\d:\d\d còn \d+ (phút|giờ)", shown)
