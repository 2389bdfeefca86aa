"""What real agents do not do on request: stay silent, answer late, answer rubbish; and the bounds on sockets."""

import asyncio
import socket
import threading
import time

from probes.models import Outcome, Request
from tests.support.looks import look, looks, opened
from tests.support.snmp import USER, a_snmp_probe
from tests.support.snmp_agent import FOUR, Answerer, integer, scripted_agent, tlv

COMMUNITY = {"community": "public"}
UPTIME = "1.3.6.1.2.1.1.3.0"
ANSWER = Answerer(FOUR)


class Recorded:
    """Collects requests; answers those that ``answers`` says, in order, by number from 0."""

    def __init__(self, answers):
        self.requests = []
        self.answers = answers

    def __call__(self, request, reply):
        number = len(self.requests)
        self.requests.append(request)
        if self.answers(number):
            reply(ANSWER(request))


def silent(_):
    return False


async def test_retries_ask_again_within_the_timeout():
    script = Recorded(lambda number: number == 2)
    with scripted_agent(script) as port:
        async with opened(a_snmp_probe()) as probe:
            answer = await look(probe, "127.0.0.1", port, options={**COMMUNITY, "retries": "2"}, timeout=0.9)
    assert answer.outcome is Outcome.OK
    assert answer.rtt < 0.2, "the time is of the question that was answered"
    assert len(script.requests) == 3


async def test_without_retries_a_lost_question_is_one_failed_look():
    script = Recorded(silent)
    with scripted_agent(script) as port:
        async with opened(a_snmp_probe()) as probe:
            began = time.monotonic()
            answer = await look(probe, "127.0.0.1", port, options=COMMUNITY, timeout=0.3)
            spent = time.monotonic() - began
    assert answer.outcome is Outcome.TIMEOUT
    assert 0.3 <= spent < 0.6
    assert len(script.requests) == 1


async def test_the_looks_that_wait_for_a_silent_agent_time_out_with_it_each_in_its_time():
    script = Recorded(silent)
    with scripted_agent(script) as port:
        async with opened(a_snmp_probe()) as probe:
            requests = [
                Request(n, "127.0.0.1", port, {**COMMUNITY, "if_index": str(n + 1)}, 0.3) for n in range(48)
            ]
            began = time.monotonic()
            answers = await looks(probe, requests)
            spent = time.monotonic() - began
    assert {answer.outcome for answer in answers} == {Outcome.TIMEOUT}
    assert spent < 0.8, "nobody waits for another's timeout before its own begins"


async def test_an_answer_after_the_timeout_is_late_and_not_the_next_looks():
    held = []

    def script(request, reply):
        if held:
            reply(ANSWER(request))
        held.append((request, reply))

    with scripted_agent(script) as port:
        async with opened(a_snmp_probe()) as probe:
            first = await look(probe, "127.0.0.1", port, options=COMMUNITY, timeout=0.2)
            request, reply = held[0]
            reply(ANSWER(request))
            while not probe.statistics().clients.late:
                await asyncio.sleep(0.005)
            second = await look(probe, "127.0.0.1", port, options=COMMUNITY)
    assert first.outcome is Outcome.TIMEOUT
    assert second.outcome is Outcome.OK
    assert second.rtt < 0.1


async def test_an_answer_to_another_question_is_not_taken():
    def script(request, reply):
        # The request number stands right behind the tag of the PDU; another one is a spoofed or very late answer.
        at = request.index(b"\xa0") + 4
        forged = bytearray(request)
        forged[at] ^= 0x01
        reply(ANSWER(bytes(forged)))

    with scripted_agent(script) as port:
        async with opened(a_snmp_probe()) as probe:
            answer = await look(probe, "127.0.0.1", port, options=COMMUNITY, timeout=0.3)
    assert answer.outcome is Outcome.TIMEOUT


async def test_what_is_not_snmp_is_counted_and_said():
    def script(_, reply):
        reply(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with scripted_agent(script) as port:
        async with opened(a_snmp_probe()) as probe:
            answer = await look(probe, "127.0.0.1", port, options=COMMUNITY, timeout=0.3)
            malformed = probe.statistics().clients.malformed
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "what came back is not SNMP")
    assert malformed == 1


async def test_an_answer_that_waited_for_a_busy_loop_is_no_timeout_and_no_slow_line():
    with scripted_agent(Recorded(lambda _: True)) as port:
        async with opened(a_snmp_probe()) as probe:
            waiting = asyncio.get_running_loop().create_future()
            request = Request(0, "127.0.0.1", port, COMMUNITY, 0.1)
            probe.begin(request, lambda _, answer: waiting.set_result(answer))
            time.sleep(0.4)  # somebody else's fault
            answer = await asyncio.wait_for(waiting, 60)
    assert answer.outcome is Outcome.OK
    assert answer.rtt < 0.1, "the kernel's stamp, not our turn"


