"""A Prometheus that has so far asked a blackbox exporter asks us instead; and nobody makes a scanner of it."""

import asyncio
import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import httpx2
import pytest
import uvicorn
import yaml
from fastapi import FastAPI, HTTPException, Request

from inventory.models import ProbeKind, Target
from inventory.samples import sample
from monitor.app import Service, create_app
from monitor.asked import AskedError, AskedTargets
from monitor.assembly.asking import Asking
from monitor.probe_api import router
from monitor.settings import Settings
from probes.models import Answer, Outcome
from probes.once import OnceSeen
from tests.support.blackbox import blackbox
from tests.support.dns_servers import bind
from tests.support.looks import a_dns_probe, a_tcp_probe, an_http_probe
from tests.support.monitoring import an_inventory
from tests.support.servers import connects, free_port, needs_program, nginx, started, until

MODULES = """\
  icmp: {prober: icmp, timeout: 1s, icmp: {preferred_ip_protocol: ip4}}
  tcp_connect: {prober: tcp, timeout: 2s, tcp: {preferred_ip_protocol: ip4}}
  http_2xx: {prober: http, timeout: 2s, http: {preferred_ip_protocol: ip4}}
  dns_soa: {prober: dns, timeout: 2s, dns: {preferred_ip_protocol: ip4, query_name: lab.test, query_type: SOA}}
"""
BEARER = "Bearer a-token"
NAMED = re.compile(r"^(\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


def with_targets(*targets):
    inventory = an_inventory()
    return replace(inventory, targets={target.code: target for target in targets})


def web_target(code="WEB", **more):
    return Target(code, "X-31-FIBRE", ProbeKind.HTTP, "10.9.8.7", **more)


@pytest.mark.parametrize(
    ("words", "module"),
    [
        ("WEB", ""),
        ("WEB", "http"),
        ("WEB", "http_2xx"),
        ("10.9.8.7", "http_2xx"),
        ("10.9.8.7:8080", "http_2xx"),
        ("http://10.9.8.7:8080/phieu", "http_2xx"),
        ("http://bau-cu.vn:8080/phieu", "http_2xx"),
    ],
)
def test_a_job_may_call_a_target_by_its_code_or_as_it_always_has(words, module):
    web = web_target(port=8080, options={"path": "/phieu", "host": "bau-cu.vn:8080"})
    ping = Target("PING", "X-31-FIBRE", ProbeKind.ICMP, "10.9.8.7")
    assert AskedTargets(with_targets(web, ping), "V1").find(words, module) == web


def test_the_usual_port_and_the_last_slash_may_be_left_out():
    targets = AskedTargets(with_targets(web_target()), "V1")
    for words in ("http://10.9.8.7", "http://10.9.8.7/", "http://10.9.8.7:80/", "10.9.8.7:80"):
        assert targets.find(words, "http_2xx").code == "WEB"


@pytest.mark.parametrize(
    ("words", "module", "sentence"),
    [
        ("10.9.8.8", "icmp", "no target of the inventory"),
        ("http://169.254.169.254/latest/meta-data", "http_2xx", "nothing else is looked at"),
        ("10.9.8.7:22", "tcp_connect", "no target of the inventory"),
        ("http://10.9.8.7/another", "http_2xx", "no target of the inventory"),
        ("10.9.8.7", "tcp_connect", "is looked at by http, icmp, not by module"),
        ("10.9.8.7", "", "several targets"),
        ("PING", "smtp_starttls", "begins with no kind"),
        ("CALL", "sip_call", "nobody looks at by hand"),
        ("CALL", "", "nobody looks at by hand"),
        ("PULSE", "", "nobody looks at by hand"),
        ("FAR", "tcp", "is looked at from V2"),
    ],
)
def test_what_the_inventory_does_not_hold_is_not_looked_at(words, module, sentence):
    inventory = with_targets(
        web_target(),
        Target("PING", "X-31-FIBRE", ProbeKind.ICMP, "10.9.8.7"),
        Target("CALL", "X-31-FIXED", ProbeKind.SIP_CALL, "10.9.8.9", options={"number": "0299"}),
        Target("PULSE", "X-31-FIXED", ProbeKind.HEARTBEAT, "token"),
        Target("FAR", "X-31-FIXED", ProbeKind.TCP, "10.9.8.6", vantages=("V2",)),
    )
    with pytest.raises(AskedError, match=re.escape(sentence)):
        AskedTargets(inventory, "V1").find(words, module)


async def allowed(request: Request):
    if request.headers.get("authorization") != BEARER:
        raise HTTPException(401, "sign in first")


def some_probes():
    return {
        ProbeKind.TCP: a_tcp_probe(),
        ProbeKind.HTTP: an_http_probe(),
        ProbeKind.DNS: a_dns_probe(),
    }


def an_app(inventory, asking):
    app = FastAPI()
    app.include_router(router(find=asking.find, look=asking.look, monotonic=time.monotonic, guard=allowed))
    return app


@asynccontextmanager
async def asked(*targets, looks=True):
    inventory = with_targets(*targets)
    asking = Asking(inventory, vantage="V1", looks=looks, probes=some_probes)
    transport = httpx2.ASGITransport(app=an_app(inventory, asking))
    headers = {"Authorization": BEARER}
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
            yield client
    finally:
        await asking.stop()


async def page_of(client, target, module="", **more):
    answer = await client.get("/probe", params={"target": target, "module": module}, **more)
    assert answer.status_code == 200, answer.text
    return {name: float(value) for name, value in NAMED.findall(answer.text)}


@pytest.mark.root
async def test_what_the_exporter_says_of_a_target_we_say_too_under_its_names(tmp_path):
    web, closed = free_port(), free_port()
    with (
        nginx(tmp_path / "nginx", f"server {{ listen 127.0.0.1:{web}; return 200 'chao'; }}", port=web),
        bind(tmp_path / "bind") as dns,
        blackbox(tmp_path / "blackbox", MODULES) as exporter,
    ):
        targets = [
            Target("PING", "X-31-FIBRE", ProbeKind.ICMP, "127.0.0.1"),
            Target("OPEN", "X-31-FIBRE", ProbeKind.TCP, "127.0.0.1", web),
            Target("CLOSED", "X-31-FIBRE", ProbeKind.TCP, "127.0.0.1", closed),
            Target("WEB", "X-31-FIBRE", ProbeKind.HTTP, "127.0.0.1", web),
            Target(
                "ZONE", "X-31-FIBRE", ProbeKind.DNS, "127.0.0.1", dns, {"name": "lab.test", "type": "SOA"}
            ),
        ]
        async with asked(*targets) as client:
            for target, module, exact in (
                ("127.0.0.1", "icmp", {"probe_success", "probe_ip_protocol"}),
                (f"127.0.0.1:{web}", "tcp_connect", {"probe_success", "probe_ip_protocol"}),
                (f"127.0.0.1:{closed}", "tcp_connect", {"probe_success"}),
                (f"http://127.0.0.1:{web}/", "http_2xx", {"probe_success", "probe_http_status_code"}),
                (f"127.0.0.1:{dns}", "dns_soa", {"probe_success", "probe_dns_serial"}),
            ):
                ours = await page_of(client, target, module)
                theirs = await asyncio.to_thread(exporter.look, module, target)
                assert {name: ours[name] for name in exact} == {name: theirs[name] for name in exact}, module
                assert ours["probe_duration_seconds"] > 0
                shared = {"probe_http_duration_seconds", "probe_dns_duration_seconds"} & theirs.keys()
                assert shared <= ours.keys()


async def test_a_timeout_is_no_success_and_no_round_trip_and_ends_within_what_was_granted(tmp_path):
    with silent() as port:
        async with asked(Target("SLOW", "X-31-FIBRE", ProbeKind.HTTP, "127.0.0.1", port)) as client:
            page = await page_of(client, "SLOW", headers={"X-Prometheus-Scrape-Timeout-Seconds": "0.8"})
    assert page["probe_success"] == 0
    assert page["thongsuot_probe_outcome"] == 1
    assert "thongsuot_probe_rtt_seconds" not in page
    assert page["probe_duration_seconds"] < 2.0  # its own timeout


async def test_a_name_without_an_address_is_no_success():
    async with asked(Target("LOST", "X-31-FIBRE", ProbeKind.TCP, "khong-co.invalid", 80)) as client:
        page = await page_of(client, "LOST")
    assert page["probe_success"] == 0
    assert "probe_ip_protocol" not in page


async def test_without_a_token_nothing_is_looked_at_and_nothing_is_told():
    async with asked(web_target()) as client:
        answer = await client.get("/probe", params={"target": "WEB"}, headers={"Authorization": "Bearer x"})
        assert answer.status_code == 401


async def test_words_that_mean_nothing_get_a_sentence_and_no_look():
    async with asked(web_target()) as client:
        answer = await client.get("/probe", params={"target": "203.0.113.5", "module": "icmp"})
        assert answer.status_code == 400
        assert "no target of the inventory" in answer.json()["detail"]
        assert (await client.get("/probe")).status_code == 422


async def test_one_target_is_asked_for_only_so_often_whoever_asks():
    with silent() as port:
        async with asked(Target("ONE", "X-31-FIBRE", ProbeKind.TCP, "127.0.0.1", port)) as client:
            codes = [(await client.get("/probe", params={"target": "ONE"})).status_code for _ in range(7)]
    assert codes[:5] == [200] * 5
    assert codes[-1] == 429


async def test_only_so_many_looks_are_under_way_at_once():
    waiting = asyncio.Event()

    async def look(_target, _granted):
        await waiting.wait()
        return OnceSeen(Answer(Outcome.OK), "127.0.0.1", 0.0, 0.1)

    targets = [Target(f"T{n}", "X-31-FIBRE", ProbeKind.TCP, f"127.0.0.{n}", 80) for n in range(1, 70)]
    app = FastAPI()
    find = AskedTargets(with_targets(*targets), "V1").find
    app.include_router(router(find=find, look=look, monotonic=time.monotonic, guard=lambda: None))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
        asking = [
            asyncio.ensure_future(client.get("/probe", params={"target": target.code})) for target in targets
        ]
        refused = [await first for _, first in zip(range(5), asyncio.as_completed(asking), strict=False)]
        assert {answer.status_code for answer in refused} == {503}
        waiting.set()
        codes = [answer.status_code for answer in await asyncio.gather(*asking)]
    assert (codes.count(200), codes.count(503)) == (64, 5)


async def test_a_process_that_does_not_look_says_so():
    async with asked(web_target(), looks=False) as client:
        assert (await client.get("/probe", params={"target": "WEB"})).status_code == 503


async def test_the_service_answers_it_for_accounts_and_tokens_only(tmp_path):
    settings = Settings(
        inventory=sample("soc-trang-2021"), state=tmp_path, looks=False, administrator_password="mật khẩu dài"
    )
    service = Service(settings)
    app = create_app(service)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 40000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            code = next(iter(service.monitor.inventory.targets))
            assert (await client.get("/probe", params={"target": code})).status_code == 401


@contextmanager
def silent():
    """A listener that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@contextmanager
def served(app, port):
    """The application on a real port, in a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: connects(port), what="the service being ready")
        yield
    finally:
        server.should_exit = True
        thread.join(10)


