import asyncio
import json
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvloop

from inventory.loader import load
from inventory.models import ProbeKind, Target
from inventory.samples import sample
from probes.lab.control import ControlServer, LabControl, LabNotRunningError, socket_path
from probes.lab.faults import Selector
from probes.lab.lab import EnforcedBy
from probes.lab.nftables import NftablesEnforcement
from probes.lab.selection import SelectionError
from probes.lab.timeline import parse_timeline, replay
from probes.models import Outcome
from tests.support.lab import a_lab, a_province, down, echoes, eventually, seen_from_outside
from tests.support.looks import a_sip_probe, a_tcp_probe, an_http_probe, look, opened
from tests.support.netns import own_network
from tests.support.servers import free_port, needs_program

VNPT_D1 = {f"C{n}-{name}" for n in (1, 2) for name in ("SIP", "WEB", "SECURE")}


@pytest.fixture(params=[EnforcedBy.SOCKETS, pytest.param(EnforcedBy.NFTABLES, marks=pytest.mark.root)])
def enforced_by(request):
    if request.param is EnforcedBy.NFTABLES:
        needs_program("nft")
    return request.param


def tables():
    return subprocess.run(
        ["/usr/sbin/nft", "list", "tables"], capture_output=True, text=True, check=True
    ).stdout


async def test_every_target_of_a_province_answers_as_its_options_expect(tmp_path):
    province = a_province()
    async with a_lab(province, tmp_path) as lab:
        found = await seen_from_outside(lab, province)
        assert down(found) == set()
        assert lab.status().unserved == ()
    assert len(found) == 12


async def test_the_lab_holds_a_socket_a_port_and_not_one_a_target(tmp_path):
    province = load(sample("soc-trang-2021"))
    ports = {kind: free_port() for kind in ("sip_options", "tcp", "http", "https")}
    moved = {code: moved_to_free_port(target, ports) for code, target in province.targets.items()}
    before = descriptors()
    async with a_lab(with_targets(province, moved), tmp_path) as lab:
        assert lab.status().served == len(province.targets) >= 500
        assert descriptors() - before <= 10
        found = await seen_from_outside(lab, with_targets(province, moved), timeout=3.0)
        assert down(found) == set()
    assert descriptors() <= before


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def moved_to_free_port(target, ports):
    """The sample's own ports may be held by a lab that somebody runs on this machine."""
    kind = "https" if target.options.get("scheme") == "https" else target.kind.value
    return Target(target.code, target.of, target.kind, target.address, ports.get(kind), target.options)


def with_targets(province, targets):
    fields = {name: getattr(province, name) for name in province.__slots__}
    return type(province)(**{**fields, "targets": targets})


async def test_a_cut_by_carrier_and_area_takes_those_and_leaves_the_other_carriers(tmp_path, enforced_by):
    province = a_province()
    async with a_lab(province, tmp_path, enforced_by=enforced_by) as lab:
        record = await lab.cut(Selector(carrier="VNPT", area="D1"))
        found = await seen_from_outside(lab, province)
        assert down(found) == VNPT_D1
        assert {found[code].outcome for code in VNPT_D1} == {Outcome.TIMEOUT}, "a cut line is silent"
        assert {found[code].detail for code in VNPT_D1} == {"connect", "no answer"}
        assert set(record.targets) == VNPT_D1 | {"C1-ECHO", "C2-ECHO", "RING-D1.edge"}
        await lab.restore(Selector(carrier="VNPT"))
        assert down(await seen_from_outside(lab, province)) == set()


async def test_a_port_that_is_cut_is_silent_and_not_refusing(tmp_path, enforced_by):
    province = a_province()
    async with a_lab(province, tmp_path, enforced_by=enforced_by) as lab:
        await lab.cut(Selector(target="C1-PORT"))
        found = await seen_from_outside(lab, province)
        assert (found["C1-PORT"].outcome, found["C2-PORT"].outcome) == (Outcome.TIMEOUT, Outcome.OK)


