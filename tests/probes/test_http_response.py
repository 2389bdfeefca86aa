from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.http_plan import http_plan
from probes.http_response import HttpResponse, judged
from probes.models import Outcome
from tests.fuzz import fuzz_http
from tests.fuzz.run import hurled

PLAIN = http_plan("10.0.0.1", 80, {})


def read(*pieces, ended=False, max_body=65_536):
    response = HttpResponse(max_body=max_body)
    for piece in pieces:
        response.feed(piece)
    if ended:
        response.end()
    return response


def test_an_answer_is_complete_with_the_last_byte_of_its_length():
    response = HttpResponse(max_body=100)
    response.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nxin")
    assert not response.is_complete
    response.feed(b"!")
    assert response.is_complete
    assert bytes(response.body) == b"xin!"


def test_an_answer_without_a_length_is_complete_when_the_connection_ends():
    response = read(b"HTTP/1.0 200 OK\r\n\r\nxin")
    assert not response.is_complete
    response.end()
    assert response.is_complete
    assert judged(PLAIN, response) == (Outcome.OK, "")


def test_chunks_are_joined():
    response = read(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxin\r\n4\r\nchao\r\n0\r\n\r\n"
    )
    assert response.is_complete
    assert bytes(response.body) == b"xinchao"


def test_a_provisional_answer_is_passed_over():
    response = read(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert not response.is_complete
    response.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (response.is_complete, response.status) == (True, 200)


def test_no_more_than_the_cap_is_read():
    response = read(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 300, max_body=100)
    assert (response.is_complete, response.is_cut, len(response.body)) == (True, True, 100)


@pytest.mark.parametrize(
    ("pieces", "problem"),
    [
        ([], "closed before an answer"),
        ([b"HTTP/1.1 200"], "closed before an answer"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxin"], "closed within the answer"),
    ],
)
def test_an_answer_cut_short_is_a_mismatch_that_says_where(pieces, problem):
    assert judged(PLAIN, read(*pieces, ended=True)) == (Outcome.MISMATCH, problem)


def test_another_protocol_is_a_mismatch():
    outcome, detail = judged(PLAIN, read(b"SSH-2.0-OpenSSH_9.2p1\r\n"))
    assert outcome is Outcome.MISMATCH
    assert detail.startswith("not http")


def test_what_follows_a_complete_answer_does_not_matter():
    response = read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\0\0garbage")
    assert judged(PLAIN, response) == (Outcome.OK, "")


@pytest.mark.parametrize(
    ("status", "options", "outcome"),
    [
        (200, {}, Outcome.OK),
        (302, {}, Outcome.OK),
        (302, {"status": "200"}, Outcome.MISMATCH),
        (404, {}, Outcome.MISMATCH),
        (503, {}, Outcome.OVERLOADED),
        (503, {"status": "503"}, Outcome.OK),
        (401, {"status": "200,401"}, Outcome.OK),
    ],
)
def test_the_status_decides_and_503_means_overloaded(status, options, outcome):
    plan = http_plan("10.0.0.1", 80, options)
    response = read(b"HTTP/1.1 %d Any\r\nContent-Length: 0\r\n\r\n" % status)
    assert judged(plan, response)[0] is outcome


def test_text_that_is_not_there_is_a_mismatch():
    plan = http_plan("10.0.0.1", 80, {"expect": "sẵn sàng"})
    text = "Hệ thống sẵn sàng".encode()
    right = read(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
    wrong = read(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nloi!")
    assert judged(plan, right) == (Outcome.OK, "")
    assert judged(plan, wrong) == (Outcome.MISMATCH, "text not found: sẵn sàng")


def test_text_beyond_the_cap_is_not_found_and_the_detail_says_how_far_was_read():
    plan = http_plan("10.0.0.1", 80, {"expect": "end"})
    response = read(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" + b"x" * 10 + b"end", max_body=10)
    assert judged(plan, response) == (Outcome.MISMATCH, "text not found within 10 bytes: end")


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_whatever_break_the_reading(pieces):
    response = read(*pieces, ended=True)
    outcome, _ = judged(PLAIN, response)
    assert outcome in {Outcome.OK, Outcome.MISMATCH, Outcome.OVERLOADED}


@given(st.data())
def test_how_an_answer_is_cut_into_pieces_does_not_matter(data):
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxin\r\n4\r\nchao\r\n0\r\n\r\n"
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=8)))
    edges = [0, *cuts, len(whole)]
    response = read(*(whole[a:b] for a, b in pairwise(edges)))
    assert (response.is_complete, bytes(response.body), response.problem) == (True, b"xinchao", "")


def test_mutated_input_crashes_nothing():
    assert hurled(fuzz_http, rng=Random(53), count=3000) == 3000
