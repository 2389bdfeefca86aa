"""Receivers in tests are strict: what arrives and is not looked at makes the test red."""

import httpx2
import pytest

from tests.support.acting_servers import a_receiver
from tests.support.arrivals import Arrivals, expecting


def looked_at(arrivals):
    """The ways to look at what has arrived: each expects it."""
    return {
        "one by one": lambda: [None for _ in arrivals],
        "unpacked": lambda: [*arrivals],
        "by place": lambda: (arrivals[0], arrivals[-1]),
        "as a slice": lambda: arrivals[:],
        "compared": lambda: arrivals == [],
        "added": lambda: arrivals.__add__([]),
    }


@pytest.mark.parametrize("way", looked_at([]))
def test_what_was_looked_at_was_expected(way):
    with expecting():
        arrivals = Arrivals("mail relay")
        arrivals += ["page", "notice"]
        looked_at(arrivals)[way]()


@pytest.mark.parametrize("look", [len, bool], ids=["counted", "asked"])
def test_what_was_only_counted_was_not(look):
    arrivals = Arrivals("mail relay")
    arrivals.append("page")
    assert look(arrivals)
    assert arrivals.unexpected() == ["mail relay: 'page'"]
    assert list(arrivals) == ["page"]


def test_what_came_after_the_look_was_not():
    arrivals = Arrivals("mail relay")
    arrivals.append("page")
    assert list(arrivals) == ["page"]
    arrivals.append("the same page again")
    assert arrivals.unexpected() == ["mail relay: 'the same page again'"]
    assert len(list(arrivals)) == 2


async def late():
    async with a_receiver() as receiver, httpx2.AsyncClient(trust_env=False) as client:
        assert receiver.calls == []
        await client.post(receiver.url, content=b"late")


async def test_what_reaches_a_receiver_after_the_last_assertion_is_found_when_the_test_ends():
    with pytest.raises(AssertionError, match="1 messages arrived that nobody expected"), expecting():
        await late()
