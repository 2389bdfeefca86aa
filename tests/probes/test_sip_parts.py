"""The small parts of SIP: where messages end on a stream, addresses in headers, an INVITE's timers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.sip_address import addresses_of, host_text
from probes.sip_framing import LARGEST_MESSAGE, SipFraming
from probes.sip_message import SipMessageError, SipResponse, parse_sip
from probes.sip_transaction import Deed, InviteState, InviteTransaction


def a_message(body=b"", status=200):
    return SipResponse((("Call-ID", "x"),), body, status, "OK").encode()


@given(
    st.lists(st.binary(max_size=50), min_size=1, max_size=5),
    st.lists(st.integers(1, 60), max_size=20),
)
def test_however_a_stream_is_cut_the_messages_are_the_same(bodies, cuts):
    stream = b"\r\n".join(a_message(body) for body in bodies)
    framing, found, at = SipFraming(), [], 0
    for cut in [*cuts, len(stream)]:
        found += framing.feed(stream[at : at + cut])
        at += cut
    assert [parse_sip(message).body for message in found] == bodies


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_no_stream_whatever_breaks_the_framing(pieces):
    framing = SipFraming()
    for piece in pieces:
        for message in framing.feed(piece):
            assert message


def test_a_message_may_say_its_length_in_short_and_a_bare_lf_ends_a_line():
    assert SipFraming().feed(b"SIP/2.0 200 OK\nl: 2\n\nabSIP/2.0") == [b"SIP/2.0 200 OK\nl: 2\n\nab"]


def test_a_length_inside_a_body_is_none():
    body = b"Content-Length: 9999\r\n"
    [message] = SipFraming().feed(a_message(body))
    assert parse_sip(message).body == body


def test_a_head_without_end_is_refused_at_the_limit():
    framing = SipFraming()
    assert framing.feed(b"x" * LARGEST_MESSAGE) == []
    with pytest.raises(SipMessageError):
        framing.feed(b"x")


def test_addresses_are_read_with_and_without_brackets_names_and_lists():
    found = addresses_of(
        '"Xã, Long Đức" <sip:xa@10.0.0.1:5060;lr>;expires=60;Q=0.5, <sip:b@[2001:db8::1]>',
        "sip:c@d.vn;expires=0",
    )
    assert [address.uri for address in found] == [
        "sip:xa@10.0.0.1:5060;lr",
        "sip:b@[2001:db8::1]",
        "sip:c@d.vn",
    ]
    assert [address.seconds("expires") for address in found] == [60, None, 0]
    assert found[0].parameter("q") == "0.5"


@pytest.mark.parametrize("value", ["", "*, <>", '"only a name"', "a b c", "<sip:a b>"])
def test_what_is_no_address_is_left_out(value):
    assert [address.uri for address in addresses_of(value)] in ([], ["*"])


@given(st.text(max_size=80))
def test_no_text_whatever_breaks_addresses(text):
    for address in addresses_of(text):
        assert address.uri
        assert address.seconds("expires") is None or address.seconds("expires") >= 0


def test_an_ipv6_address_stands_in_brackets():
    assert (host_text("2001:db8::1"), host_text("10.0.0.1")) == ("[2001:db8::1]", "10.0.0.1")


def test_an_invite_is_repeated_at_doubling_intervals_without_a_ceiling_until_timer_b():
    transaction, sent = InviteTransaction(now=100.0), []
    while True:
        now = transaction.due
        deed = transaction.woke(now=now)
        if deed is not Deed.SEND_AGAIN:
            break
        sent.append(now - 100.0)
    assert sent == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]  # RFC 3261, 17.1.1.2
    assert (deed, now, transaction.state) == (Deed.GIVE_UP, 132.0, InviteState.TERMINATED)


def test_an_invite_that_was_provisionally_answered_is_not_repeated():
    transaction = InviteTransaction(now=0.0)
    assert transaction.received(100, now=0.1) is Deed.NOTHING
    assert transaction.due == float("inf")
    assert transaction.woke(now=50.0) is Deed.NOTHING


def test_a_refusal_is_taken_once_and_acknowledged_as_often_as_it_comes_for_timer_d():
    transaction = InviteTransaction(now=0.0)
    assert transaction.received(486, now=1.0) is Deed.TAKE_ANSWER
    assert transaction.received(486, now=1.5) is Deed.SEND_AGAIN
    assert transaction.received(180, now=1.6) is Deed.NOTHING
    assert transaction.due == 33.0
    assert transaction.woke(now=33.0) is Deed.FORGET
    assert transaction.received(486, now=34.0) is Deed.NOTHING


def test_an_answer_ends_the_transaction_and_leaves_its_repetitions_to_the_dialog():
    transaction = InviteTransaction(now=0.0)
    assert transaction.received(200, now=1.0) is Deed.TAKE_ANSWER
    assert transaction.state is InviteState.TERMINATED
    assert transaction.received(200, now=1.5) is Deed.NOTHING