def test_a_real_prometheus_keeps_its_job_and_changes_only_whom_it_asks(tmp_path):
    needs_program("prometheus")
    web, port, own = free_port(), free_port(), free_port()
    inventory = with_targets(Target("WEB", "X-31-FIBRE", ProbeKind.HTTP, "127.0.0.1", web))
    asking = Asking(inventory, vantage="V1", looks=True, probes=some_probes)
    (tmp_path / "token").write_text(BEARER.removeprefix("Bearer "))
    job = {
        "job_name": "blackbox",
        "metrics_path": "/probe",
        "params": {"module": ["http_2xx"]},
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "authorization": {"credentials_file": str(tmp_path / "token")},
        "static_configs": [{"targets": [f"http://127.0.0.1:{web}/"]}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": f"127.0.0.1:{port}"},
        ],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [job]}))
    command = (
        "prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb",
        f"--web.listen-address=127.0.0.1:{own}",
    )  # fmt: skip
    query = (
        f"http://127.0.0.1:{own}/api/v1/query?query=probe_success%20and%20probe_http_status_code%20==%20200"
    )

    def value():
        try:
            with urllib.request.urlopen(query, timeout=5) as answer:
                return json.loads(answer.read())["data"]["result"]
        except urllib.error.HTTPError:  # it opens its port before its store
            return []

    with (
        nginx(tmp_path / "nginx", f"server {{ listen 127.0.0.1:{web}; return 200 'chao'; }}", port=web),
        served(an_app(inventory, asking), port),
        started(*command, log=tmp_path / "prometheus.log", is_ready=lambda: connects(own)),
    ):
        until(value, what="the job's first good look", seconds=20)
        [found] = value()
    asyncio.run(asking.stop())
    assert found["metric"]["instance"] == f"http://127.0.0.1:{web}/"
    assert found["value"][1] == "1"
