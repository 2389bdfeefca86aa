"""A call's dialog, message by message: what is lost, late, forked or crossing still ends every leg."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.call_plan import call_plan
from probes.sip_call_messages import CallMessages
from probes.sip_dialog import CallDialog, CallState
from probes.sip_message import SipRequest, SipResponse, parse_sip
from probes.sip_plan import OwnEnd

OPTIONS = {"test_line": "yes", "user": "02993820001"}


class Gateway:
    """The other side by hand: reads what the dialog sends, answers what a test says; time is a number."""

    def __init__(self, **options):
        plan = call_plan("10.0.0.1", 5060, {**OPTIONS, **options})
        messages = CallMessages(plan, OwnEnd("10.0.0.9", 5061), name="abc", offer=b"v=0\r\n")
        self.now = 0.0
        self.dialog = CallDialog(plan, messages, now=0.0, cnonce=lambda: "nonce")
        self.requests = []
        self.read()

    def read(self):
        """Answer what came since the last look."""
        came = [parse_sip(data) for data in self.dialog.outgoing]
        self.dialog.outgoing.clear()
        self.requests += came
        return [request.method for request in came]

    def last(self, method):
        return next(request for request in reversed(self.requests) if request.method == method)

    def say(self, status, *, to="INVITE", tag="t", body=b"", extra=()):
        request = self.last(to)
        copied = [(n, v) for n, v in request.headers if n in {"via", "from", "call-id", "cseq"}]
        target = request.header("to")
        named = target if "tag=" in target or not tag else f"{target};tag={tag}"
        message = SipResponse((*copied, ("to", named), *extra), body, status, "")
        self.dialog.received(parse_sip(message.encode()), self.now)
        return self.read()

    def wait(self, seconds):
        """Let time pass, waking the dialog when it wants to be; answer what it sent, with the times."""
        until, sent = self.now + seconds, []
        while self.dialog.due <= until:
            self.now = max(self.now, self.dialog.due)
            self.dialog.woke(self.now)
            sent += [(method, self.now) for method in self.read()]
        self.now = until
        return sent


def test_nobody_heard_means_invites_until_timer_b_and_nothing_else():
    gateway = Gateway()
    assert gateway.wait(100) == [("INVITE", at) for at in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)]
    assert gateway.dialog.state is CallState.UNHEARD
    assert gateway.dialog.is_over


def test_given_up_before_anything_was_heard_it_sends_no_more_and_cancels_what_rings_later():
    gateway = Gateway()
    gateway.wait(1)
    gateway.dialog.give_up(gateway.now)
    assert gateway.read() == []  # RFC 3261, 9.1: no CANCEL before a provisional answer
    assert gateway.wait(20) == []
    assert gateway.say(180) == ["CANCEL"]
    assert gateway.say(200, to="CANCEL") == []
    assert gateway.say(487) == ["ACK"]
    assert gateway.wait(40) == []
    assert gateway.dialog.is_over


def test_a_cancel_is_the_invites_own_branch_target_and_number():
    gateway = Gateway()
    gateway.say(100, tag="")
    gateway.dialog.give_up(0.1)
    gateway.read()
    invite, cancel = gateway.last("INVITE"), gateway.last("CANCEL")
    for name in ("from", "to", "call-id"):
        assert cancel.header(name) == invite.header(name)
    assert cancel.via.branch == invite.via.branch
    assert (cancel.uri, cancel.cseq) == (invite.uri, (invite.cseq[0], "CANCEL"))


def test_a_cancel_that_is_lost_is_repeated_and_unanswered_ends_the_call_after_64_t1():
    gateway = Gateway()
    gateway.say(180)
    gateway.dialog.give_up(0.0)
    assert gateway.read() == ["CANCEL"]
    repeated = gateway.wait(40)
    assert [method for method, _ in repeated] == ["CANCEL"] * 10
    assert repeated[:4] == [("CANCEL", 0.5), ("CANCEL", 1.5), ("CANCEL", 3.5), ("CANCEL", 7.5)]
    assert gateway.dialog.is_over


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up():
    gateway = Gateway()
    gateway.say(180)
    gateway.dialog.give_up(1.0)
    gateway.read()
    assert gateway.say(200) == ["ACK", "BYE"]
    assert gateway.say(200, to="CANCEL") == []
    assert gateway.say(200, to="BYE") == []
    gateway.wait(10)
    assert gateway.dialog.is_over
    assert gateway.dialog.state is CallState.CANCELLED


def test_an_answer_after_giving_up_unheard_is_acknowledged_and_hung_up():
    gateway = Gateway()
    gateway.dialog.give_up(0.2)
    assert gateway.say(200) == ["ACK", "BYE"]


def test_an_answer_is_acknowledged_as_often_as_it_comes():
    gateway = Gateway()
    assert gateway.say(200) == ["ACK"]
    assert gateway.say(200) == ["ACK"]
    first, second = (request for request in gateway.requests if request.method == "ACK")
    assert first.encode() == second.encode()
    assert gateway.dialog.state is CallState.ANSWERED


def test_every_leg_of_a_forked_call_ends():
    gateway = Gateway()
    gateway.say(180, tag="a")
    assert gateway.say(200, tag="a") == ["ACK"]
    assert gateway.say(200, tag="b") == ["ACK", "BYE"]
    gateway.dialog.hang_up(3.0)
    assert gateway.read() == ["BYE"]
    byes = [request.header("to") for request in gateway.requests if request.method == "BYE"]
    assert [bye.rpartition("=")[2] for bye in byes] == ["b", "a"]
    assert len({request.via.branch for request in gateway.requests if request.method == "BYE"}) == 2


def test_a_bye_that_is_lost_is_repeated_and_at_last_given_up():
    gateway = Gateway()
    gateway.say(200)
    gateway.dialog.hang_up(0.0)
    gateway.read()
    assert [method for method, _ in gateway.wait(60)] == ["BYE"] * 10
    assert gateway.dialog.is_over


def test_within_the_dialog_requests_go_to_the_contact_by_the_recorded_route_reversed():
    gateway = Gateway()
    extra = (
        ("record-route", "<sip:p2.vn;lr>, <sip:p1.vn;lr>"),
        ("contact", '"Xã" <sip:line@10.1.1.1:5070;ob>;expires=5'),
    )
    gateway.say(200, extra=extra)
    gateway.dialog.hang_up(1.0)
    gateway.read()
    for method in ("ACK", "BYE"):
        request = gateway.last(method)
        assert request.uri == "sip:line@10.1.1.1:5070;ob"
        assert request.all_of("route") == ("<sip:p1.vn;lr>", "<sip:p2.vn;lr>")
    assert (gateway.last("ACK").cseq, gateway.last("BYE").cseq) == ((1, "ACK"), (2, "BYE"))


def test_a_refusal_is_acknowledged_in_its_own_transaction_as_often_as_it_comes():
    gateway = Gateway()
    assert gateway.say(486, tag="b") == ["ACK"]
    assert gateway.say(486, tag="b") == ["ACK"]
    invite, ack = gateway.last("INVITE"), gateway.last("ACK")
    assert (ack.via.branch, ack.uri) == (invite.via.branch, invite.uri)
    assert ack.header("to").endswith(";tag=b")
    assert gateway.dialog.state is CallState.REFUSED
    assert gateway.wait(31) == []
    assert not gateway.dialog.is_over
    gateway.wait(2)
    assert gateway.dialog.is_over


def test_a_challenge_is_met_once():
    gateway = Gateway(username="u", password="p")
    challenge = ("www-authenticate", 'Digest realm="a", nonce="n"')
    assert gateway.say(401, extra=(challenge,)) == ["ACK", "INVITE"]
    assert gateway.last("INVITE").cseq == (2, "INVITE")
    assert gateway.last("INVITE").header("authorization").startswith('Digest username="u"')
    assert gateway.say(401, extra=(challenge,)) == ["ACK"]
    assert gateway.dialog.state is CallState.REFUSED


def test_post_dial_delay_ends_with_the_first_sound_not_with_trying():
    gateway = Gateway()
    gateway.now = 0.1
    gateway.say(100, tag="")
    gateway.now = 2.0
    gateway.say(183, body=b"v=0\r\n")
    gateway.now = 5.0
    gateway.say(180)
    assert (gateway.dialog.heard_after, gateway.dialog.ringing_after) == (0.1, 2.0)
    assert gateway.dialog.early_media


def test_a_line_that_hangs_up_is_granted_it_and_anything_else_is_refused():
    gateway = Gateway()
    gateway.say(200, tag="t")
    headers = (("From", "<sip:x@y>;tag=t"), ("To", "<sip:us>;tag=abc"), ("Call-ID", "z"), ("CSeq", "9 INFO"))
    asked = SipRequest(tuple((n.lower(), v) for n, v in headers), b"", "INFO", "sip:us")
    assert gateway.dialog.asked(asked, 1.0).startswith(b"SIP/2.0 488")
    bye = SipRequest(asked.headers, b"", "BYE", "sip:us")
    assert gateway.dialog.asked(bye, 1.0).startswith(b"SIP/2.0 200")
    assert (gateway.dialog.state, gateway.dialog.ended_by_them) == (CallState.ENDED, True)
    stranger = SipRequest((("from", "<sip:x>;tag=other"),), b"", "BYE", "sip:us")
    assert gateway.dialog.asked(stranger, 1.0).startswith(b"SIP/2.0 481")
    assert gateway.dialog.asked(SipRequest((), b"", "ACK", "sip:us"), 1.0) == b""
    gateway.dialog.hang_up(2.0)
    assert gateway.read() == []
    gateway.wait(10)
    assert gateway.dialog.is_over


@pytest.mark.parametrize("change", [("via", "SIP/2.0/UDP x;branch=z9hG4bKother"), ("cseq", "7 INVITE")])
def test_an_answer_to_something_else_changes_nothing(change):
    gateway = Gateway()
    headers = dict(gateway.last("INVITE").headers)
    headers[change[0]] = change[1]
    gateway.dialog.received(SipResponse(tuple(headers.items()), b"", 200, "OK"), 0.0)
    assert gateway.read() == []
    assert gateway.dialog.state is CallState.CALLING


STEPS = st.one_of(
    st.tuples(
        st.just("say"),
        st.sampled_from([100, 180, 183, 200, 200, 302, 401, 486, 487, 603]),
        st.sampled_from("ab"),
    ),
    st.tuples(st.just("wait"), st.floats(0, 40), st.just("")),
    st.tuples(st.just("give_up"), st.just(0), st.just("")),
    st.tuples(st.just("hang_up"), st.just(0), st.just("")),
    st.tuples(st.just("their_bye"), st.just(0), st.sampled_from("ab")),
)


@settings(deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_whatever_happens_every_answered_leg_is_acknowledged_and_ended_and_the_call_is_over_at_last(steps):
    gateway = Gateway()
    answered, ended_by_them = set(), set()
    for kind, value, tag in steps:
        if kind == "say":
            before = len(gateway.requests)
            gateway.say(value, tag=tag)
            came = gateway.requests[before:]
            answered |= {
                r.header("to").rpartition("=")[2] for r in came if r.method == "ACK" and value == 200
            }
        elif kind == "wait":
            gateway.wait(value)
        elif kind == "their_bye":
            bye = SipRequest((("from", f"<sip:x>;tag={tag}"),), b"", "BYE", "sip:us")
            if gateway.dialog.asked(bye, gateway.now).startswith(b"SIP/2.0 200"):
                ended_by_them.add(tag)
        else:
            getattr(gateway.dialog, kind)(gateway.now)
            gateway.read()
    gateway.dialog.give_up(gateway.now)
    gateway.read()
    gateway.wait(200)
    byes = {r.header("to").rpartition("=")[2] for r in gateway.requests if r.method == "BYE"}
    assert answered <= byes | ended_by_them
    assert gateway.dialog.is_over
