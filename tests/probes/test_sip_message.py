import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.sip_message import SipMessageError, SipRequest, SipResponse, glimpsed, parse_sip, parse_via

ANSWER = b"""SIP/2.0 200 OK\r
Via: SIP/2.0/UDP pc33.example.vn:5066;branch=z9hG4bK776asdhds;rport=40000;received=10.0.0.1\r
Via: SIP/2.0/UDP second.example.vn;branch=z9hG4bKsecond\r
From: Alice <sip:alice@example.vn>;tag=1928301774\r
To: Bob <sip:bob@example.vn>;tag=a6c85cf\r
Call-ID: a84b4c76e66710@pc33\r
CSeq: 63104 OPTIONS\r
Content-Length: 4\r
\r
v=0\n"""


def test_a_response_is_read_with_its_headers_in_order_and_its_body():
    message = parse_sip(ANSWER)
    assert isinstance(message, SipResponse)
    assert (message.status, message.reason) == (200, "OK")
    assert message.header("call-id") == "a84b4c76e66710@pc33"
    assert len(message.all_of("via")) == 2
    assert message.cseq == (63104, "OPTIONS")
    assert message.body == b"v=0\n"


def test_the_topmost_via_names_the_transaction_and_the_way_back():
    via = parse_sip(ANSWER).via
    assert (via.transport, via.host, via.port, via.branch) == (
        "UDP",
        "pc33.example.vn",
        5066,
        "z9hG4bK776asdhds",
    )
    assert dict(via.parameters)["received"] == "10.0.0.1"


def test_a_request_is_read_by_its_method_and_address():
    message = parse_sip(b"OPTIONS sip:bob@example.vn SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n")
    assert isinstance(message, SipRequest)
    assert (message.method, message.uri) == ("OPTIONS", "sip:bob@example.vn")


@pytest.mark.parametrize(
    ("compact", "full"),
    [(b"v", "via"), (b"f", "from"), (b"t", "to"), (b"i", "call-id"), (b"m", "contact"), (b"l", "content-length"),
     (b"V", "via"), (b"CALL-ID", "call-id"), (b"k", "supported")],
)  # fmt: skip
def test_compact_names_and_any_case_mean_the_full_name(compact, full):
    assert parse_sip(b"SIP/2.0 200 OK\r\n%s: x\r\n\r\n" % compact).header(full) == "x"


def test_a_folded_value_is_one_value():
    data = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.vn\r\n ;branch=z9hG4bKx\r\n\t;rport\r\n\r\n"
    assert parse_sip(data).via.branch == "z9hG4bKx"


@pytest.mark.parametrize(
    "data",
    [
        b"SIP/2.0 200 OK\nVia: SIP/2.0/UDP a.vn;branch=z9hG4bKx\nCSeq: 1 OPTIONS\n\n",
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.vn;branch=z9hG4bKx\r\nCSeq: 1 OPTIONS\r\n",
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.vn;branch=z9hG4bKx\r\nCSeq: 1 OPTIONS",
        b"\r\n\r\nSIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.vn;branch=z9hG4bKx\r\nCSeq: 1 OPTIONS\r\n\r\n",
        b"SIP/2.0 200\r\nv:SIP / 2.0 / UDP a.vn ; Branch = z9hG4bKx\r\nCSeq :  1   options\r\n\r\n",
        b"sip/2.0 200 OK\r\nVIA: sip/2.0/udp a.vn;branch=z9hG4bKx\r\ncseq: 1 OPTIONS\r\n\r\n",
        b"SIP/2.0 200 \xff\xfe\r\nVia: SIP/2.0/UDP a.vn;branch=z9hG4bKx\r\nCSeq: 1 OPTIONS\r\n\r\n",
    ],
    ids=["bare LF", "no empty line", "no end", "keep-alive before", "spaces", "small letters", "no UTF-8"],
)
def test_the_liberties_of_the_field_are_read(data):
    message = parse_sip(data)
    assert (message.status, message.via.branch, message.cseq) == (200, "z9hG4bKx", (1, "OPTIONS"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a start line: ''"),
        (b"\0\0\0\0", r"not a start line: '\x00\x00\x00\x00'"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "not a start line: 'HTTP/1.1 200 OK'"),
        (b"SIP/2.0 20 OK\r\n\r\n", "not a status: '20'"),
        (b"SIP/2.0 999 OK\r\n\r\n", "not a status: '999'"),
        (b"SIP/2.0 200 OK\r\nno colon here\r\n\r\n", "not a header: 'no colon here'"),
        (b"SIP/2.0 200 OK\r\nVia\r\n\r\n", "not a header: 'Via'"),
        (b"OPTIONS sip:a SIP/3.0\r\n\r\n", "not a start line: 'OPTIONS sip:a SIP/3.0'"),
    ],
)
def test_what_is_no_sip_says_what_it_lacks(data, message):
    with pytest.raises(SipMessageError) as caught:
        parse_sip(data)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        ("SIP/2.0/UDP [2001:db8::9:1]:5060;branch=z9hG4bKx", "[2001:db8::9:1]", 5060),
        ("SIP/2.0/TCP 10.0.0.1;branch=z9hG4bKx", "10.0.0.1", 0),
        ("SIP/2.0/UDP 10.0.0.1:99999;branch=z9hG4bKx", "10.0.0.1", 0),
        ('SIP/2.0/UDP 10.0.0.1:5060;note="a;b";branch=z9hG4bKx, SIP/2.0/UDP b;branch=2', "10.0.0.1", 5060),
    ],
)
def test_a_via_is_read_with_its_port_and_only_its_first_hop(value, host, port):
    via = parse_via(value)
    assert (via.host, via.port, via.branch) == (host, port, "z9hG4bKx")