async def test_what_answers_slowly_answers_after_its_delay(tmp_path, enforced_by):
    province = a_province()
    async with a_lab(province, tmp_path, enforced_by=enforced_by) as lab:
        record = await lab.slow(Selector(area="C1"), 0.25)
        found = await seen_from_outside(lab, province, timeout=2.0)
        assert down(found) == set()
        assert all(found[code].rtt >= 0.24 for code in ("C1-SIP", "C1-WEB", "C1-SECURE"))
        assert all(found[code].rtt < 0.24 for code in ("C2-SIP", "C2-WEB", "C2-SECURE"))
        assert "C1-PORT" in record.unenforced, "a handshake is the kernel's, and is told to be left out"


async def test_loss_takes_about_its_share_of_datagrams(tmp_path, enforced_by):
    province = a_province()
    async with a_lab(province, tmp_path, enforced_by=enforced_by) as lab:
        await lab.loss(Selector(target="C1-SIP"), 0.5)
        target = province.targets["C1-SIP"]
        async with opened(a_sip_probe()) as probe:
            waits = [look(probe, target.address, target.port, timeout=0.2) for _ in range(200)]
            outcomes = [answer.outcome for answer in await asyncio.gather(*waits)]
    lost = outcomes.count(Outcome.TIMEOUT)
    assert outcomes.count(Outcome.OK) == 200 - lost
    assert 60 <= lost <= 140


async def test_two_faults_overlap_and_the_second_stays_when_the_first_is_lifted(tmp_path, enforced_by):
    province = a_province()
    async with a_lab(province, tmp_path, enforced_by=enforced_by) as lab:
        ring = await lab.cut(Selector(risk="RING-D1"))
        await lab.cut(Selector(site="S-C1"))
        await lab.lift(ring.fault)
        found = await seen_from_outside(lab, province)
        assert down(found) == {"C1-SIP", "C1-WEB", "C1-SECURE", "C1-PORT"}


async def test_without_root_what_cannot_be_cut_is_named(tmp_path):
    province = a_province()
    async with a_lab(province, tmp_path, enforced_by=EnforcedBy.SOCKETS) as lab:
        record = await lab.cut(Selector(area="C1"))
        assert set(record.unenforced) == {"C1-ECHO", "C1-AIR"}
        assert lab.status().unenforced == {"C1-ECHO", "C1-AIR"}
        await lab.restore(Selector())
        assert lab.status().unenforced == set()


async def test_without_root_a_page_that_was_served_a_moment_ago_can_be_cut_too(tmp_path):
    province = a_province()
    async with a_lab(province, tmp_path, enforced_by=EnforcedBy.SOCKETS) as lab:
        assert "C1-WEB" not in down(await seen_from_outside(lab, province))
        record = await lab.cut(Selector(area="C1"))
        assert "C1-WEB" not in record.unenforced
        assert "C1-WEB" in down(await seen_from_outside(lab, province))


@pytest.fixture
def apart():
    """A network of our own: nobody else's pings, and nobody else's table."""
    needs_program("nft", "fping")
    with own_network():
        yield


@pytest.mark.root
async def test_with_root_echoes_are_cut_lossy_and_slow_as_told(tmp_path, apart):
    province = a_province()
    async with a_lab(province, tmp_path, enforced_by=EnforcedBy.NFTABLES) as lab:
        await lab.cut(Selector(carrier="VNPT", area="D1"))
        alive = {code for code, trips in (await echoes(province)).items() if trips}
        assert alive == {"C1-AIR", "C2-AIR", "C3-AIR", "C3-ECHO", "RING-D2.edge"}
        await lab.restore(Selector())
        await lab.slow(Selector(target="C1-AIR"), 0.12)
        await lab.loss(Selector(target="C2-AIR"), 0.5)
        trips = await echoes(province, count=60)
        assert len(trips["C1-AIR"]) == 60
        assert min(trips["C1-AIR"]) >= 119
        assert max(trips["C3-AIR"]) < 119
        assert 12 <= len(trips["C2-AIR"]) <= 48
        await lab.restore(Selector())
        assert max((await echoes(province))["C1-AIR"]) < 119


