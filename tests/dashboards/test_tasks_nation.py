"""A nation's board in real Chromium and both languages: 11,000 communes, and every task on them as on a hundred.

Long, because a hundred and forty-five thousand targets are made and believed first; ``make soak`` runs it. How fast it
is, is the bench's (``thongsuot bench board``); here it is done.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import expect

from inventory.access import Role
from inventory.database import metadata
from inventory.generate.nation import nation_folder
from inventory.loader import load
from tests.bench.board import COMMUNES, TARGETS, NationRoom
from tests.support.desk import CHROMIUM, Desk, a_browser, seated
from tests.support.duty_room import PASSWORD, served

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: no nation is looked at"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nation(tmp_path_factory) -> AsyncIterator[tuple[NationRoom, str]]:
    folder = tmp_path_factory.mktemp("nation")
    nation_folder(targets=TARGETS).write(folder / "nation")
    began = datetime.now(UTC) - timedelta(minutes=11)
    room = NationRoom(folder, inventory=load(folder / "nation"), at=began)
    async with room.database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await room.monitor.start()
    await room.believe_all()
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    async with served(room) as address:
        yield room, address
    await room.close()


@pytest_asyncio.fixture(loop_scope="module", params=["vi", "en"])
async def desk(request, nation) -> AsyncIterator[Desk]:
    room, address = nation
    async with a_browser() as browser, seated(room, browser, address, language=request.param) as at:
        yield at


async def test_a_nation_is_narrowed_searched_and_opened_like_a_province(desk):
    page = desk.page
    await expect(page.locator("#tiles .tile")).to_have_count(COMMUNES)
    await desk.live()
    area = await page.locator('#sieve [name="area"] option').nth(1).get_attribute("value")
    await desk.choose('#sieve [name="area"]', area)
    await expect(page.locator("#sieve-clear")).to_be_visible()
    kept = await page.locator(".tile:not(.out)").count()
    assert 0 < kept < COMMUNES
    await desk.choose('#sieve [name="carrier"]', 1)
    await desk.click("#sieve-clear")
    await expect(page.locator(".tile.out")).to_have_count(0)
    await page.locator('.tile[tabindex="0"]').focus()
    await desk.press("ArrowRight")
    await desk.see("#hint").to_be_visible()
    await desk.press("Enter")
    await page.wait_for_url("**/areas/*")
    place = (await page.locator("main h1").inner_text()).split("\n")[0].split(" ", 1)[1]
    await page.locator('main a[href^="/sites/"]').first.click()
    await desk.see(".path h3").to_be_visible()
    await desk.press("/")
    await page.keyboard.type(place[:20])
    await desk.press("Enter")
    await page.wait_for_url("**/search?q=*")
    await desk.see(".found a").to_be_visible()
    for path in ("/carriers", "/incidents"):
        await desk.go(path)
        await desk.see("main h1").to_be_visible()
    await desk.press("b")
    await desk.arrives("/")
    await expect(page.locator("#tiles .tile")).to_have_count(COMMUNES)
    assert desk.steps == 8
