import asyncio
import math
import ssl
from contextlib import asynccontextmanager

import pytest
from aiosmtpd.smtp import SMTP

from probes.models import Measure, Outcome
from probes.starttls import StartTls, StartTlsError
from tests.support.blackbox import blackbox
from tests.support.certificates import Authority
from tests.support.looks import a_tls_probe, look, opened

MODULE = """\
  smtp:
    prober: tcp
    timeout: 3s
    tcp:
      preferred_ip_protocol: ip4
      tls_config: {ca_file: CA}
      query_response:
        - expect: "^220 "
        - send: "EHLO prober\\r"
        - expect: "^250-STARTTLS"
        - send: "STARTTLS\\r"
        - expect: "^220"
        - starttls: true
"""


class Mailbox:
    """A mail server's rules: none."""


@asynccontextmanager
async def a_mail_server(context=None):
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Mailbox(), hostname="thu.vn", tls_context=context), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


def a_certificate(directory, *, days=(-1, 30)):
    authority = Authority()
    minted = authority.mint("127.0.0.1", days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*minted.write(directory, "smtp"))
    return context, authority.write(directory / "ca.pem"), minted


@pytest.mark.parametrize(("days", "outcome"), [((-1, 30), Outcome.OK), ((-9, -2), Outcome.MISMATCH)])
async def test_a_mail_server_is_asked_for_tls_and_its_certificate_is_judged(tmp_path, days, outcome):
    context, ca, minted = a_certificate(tmp_path, days=days)
    async with a_mail_server(context) as port, opened(a_tls_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options={"ca": str(ca), "starttls": "smtp"})
        with blackbox(tmp_path / "blackbox", MODULE.replace("CA", str(ca))) as exporter:
            theirs = await asyncio.to_thread(exporter.look, "smtp", f"127.0.0.1:{port}")
    assert answer.outcome is outcome, answer.detail
    assert answer.detail == ("TLSv1.3" if outcome is Outcome.OK else "expired")
    assert answer.measures == {Measure.TLS_NOT_AFTER: minted.not_after}
    assert theirs["probe_success"] == (outcome is Outcome.OK)
    if outcome is Outcome.OK:
        assert theirs["probe_ssl_earliest_cert_expiry"] == minted.not_after


async def test_a_mail_server_without_tls_is_a_mismatch_and_not_dead():
    async with a_mail_server() as port, opened(a_tls_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options={"starttls": "smtp"})
    assert answer.outcome is Outcome.MISMATCH
    assert answer.detail == "no-starttls: 454 TLS not available"
    assert math.isnan(answer.rtt)


async def test_a_protocol_that_is_not_known_is_an_error_of_ours():
    async with opened(a_tls_probe()) as probe:
        answer = await look(probe, "127.0.0.1", 25, options={"starttls": "uucp"})
    assert (answer.outcome, answer.detail) == (
        Outcome.ERROR,
        "option: starttls must be one of smtp, imap, pop3, not 'uucp'",
    )


@pytest.mark.parametrize(
    ("protocol", "lines", "said"),
    [
        ("imap", [b"* OK san sang\r\n", b"* thong bao\r\na1 OK\r\n"], [b"a1 STARTTLS\r\n", b""]),
        ("pop3", [b"+OK san sang\r\n", b"+OK\r\n"], [b"STLS\r\n", b""]),
        ("smtp", [b"220-a\r\n220 ", b"b\r\n"], [b"", b"EHLO thongsuot.invalid\r\n"]),
    ],
)
def test_every_protocol_says_its_own_words(protocol, lines, said):
    dialogue = StartTls(protocol)
    assert [dialogue.feed(line) for line in lines] == said


@pytest.mark.parametrize(
    ("protocol", "lines", "words"),
    [
        ("smtp", [b"554 di cho khac\r\n"], "554 di cho khac"),
        ("smtp", [b"220 a\r\n", b"250 b\r\n", b"220 c\r\n250 chen vao\r\n"], "words before their turn"),
        ("pop3", [b"\r\n"], "an empty line"),
        ("imap", [b"x" * 20_000], "more words than a greeting has"),
    ],
)
def test_what_does_not_come_to_tls_is_said_in_its_own_words(protocol, lines, words):
    dialogue = StartTls(protocol)
    for line in lines[:-1]:
        dialogue.feed(line)
    with pytest.raises(StartTlsError, match=words):
        dialogue.feed(lines[-1])
