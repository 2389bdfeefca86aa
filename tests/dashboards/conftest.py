"""A duty room for each test that wants one, and a browser on its pages without a socket."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from inventory.access import Role
from tests.support.duty_room import PASSWORD, DutyRoom, a_duty_room

ORIGIN = "http://duty.example"


class Visitor:
    """A browser without script: keeps cookies, follows redirects, sends forms with their token."""

    def __init__(self, room: DutyRoom) -> None:
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(room.app()), base_url=ORIGIN, follow_redirects=True
        )

    async def see(self, path: str, **options):
        return await self.client.get(path, headers={"accept": "text/html"}, **options)

    async def send(self, path: str, form: dict[str, str], *, seen_on: str, origin: str = ORIGIN, **options):
        """Open the page that holds the form, then send it with that page's token."""
        page = await self.see(seen_on)
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
        fields = {"csrf": token[1] if token else "", **form}
        return await self.client.post(path, data=fields, headers={"origin": origin}, **options)

    async def sign_in(self, name: str, password: str = PASSWORD, **options):
        return await self.send(
            "/sign-in", {"name": name, "password": password}, seen_on="/sign-in", **options
        )


@pytest.fixture
async def room(tmp_path) -> AsyncIterator[DutyRoom]:
    async with a_duty_room(tmp_path) as opened:
        yield opened


@pytest.fixture
async def visitor(room) -> AsyncIterator[Visitor]:
    made = Visitor(room)
    yield made
    await made.client.aclose()


@pytest.fixture
async def officer(room) -> AsyncIterator[Visitor]:
    """The department's duty officer, signed in."""
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD, person="STTTT-OPS-1")
    made = Visitor(room)
    await made.sign_in("trucban")
    yield made
    await made.client.aclose()


@pytest.fixture
async def cut(room):
    """The incident of a cut ring."""
    await room.cut("VNPT-RING-947")
    [incident] = await room.incidents()
    return incident


@pytest.fixture
async def carrier(room):
    """A visitor with an account of a carrier that the cut does not concern."""
    await room.deps.auth.add("viettel", Role.CARRIER, PASSWORD, party="VIETTEL")
    made = Visitor(room)
    await made.sign_in("viettel")
    yield made
    await made.client.aclose()
