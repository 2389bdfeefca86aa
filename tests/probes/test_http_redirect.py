import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.http_plan import HttpPlan, http_plan
from probes.http_redirect import redirected
from probes.models import Outcome
from tests.support.blackbox import blackbox
from tests.support.looks import an_http_probe, look, opened
from tests.support.servers import free_port, nginx

HERE = {"host": "bao-cao.vn", "redirects": "2", "redirect_hosts": "www.bao-cao.vn,tinh.vn@10.0.0.9"}


@pytest.mark.parametrize(
    ("location", "end", "first", "host"),
    [
        ("/moi", ("10.0.0.1", 80), "GET /moi HTTP/1.1", "bao-cao.vn"),
        ("moi?a=1#x", ("10.0.0.1", 80), "GET /cu/moi?a=1 HTTP/1.1", "bao-cao.vn"),
        ("http://BAO-CAO.vn:8080/", ("10.0.0.1", 8080), "GET / HTTP/1.1", "bao-cao.vn:8080"),
        ("https://bao-cao.vn", ("10.0.0.1", 443), "GET / HTTP/1.1", "bao-cao.vn"),
        ("//www.bao-cao.vn/", ("10.0.0.1", 80), "GET / HTTP/1.1", "www.bao-cao.vn"),
        ("http://tinh.vn/a b", ("10.0.0.9", 80), "GET /a%20b HTTP/1.1", "tinh.vn"),
        ("/a\r\nX: y", ("10.0.0.1", 80), "GET /aX:%20y HTTP/1.1", "bao-cao.vn"),
        ("/thông", ("10.0.0.1", 80), None, "bao-cao.vn"),
    ],
)
def test_a_redirect_leads_to_a_numeric_address_that_the_target_names(location, end, first, host):
    plan = http_plan("10.0.0.1", 80, {**HERE, "path": "/cu/trang"})
    following = redirected(plan, location.encode())
    assert isinstance(following, HttpPlan), following
    lines = following.request.decode().split("\r\n")
    assert (following.address, following.port) == end
    assert lines[1] == f"Host: {host}"
    assert lines[0] == (first or lines[0])
    assert following.redirects == 1


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://la.vn/", "redirect: to another host: la.vn"),
        ("http://10.0.0.1/", "redirect: to another host: 10.0.0.1"),
        ("http://169.254.169.254/", "redirect: to another host: 169.254.169.254"),
        ("ftp://bao-cao.vn/", "redirect: to what is no address of the web: ftp://bao-cao.vn/"),
        ("http://[::1/", "redirect: to what is no address"),
        ("http://bao-cao.vn:99999/", "redirect: to what is no address"),
    ],
)
def test_a_redirect_anywhere_else_is_told_and_not_followed(location, reason):
    assert redirected(http_plan("10.0.0.1", 80, HERE), location.encode()) == reason


def test_the_name_asked_for_in_tls_follows_the_host():
    plan = http_plan("10.0.0.1", 443, HERE)
    assert redirected(plan, b"https://tinh.vn/").tls.server_name == "tinh.vn"
    assert redirected(plan, b"/").tls.server_name == "bao-cao.vn"
    back = redirected(redirected(plan, b"https://tinh.vn/"), b"https://bao-cao.vn/")
    assert (back.address, back.tls.server_name) == ("10.0.0.1", "bao-cao.vn")


@given(st.binary(max_size=80))
def test_no_location_whatever_breaks_a_look_or_smuggles_a_line(location):
    following = redirected(http_plan("10.0.0.1", 80, HERE), location)
    if isinstance(following, HttpPlan):
        assert following.request.count(b"\r\n") == 7
        assert following.address in {"10.0.0.1", "10.0.0.9"}


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    directory = tmp_path_factory.mktemp("redirects")
    port, second = free_port(), free_port()
    while second == port:
        second = free_port()
    blocks = f"""server {{ listen 127.0.0.1:{port}; listen 127.0.0.2:{port};
        location = / {{ return 200 "dich"; }} location /once {{ return 302 /; }} location /twice {{ return 301 /once; }}
        location /loop {{ return 302 /loop; }} location /port {{ return 307 http://127.0.0.1:{second}/; }}
        location /away {{ return 302 http://la.example/; }} location /second {{ return 308 http://127.0.0.2:$server_port/; }} }}
        server {{ listen 127.0.0.1:{second}; location / {{ return 200 "cong khac"; }} }}"""
    with nginx(directory, blocks, port=port):
        yield port


@pytest.mark.parametrize(
    ("options", "outcome", "code", "detail"),
    [
        ({"path": "/once"}, Outcome.OK, 302, ""),
        ({"path": "/once", "redirects": "1", "expect": "dich"}, Outcome.OK, 200, ""),
        ({"path": "/twice", "redirects": "1"}, Outcome.MISMATCH, 302, "redirect: one more than are followed"),
        ({"path": "/twice", "redirects": "2", "expect": "dich"}, Outcome.OK, 200, ""),
        ({"path": "/loop", "redirects": "9"}, Outcome.MISMATCH, 302, "redirect: one more than are followed"),
        ({"path": "/port", "redirects": "1", "expect": "cong%20khac"}, Outcome.OK, 200, ""),
        ({"path": "/away", "redirects": "1"}, Outcome.MISMATCH, 302, "redirect: to another host: la.example"),
        (
            {"path": "/second", "redirects": "1"},
            Outcome.MISMATCH,
            308,
            "redirect: to another host: 127.0.0.2",
        ),
        (
            {"path": "/second", "redirects": "1", "redirect_hosts": "127.0.0.2@127.0.0.2", "expect": "dich"},
            Outcome.OK,
            200,
            "",
        ),
    ],
)
async def test_redirects_are_followed_as_far_as_the_target_says(web, options, outcome, code, detail):
    async with opened(an_http_probe()) as probe:
        answer = await look(probe, "127.0.0.1", web, options={"status": "200-399", **options})
    assert (answer.outcome, answer.code, answer.detail) == (outcome, code, detail)
    assert answer.rtt == pytest.approx(sum(phase for phase in answer.phases if not math.isnan(phase)))


async def test_the_field_s_tool_ends_at_the_same_status(web, tmp_path):
    module = "  web: {prober: http, timeout: 3s, http: {preferred_ip_protocol: ip4}}\n"
    with blackbox(tmp_path, module) as exporter:
        async with opened(an_http_probe()) as probe:
            for path in ("/", "/once", "/twice", "/port"):
                ours = await look(probe, "127.0.0.1", web, options={"path": path, "redirects": "5"})
                theirs = exporter.look("web", f"http://127.0.0.1:{web}{path}")
                assert theirs["probe_http_status_code"] == ours.code, path
                assert theirs["probe_success"] == (ours.outcome is Outcome.OK)


async def test_the_timeout_holds_over_all_hops_together_and_names_the_phase_of_the_last(web):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if asked:
            await reader.read(-1)
        asked.append(1)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    asked: list[int] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, opened(an_http_probe()) as probe:
        port = server.sockets[0].getsockname()[1]
        answer = await look(probe, "127.0.0.1", port, options={"redirects": "3"}, timeout=0.4)
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "first_byte")
    assert math.isnan(answer.rtt)