@pytest.mark.parametrize("value", ["", "SIP/2.0", "HTTP/1.1 a", "SIP/2.0/UDP"])
def test_what_is_no_via_is_none(value):
    assert parse_via(value) is None


@given(st.binary(max_size=400))
def test_no_bytes_whatever_break_the_codec(data):
    try:
        message = parse_sip(data)
    except SipMessageError:
        return
    assert message.cseq is not None
    assert message.via is None or isinstance(message.via.branch, str)


@given(st.data())
def test_an_answer_damaged_anywhere_is_read_or_refused_and_nothing_else(data):
    damaged = bytearray(ANSWER)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    try:
        message = parse_sip(cut)
    except SipMessageError:
        return
    assert message.via is None or message.via.port < 65_536
    assert message.cseq[0] >= -1


NAMES = st.sampled_from(["Via", "From", "To", "Call-ID", "CSeq", "Contact", "X-Ghi-Chu", "Subject"])
VALUES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


@given(
    st.lists(st.tuples(NAMES, VALUES), max_size=8),
    st.binary(max_size=60),
    st.integers(100, 699),
    st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20),
)
def test_what_is_written_is_read_back(headers, body, status, reason):
    message = parse_sip(SipResponse(tuple(headers), body, status, reason).encode())
    assert (message.status, message.reason, message.body) == (status, reason, body)
    expected = [(name.lower(), value) for name, value in headers]
    assert list(message.headers) == [*expected, ("content-length", str(len(body)))]


VIAS = st.sampled_from(
    [
        "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKabc-2;rport=5060;received=10.0.0.1",
        "SIP/2.0/UDP 10.0.0.1:5060;rport=5060;branch=z9hG4bKabc",
        "SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKabc",
        "SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2",
        'SIP/2.0/UDP a;note=";branch=z9hG4bK1";branch=z9hG4bK2',
        "SIP/2.0/UDP a",
        "HTTP",
    ]
)


@given(
    VIAS,
    st.integers(100, 699),
    st.text(st.characters(max_codepoint=0x2FF, exclude_characters="\r\n"), max_size=12),
    st.sampled_from(["1 OPTIONS", "7 INVITE", " 1 OPTIONS", "x", "1  OPTIONS", "1 options"]),
    # A second CSeq is no message at all (RFC 3261, section 7.3.1): what either reading makes of it is nobody's concern.
    st.lists(
        st.tuples(NAMES, VALUES).filter(lambda field: field[0].lower() not in {"cseq", "via", "v"}),
        max_size=3,
    ),
)
def test_a_glance_says_what_reading_says_or_nothing(via, status, words, cseq, more):
    data = SipResponse((("Via", via), *more, ("CSeq", cseq)), b"", status, words).encode()
    glimpse = glimpsed(data)
    if glimpse is None:
        return
    message = parse_sip(data)
    assert glimpse == (message.status, message.reason, message.via.branch, message.cseq[1])


def test_a_glance_suffices_for_what_most_elements_answer():
    assert glimpsed(
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKabc;rport=5060;received=10.0.0.1\r\n"
        b"From: <sip:a@b>;tag=1\r\nCSeq: 1 OPTIONS\r\n\r\n"
    ) == (200, "OK", "z9hG4bKabc", "OPTIONS")
    assert glimpsed(b"OPTIONS sip:a SIP/2.0\r\n" + ANSWER) is None
