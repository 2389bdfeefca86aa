"""Collectors, builders and a forger for tests of the ICMP engine."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

import numpy as np

from probes.icmp import IcmpEngine
from probes.icmp_packet import ECHO, ECHO_SIZE, EchoCodec, Family
from probes.models import Outcome

NONCE = 0x1F2E3D4C5B6A7988
IDENTIFIER = 0x4D2
SECOND = 1_000_000_000


class Collected:
    """What an engine has called back with; waiting has a deadline and no sleep."""

    def __init__(self):
        self._changed = Condition()
        self.looks = []
        self.overdue = []

    def take(self, results):
        with self._changed:
            rows = zip(results.slot, results.outcome, results.rtt, results.flags, results.at_ns, strict=True)
            self.looks += [
                (int(slot), Outcome(outcome), float(rtt), int(flags), int(at_ns), results.generation)
                for slot, outcome, rtt, flags, at_ns in rows
            ]
            self._changed.notify_all()

    def suspect(self, generation, slots):
        with self._changed:
            self.overdue += [(generation, int(slot)) for slot in slots]
            self._changed.notify_all()

    def wait(self, number, seconds=60.0):
        self.until(lambda: len(self.looks) >= number, seconds)
        return self.looks

    def until(self, condition, seconds=60.0):
        """Wait for a condition on what was said, or on the engine's counters, which tell nobody when they change."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition():
                assert time.monotonic() < deadline, f"not within {seconds} s: {self.looks[:5]} …"
                self._changed.wait(0.01)

    def outcomes(self):
        """Outcomes of each slot, in the order in which they came."""
        found = {}
        for slot, outcome, *_ in self.looks:
            found.setdefault(slot, []).append(outcome)
        return found


@contextmanager
def running(addresses, **options) -> Iterator[tuple[IcmpEngine, Collected]]:
    """Run an engine with these targets on real sockets."""
    seen = Collected()
    settings = {"nonce": NONCE, "identifier": IDENTIFIER} | options
    engine = IcmpEngine(
        monotonic_ns=time.monotonic_ns,
        wall_ns=settings.pop("wall_ns", time.time_ns),
        on_results=settings.pop("on_results", seen.take),
        on_overdue=seen.suspect,
        **settings,
    )
    try:
        engine.open()
        engine.start()
        engine.set_targets(addresses)
        yield engine, seen
    finally:
        engine.close()


def slots(*numbers):
    return np.array(numbers, np.uint32)


def requests(family, slot, look, *, nonce=NONCE, identifier=IDENTIFIER):
    """Echo requests as rows of bytes."""
    codec = EchoCodec(family, nonce=nonce, identifier=identifier, has_ip_header=False)
    block = np.zeros(len(slot), ECHO)
    codec.prepare(block)
    codec.write(block, np.asarray(slot, np.uint32), np.asarray(look, np.uint32))
    return block.view(np.uint8).reshape(len(slot), ECHO_SIZE)


def reply(slot, look, family=Family.V4, **names):
    """One echo reply with a right checksum, as bytes."""
    packet = requests(family, [slot], [look], **names)[0].copy()
    packet[0] = family.reply
    packet[2:4] = 0
    packet[2:4] = np.frombuffer(rfc1071(bytes(packet)).to_bytes(2, "big"), np.uint8)
    return bytes(packet)


def rfc1071(octets):
    """The Internet checksum, straight from section 1 of RFC 1071."""
    total = sum(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Forger:
    """Sends ICMP to the engine from any local address, as a target, a neighbour or an enemy would."""

    def __init__(self, source):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.bind((source, 0))

    def send(self, octets, to="127.0.0.1"):
        self._socket.sendto(octets, (to, 0))

    def close(self):
        self._socket.close()