@pytest.mark.root
async def test_a_target_is_cut_alone_even_where_another_shares_its_address(tmp_path, apart):
    address = a_province().targets["C1-WEB"].address.rsplit(".", 1)[0] + ".249"
    twin = Target("C1-TWIN", "C1-FIBRE", ProbeKind.ICMP, address)
    port = Target("C1-OTHER", "C1-MOBILE", ProbeKind.TCP, address, free_port())
    province = a_province(extra=(twin, port))
    async with a_lab(province, tmp_path, enforced_by=EnforcedBy.NFTABLES) as lab:
        await lab.cut(Selector(target="C1-TWIN"))
        assert not (await echoes(province))["C1-TWIN"]
        assert (await seen_from_outside(lab, province))["C1-OTHER"].outcome is Outcome.OK


@pytest.mark.root
async def test_nothing_stays_in_the_kernel_and_what_a_killed_lab_left_is_replaced(tmp_path):
    needs_program("nft")
    province = a_province()
    async with a_lab(province, tmp_path, enforced_by=EnforcedBy.NFTABLES) as lab:
        await lab.cut(Selector(area="P"))
        assert lab.table in tables()
        left_by_a_killed_one = NftablesEnforcement(lab._endpoints, table=lab.table)
        await left_by_a_killed_one.open()
        assert down(await seen_from_outside(lab, province)) == set()
    assert lab.table not in tables()


async def test_the_log_is_the_ground_truth_and_names_every_target(tmp_path):
    province = a_province()
    async with a_lab(province, tmp_path) as lab:
        before = datetime.now(UTC)
        await lab.cut(Selector(carrier="VIETTEL", area="D1"))
        after = datetime.now(UTC)
        await lab.restore(Selector())
    cut, restored = [json.loads(line) for line in (tmp_path / "faults.jsonl").read_text().splitlines()]
    assert (cut["action"], cut["fault"], cut["selector"]) == ("cut", 1, {"carrier": "VIETTEL", "area": "D1"})
    assert cut["targets"] == ["C1-PORT", "C1-AIR", "C2-PORT", "C2-AIR"]
    assert cut["addresses"] == 4
    assert before <= datetime.fromisoformat(cut["began_at"]) <= datetime.fromisoformat(cut["at"]) <= after
    assert (restored["action"], restored["targets"]) == ("restore", cut["targets"])


async def test_a_selector_that_means_nothing_changes_nothing(tmp_path):
    province = a_province()
    async with a_lab(province, tmp_path) as lab:
        with pytest.raises(SelectionError):
            await lab.cut(Selector(carrier="VIETTEL", risk="RING-D1"))
        assert lab.status().faults == ()
        assert lab.fault_log.last(5) == []


async def test_targets_outside_loopback_or_without_a_responder_are_named_as_not_served(tmp_path):
    province = a_province(
        extra=(
            Target("FAR", "C1-FIBRE", ProbeKind.ICMP, "192.0.2.1"),
            Target("NAMED", "C1-FIBRE", ProbeKind.HTTP, "web.example", 80),
            Target("DNS", "C1-FIBRE", ProbeKind.DNS, "127.0.0.1", 53),
        )
    )
    async with a_lab(province, tmp_path) as lab:
        assert lab.status().unserved == ("FAR", "NAMED", "DNS")
        record = await lab.cut(Selector(site="S-C1"))
        assert not {"FAR", "NAMED", "DNS"} & set(record.targets)


