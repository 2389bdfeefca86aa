"""What the loop is woken for: readiness at once, or gathered where nothing is lost by waiting."""

import asyncio
import select
import socket

import pytest

from probes.poller import GATHER_SECONDS, Poller


class Mailbox:
    """A pair of datagram sockets and the poller that reads one end of it."""

    def __init__(self, *, gather_seconds):
        self.near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.near.setblocking(False)
        self.heard = []
        self.changed = asyncio.Event()
        self.poller = Poller(self.read, gather_seconds=gather_seconds)
        self.poller.open()
        self.poller.watch(self.near.fileno(), select.EPOLLIN)

    def read(self, _descriptor, _mask):
        self.heard.append((self.near.recv(16), asyncio.get_running_loop().time()))
        self.changed.set()

    async def has(self, count):
        async with asyncio.timeout(60):
            while len(self.heard) < count:
                self.changed.clear()
                await self.changed.wait()
        return [data for data, _ in self.heard]

    def close(self):
        self.poller.close()
        self.near.close()
        self.far.close()


@pytest.fixture(params=[0.0, GATHER_SECONDS, 0.05], ids=["at once", "gathered", "gathered long"])
async def mailbox(request):
    mailbox = Mailbox(gather_seconds=request.param)
    yield mailbox
    mailbox.close()


async def test_everything_that_comes_is_handled_once_and_in_order(mailbox):
    expected = []
    for number in range(30):
        expected.append(str(number).encode())
        mailbox.far.send(expected[-1])
        if number % 3 == 0:
            await mailbox.has(len(expected))
    assert await mailbox.has(30) == expected


async def test_what_comes_after_a_quiet_while_is_heard_again(mailbox):
    mailbox.far.send(b"first")
    await mailbox.has(1)
    await asyncio.sleep(0.12)  # longer than any gathering: the poller waits for the loop again
    mailbox.far.send(b"second")
    assert await mailbox.has(2) == [b"first", b"second"]


async def test_what_comes_one_by_one_waits_for_each_other():
    mailbox = Mailbox(gather_seconds=0.05)
    mailbox.far.send(b"first")
    await mailbox.has(1)
    mailbox.far.send(b"second")
    await mailbox.has(2)
    (_, first), (_, second) = mailbox.heard
    assert second - first >= 0.045
    mailbox.close()


async def test_a_poller_that_is_closed_while_it_gathers_says_nothing_more():
    mailbox = Mailbox(gather_seconds=0.02)
    mailbox.far.send(b"first")
    await mailbox.has(1)
    mailbox.far.send(b"never")
    mailbox.close()
    await asyncio.sleep(0.06)
    assert [data for data, _ in mailbox.heard] == [b"first"]
