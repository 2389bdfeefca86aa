from random import Random

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.dns_message import answers, identifier, is_truncated, judged, with_identifier
from probes.dns_plan import dns_plan
from probes.models import Measure, Outcome
from tests.fuzz import fuzz_dns
from tests.fuzz.run import hurled


def a_plan(**options):
    return dns_plan("127.0.0.1", {"name": "www.lab.test", **options})


def an_answer(plan, *records, rcode=dns.rcode.NOERROR, number=7, recursion=True, authority=()):
    query = dns.message.from_wire(with_identifier(plan, number))
    response = dns.message.make_response(query, recursion_available=recursion)
    response.set_rcode(rcode)
    for section, lines in ((response.answer, records), (response.authority, authority)):
        for name, kind, *values in lines:
            section.append(dns.rrset.from_text(name, 60, "IN", kind, *values))
    return response.to_wire()


WWW = ("www.lab.test.", "A", "127.0.0.8", "127.0.0.9")


@pytest.mark.parametrize(
    ("options", "records", "outcome", "detail"),
    [
        ({}, [WWW], Outcome.OK, ""),
        ({}, [], Outcome.MISMATCH, "answers: 0 of 1"),
        ({"min_answers": "0"}, [], Outcome.OK, ""),
        ({"min_answers": "2"}, [WWW], Outcome.OK, ""),
        ({"min_answers": "3"}, [WWW], Outcome.MISMATCH, "answers: 2 of 3"),
        ({"expect": "127.0.0.9,127.0.0.8"}, [WWW], Outcome.OK, ""),
        ({"expect": "127.0.0.7"}, [WWW], Outcome.MISMATCH, "not among the answers: 127.0.0.7"),
        ({}, [("khac.lab.test.", "A", "127.0.0.8")], Outcome.MISMATCH, "answers: 0 of 1"),
        ({}, [("www.lab.test.", "CNAME", "b.lab.test."), ("b.lab.test.", "A", "127.0.0.1")], Outcome.OK, ""),
        ({}, [("www.lab.test.", "CNAME", "b.lab.test.")], Outcome.MISMATCH, "answers: 0 of 1"),
        ({"type": "AAAA", "expect": "2001:db8:0:0::1"}, [("www.lab.test.", "AAAA", "2001:db8::1")], Outcome.OK, ""),
        ({"type": "SRV", "expect": "NS.lab.test"}, [("www.lab.test.", "SRV", "0 5 5060 ns.lab.test.")], Outcome.OK, ""),
        ({"type": "SRV", "expect": "0%205%205060%20ns.lab.test."}, [("www.lab.test.", "SRV", "0 5 5060 ns.lab.test.")], Outcome.OK, ""),
        ({"type": "TXT", "expect": "v=spf1%20-all"}, [("www.lab.test.", "TXT", '"v=spf1" " -all"')], Outcome.OK, ""),
        ({"type": "NAPTR", "expect": "SIP%2bD2U"}, [("www.lab.test.", "NAPTR", '10 10 "s" "SIP+D2U" "" _sip._udp.lab.test.')], Outcome.OK, ""),
        ({"type": "MX", "expect": "thu.lab.test."}, [("www.lab.test.", "MX", "10 thu.lab.test.")], Outcome.OK, ""),
    ],
)  # fmt: skip
def test_answers_are_held_against_what_is_expected(options, records, outcome, detail):
    plan = a_plan(**options)
    finding = judged(plan, an_answer(plan, *records))
    assert (finding.outcome, finding.detail, finding.code) == (outcome, detail, 0)


