import asyncio
import math
import socket
import time

import pytest
import uvloop

from probes.models import Evidence, Measure, Outcome, Request
from tests.support.blackbox import blackbox
from tests.support.certificates import pin_of
from tests.support.looks import a_tls_probe, an_http_probe, look, looks, opened
from tests.support.servers import free_port
from tests.support.tls_servers import tls_servers

MODULES = """\
  tls: {prober: tcp, timeout: 3s, tcp: {tls: true, preferred_ip_protocol: ip4, tls_config: {ca_file: CA}}}
  tls_any: {prober: tcp, timeout: 3s, tcp: {tls: true, preferred_ip_protocol: ip4, tls_config: {insecure_skip_verify: true, min_version: TLS10}}}
  https: {prober: http, timeout: 3s, http: {preferred_ip_protocol: ip4, tls_config: {ca_file: CA}}}
  https_any: {prober: http, timeout: 3s, http: {preferred_ip_protocol: ip4, tls_config: {insecure_skip_verify: true}}}
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with tls_servers(tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.fixture(scope="module")
def exporter(servers, tmp_path_factory):
    with blackbox(tmp_path_factory.mktemp("blackbox"), MODULES.replace("CA", str(servers.ca))) as running:
        yield running


async def looked(servers, name, **options):
    given = {"ca": str(servers.ca), **options}
    async with opened(a_tls_probe()) as probe:
        return await look(probe, "127.0.0.1", servers.ports[name], options=given)


FAULTS = [
    ("expired", "expired"),
    ("not-yet-valid", "not-yet-valid"),
    ("wrong-name", "wrong-name: is for b.vn"),
    ("self-signed", "untrusted: self-signed"),
    ("weak", "weak: key of 1024 bits"),
    ("cut", "untrusted: no trusted issuer for CN=127.0.0.1"),
]


@pytest.mark.parametrize("name", ["good", "chain", "client", "tls13"])
async def test_a_certificate_that_is_right_is_ok_and_says_how_long(servers, name):
    answer = await looked(servers, name)
    assert (answer.outcome, answer.evidence) == (Outcome.OK, Evidence.PROTOCOL), answer.detail
    assert answer.measures == {Measure.TLS_NOT_AFTER: servers.minted[name].not_after}
    resolve, connect, tls = answer.phases
    assert math.isnan(resolve)
    assert answer.rtt == pytest.approx(connect + tls)
    assert answer.detail == ("TLSv1.3" if name == "tls13" else "TLSv1.2")


@pytest.mark.parametrize(("name", "detail"), FAULTS)
async def test_what_is_wrong_with_a_certificate_has_a_slug_and_its_dates_are_read_all_the_same(
    servers, name, detail
):
    answer = await looked(servers, name)
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, detail)
    assert answer.measures == {Measure.TLS_NOT_AFTER: servers.minted[name].not_after}
    assert answer.evidence is Evidence.NONE


@pytest.mark.parametrize(("name", "detail"), FAULTS)
async def test_an_https_look_says_the_same_of_a_certificate_and_sends_nothing_over_it(servers, name, detail):
    options = {"scheme": "https", "ca": str(servers.ca)}
    async with opened(an_http_probe()) as probe:
        answer = await look(probe, "127.0.0.1", servers.ports[name], options=options)
    assert (answer.outcome, answer.code, answer.detail) == (Outcome.MISMATCH, 0, detail)
    assert answer.measures == {Measure.TLS_NOT_AFTER: servers.minted[name].not_after}
    assert math.isnan(answer.rtt)


@pytest.mark.parametrize("name", [name for name, _ in FAULTS])
async def test_verify_no_accepts_what_is_presented_and_reads_its_dates(servers, name):
    answer = await looked(servers, name, verify="no")
    assert answer.outcome is Outcome.OK
    assert answer.measures == {Measure.TLS_NOT_AFTER: servers.minted[name].not_after}


async def test_a_device_that_speaks_only_old_tls_is_weak_and_not_dead(servers):
    strict = await looked(servers, "old")
    lenient = await looked(servers, "old", verify="no")
    assert strict.outcome is Outcome.MISMATCH
    assert strict.detail.startswith("weak: ")
    assert (lenient.outcome, lenient.detail) == (Outcome.OK, "TLSv1")


@pytest.mark.parametrize(
    ("options", "outcome", "detail"),
    [
        ({"sni": "a.vn"}, Outcome.OK, "TLSv1.2"),
        ({"sni": "c.vn"}, Outcome.MISMATCH, "wrong-name: is for a.vn, 127.0.0.1"),
        ({"alpn": "h2,http/1.1"}, Outcome.OK, "TLSv1.2 h2"),
        ({"alpn": "http/1.1"}, Outcome.OK, "TLSv1.2 http/1.1"),
        ({"min_days": "29"}, Outcome.OK, "TLSv1.2"),
        ({"min_days": "31"}, Outcome.MISMATCH, "expires-soon"),
        ({"pin": "sha256/" + "A" * 43}, Outcome.MISMATCH, "wrong-key"),
        ({"ca": "/nonexistent.pem"}, Outcome.ERROR, "option: [Errno 2]"),
        ({"cert": "/nonexistent.pem"}, Outcome.ERROR, "option: [Errno 2]"),
        ({"min_days": "soon"}, Outcome.ERROR, "option: min_days must be"),
    ],
)
async def test_expectations_beyond_the_chain_are_options(servers, options, outcome, detail):
    answer = await looked(servers, "good", **options)
    assert answer.outcome is outcome, answer.detail
    assert answer.detail.startswith(detail)


async def test_a_protocol_that_the_server_does_not_choose_is_a_mismatch(servers):
    answer = await looked(servers, "good", alpn="imap")
    assert answer.outcome is Outcome.MISMATCH
    assert answer.detail.startswith(("tls: ", "wrong-alpn: none of imap"))


async def test_the_pinned_key_is_right_also_beside_the_one_for_tomorrow(servers):
    pin = pin_of(servers.minted["good"].leaf)
    assert (await looked(servers, "good", pin=pin)).outcome is Outcome.OK
    assert (await looked(servers, "good", pin=f"sha256/{'B' * 43},{pin}")).outcome is Outcome.OK
    assert (await looked(servers, "expired", verify="no", pin=pin)).detail == "wrong-key"


async def test_a_chain_that_ends_before_the_server_s_own_certificate_expires_soon(servers):
    answer = await looked(servers, "chain", min_days="30")
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, "expires-soon")


async def test_our_own_certificate_opens_a_server_that_wants_one(servers):
    options = {"scheme": "https", "ca": str(servers.ca)}
    ours = {"cert": str(servers.client), "key": str(servers.client_key)}
    async with opened(an_http_probe()) as probe:
        without = await look(probe, "127.0.0.1", servers.ports["client"], options=options)
        shown = await look(probe, "127.0.0.1", servers.ports["client"], options={**options, **ours})
    assert (without.outcome, without.code) == (Outcome.MISMATCH, 400)
    assert (shown.outcome, shown.code, shown.detail) == (Outcome.OK, 200, "TLSv1.2 http/1.1")


async def test_a_redirect_from_https_to_http_is_not_followed(servers):
    options = {"scheme": "https", "ca": str(servers.ca), "path": "/plain", "redirects": "1"}
    async with opened(an_http_probe()) as probe:
        answer = await look(probe, "127.0.0.1", servers.ports["good"], options=options)
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, "redirect: from https to http")


@pytest.mark.parametrize(("silent", "phase"), [("nobody accepts", "connect"), ("nobody answers", "tls")])
async def test_a_look_that_hangs_times_out_in_its_phase_and_is_no_duration(silent, phase):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = socket.create_connection(("127.0.0.1", port)) if silent == "nobody accepts" else None
        began = time.monotonic()
        async with opened(a_tls_probe()) as probe:
            answer = await look(probe, "127.0.0.1", port, timeout=0.3)
        if waiting:
            waiting.close()
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, phase)
    assert math.isnan(answer.rtt)
    assert not answer.phases
    assert 0.3 <= time.monotonic() - began < 1.5


async def test_what_is_no_tls_is_a_mismatch_without_dates():
    async def serve(reader, writer):
        await reader.read(1)
        writer.write(b"220 thu.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, opened(a_tls_probe()) as probe:
        answer = await look(probe, "127.0.0.1", server.sockets[0].getsockname()[1])
    assert answer.outcome is Outcome.MISMATCH
    assert answer.detail.startswith("tls: ")
    assert not answer.measures


async def test_a_port_that_nobody_holds_refuses():
    async with opened(a_tls_probe()) as probe:
        answer = await look(probe, "127.0.0.1", free_port())
    assert answer.outcome is Outcome.REFUSED


async def test_of_many_looks_at_once_exactly_those_fail_that_should(servers):
    ca = {"ca": str(servers.ca)}
    names = ["good", "expired", "chain"]
    requests = [Request(n, "127.0.0.1", servers.ports[names[n % 3]], ca, 10.0) for n in range(120)]
    async with opened(a_tls_probe()) as probe:
        answers = await looks(probe, requests)
    assert [answer.outcome is Outcome.OK for answer in answers] == [n % 3 != 1 for n in range(120)]


@pytest.mark.parametrize(
    "name", ["good", "chain", "expired", "not-yet-valid", "wrong-name", "self-signed", "cut"]
)
async def test_the_field_s_tool_says_the_same_of_a_certificate(servers, exporter, name):
    ours = await looked(servers, name)
    target = f"127.0.0.1:{servers.ports[name]}"
    theirs, dates = exporter.look("tls", target), exporter.look("tls_any", target)
    assert theirs["probe_success"] == (ours.outcome is Outcome.OK)
    assert dates["probe_ssl_earliest_cert_expiry"] == ours.measures[Measure.TLS_NOT_AFTER]


async def test_the_field_s_tool_says_the_same_of_an_https_service(servers, exporter):
    options = {"scheme": "https", "ca": str(servers.ca), "status": "200"}
    async with opened(an_http_probe()) as probe:
        for name in ("good", "chain", "client", "expired"):
            ours = await look(probe, "127.0.0.1", servers.ports[name], options=options)
            theirs = exporter.look("https", f"https://127.0.0.1:{servers.ports[name]}/")
            assert theirs["probe_success"] == (ours.outcome is Outcome.OK), name
            assert theirs["probe_http_status_code"] == ours.code, name
            dates = exporter.look("https_any", f"https://127.0.0.1:{servers.ports[name]}/")
            assert dates["probe_ssl_earliest_cert_expiry"] == ours.measures[Measure.TLS_NOT_AFTER]


def test_the_loop_of_production_gives_the_same_answers(servers):
    async def scenario():
        return [(await looked(servers, name)).detail for name in ("good", "expired", "old")]

    good, expired, old = uvloop.run(scenario())
    assert (good, expired) == ("TLSv1.2", "expired")
    assert old.startswith("weak: ")
