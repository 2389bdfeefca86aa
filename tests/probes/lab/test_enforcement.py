import os
import shutil
import socket
import struct
import subprocess

import pytest

from probes.lab.blockers import Blockers
from probes.lab.echo_responder import reply_of
from probes.lab.endpoints import Endpoint, Service, Transport
from probes.lab.faults import Effects
from probes.lab.listeners import PortTakenError, listen
from probes.lab.nftables import ruleset
from probes.lab.socket_filter import attach, detach, drop_program, pass_program
from tests.support.servers import free_port, needs_program

ENDPOINTS = {
    "E": Endpoint("E", Service.ECHO, "127.3.0.1"),
    "W": Endpoint("W", Service.WEB, "127.3.0.2", 18080),
    "S": Endpoint("S", Service.SIP, "127.3.0.3", 15060),
}


def test_rules_are_loaded_whole_on_the_input_side_of_loopback_alone():
    rules = ruleset("trial", ENDPOINTS, Effects(cut=frozenset("EWS"), loss={"S": 250}, delay={"E": 0.2}))
    assert rules.startswith("add table inet trial\ndelete table inet trial\ntable inet trial {")
    assert "type filter hook input" in rules
    assert "output" not in rules
    assert rules.index('iifname != "lo" accept') < rules.index("drop")


def test_rules_name_the_protocol_the_address_and_the_port():
    rules = ruleset("trial", ENDPOINTS, Effects(cut=frozenset("EWS")))
    assert "icmp type echo-request ip daddr @cut_icmp counter drop" in rules
    assert "elements = { 127.3.0.2 . 18080 }" in rules
    assert "ip daddr . udp dport @cut_udp counter drop" in rules


def test_each_level_of_loss_has_its_own_set():
    rules = ruleset("trial", ENDPOINTS, Effects(loss={"E": 100, "W": 100, "S": 300}))
    assert rules.count("numgen random mod 1000 < 100") == 2
    assert rules.count("numgen random mod 1000 < 300") == 1


def test_without_faults_the_table_drops_nothing():
    assert "drop" not in ruleset("trial", ENDPOINTS, Effects())


@pytest.mark.root
def test_the_kernel_accepts_the_rules():
    needs_program("nft")
    program = shutil.which("nft") or "/usr/sbin/nft"
    effects = Effects(cut=frozenset("EW"), loss={"S": 1, "E": 999}, delay={"E": 0.2, "W": 0.1})
    rules = ruleset(f"ts_test_{os.getpid()}", ENDPOINTS, effects)
    checked = subprocess.run(
        [program, "-c", "-f", "-"], input=rules.encode(), capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr.decode()


def received_of(levels, *, sent, address):
    """Send datagrams to an address whose socket has the filter; answer how many came through."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as served:
        served.bind((address, 0))
        served.setblocking(False)
        attach(served, drop_program(levels))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            count = 0
            for _ in range(sent):
                sending.sendto(b"x", served.getsockname())
                try:
                    served.recv(10)
                    count += 1
                except BlockingIOError:
                    pass
        return count


def test_a_filter_drops_what_goes_to_a_cut_address_and_nothing_else():
    cut = {f"127.4.{n // 250}.{n % 250 + 1}" for n in range(700)}
    assert received_of({1000: cut}, sent=20, address="127.4.2.150") == 0
    assert received_of({1000: cut}, sent=20, address="127.4.9.9") == 20


def test_a_filter_drops_about_as_many_as_asked():
    levels = {1000: {"127.4.0.1"}, 300: {"127.4.0.2"}, 10: {"127.4.0.3"}}
    assert 560 <= received_of(levels, sent=1000, address="127.4.0.2") <= 830
    assert 950 <= received_of(levels, sent=1000, address="127.4.0.3") <= 1000


def test_a_filter_taken_away_lets_everything_through_even_if_there_was_none():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as served:
        served.bind(("127.4.0.1", 0))
        served.settimeout(2)
        detach(served)
        attach(served, drop_program({1000: {"127.4.0.1"}}))
        detach(served)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            sending.sendto(b"x", served.getsockname())
        assert served.recv(10) == b"x"


def connects_to(place):
    with socket.socket() as trial:
        trial.settimeout(0.2)
        try:
            trial.connect(place)
        except TimeoutError:
            return False
        return True


def test_a_blocked_address_drops_handshakes_while_its_neighbours_on_the_port_go_on():
    port = free_port()
    served = listen(Transport.TCP, port, ["127.5.0.1"])
    blockers = Blockers(lambda _port: served)
    try:
        assert blockers.set({("127.5.0.1", port), ("127.5.0.2", port)}) == set()
        assert [connects_to((f"127.5.0.{n}", port)) for n in (1, 2, 3)] == [False, False, True]
        blockers.set({("127.5.0.2", port)})
        assert [connects_to((f"127.5.0.{n}", port)) for n in (1, 2, 3)] == [True, False, True]
    finally:
        blockers.set(())
        served[0].close()


def test_one_socket_serves_every_loopback_address_and_no_other_device():
    port = free_port()
    served = listen(Transport.TCP, port, ["127.5.0.1"])
    with served[0]:
        assert len(served) == 1
        assert served[0].getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"
        assert all(connects_to((address, port)) for address in ("127.5.0.1", "127.99.8.7"))


def test_where_a_port_is_taken_on_another_address_each_address_gets_its_own_socket():
    with socket.create_server(("127.5.1.9", 0)) as other:
        port = other.getsockname()[1]
        served = listen(Transport.TCP, port, ["127.5.1.1", "127.5.1.2"])
        try:
            assert [each.getsockname()[0] for each in served] == ["127.5.1.1", "127.5.1.2"]
        finally:
            for each in served:
                each.close()


def test_a_port_taken_on_an_address_that_is_needed_is_told_by_name():
    with socket.create_server(("127.5.1.9", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"tcp 127.5.1.9:{port}"):
            listen(Transport.TCP, port, ["127.5.1.1", "127.5.1.9"])


def internet_sum(message):
    total = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize("payload", [b"", b"\0" * 8, b"\xff" * 56, bytes(range(64))])
@pytest.mark.parametrize("identifier", [0, 1, 0xF7FF, 0xFFFF])
def test_a_late_echo_reply_has_the_right_checksum(payload, identifier):
    request = struct.pack("!BBHHH", 8, 0, 0, identifier, 7) + payload
    checksum = 0xFFFF - internet_sum(request)
    request = request[:2] + struct.pack("!H", checksum) + request[4:]
    reply = reply_of(b"\x45" + bytes(19) + request)
    assert reply[0] == 0
    assert reply[4:] == request[4:]
    assert internet_sum(reply) == 0xFFFF


@pytest.mark.parametrize(
    "packet", [b"", b"\x45", b"\x45" + bytes(19), b"\x45" + bytes(19) + b"\x03" + bytes(40)]
)
def test_what_is_no_echo_request_is_not_replied_to(packet):
    assert reply_of(packet) is None


def test_a_filter_for_more_addresses_than_fit_tells_only_requests_from_the_rest():
    assert len(pass_program(f"127.6.{n // 250}.{n % 250}" for n in range(3000))) < 10
