"""Looking by hand, and asking what a machine allows, as a person at a terminal does."""

import json
import os
import socket
import time
from pathlib import Path

import pytest

from inventory import generate
from monitor.cli import main
from monitor.cli.findings import Finding, Level
from monitor.cli.machine import descriptors, disk, echo_sockets, interpreter
from tests.support.netns import own_network, without_capabilities
from tests.support.routers import TARGET, a_line_of_routers
from tests.support.servers import free_port, nginx
from tests.support.streams import lying_server


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    port = free_port()
    with nginx(
        tmp_path_factory.mktemp("nginx"),
        f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 'xin chao'; }} }}",
        port=port,
    ):
        yield port


def facts_of(capsys, *arguments, code=0):
    assert main(["probe", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_look_at_a_page_tells_every_phase_and_what_it_proves(page, capsys):
    facts = facts_of(capsys, f"http:127.0.0.1:{page}", "--option", "expect=xin")
    assert (facts["outcome"], facts["evidence"], facts["code"]) == ("ok", "protocol", 200)
    assert {"resolve_ms", "connect_ms", "first_byte_ms", "transfer_ms", "rtt_ms"} <= facts.keys()


def test_a_person_reads_it_in_both_languages(page, capsys):
    assert main(["probe", f"http:127.0.0.1:{page}"]) == 0
    shown = capsys.readouterr().out
    assert "kết quả · outcome" in shown
    assert "ok" in shown


def test_what_is_wrong_is_told_and_ends_with_1(page, capsys):
    facts = facts_of(capsys, f"http:127.0.0.1:{page}", "--option", "expect=tam-biet", code=1)
    assert facts["outcome"] == "mismatch"
    assert "tam-biet" in facts["detail"]
    assert facts_of(capsys, f"tcp:127.0.0.1:{free_port()}", code=1)["outcome"] == "refused"


def test_a_timeout_has_no_duration(capsys):
    with lying_server(b"") as port:
        facts = facts_of(capsys, f"stream:127.0.0.1:{port}", "--timeout", "0.4", code=1)
    assert facts["outcome"] == "timeout"
    assert "rtt_ms" not in facts


def test_names_are_resolved_and_ipv6_is_written_in_brackets(capsys):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        assert facts_of(capsys, f"tcp:[::1]:{port}")["address"] == "::1"
    with socket.create_server(("127.0.0.1", 0)) as server:
        facts = facts_of(capsys, f"tcp:localhost:{server.getsockname()[1]}", "--timeout", "1")
    assert facts["outcome"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["carrier-pigeon:127.0.0.1"], "say KIND:ADDRESS"),
        (["tcp"], "say KIND:ADDRESS"),
        (["tcp:127.0.0.1:99999"], "no port"),
        (["heartbeat:127.0.0.1"], "say KIND:ADDRESS"),
        (["sip_call:127.0.0.1:5060"], "test line"),
        (["tcp:no-such-host.invalid:80"], "no-such-host"),
    ],
)
def test_words_that_cannot_be_meant_end_with_2(arguments, message, capsys):
    assert main(["probe", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inventory") / "nation"
    generate.nation(folder, targets=400)
    return folder


@pytest.mark.root
def test_a_code_of_the_inventory_is_looked_at_as_the_fleet_would(inventory, capsys):
    rows = (inventory / "targets.csv").read_text().splitlines()
    code = next(row.split(",")[0] for row in rows if ",tcp," in row)
    with own_network():
        [facts] = facts_of(capsys, code, "--inventory", str(inventory), "--timeout", "0.5", code=1)
    assert facts["target"] == code
    assert facts["kind"] == "tcp"
    assert facts["outcome"] == "refused"


@pytest.mark.root
def test_a_site_s_code_means_everything_that_gives_evidence_for_it(inventory, capsys):
    arguments = ("UBBC-C00000", "--inventory", str(inventory), "--timeout", "0.3", "--count", "1")
    with own_network():
        facts = facts_of(capsys, *arguments, code=1)
    assert {each["kind"] for each in facts} >= {"sip_options", "icmp"}
    assert len(facts) == 4


def test_a_code_that_nothing_has_ends_with_2(inventory, capsys):
    assert main(["probe", "NOWHERE", "--inventory", str(inventory)]) == 2
    assert "no target, path" in capsys.readouterr().err


@pytest.mark.root
def test_a_traced_look_says_after_which_router_the_path_breaks(capsys):
    with a_line_of_routers(f"p{os.getpid()}") as line:
        facts = facts_of(capsys, f"icmp:{TARGET}", "--trace", "--count", "1")
        assert facts["route_reached"]
        line.cut()
        facts = facts_of(capsys, f"icmp:{TARGET}", "--trace", "--count", "1", "--timeout", "0.3", code=1)
    assert facts["hops"][-1]["address"] == line.routers[1]
    assert f"breaks after {line.routers[1]}" in facts["route"][1]


def test_the_doctor_tells_each_fact_of_the_machine_in_both_languages(capsys, tmp_path):
    code = main(["doctor", "--json", "--state", str(tmp_path / "not" / "yet")])
    findings = json.loads(capsys.readouterr().out)
    assert {finding["name"] for finding in findings} >= {
        "python", "icmp", "net_admin", "rmem_max", "descriptors", "clock", "resolvers", "nft", "disk",
    }  # fmt: skip
    assert all(finding["vi"] and finding["en"] and finding["value"] for finding in findings)
    assert all(bool(f["mend_en"]) == bool(f["mend_vi"]) for f in findings)
    assert code == any(finding["level"] == "bad" for finding in findings)


def test_the_doctor_is_read_by_people_too(capsys, tmp_path):
    main(["doctor", "--state", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "ok   python" in shown


@pytest.mark.root
def test_a_machine_without_raw_sockets_is_told_how_to_mend_it():
    assert echo_sockets().level is Level.OK
    with without_capabilities():
        finding = echo_sockets()
    assert finding.level in {Level.WARN, Level.BAD}
    assert "CAP_NET_RAW" in finding.mend_en


@pytest.mark.root
def test_the_doctor_names_the_first_routers_as_canaries(capsys, inventory):
    with a_line_of_routers(f"d{os.getpid()}") as line:
        main(["doctor", "--towards", TARGET, "--inventory", str(inventory), "--json"])
        findings = json.loads(capsys.readouterr().out)
    canaries = next(finding for finding in findings if finding["name"] == "canaries")
    assert canaries["value"].split() == list(line.routers)
    assert canaries["level"] == "warn"


def test_few_descriptors_are_bad_and_many_are_fine(monkeypatch):
    for soft, level in ((256, Level.BAD), (4_096, Level.WARN), (65_536, Level.OK)):
        monkeypatch.setattr("resource.getrlimit", lambda _kind, soft=soft: (soft, 65_536))
        assert descriptors().level is level


def test_a_disk_that_is_nearly_full_is_bad(monkeypatch, tmp_path):
    class Usage:
        free = 100 << 20

    monkeypatch.setattr("shutil.disk_usage", lambda _place: Usage)
    assert disk(tmp_path / "deep" / "er").level is Level.BAD


def test_a_finding_s_facts_are_plain_words():
    finding = Finding("x", Level.OK, "1", "một", "one")
    assert json.loads(json.dumps(finding.facts()))["level"] == "ok"
    assert interpreter().level is Level.OK


def test_the_doctor_does_not_wait_long(tmp_path):
    began = time.monotonic()
    main(["doctor", "--state", str(Path(tmp_path))])
    assert time.monotonic() - began < 10
