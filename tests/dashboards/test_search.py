"""Finding anything by what one remembers of it, typed without diacritics; and finding nothing of another party."""

import re

import pytest

from alerting.reported import Matter, Report
from dashboards.guide import TOPICS
from inventory.access import Role
from tests.dashboards.conftest import ORIGIN, Visitor
from tests.support.duty_room import PASSWORD


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def groups_of(answer) -> list[str]:
    return re.findall(r'<h2 id="g-(\w+)"', answer.text)


async def test_everything_with_a_name_is_found_in_its_group(officer, cut):
    page = await officer.see("/search?q=my+xuyen")
    assert groups_of(page)[:3] == ["incident", "area", "site"]
    assert cut.number in page.text
    assert "risk" in groups_of(page)
    assert {"person", "party", "risk", "target"} <= set(groups_of(await officer.see("/search?q=vnpt")))


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("ubbc xa dai tam", "/sites/UBBC-31690"),
        ("VNPT-RING-947", "/risks/VNPT-RING-947"),
        ("soc-trang-1", "/vantages/SOC-TRANG-1"),
        ("31708", "/areas/31708"),
        ("ubbc-31711-fixed.sip", "/sites/UBBC-31711"),
    ],
)
async def test_what_is_named_exactly_is_opened_at_once(officer, wanted, path):
    found = await officer.see("/search", params={"q": wanted})
    assert str(found.url).removeprefix(ORIGIN) == path


async def test_an_incident_is_found_by_its_number(officer, cut):
    found = await officer.see("/search", params={"q": cut.number.lower()})
    assert str(found.url).endswith(f"/incidents/{cut.id}")


@pytest.mark.parametrize("wanted", ["truc ca vnpt 2", "0570 000 108", "+84570000108"])
async def test_a_person_is_found_by_name_or_number_and_can_be_called(officer, wanted):
    page = await officer.see("/search", params={"q": wanted})
    assert "Trực ca VNPT 2" in page.text
    assert 'href="tel:+84570000108"' in page.text


async def test_the_guide_is_found_by_what_it_says(officer):
    page = await officer.see("/search", params={"q": "cong viec co ke hoach"})
    titles = {f"/guide/{topic.key}" for topic in TOPICS}
    assert str(page.url).removeprefix(ORIGIN) in titles or "guide" in groups_of(page)


async def test_a_carrier_finds_its_own_and_nothing_that_shows_there_is_more(room, carrier, cut):
    own = await room.alerting.report(
        Report(Matter.POOR_SERVICE, "sóng yếu ở Mỹ Xuyên", "Trực ban", "key-1", owner="VIETTEL")
    )
    found = await carrier.see("/search", params={"q": own.number})
    assert str(found.url).endswith(f"/incidents/{own.id}")
    for wanted in (
        cut.number,
        cut.title,
        "vnpt-ring-947",
        "truc ca vnpt",
        "0570000108",
        "ubbc",
        "phong truc",
        "soc-trang-1",
        "ubbc-31711-fixed.sip",
        "mobifone",
    ):
        page = await carrier.see("/search", params={"q": wanted})
        assert page.status_code == 200
        assert set(groups_of(page)) <= {"guide"}, wanted
        assert "/sites/" not in page.text
    people = await carrier.see("/search", params={"q": "truc ca"})
    assert set(groups_of(people)) <= {"person", "guide"}
    assert "Trực ca Viettel 1" in people.text
    assert not re.search(r"(VNPT|MobiFone|FPT) \d", people.text)


async def test_a_carrier_finds_its_own_risk_groups(room, carrier):
    code = next(code for code, risk in room.inventory.risks.items() if risk.owner == "VIETTEL")
    found = await carrier.see("/search", params={"q": code})
    assert f"/risks/{code}" in str(found.url) + found.text


async def test_a_restricted_matter_is_found_only_by_who_may_see_it(room, officer):
    kept = await room.alerting.report(
        Report(Matter.SUSPICIOUS_ITEM, "bưu phẩm lạ", "Trực ban", "key-2", owner="VNPOST")
    )
    assert str((await officer.see("/search", params={"q": kept.number})).url).endswith(
        f"/incidents/{kept.id}"
    )
    await room.deps.auth.add("thanhtra", Role.INSPECTOR, PASSWORD)
    inspector = Visitor(room)
    await inspector.sign_in("thanhtra")
    assert kept.number not in (await inspector.see("/search?q=buu+pham")).text
    assert "incident" not in groups_of(await inspector.see("/search", params={"q": kept.number}))
    await inspector.client.aclose()


async def test_nothing_asked_is_nothing_found(officer):
    for wanted in ("", "   ", "%20"):
        assert groups_of(await officer.see("/search", params={"q": wanted})) == []
    long = await officer.see("/search", params={"q": "x" * 5000})
    assert long.status_code == 200
