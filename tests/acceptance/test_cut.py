"""A province watched end to end, on real sockets: a cut, a page, an acknowledgement, a kill, a restoration.

One province is started for the whole module, because starting it is most of the time; the tests tell one story in
the order in which they stand, so this module is not shuffled.
"""

import json
import re
import shutil
from contextlib import contextmanager
from datetime import datetime, timedelta

import httpx2
import pytest

from alerting.ledger import fold, verify
from alerting.models import IncidentEvent, IncidentState, LedgerEntry
from inventory.samples import sample
from tests.support.province import PASSWORD, Province, moment

pytestmark = [pytest.mark.root, pytest.mark.story]

CADENCE = timedelta(seconds=5)
CUT = ("--carrier", "VNPT", "--area", "947")


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    folder = tmp_path_factory.mktemp("province")
    inventory = folder / "inventory"
    shutil.copytree(sample("soc-trang-2021"), inventory)
    policy = inventory / "policy.yml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace("verify: 30s", "verify: 3s"), encoding="utf-8"
    )
    state = folder / "state"
    state.mkdir()
    running = Province(inventory, state)
    try:
        running.start()
        running.wait_for(lambda: all_up(running), "every target has answered", seconds=60)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def story():
    """What one chapter leaves for the next."""
    return {}


def metric(province, line):
    for text in province.get("/metrics").text.splitlines():
        if text.startswith(line + " "):
            return float(text.rpartition(" ")[2])
    raise AssertionError(f"no series {line}")


def all_up(province):
    return metric(province, 'thongsuot_targets{state="up"}') == 593


def incidents(province):
    return province.rows("SELECT * FROM incidents ORDER BY id")


def open_outages(province):
    return province.rows("SELECT * FROM outages WHERE ended_at IS NULL")


def test_a_quiet_province_has_no_incident_and_pages_nobody(province):
    assert incidents(province) == []
    assert province.mails() == []
    assert province.texts() == []
    assert metric(province, 'thongsuot_sites{verdict="ready"}') == 139


def test_a_cut_of_one_carrier_in_one_district_is_an_incident_of_that_carrier_within_five_seconds(
    province, story
):
    fault = province.lab("cut", *CUT)
    story["cut_at"] = datetime.fromisoformat(fault["at"])
    mail = province.wait_for(province.mails, "the person on shift was mailed", seconds=60)[0]
    story["paged_at"] = datetime.fromisoformat(mail["at"])
    assert story["paged_at"] - story["cut_at"] <= timedelta(seconds=5)
    [incident] = incidents(province)
    assert incident["owner"] == "VNPT"
    assert incident["condition"] == "risk:VNPT-RING-947"
    assert incident["state"] == "open"
    assert incident["severity"] == "P1"
    story["incident"] = incident


def test_the_page_goes_to_whoever_is_on_shift_at_the_owner_and_to_nobody_else(province, story):
    person = story["incident"]["assignee"]
    [row] = province.rows("SELECT DISTINCT person FROM outbox WHERE kind = 'page'")
    assert row["person"] == person
    shifts = (province.inventory / "shifts").glob("*.csv")
    assert any(person in path.read_text(encoding="utf-8") for path in shifts)
    assert {address for mail in province.mails() for address in mail["to"]} == {
        f"{person.lower()}@vnpt.example"
    }
    texts = province.wait_for(province.texts, "the SMS left too", seconds=60)
    assert all("SC-" in text["text"] and text["text"].isascii() for text in texts)


def test_every_outage_starts_at_the_first_failed_look_within_a_cadence_of_the_fault(province, story):
    province.wait_for(lambda: len(open_outages(province)) == 33, "all 33 targets are down", seconds=60)
    for outage in open_outages(province):
        late = moment(outage["started_at"]) - story["cut_at"]
        # A look that was under way when the line was cut fails too, and it started before.
        assert -timedelta(seconds=1) <= late <= 2 * CADENCE, outage
    assert province.rows("SELECT count(DISTINCT cause) AS causes FROM outages") == [{"causes": 1}]


def test_other_carriers_and_districts_stay_up(province):
    down = {row["target"] for row in open_outages(province)}
    log = province.lab("log")["entries"][-1]
    assert down == set(log["targets"])


def test_board_metrics_and_database_tell_the_same_story(province):
    down = len(open_outages(province))
    assert metric(province, 'thongsuot_targets{state="down"}') == down
    fleet = province.get("/metrics/targets").text
    assert len(re.findall(r"^thongsuot_target_up\{[^}]*\} 0", fleet, re.MULTILINE)) == down
    with signed_in(province) as officer:
        page = officer.get("/").text
    assert "VNPT-RING-947" in page
    assert "SC-" in page


def test_a_link_in_the_page_shows_on_get_and_acknowledges_on_post_only(province, story):
    link = re.search(r"http://127\.0\.0\.1:\d+/a/\S+", province.mails()[0]["text"])[0]
    client = httpx2.Client(trust_env=False, timeout=60)
    page = client.get(link)
    assert page.status_code == 200
    assert incidents(province)[0]["state"] == "open"
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    answer = client.post(link, data={"csrf": token}, headers={"Origin": province.url})
    assert answer.status_code in {200, 303}
    [incident] = incidents(province)
    assert incident["state"] == "acknowledged"
    assert incident["acknowledged_by"]
    story["acknowledged_at"] = incident["acknowledged_at"]
    client.close()


