"""SIP messages, streams, challenges, addresses, session descriptions, and a call that is told anything at all."""

from contextlib import suppress

from probes.call_plan import call_plan
from probes.models import Outcome
from probes.sip_address import addresses_of
from probes.sip_call_messages import CallMessages
from probes.sip_dialog import CallDialog
from probes.sip_digest import Credentials, authorization, challenge_of
from probes.sip_framing import SipFraming
from probes.sip_message import SipMessageError, SipRequest, SipResponse, parse_sip
from probes.sip_outcome import sip_answer
from probes.sip_plan import OwnEnd, sip_plan
from probes.sip_sdp import audio_offer, parse_audio

PLANS = tuple(
    sip_plan("127.0.0.1", 5060, options)
    for options in (
        {},
        {"user": "1", "line": "yes"},
        {"user": "1", "ask": "registration", "password": "p"},
    )
)
CALL = call_plan("127.0.0.1", 5060, {"user": "1", "password": "p"})
US = OwnEnd("127.0.0.1", 5062)

_HEAD = (
    "Via: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKabc;rport\r\nFrom: <sip:thongsuot@127.0.0.1>;tag=abc\r\n"
    "To: <sip:1@127.0.0.1>;tag=x\r\nCall-ID: abc@127.0.0.1\r\nCSeq: 1 INVITE\r\n"
)


def _written(start: str, *, extra: str = "", body: bytes = b"") -> bytes:
    return f"{start}\r\n{_HEAD}{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


SEEDS = (
    _written("SIP/2.0 100 Trying"),
    _written("SIP/2.0 183 Session Progress", body=audio_offer("127.0.0.1", 4000, session=1)),
    _written(
        "SIP/2.0 200 OK",
        extra='Contact: "Xã" <sip:1@127.0.0.1:5070;ob>;expires=60\r\nRecord-Route: <sip:p;lr>,<sip:q;lr>\r\n',
        body=audio_offer("2001:db8::1", 4000, session=1),
    ),
    _written(
        "SIP/2.0 401 Unauthorized",
        extra='WWW-Authenticate: Digest realm="a", nonce="b", qop="auth,auth-int"\r\n',
    ),
    _written(
        "SIP/2.0 407 Proxy",
        extra='Proxy-Authenticate: Digest realm="a", nonce="b", algorithm=SHA-256-sess\r\n',
    ),
    _written("SIP/2.0 486 Busy Here") * 2,
    _written("BYE sip:thongsuot@127.0.0.1:5062 SIP/2.0"),
    b"SIP/2.0 200 OK\nv:SIP/2.0/UDP a;branch=z9hG4bKabc\ni: abc@127.0.0.1\nl:3\n\nabc\r\n\r\n",
)


def one(data: bytes) -> None:
    """Take the bytes as a datagram, as a stream, as a body, and as what a call hears."""
    parse_audio(data)
    with suppress(SipMessageError):
        for message in SipFraming().feed(data):
            assert 0 < len(message) <= len(data)
    try:
        message = parse_sip(data)
    except SipMessageError:
        return
    addresses_of(*(value for _, value in message.headers))
    if isinstance(message, SipResponse):
        _judge(message)
    _talk(message)


def _judge(message: SipResponse) -> None:
    for plan in PLANS:
        if message.status >= 200:
            assert isinstance(sip_answer(plan, message, rtt=0.1).outcome, Outcome)
    challenge = challenge_of(message)
    if challenge is not None:
        name, value = authorization(
            challenge, Credentials("u", "p"), method="REGISTER", uri="sip:a", cnonce="c"
        )
        assert "\n" not in name + value
        assert "\r" not in value


def _talk(message: SipRequest | SipResponse) -> None:
    messages = CallMessages(CALL, US, name="abc", offer=b"v=0\r\n")
    dialog = CallDialog(CALL, messages, now=0.0, cnonce=lambda: "c")
    for now in (0.1, 0.2):
        if isinstance(message, SipResponse):
            dialog.received(message, now)
        else:
            dialog.asked(message, now)
    dialog.give_up(1.0)
    for now in range(1, 200, 7):
        dialog.woke(float(now))
    assert dialog.is_over
    for datagram in dialog.outgoing:
        parse_sip(datagram)