async def test_a_lab_is_commanded_through_its_state_directory(tmp_path):
    province = a_province()
    async with a_lab(province, tmp_path) as lab:
        server = ControlServer(lab, directory=tmp_path)
        await server.start()
        control = LabControl(tmp_path)
        cut = await control.cut(Selector(carrier="VNPT", area="D1"))
        assert (cut["ok"], cut["fault"], cut["targets"], cut["unenforced"]) == (True, 1, 9, 3)
        loss = await control.loss(Selector(site="S-C3"), 0.2)
        slow = await control.slow(Selector(target="C3-WEB"), 150)
        assert (loss["fault"], slow["fault"]) == (2, 3)
        status = await control.status()
        assert (status["cut"], status["lossy"], status["slow"]) == (9, 6, 1)
        assert [fault["action"] for fault in status["faults"]] == ["cut", "loss", "slow"]
        assert (await control.restore(fault=2))["targets"] == 6
        assert (await control.restore())["targets"] == 10
        entries = (await control.log(last=2))["entries"]
        assert [entry["action"] for entry in entries] == ["restore", "restore"]
        await server.stop()
    assert not socket_path(tmp_path).exists()


async def test_what_a_lab_cannot_do_is_answered_in_both_languages(tmp_path):
    province = a_province()
    async with a_lab(province, tmp_path) as lab:
        server = ControlServer(lab, directory=tmp_path)
        await server.start()
        control = LabControl(tmp_path)
        for asked in ({"do": "cut", "carrier": "NOBODY"}, {"do": "restore", "fault": 9}, {"do": "sing"}):
            answer = await control.ask(asked)
            assert answer["ok"] is False
            assert set(answer["error"]) == {"vi", "en"}
        reader, writer = await asyncio.open_unix_connection(socket_path(tmp_path))
        writer.write(b"\xff{ no json\n")
        assert json.loads(await reader.readline())["ok"] is False
        writer.close()
        await writer.wait_closed()
        await server.stop()


async def test_a_second_lab_in_the_same_directory_is_refused_and_a_dead_ones_socket_is_replaced(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path(tmp_path)))
    province = a_province()
    async with a_lab(province, tmp_path) as lab:
        first = ControlServer(lab, directory=tmp_path)
        await first.start()
        with pytest.raises(FileExistsError):
            await ControlServer(lab, directory=tmp_path).start()
        assert socket_path(tmp_path).stat().st_mode & 0o077 == 0
        await first.stop()


async def test_where_no_lab_runs_the_client_says_so(tmp_path):
    with pytest.raises(LabNotRunningError, match="no lab is running in"):
        await LabControl(tmp_path).status()


async def test_a_timeline_is_replayed_and_stops_when_told(tmp_path):
    events = parse_timeline(
        """
        - {at: 0s, do: cut, carrier: NOBODY}
        - {at: 20ms, do: cut, site: S-C1}
        - {at: 60ms, do: restore, site: S-C1}
        - {at: 10h, do: cut, area: P}
        """
    )
    province = a_province()
    async with a_lab(province, tmp_path) as lab:
        stop = asyncio.Event()
        playing = asyncio.create_task(replay(lab, events, stop=stop))
        await eventually(lambda: len(lab.fault_log.last(9)) == 2)
        stop.set()
        assert await asyncio.wait_for(playing, 60) == 2
    cut, restored = lab.fault_log.last(9)
    assert (cut["action"], restored["action"]) == ("cut", "restore")
    apart = datetime.fromisoformat(restored["at"]) - datetime.fromisoformat(cut["at"])
    assert 0.02 <= apart.total_seconds() < 2.0


def test_the_loop_of_production_serves_and_cuts_the_same(tmp_path):
    province = a_province()

    async def scenario():
        async with a_lab(province, tmp_path) as lab:
            before = await seen_from_outside(lab, province)
            await lab.cut(Selector(carrier="VNPT", area="D1"))
            during = await seen_from_outside(lab, province)
        return down(before), down(during)

    assert uvloop.run(scenario()) == (set(), VNPT_D1)


async def test_after_the_end_nobody_answers(tmp_path):
    province = a_province()
    async with a_lab(province, tmp_path):
        pass
    web, port, sip = (province.targets[f"C1-{name}"] for name in ("WEB", "PORT", "SIP"))
    for probe, target in ((an_http_probe(), web), (a_tcp_probe(), port), (a_sip_probe(), sip)):
        async with opened(probe):
            assert (await look(probe, target.address, target.port)).outcome is Outcome.REFUSED