async def test_an_agent_that_cannot_stand_a_joint_question_is_asked_one_by_one():
    refused = []

    def script(request, reply):
        if request.count(b"\x2b\x06\x01\x02\x01\x02\x02\x01\x08") > 1:  # more than one ifOperStatus
            refused.append(request)
            at = request.index(b"\xa0")
            body = bytearray(request)
            body[at] = 0xA2
            status = at + 2 + 2 + body[at + 3] + 2
            body[status] = 1  # tooBig
            reply(bytes(body))
        else:
            reply(Answerer({f"1.3.6.1.2.1.2.2.1.8.{n}": integer(1) for n in range(1, 5)})(request))

    with scripted_agent(script) as port:
        async with opened(a_snmp_probe()) as probe:
            requests = [
                Request(n, "127.0.0.1", port, {**COMMUNITY, "if_index": str(n + 1)}, 2.0) for n in range(4)
            ]
            answers = await looks(probe, requests)
    assert refused
    assert {answer.outcome for answer in answers} == {Outcome.OK}


async def test_sessions_are_kept_and_bounded_and_the_oldest_idle_one_makes_room():
    agents = [scripted_agent(Recorded(lambda _: True)) for _ in range(6)]
    ports = [agent.__enter__() for agent in agents]
    try:
        async with opened(a_snmp_probe(most_sockets=2)) as probe:
            requests = [Request(n, "127.0.0.1", port, COMMUNITY, 2.0) for n, port in enumerate(ports)]
            for _ in range(2):
                answers = await looks(probe, requests)
                assert {answer.outcome for answer in answers} == {Outcome.OK}
                assert probe.statistics().sockets == 2
    finally:
        for agent in agents:
            agent.__exit__(None, None, None)


async def test_a_look_that_found_no_socket_free_says_nothing_about_the_agent():
    with scripted_agent(Recorded(silent)) as dead, scripted_agent(Recorded(lambda _: True)) as alive:
        async with opened(a_snmp_probe(most_sockets=1)) as probe:
            requests = [
                Request(0, "127.0.0.1", dead, COMMUNITY, 0.6),
                Request(1, "127.0.0.1", alive, COMMUNITY, 0.3),
            ]
            answers = await looks(probe, requests)
            after = await look(probe, "127.0.0.1", alive, options=COMMUNITY)
    assert answers[0].outcome is Outcome.TIMEOUT
    assert answers[1].outcome is Outcome.ERROR
    assert "sockets are in use" in answers[1].detail
    assert after.outcome is Outcome.OK


async def test_a_walk_ends_where_an_agent_goes_in_circles():
    def script(request, reply):
        # A GETNEXT or GETBULK is answered with the same row again and again.
        [at] = [n for n in range(len(request) - 1) if request[n] in {0xA1, 0xA5} and n > 8][:1]
        number = request[at + 2 : at + 4 + request[at + 3]]
        oid = bytes.fromhex("060a2b060102010202010101")
        rows = tlv(0x30, tlv(0x30, oid + b"\x02\x01\x01"))
        body = tlv(0xA2, number + b"\x02\x01\x00\x02\x01\x00" + rows)
        reply(tlv(0x30, b"\x02\x01\x01\x04\x06public" + body))

    with scripted_agent(script) as port:
        async with opened(a_snmp_probe()) as probe:
            async with asyncio.timeout(60):
                walked = await probe.walk("127.0.0.1", port, COMMUNITY, "1.3.6.1.2.1.2.2.1")
    assert len(walked.rows) <= 1
    assert walked.stopped == "the agent does not go forward" or not walked.rows


async def test_a_version_3_meeting_that_is_never_answered_times_out():
    with scripted_agent(Recorded(silent)) as port:
        async with opened(a_snmp_probe()) as probe:
            answer = await look(probe, "127.0.0.1", port, options=USER, timeout=0.2)
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "no answer")


async def test_all_down_leaves_no_sockets_behind_and_no_thread():
    before = threading.active_count()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        port = hole.getsockname()[1]
        async with opened(a_snmp_probe()) as probe:
            requests = [Request(n, f"127.0.1.{n + 1}", port, COMMUNITY, 0.2) for n in range(200)]
            answers = await looks(probe, requests)
            assert probe.statistics().in_flight == 0
    assert {answer.outcome for answer in answers} <= {Outcome.TIMEOUT, Outcome.REFUSED}
    assert probe.statistics().sockets == 0
    assert threading.active_count() <= before
