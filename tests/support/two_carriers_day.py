"""The day of the two carriers: the whole application, in which everything that can be secret has happened to both.

The service is the product's own, put together by its composition root, with its clock in the hand of the test and its
loops turned by hand; everything happened through its own surfaces, as it does in a duty room.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from alerting.settings import EventSettings
from dashboards.passwords import Passwords
from inventory.access import Actor, Right, Role, rights_of
from monitor.app import Service, create_app
from monitor.migrations import upgrade
from monitor.settings import Settings
from probes.models import Evidence, Flag, Look, Outcome, batch_of
from tests.support import databases
from tests.support.two_carriers import CARRIERS, MarkOf, an_inventory_of_two, inventory_marks, mark

__all__ = ["EVENING", "ORIGIN", "Day", "Side", "account_of"]

ORIGIN = "http://duty.example"
ELSEWHERE = ("192.0.2.7", 50000)
"""Where everybody asks from: not the machine that the service runs on."""
EVENING = datetime(2021, 5, 23, 12, 18, 2, tzinfo=UTC)
_PASSWORD = "thong-suot-demo"
_ACCOUNTS = {
    "admin2": (Role.ADMINISTRATOR, ""),
    "leader": (Role.LEADER, ""),
    "officer": (Role.DUTY_OFFICER, ""),
    "inspector": (Role.INSPECTOR, ""),
    "support": (Role.SUPPORT_OFFICER, ""),
    "committee": (Role.COMMITTEE, ""),
    "machine": (Role.MACHINE, ""),
    "charlie": (Role.CARRIER, "CHARLIE"),
    "alpha-machine": (Role.MACHINE, "ALPHA"),
}
"""Name to role and party. The carriers' own accounts bear marks: their names are secrets too."""


def account_of(party: str) -> str:
    """Answer what a carrier's account is called."""
    return mark(party, "account").lower()


@dataclass(frozen=True, slots=True)
class Side:
    """What one party's matters are called in addresses and bodies; a side that never was has the same shape."""

    party: str
    incident: str = ""
    number: str = ""
    digest: str = ""
    site: str = ""
    person: str = ""
    second: str = ""
    shift: str = ""
    target: str = ""
    ring: str = ""
    aid: str = ""
    work: str = ""
    report: str = ""
    handover: str = ""
    swap: str = ""
    upload: str = ""
    account: str = ""
    link: str = ""
    mine: str = ""
    calendar: str = ""
    drill: str = ""
    inspection: str = ""
    finding: str = ""
    token: str = ""
    hook: str = ""
    line: str = ""

    def names(self) -> tuple[str, ...]:
        """Answer every text that names this side, the longest first."""
        found = {str(getattr(self, name)) for name in self.__slots__ if name != "party"} - {""}
        return tuple(sorted(found, key=len, reverse=True))


