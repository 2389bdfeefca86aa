import asyncio
import math
import socket
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop

from probes.lab.certificate import mint
from probes.models import Evidence, Outcome, Request
from tests.support.looks import an_http_probe, look, looks, opened
from tests.support.servers import free_port, nginx


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """A real nginx: plain and TLS, with a certificate that is right, one that ran out, and one of others."""
    directory = tmp_path_factory.mktemp("nginx")
    now = datetime.now(UTC)
    good = mint(made(directory / "good"), names=["127.0.0.1", "bao-cao.example"], now=now)
    old = mint(made(directory / "old"), names=["127.0.0.1"], now=now - timedelta(days=90))
    other = mint(made(directory / "other"), names=["127.0.0.9"], now=now)
    (directory / "big").write_bytes(b"x" * 1_000_000 + b"cuoi")
    ports = {name: free_port() for name in ("plain", "good", "old", "other")}
    plain = f"""server {{ listen 127.0.0.1:{ports["plain"]}; root {directory};
        location = / {{ default_type text/plain; return 200 "thông suốt\\n"; }}
        location /overloaded {{ return 503; }} location /moved {{ return 302 /; }}
        location /missing {{ return 404; }} location /hung-up {{ return 444; }}
        location /host {{ default_type text/plain; return 200 "$host|$http_user_agent|$http_connection"; }} }}\n"""
    secure = "".join(
        f"""server {{ listen 127.0.0.1:{ports[name]} ssl; ssl_certificate {made_by.chain};
        ssl_certificate_key {made_by.key}; location / {{ return 200 "$ssl_server_name"; }} }}\n"""
        for name, made_by in (("good", good), ("old", old), ("other", other))
    )
    with nginx(directory / "run", plain + secure, port=ports["plain"]):
        yield {**ports, "ca": good.ca, "old_ca": old.ca, "other_ca": other.ca}


def made(directory: Path) -> Path:
    directory.mkdir(parents=True)
    return directory