@pytest.mark.parametrize(
    ("rcode", "options", "outcome"),
    [
        ("SERVFAIL", {}, Outcome.MISMATCH),
        ("REFUSED", {}, Outcome.MISMATCH),
        ("NXDOMAIN", {}, Outcome.MISMATCH),
        ("NXDOMAIN", {"rcode": "nxdomain"}, Outcome.OK),
        ("NXDOMAIN", {"rcode": "NOERROR,NXDOMAIN"}, Outcome.OK),
        ("NXDOMAIN", {"rcode": "NXDOMAIN", "min_answers": "1"}, Outcome.MISMATCH),
        ("BADVERS", {}, Outcome.MISMATCH),
    ],
)
def test_a_response_code_is_an_answer_and_stands_in_the_code(rcode, options, outcome):
    plan, code = a_plan(**options), dns.rcode.from_text(rcode)
    finding = judged(plan, an_answer(plan, rcode=code))
    assert (finding.outcome, finding.code) == (outcome, code)


def test_a_server_that_must_recurse_has_to_offer_it():
    plan = a_plan(recursion="yes")
    assert judged(plan, an_answer(plan, WWW)).outcome is Outcome.OK
    finding = judged(plan, an_answer(plan, WWW, recursion=False))
    assert (finding.outcome, finding.detail) == (Outcome.MISMATCH, "no recursion")


@pytest.mark.parametrize(
    ("serial", "least", "outcome"),
    [
        (2026112201, "2026112201", Outcome.OK),
        (2026112202, "2026112201", Outcome.OK),
        (2026112200, "2026112201", Outcome.MISMATCH),
        (3, "4294967290", Outcome.OK),
        (4294967290, "3", Outcome.MISMATCH),
    ],
)
def test_a_zone_must_have_reached_a_serial_also_across_the_wrap(serial, least, outcome):
    plan = a_plan(type="SOA", serial_min=least)
    finding = judged(plan, an_answer(plan, ("www.lab.test.", "SOA", f"ns. root. {serial} 1 1 1 1")))
    assert finding.outcome is outcome
    assert finding.measures == {Measure.SERIAL: serial}


def test_a_serial_that_is_not_there_is_not_reached():
    plan = a_plan(serial_min="1")
    assert judged(plan, an_answer(plan, WWW)).detail == "no serial"


def test_only_the_identifier_and_the_question_sent_make_an_answer():
    plan = a_plan()
    data = an_answer(plan, WWW, number=513)
    assert identifier(data) == 513
    assert answers(plan, 513, data)
    assert not answers(plan, 514, data)
    assert not answers(a_plan(type="AAAA"), 513, data)
    assert not answers(dns_plan("127.0.0.1", {"name": "vvw.lab.test"}), 513, data)
    assert not answers(plan, 513, with_identifier(plan, 513)), "our own query sent back is no answer"
    assert answers(plan, 513, data.replace(b"\x03www", b"\x03wWw")), "case may change (RFC 4343)"


def test_an_error_may_leave_the_question_out_and_nothing_else_may():
    plan = a_plan()
    refused = b"\x00\x07\x80\x05" + bytes(8)
    assert answers(plan, 7, refused)
    assert judged(plan, refused).code == dns.rcode.REFUSED
    assert not answers(plan, 7, b"\x00\x07\x80\x00" + bytes(8))


def test_a_truncated_answer_says_so():
    plan = a_plan()
    data = bytearray(an_answer(plan))
    assert not is_truncated(data)
    data[2] |= dns.flags.TC >> 8
    assert is_truncated(data)


@given(st.integers(0, 200))
def test_an_answer_cut_anywhere_is_malformed_or_none(cut):
    plan = a_plan()
    data = an_answer(plan, WWW)[:cut]
    whole = an_answer(plan, WWW)
    if cut < len(whole) and answers(plan, 7, data):
        finding = judged(plan, data)
        assert finding.outcome is Outcome.MISMATCH
        assert finding.detail.startswith("malformed")


@given(st.binary(max_size=200))
def test_no_bytes_whatever_break_the_judgement(body):
    plan = a_plan()
    data = plan.query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + plan.question + body
    assert answers(plan, 0, data)
    assert judged(plan, data).outcome in {Outcome.OK, Outcome.MISMATCH}


def test_twenty_thousand_mutated_answers_crash_nothing():
    assert hurled(fuzz_dns, rng=Random(53), count=20_000) == 20_000
