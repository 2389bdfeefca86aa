"""A service on its first morning: every page that lists something says, in both languages, what to do next, with a link.

The inventory is there (nothing runs without one), but nobody stands in any roster, nothing broke, and nothing was planned.
"""

import html
import re
from dataclasses import replace
from urllib.parse import urldefrag

import pytest

from dashboards.routes import PAGES
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import a_duty_room, sample_of

EMPTY = {
    "/aid": "/aid",
    "/drills": "/drills",
    "/duty": "/duty",
    "/groups": "/groups",
    "/incidents": "/incidents",
    "/incidents/at-once": "/incidents/at-once",
    "/inspections": "/inspections",
    "/planned": "/planned",
    "/reports": "/reports",
    "/rollcall": "/rollcall?which=incident",
    "/roster": "/roster",
    "/roster/handover": "/roster/handover",
    "/roster/phones": "/roster/phones",
    "/roster/swaps": "/roster/swaps",
    "/search": "/search?q=zzz",
}
"""Pages of lists, each with an address at which nothing is listed."""
CARRIERS = {path: address for path, address in EMPTY.items() if path not in {"/groups", "/rollcall"}} | {
    "/portal": "/portal"
}
NEVER_EMPTY = {
    "/": "the map is the inventory's; no open incident is what everybody hopes for, and says that nothing waits",
    "/wall": "as the board",
    "/accounts": "who looks is in it",
    "/account": "the session that looks is in it",
    "/audit": "the signing in of who looks is in it",
    "/carriers": "the inventory's parties",
    "/capacity": "the inventory's links; what it says where none is known or measured stands in test_capacity_page",
    "/vantages": "an inventory has at least one",
    "/guide": "ours",
    "/password": "a form",
    "/portal": "the carriers' own list, below",
    "/portal/settings": "forms for addresses, beside which stands what is missing",
    "/aid/new": "a form",
    "/incidents/new": "a form",
    "/roster/import": "a form",
}
"""Why a page has nothing to say about nothing."""
_ONE = re.compile(r"\{|^/a$|^/c$|^/events$|^/sign-in")
"""Pages about one thing, doors, and what is no page."""


def test_every_page_of_the_table_is_judged_here():
    listed = {page.path for page in PAGES if page.method == "GET" and not _ONE.search(page.path)}
    assert listed == EMPTY.keys() | NEVER_EMPTY.keys(), (
        "name in EMPTY an address of the new page with nothing on it, or say in NEVER_EMPTY why there is always something"
    )


@pytest.fixture
async def room(tmp_path):
    nobody = replace(sample_of("soc-trang-2021"), people={}, shifts=())
    async with a_duty_room(tmp_path, inventory=nobody) as opened:
        await opened.add_accounts()
        yield opened


def advice(text: str) -> list[str]:
    """What the page says of its emptiness, without what every page has around it."""
    main = re.search(r"<main.*?</main>", text, re.DOTALL)
    return (
        re.findall(r'<(p|span) class="[^"]*\bempty\b[^"]*"[^>]*>(.*?)</\1>', main[0], re.DOTALL)
        if main
        else []
    )


@pytest.mark.parametrize(
    ("account", "pages"),
    [("admin", EMPTY), ("trucban", EMPTY), ("vnpt", CARRIERS)],
    ids=["admin", "officer", "carrier"],
)
async def test_an_empty_list_says_what_to_do_next_and_the_link_leads_somewhere(room, account, pages):
    visitor = Visitor(room)
    await visitor.sign_in(account)
    silent, dead = [], []
    for address in pages.values():
        sign = "&" if "?" in address else "?"
        said = {}
        for language in ("vi", "en"):
            page = await visitor.see(f"{address}{sign}lang={language}")
            found = [body for _, body in advice(page.text)]
            links = [html.unescape(link) for body in found for link in re.findall(r'href="([^"]+)"', body)]
            said[language] = " ".join(found)
            if not links:
                silent.append(f"{address} {language}")
            for link in links:
                path, anchor = urldefrag(link)
                there = await visitor.see(path) if path else page
                if there.status_code != 200 or (anchor and f'id="{anchor}"' not in there.text):
                    dead.append(f"{address} {language}: {link}")
        if said["vi"] == said["en"]:
            silent.append(f"{address}: one language only")
    await visitor.client.aclose()
    assert not silent
    assert not dead
