import dns.flags
import dns.message
import dns.rdatatype
import pytest

from probes.dns_plan import dns_plan


def asked(**options):
    plan = dns_plan("127.0.0.1", options)
    return dns.message.from_wire(plan.query)


def test_without_options_a_server_is_asked_for_the_root_which_every_resolver_knows():
    [question] = asked().question
    assert (question.name.to_text(), question.rdtype) == (".", dns.rdatatype.NS)


def test_a_name_alone_is_asked_for_its_address():
    [question] = asked(name="www.lab.vn").question
    assert (question.name.to_text(), question.rdtype) == ("www.lab.vn.", dns.rdatatype.A)


@pytest.mark.parametrize(("recursion", "is_desired"), [("", True), ("yes", True), ("no", False)])
def test_recursion_is_asked_for_unless_told_not_to(recursion, is_desired):
    message = asked(name="a.vn", recursion=recursion)
    assert bool(message.flags & dns.flags.RD) is is_desired


def test_edns_tells_how_much_a_datagram_may_hold_and_can_be_left_out():
    assert asked(name="a.vn").payload == 1232
    assert asked(name="a.vn", edns="no").edns == -1


def test_the_question_is_cut_out_of_the_query_for_comparing():
    plan = dns_plan("127.0.0.1", {"name": "a.vn", "type": "TXT"})
    assert plan.question == b"\x01a\x02vn\x00\x00\x10\x00\x01"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a..vn"}, "name cannot be asked for: 'a..vn'"),
        ({"name": "x" * 64}, f"name cannot be asked for: '{'x' * 64}'"),
        ({"type": "POTATO"}, "type is no type of records: 'POTATO'"),
        ({"rcode": "FINE"}, "rcode is no response code: 'FINE'"),
        ({"min_answers": "few"}, "min_answers must be a number, not 'few'"),
        ({"serial_min": "4294967296"}, "serial_min must be a number, not '4294967296'"),
        ({"recursion": "si"}, "recursion must be yes or no, not 'si'"),
        ({"edns": "si"}, "edns must be yes or no, not 'si'"),
        ({"transport": "https"}, "transport must be udp, tcp or tls, not 'https'"),
    ],
)
def test_an_option_that_cannot_be_meant_is_named(options, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 # the message is what is asserted
        dns_plan("127.0.0.1", options)
    assert str(caught.value) == message
