"""DNS answers: whatever comes back with the right identifier is judged, never a crash."""

import dns.message
import dns.rrset

from probes.dns_message import answers, identifier, is_truncated, judged
from probes.dns_plan import dns_plan
from probes.models import Outcome

PLANS = tuple(
    dns_plan("127.0.0.1", options)
    for options in (
        {},
        {"name": "www.lab.test", "expect": "127.0.0.8", "min_answers": "0"},
        {"name": "lab.test", "type": "SOA", "serial_min": "3", "recursion": "yes"},
        {"name": "lab.test", "type": "NAPTR", "rcode": "NOERROR,NXDOMAIN"},
        {"name": "chu.lab.test", "type": "TXT", "expect": "v=spf1", "edns": "no"},
    )
)


def _answer(plan, *lines, name):
    response = dns.message.make_response(dns.message.from_wire(plan.query))
    for kind, value in lines:
        response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, value))
    return response.to_wire()


SEEDS = (
    _answer(PLANS[0], ("NS", "a.root."), name="."),
    _answer(PLANS[1], ("A", "127.0.0.8"), name="www.lab.test."),
    _answer(PLANS[1], ("CNAME", "x.lab.test."), name="www.lab.test."),
    _answer(PLANS[2], ("SOA", "ns. root. 7 60 60 60 60"), name="lab.test."),
    _answer(PLANS[3], ("NAPTR", '10 10 "s" "SIP+D2U" "" _sip._udp.lab.test.'), name="lab.test."),
    _answer(PLANS[4], ("TXT", '"v=spf1 -all" "hai"'), name="chu.lab.test."),
    *(plan.query for plan in PLANS),
)


def one(data: bytes) -> None:
    """Take the bytes as the answer to each of several questions."""
    number = identifier(data)
    for plan in PLANS:
        if answers(plan, number, data):
            is_truncated(data)
            finding = judged(plan, data)
            assert finding.outcome in {Outcome.OK, Outcome.MISMATCH}
            assert 0 <= finding.code < 1 << 12
            assert finding.detail or finding.outcome is Outcome.OK