@contextmanager
def a_server_that(says: bytes = b"", *, hangs: bool = False):
    """A server that answers every connection with the same bytes, and then closes, or hangs."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(says)
        await writer.drain()
        if hangs:
            await reader.read(-1)
        writer.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening, serve, listening.getsockname()[1]


async def test_a_service_that_answers_is_ok_and_proves_the_protocol(web):
    async with opened(an_http_probe()) as probe:
        answer = await look(probe, "127.0.0.1", web["plain"])
    assert (answer.outcome, answer.code, answer.evidence) == (Outcome.OK, 200, Evidence.PROTOCOL)
    resolve, connect, tls, first_byte, transfer = answer.phases
    assert math.isnan(resolve)
    assert math.isnan(tls)
    assert 0 < connect < 0.05
    assert first_byte > 0
    assert answer.rtt == pytest.approx(connect + first_byte + transfer)


@pytest.mark.parametrize(
    ("options", "outcome", "code", "detail"),
    [
        ({"path": "/overloaded"}, Outcome.OVERLOADED, 503, "status 503"),
        ({"path": "/missing"}, Outcome.MISMATCH, 404, "status 404"),
        ({"path": "/moved"}, Outcome.OK, 302, ""),
        ({"path": "/moved", "status": "200"}, Outcome.MISMATCH, 302, "status 302"),
        ({"path": "/hung-up"}, Outcome.MISMATCH, 0, "closed before an answer"),
        ({"expect": "su%E1%BB%91t"}, Outcome.OK, 200, ""),
        ({"expect": "loi"}, Outcome.MISMATCH, 200, "text not found: loi"),
        ({"match": "su%E1%BB%91t\\s$"}, Outcome.OK, 200, ""),
        ({"match": "^suot"}, Outcome.MISMATCH, 200, "no match: ^suot"),
        ({"no_match": "th.+ng"}, Outcome.MISMATCH, 200, "match: th.+ng"),
        ({"header": "server:nginx,content-type:text%2Fplain"}, Outcome.OK, 200, ""),
        ({"header": "server:apache"}, Outcome.MISMATCH, 200, "header not found: server:apache"),
        ({"header": "x-none:"}, Outcome.MISMATCH, 200, "header not found: x-none:"),
        ({"path": "/missing", "status": "200,404"}, Outcome.OK, 404, ""),
        ({"path": "/big", "max_body": "1000"}, Outcome.OK, 200, ""),
        ({"path": "/big", "expect": "cuoi", "max_body": "2000000"}, Outcome.OK, 200, ""),
        ({"path": "/big", "expect": "cuoi"}, Outcome.MISMATCH, 200, "text not found within 65536 bytes: cuoi"),
        ({"path": "/host", "host": "bao-cao.example", "expect": "bao-cao.example|thongsuot|close"}, Outcome.OK, 200, ""),
        ({"scheme": "https"}, Outcome.MISMATCH, 0, "tls: wrong version number"),
        ({"status": "many"}, Outcome.ERROR, 0, "option: status must be like 200, 2xx or 200-299, not 'many'"),
    ],
)  # fmt: skip
async def test_what_nginx_answers_is_judged_by_the_options(web, options, outcome, code, detail):
    async with opened(an_http_probe()) as probe:
        answer = await look(probe, "127.0.0.1", web["plain"], options=options)
    assert (answer.outcome, answer.code, answer.detail) == (outcome, code, detail)


async def test_a_certificate_is_verified_and_tls_has_a_phase_of_its_own(web):
    async with opened(an_http_probe(extra_ca=web["ca"])) as probe:
        answer = await look(probe, "127.0.0.1", web["good"], options={"scheme": "https"})
    assert answer.outcome is Outcome.OK
    assert answer.phases[2] > 0
    assert answer.rtt == pytest.approx(sum(answer.phases[1:]))


async def test_a_certificate_that_nobody_vouches_for_is_a_mismatch(web):
    async with opened(an_http_probe()) as probe:
        answer = await look(probe, "127.0.0.1", web["good"], options={"scheme": "https"})
    assert answer.outcome is Outcome.MISMATCH
    assert answer.detail.startswith("untrusted: no trusted issuer")
    assert math.isnan(answer.rtt)


@pytest.mark.parametrize(
    ("server", "options", "outcome", "detail"),
    [
        ("good", {"ca": "ca"}, Outcome.OK, ""),
        ("good", {"ca": "ca", "sni": "bao-cao.example", "expect": "bao-cao.example"}, Outcome.OK, ""),
        ("good", {"ca": "ca", "host": "bao-cao.example"}, Outcome.OK, ""),
        (
            "good",
            {"ca": "ca", "sni": "la.example"},
            Outcome.MISMATCH,
            "wrong-name: is for bao-cao.example, 127.0.0.1",
        ),
        ("good", {"insecure": "yes"}, Outcome.OK, ""),
        ("old", {"ca": "old_ca"}, Outcome.MISMATCH, "expired"),
        ("old", {"insecure": "yes"}, Outcome.OK, ""),
        ("other", {"ca": "other_ca"}, Outcome.MISMATCH, "wrong-name: is for 127.0.0.9"),
        ("good", {"ca": "missing"}, Outcome.ERROR, "option: "),
    ],
)
async def test_trust_is_decided_by_ca_sni_and_insecure(web, server, options, outcome, detail):
    given = {"scheme": "https", **options}
    if "ca" in options:
        given["ca"] = str(web.get(options["ca"], "/nonexistent.pem"))
    async with opened(an_http_probe()) as probe:
        answer = await look(probe, "127.0.0.1", web[server], options=given)
    assert answer.outcome is outcome, answer.detail
    assert answer.detail.startswith(detail)


async def test_a_service_that_accepts_and_says_nothing_times_out_waiting_for_the_first_byte():
    with socket.create_server(("127.0.0.1", 0)) as listening:  # the kernel accepts, nobody reads
        async with opened(an_http_probe()) as probe:
            began = time.monotonic()
            answer = await look(probe, "127.0.0.1", listening.getsockname()[1], timeout=0.3)
            tls = await look(
                probe, "127.0.0.1", listening.getsockname()[1], options={"scheme": "https"}, timeout=0.3
            )
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "first_byte")
    assert (tls.outcome, tls.detail) == (Outcome.TIMEOUT, "tls")
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize(
    ("says", "hangs", "outcome", "detail"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", True, Outcome.TIMEOUT, "transfer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", False, Outcome.MISMATCH, "closed within"),
        (b"HTTP/1.1 200 OK\r\n\r\nall of it", False, Outcome.OK, ""),
        (b"SSH-2.0-OpenSSH_9.2\r\n", True, Outcome.MISMATCH, "not http"),
        (b"", False, Outcome.MISMATCH, ""),
    ],
)
async def test_an_answer_that_stalls_ends_or_is_something_else(says, hangs, outcome, detail):
    with a_server_that(says, hangs=hangs) as (listening, serve, port):
        server = await asyncio.start_server(serve, sock=listening)
        async with opened(an_http_probe()) as probe:
            answer = await look(probe, "127.0.0.1", port, timeout=0.5)
        server.close()
    assert answer.outcome is outcome, answer.detail
    assert answer.detail.startswith(detail)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_service_that_resets_every_connection_is_a_mismatch_and_leaks_nothing(scheme):
    loop = asyncio.get_running_loop()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        listening.setblocking(False)

        def reset():
            connection, _ = listening.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

        loop.add_reader(listening, reset)
        options = {"scheme": scheme, "insecure": "yes"}
        port = listening.getsockname()[1]
        async with opened(an_http_probe()) as probe:
            answers = await looks(probe, [Request(n, "127.0.0.1", port, options, 5.0) for n in range(200)])
            assert len(probe._connections) == 0
        loop.remove_reader(listening)
    assert {answer.outcome for answer in answers} == {Outcome.MISMATCH}
    assert all(answer.detail for answer in answers)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


async def test_a_name_that_cannot_be_asked_for_is_an_error_of_ours(web):
    async with opened(an_http_probe()) as probe:
        answer = await look(
            probe, "127.0.0.1", web["good"], options={"scheme": "https", "sni": "." + "x" * 70}, timeout=1.0
        )
    assert answer.outcome is Outcome.ERROR
    assert answer.detail.startswith("option: sni must be")


async def test_a_port_that_nobody_holds_refuses():
    async with opened(an_http_probe()) as probe:
        answer = await look(probe, "127.0.0.1", free_port())
    assert answer.outcome is Outcome.REFUSED


async def test_options_that_change_are_taken_up_at_the_next_look(web):
    async with opened(an_http_probe()) as probe:
        before = await look(probe, "127.0.0.1", web["plain"], options={"path": "/"})
        after = await look(probe, "127.0.0.1", web["plain"], options={"path": "/overloaded"})
    assert (before.outcome, after.outcome) == (Outcome.OK, Outcome.OVERLOADED)


async def test_many_looks_at_once_each_have_their_own_answer(web):
    options = [{"path": "/"}, {"path": "/missing"}, {"path": "/overloaded"}]
    requests = [Request(n, "127.0.0.1", web["plain"], options[n % 3], 5.0) for n in range(300)]
    async with opened(an_http_probe()) as probe:
        answers = await looks(probe, requests)
    assert [answer.code for answer in answers] == [(200, 404, 503)[n % 3] for n in range(300)]


def test_the_loop_of_production_gives_the_same_answers(web):
    async def scenario():
        async with opened(an_http_probe(extra_ca=web["ca"])) as probe:
            plain = await look(probe, "127.0.0.1", web["plain"])
            secure = await look(probe, "127.0.0.1", web["good"], options={"scheme": "https"})
            wrong = await look(probe, "127.0.0.1", web["old"], options={"scheme": "https"})
        return plain.outcome, secure.outcome, wrong.outcome

    assert uvloop.run(scenario()) == (Outcome.OK, Outcome.OK, Outcome.MISMATCH)