class Day:
    """The application and what was done in it. ``sides`` by party; ``marks`` is everything that is secret."""

    def __init__(self, folder: Path, engine: str = "") -> None:
        self.now = EVENING
        self.marks: dict[str, MarkOf] = dict(inventory_marks())
        self.sides: dict[str, Side] = {}
        self.restricted: dict[str, Side] = {}
        self.others: list[Side] = []
        """Further incidents of ALPHA: one that was BRAVO's, one of a trunk that carries BRAVO too."""
        self.together = Side("ALPHA")
        """A drill and an inspection that both carriers have a part in."""
        inventory = an_inventory_of_two(folder / "inventory")
        settings = Settings(
            inventory=inventory,
            state=folder,
            looks=False,
            administrator_password=_PASSWORD,
            # Nothing listens there; what a machine would be told lies in the outbox.
            events=EventSettings(networks=("127.0.0.0/8",)),
            database_url=databases.chosen.at(folder / "day.db", engine),
        )
        self.service = Service(settings)
        self.service.pages.auth._passwords = Passwords(
            hasher=PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
        )
        self.app: FastAPI = create_app(self.service)
        self.cookies: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.down: set[str] = set()
        self._sequence = 0

    def clock(self) -> datetime:
        return self.now

    # What anybody can do

    def browser(self, name: str) -> httpx2.AsyncClient:
        """Answer a browser in which ``name`` is signed in; an empty name is a stranger's."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app, raise_app_exceptions=False, client=ELSEWHERE),
            base_url=ORIGIN,
            cookies={"thongsuot": self.cookies[name]} if name else {},
            headers={"origin": ORIGIN, "accept": "text/html"},
        )

    def machine(self, name: str) -> httpx2.AsyncClient:
        """Answer a program that holds a token of ``name``."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app, raise_app_exceptions=False, client=ELSEWHERE),
            base_url=ORIGIN,
            headers={"authorization": f"Bearer {self.tokens[name]}"},
        )

    async def post(self, name: str, path: str, body: object = None, **more: Any) -> Any:
        """Do something over the API as ``name`` that must succeed."""
        async with self.browser(name) as client:
            given = {"json": body} if body is not None else {}
            answer = await client.post(f"/api/v1{path}", **given, **more)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def secret(self, party: str, what: str, **kind: bool) -> str:
        """Make a mark of ``party`` and have it watched for."""
        text = mark(party, what)
        self.marks[text] = MarkOf(party, **kind)
        return text

    async def open(self) -> None:
        """Bring up database, belief, accounts, sessions and tokens."""
        await asyncio.to_thread(upgrade, self.service.settings.url)
        await self.service.monitor.start()
        await self.service.planning.refresh()
        pages = self.service.pages
        accounts = {**_ACCOUNTS, **{account_of(party): (Role.CARRIER, party) for party in CARRIERS}}
        for name, (role, party) in accounts.items():
            await pages.auth.add(name, role, _PASSWORD, party=party)
            actor = Actor(name, role, party)
            self.cookies[name] = await pages.auth.begin(actor, address="127.0.0.1", user_agent="")
            rights = rights_of(role, party) - {Right.ADMINISTER}
            label = mark(party, "tokenlabel") if name in map(account_of, CARRIERS) else name
            self.tokens[name] = await pages.tokens.give(
                name, label=label, rights=rights, days=7, actor="admin2"
            )
        for party in CARRIERS:
            self.marks[mark(party, "tokenlabel")] = MarkOf(party, is_for_administrators=True)
            self.marks[account_of(party)] = MarkOf(party)
        await self.pass_by(3)

    async def close(self) -> None:
        """End everything that was opened."""
        self.service.hub.close()
        await self.service.acting.stop()
        await self.service.monitor.stop()
        await self.service.database.dispose()

    # Belief

    async def look(self) -> None:
        at_ns = int(self.now.timestamp() * 1e9)
        inventory = self.service.monitor.inventory
        looks = [
            Look(number, at_ns, Outcome.TIMEOUT)
            if code in self.down
            else Look(number, at_ns, Outcome.OK, 0.01, evidence=Evidence.TRANSPORT)
            for number, code in enumerate(inventory.targets)
        ]
        looks += [
            Look(place, at_ns + 1_000_000, Outcome.OK, 0.0004, flags=Flag.CANARY)
            for place in range(len(inventory.vantages["V1"].canaries))
        ]
        self._sequence += 1
        batch = batch_of(looks, vantage="V1", fleet=inventory.digest, epoch=1, sequence=self._sequence)
        await self.service.monitor.take(batch)

    async def act(self) -> None:
        await self.service.monitor.tick()
        await self.service.alerting.absorb()
        await self.service.alerting.tick()

    async def pass_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            await self.look()
            await self.act()

    async def cut(self, *targets: str) -> None:
        self.down |= set(targets)
        await self.pass_by(9)

    async def incident_of(self, condition: str) -> Any:
        found = await self.service.pages.records.live(owner=None, restricted=True)
        return next(one for one in found if one.condition == condition)