def test_a_killed_service_comes_back_with_one_incident_the_same_outages_and_an_honest_gap(province, story):
    before = {row["target"]: row["started_at"] for row in open_outages(province)}
    pages = len(province.rows("SELECT 1 FROM outbox WHERE kind = 'page'"))
    province.kill_service()
    province.start_service()
    assert {row["target"]: row["started_at"] for row in open_outages(province)} == before
    [incident] = incidents(province)
    assert incident["acknowledged_at"] == story["acknowledged_at"]
    [gap] = province.wait_for(
        lambda: province.rows(
            "SELECT * FROM unobserved WHERE reason = 'not_running' AND ended_at IS NOT NULL"
        ),
        "the time without looks is written down",
        seconds=15,
    )
    assert timedelta(0) < moment(gap["ended_at"]) - moment(gap["started_at"]) < timedelta(seconds=60)
    assert len(province.rows("SELECT 1 FROM outbox WHERE kind = 'page'")) == pages


def test_restoring_the_line_ends_every_outage_at_its_first_good_look(province, story):
    story["restored_at"] = datetime.fromisoformat(province.lab("restore")["at"])
    province.wait_for(lambda: not open_outages(province), "every outage has ended", seconds=60)
    for outage in province.rows("SELECT * FROM outages"):
        late = moment(outage["ended_at"]) - story["restored_at"]
        assert -timedelta(seconds=1) <= late <= 2 * CADENCE, outage


def test_the_incident_is_verified_by_looks_and_resolved(province, story):
    def resolved():
        return [row for row in incidents(province) if row["state"] == "resolved"]

    [incident] = province.wait_for(resolved, "the incident is resolved", seconds=60)
    assert moment(incident["ended_at"]) - story["restored_at"] <= 2 * CADENCE
    assert moment(incident["began_at"]) <= moment(incident["opened_at"])


def test_an_officer_closes_it_with_a_cause_on_its_page(province):
    [incident] = incidents(province)
    with signed_in(province) as officer:
        page = officer.get(f"/incidents/{incident['id']}")
        assert page.status_code == 200
        token = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
        answer = officer.post(
            f"/incidents/{incident['id']}/close",
            data={"csrf": token, "cause": "fibre_cut", "note": "Đứt cáp quang do thi công"},
            headers={"Origin": province.url},
        )
    assert answer.status_code in {200, 303}, answer.text
    assert incidents(province)[0]["state"] == "closed"
    assert incidents(province)[0]["cause"] == "fibre_cut"


def test_the_ledger_is_an_unbroken_chain_from_opened_to_closed(province):
    rows = province.rows("SELECT * FROM ledger ORDER BY sequence")
    entries = [
        LedgerEntry(
            **{
                **row,
                "at": moment(row["at"]),
                "event": IncidentEvent(row["event"]),
                "details": json.loads(row["details"]),
            }
        )
        for row in rows
    ]
    assert verify(entries) is None
    assert entries[0].event is IncidentEvent.OPENED
    assert entries[-1].event is IncidentEvent.CLOSED
    assert fold(entries).state is IncidentState.CLOSED


def test_a_faulty_inventory_is_refused_whole_and_a_good_one_swapped_whole_while_looking_goes_on(province):
    outages = len(province.rows("SELECT 1 FROM outages"))
    sites = province.inventory / "sites.csv"
    good = sites.read_text(encoding="utf-8")
    sites.write_text(good.replace(",B,", ",Z,", 1), encoding="utf-8")
    refused = httpx2.post(province.url + "/-/reload", timeout=10, trust_env=False)
    assert refused.status_code == 422
    assert "sites.csv" in refused.json()["faults"][0]
    sites.write_text(good.replace("UBBC xã Đại Tâm", "UBBC xã Đại Tâm (mới)", 1), encoding="utf-8")
    swapped = httpx2.post(province.url + "/-/reload", timeout=10, trust_env=False)
    assert swapped.status_code == 200
    assert swapped.json()["digest"] != refused.json()["digest"]
    assert all_up(province)
    province.reload_by_signal()
    with signed_in(province) as officer:
        assert "UBBC xã Đại Tâm (mới)" in officer.get("/search", params={"q": "dai tam"}).text
    province.wait_for(lambda: all_up(province) and province.is_ready(), "looking goes on", seconds=60)
    assert len(province.rows("SELECT 1 FROM outages")) == outages


def test_the_service_ends_within_three_seconds_with_a_live_stream_open(province):
    with signed_in(province) as officer, officer.stream("GET", "/events") as stream:
        assert stream.status_code == 200
        seconds, code = province.stop_service_in()
    assert code == 0
    assert seconds < 3


@contextmanager
def signed_in(province):
    client = httpx2.Client(base_url=province.url, trust_env=False, timeout=10, follow_redirects=True)
    form = client.get("/sign-in")
    token = re.search(r'name="csrf" value="([^"]+)"', form.text)[1]
    answer = client.post(
        "/sign-in",
        data={"csrf": token, "name": "admin", "password": PASSWORD},
        headers={"Origin": province.url},
    )
    assert answer.status_code == 200, answer.text
    try:
        yield client
    finally:
        client.close()
