"""The same look by the field's tool, blackbox exporter, says the same: TCP, HTTP, DNS, ICMP.

TLS, STARTTLS and redirects are held against it where they are tested; dig, sipsak, snmpget and fping likewise.
"""

import json

import pytest

from probes.models import Outcome
from tests.support.blackbox import blackbox
from tests.support.dns_servers import bind
from tests.support.icmp import SECOND, running, slots
from tests.support.looks import a_dns_probe, a_tcp_probe, an_http_probe, look, opened
from tests.support.netns import own_network
from tests.support.servers import free_port, nginx

MODULES = """\
  tcp: {prober: tcp, timeout: 2s, tcp: {preferred_ip_protocol: ip4}}
  icmp: {prober: icmp, timeout: 1s, icmp: {preferred_ip_protocol: ip4}}
  http: {prober: http, timeout: 2s, http: {preferred_ip_protocol: ip4}}
  http_404: {prober: http, timeout: 2s, http: {preferred_ip_protocol: ip4, valid_status_codes: [404]}}
  http_body: {prober: http, timeout: 2s, http: {preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: ["thông su[oố]t"]}}
  http_header: {prober: http, timeout: 2s, http: {preferred_ip_protocol: ip4, fail_if_header_not_matches: [{header: X-Kiem-Phieu, regexp: "mo"}]}}
  dns_www: {prober: dns, timeout: 2s, dns: {preferred_ip_protocol: ip4, query_name: www.lab.test, query_type: A}}
  dns_none: {prober: dns, timeout: 2s, dns: {preferred_ip_protocol: ip4, query_name: khong.lab.test, query_type: A}}
  dns_soa: {prober: dns, timeout: 2s, dns: {preferred_ip_protocol: ip4, query_name: lab.test, query_type: SOA}}
"""


@pytest.fixture(scope="module")
def exporter(tmp_path_factory):
    with blackbox(tmp_path_factory.mktemp("blackbox"), MODULES) as running_exporter:
        yield running_exporter


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    port = free_port()
    block = (
        f"server {{ listen 127.0.0.1:{port}; location = / {{ return 200 {json.dumps('thông suốt', ensure_ascii=False)}; }}"
        ' location = /mo { add_header X-Kiem-Phieu mo; return 200 "khac"; } location = /503 { return 503; } }'
    )
    with nginx(tmp_path_factory.mktemp("nginx"), block, port=port):
        yield port


async def test_over_tcp_they_agree_on_who_takes_a_connection(exporter, web):
    closed = free_port()
    async with opened(a_tcp_probe()) as probe:
        ours = [(await look(probe, "127.0.0.1", port)).outcome is Outcome.OK for port in (web, closed)]
    theirs = [exporter.look("tcp", f"127.0.0.1:{port}")["probe_success"] for port in (web, closed)]
    assert ours == theirs == [True, False]


@pytest.mark.parametrize(
    ("path", "module", "options", "is_right"),
    [
        ("/", "http", {}, True),
        ("/503", "http", {}, False),
        ("/khong", "http", {}, False),
        ("/khong", "http_404", {"status": "404"}, True),
        ("/", "http_404", {"status": "404"}, False),
        ("/", "http_body", {"match": "thông.su[oố]t"}, True),
        ("/mo", "http_body", {"match": "thông.su[oố]t"}, False),
        ("/mo", "http_header", {"header": "X-Kiem-Phieu:mo"}, True),
        ("/", "http_header", {"header": "X-Kiem-Phieu:mo"}, False),
    ],
)
async def test_over_http_they_agree_on_status_header_and_body(exporter, web, path, module, options, is_right):
    async with opened(an_http_probe()) as probe:
        ours = await look(probe, "127.0.0.1", web, options={"path": path, **options})
    theirs = exporter.look(module, f"http://127.0.0.1:{web}{path}")
    assert (ours.outcome is Outcome.OK) == theirs["probe_success"] == is_right, ours.detail
    assert ours.code == theirs["probe_http_status_code"]


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("dns_www", {"name": "www.lab.test", "type": "A"}),
        ("dns_none", {"name": "khong.lab.test", "type": "A"}),
        ("dns_soa", {"name": "lab.test", "type": "SOA"}),
    ],
)
async def test_over_dns_they_agree_on_what_is_answered(exporter, tmp_path, module, options):
    with bind(tmp_path) as port:
        async with opened(a_dns_probe()) as probe:
            ours = await look(probe, "127.0.0.1", port, options=options)
        theirs = exporter.look(module, f"127.0.0.1:{port}")
    assert (ours.outcome is Outcome.OK) == theirs["probe_success"], ours.detail
    if module == "dns_soa":
        assert list(ours.measures.values()) == [theirs["probe_dns_serial"]]


@pytest.mark.root
def test_over_icmp_they_agree_on_who_is_alive(tmp_path):
    hosts = ["127.0.0.5", "127.200.0.9", "192.0.2.1"]
    with own_network(), blackbox(tmp_path, MODULES) as exporter:
        with running(hosts) as (engine, seen):
            engine.send(slots(0, 1, 2), timeout_ns=SECOND)
            seen.wait(3)
            ours = {hosts[slot]: outcome is Outcome.OK for slot, outcome, *_ in seen.looks}
        theirs = {host: exporter.look("icmp", host)["probe_success"] == 1 for host in hosts}
    assert ours == theirs == {"127.0.0.5": True, "127.200.0.9": True, "192.0.2.1": False}
