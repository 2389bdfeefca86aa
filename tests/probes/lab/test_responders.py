import asyncio
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.models import ProbeKind, Target
from probes.lab.certificate import mint
from probes.lab.endpoints import Service, endpoints_of, names_of
from probes.lab.sip_responder import answer_of
from probes.models import Outcome
from probes.sip_message import SipMessageError, parse_sip
from tests.support.lab import a_lab, a_province, seen_from_outside
from tests.support.servers import free_port, needs_program

ASKED = (
    b"OPTIONS sip:c1@127.3.0.3:15060 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKone;rport\r\nVia: SIP/2.0/UDP b;branch=z9hG4bKtwo\r\n"
    b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x@y\r\nCSeq: 7 OPTIONS\r\nMax-Forwards: 70\r\n\r\n"
)


def target(kind, *, port=None, **options):
    return Target("T", "C1-FIBRE", kind, "127.3.0.1", port, options)


def endpoint_of(target):
    return endpoints_of(a_province(extra=(target,)))[0][-1]


@pytest.mark.parametrize(
    ("given_target", "service"),
    [
        (target(ProbeKind.ICMP), Service.ECHO),
        (target(ProbeKind.TCP, port=22), Service.PORT),
        (target(ProbeKind.HTTP, port=80), Service.WEB),
        (target(ProbeKind.HTTP, port=443), Service.SECURE_WEB),
        (target(ProbeKind.HTTP, port=80, scheme="https"), Service.SECURE_WEB),
        (target(ProbeKind.TLS, port=8883), Service.SECURE_WEB),
        (target(ProbeKind.SIP_OPTIONS, port=5060), Service.SIP),
    ],
)
def test_every_kind_that_the_spine_looks_at_has_its_responder(given_target, service):
    assert endpoint_of(given_target).service is service


def test_a_page_says_what_its_look_expects():
    endpoint = endpoint_of(target(ProbeKind.HTTP, port=80, status="204,301", expect="c%C3%B3"))
    assert (endpoint.status, endpoint.text.decode()) == (204, "có")


def test_the_certificate_holds_the_addresses_and_names_of_the_secure_pages():
    endpoints, _ = endpoints_of(a_province(extra=(target(ProbeKind.HTTP, port=443, sni="bao-cao.example"),)))
    names = names_of(endpoints)
    assert names[-2:] == ["127.3.0.1", "bao-cao.example"]
    assert len(names) == 5


def test_a_minted_certificate_is_trusted_by_its_own_authority_alone(tmp_path):
    certificate = mint(tmp_path, names=["127.0.0.1"], now=datetime.now(UTC))
    assert certificate.key.stat().st_mode & 0o077 == 0
    trusting = ssl.create_default_context(cafile=certificate.ca)
    assert trusting.cert_store_stats()["x509_ca"] == 1
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate.chain, certificate.key)


def test_a_certificate_is_valid_a_little_before_it_was_made_and_until_its_end(tmp_path):
    now = datetime(2021, 5, 1, tzinfo=UTC)
    chain = mint(tmp_path, names=["a.example"], now=now, lifetime=timedelta(days=3)).chain
    told = ssl._ssl._test_decode_cert(str(chain))
    assert told["notBefore"] == "Apr 30 23:00:00 2021 GMT"
    assert told["notAfter"] == "May  4 00:00:00 2021 GMT"


def test_an_answer_goes_back_the_way_the_request_came():
    answer = parse_sip(answer_of(ASKED, ("10.0.0.9", 40_000), tag="t1"))
    assert (answer.status, answer.cseq, answer.header("call-id")) == (200, (7, "OPTIONS"), "x@y")
    assert dict(answer.via.parameters) == {"branch": "z9hG4bKone", "rport": "40000", "received": "10.0.0.9"}
    assert len(answer.all_of("via")) == 2
    assert answer.header("to") == "<sip:c@d>;tag=t1"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (ASKED.replace(b"OPTIONS", b"INVITE"), 405),
        (ASKED.replace(b"OPTIONS", b"ACK"), None),
        (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP b;branch=1\r\n\r\n", None),
        (b"OPTIONS sip:a SIP/2.0\r\n\r\n", None),
        (b"noise", None),
    ],
)
def test_what_is_no_options_is_refused_or_not_answered(data, status):
    answer = answer_of(data, ("10.0.0.9", 40_000), tag="t")
    assert (parse_sip(answer).status if answer else None) == status


@given(st.binary(max_size=300))
def test_no_datagram_whatever_breaks_the_responder(data):
    answer = answer_of(data, ("10.0.0.9", 1), tag="t")
    if answer is not None:
        try:
            parse_sip(answer)
        except SipMessageError:
            pytest.fail("it answered what is no SIP")


async def test_sipsak_finds_the_lab_alive_from_the_very_address_asked(tmp_path):
    needs_program("sipsak")
    province = a_province()
    asked = province.targets["C2-SIP"]
    async with a_lab(province, tmp_path):
        oracle = await asyncio.to_thread(
            subprocess.run,
            [shutil.which("sipsak") or "sipsak", "-vv", "-s", f"sip:x@{asked.address}:{asked.port}"],
            capture_output=True,
            check=False,
        )
    assert oracle.returncode == 0, oracle.stdout
    assert b"200 OK" in oracle.stdout


async def test_a_port_and_a_page_may_share_an_address_and_a_port(tmp_path):
    port = free_port()
    bare = Target("BARE", "C1-FIBRE", ProbeKind.TCP, "127.3.0.7", port)
    page = Target("PAGE", "C1-FIBRE", ProbeKind.HTTP, "127.3.0.7", port, {})
    other = Target("OTHER", "C1-FIBRE", ProbeKind.TCP, "127.3.0.8", port)
    province = a_province(extra=(page, bare, other))
    async with a_lab(province, tmp_path) as lab:
        found = await seen_from_outside(lab, province)
    assert {found[code].outcome for code in ("BARE", "PAGE", "OTHER")} == {Outcome.OK}


async def test_strangers_who_hang_or_talk_nonsense_do_not_disturb_the_province(tmp_path):
    province = a_province()
    web, secure = province.targets["C1-WEB"], province.targets["C1-SECURE"]
    async with a_lab(province, tmp_path) as lab:
        opened = [
            await asyncio.open_connection(target.address, target.port)
            for target in (web, secure, web, secure)
        ]
        for (_, writer), noise in zip(
            opened, (b"", b"\0" * 50, b"x" * 20_000, b"GET / HTTP/1.1\r\n\r\n"), strict=True
        ):
            writer.write(noise)
        found = await seen_from_outside(lab, province)
        assert {answer.outcome for answer in found.values()} == {Outcome.OK}
        for _, writer in opened:
            writer.transport.abort()
