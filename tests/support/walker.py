"""Somebody who asks an application everything that it has a route for, and reads every answer for what it must not tell."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from dashboards.security import form_token
from tests.support.two_carriers import MarkOf
from tests.support.two_carriers_day import Day, Side, account_of
from tests.support.two_carriers_story import nobody
from tests.support.walk import Asked, normal, requests, routes_of, text_of

__all__ = [
    "ALPHA",
    "NOT_RESTRICTED",
    "Walker",
    "differing",
    "is_foreign",
    "opens_without_account",
    "reading",
    "routes",
    "spelt",
    "stated",
]

ALPHA = account_of("ALPHA")
STREAMS = {("GET", "/events")}
"""Streams do not end: tests/dashboards/test_leaks_streams.py reads them."""
ENDS_THE_WALK = {("POST", "/sign-out"), ("POST", "/password"), ("POST", "/-/reload")}
NOT_RESTRICTED = ("inspector", "support", "committee", "machine")
MAY_BE_UNREADY = {("GET", "/-/ready"), ("GET", "/probe")}
SLOWED_DOWN = {("POST", "/a"), ("POST", "/c"), ("POST", "/sign-in"), ("POST", "/sign-in/code")}
"""What is guessed at is slowed down, for whoever asks and whatever they guess."""
OF_ONESELF = {("POST", "/account/{action}"), ("POST", "/roster/import")}
"""Each time there is one more of one's own: a token, a file to be looked at."""
PARTY_OF = {ALPHA: "ALPHA", "alpha-machine": "ALPHA", "charlie": "CHARLIE"}


def routes(day: Day) -> list[tuple[str, str]]:
    """Answer the routes that are walked."""
    return [route for route in routes_of(day.app) if route not in STREAMS | ENDS_THE_WALK]


class Walker:
    """Somebody who asks, by browser or by program; ``told`` keeps nothing but what must not have been told."""

    def __init__(self, day: Day, name: str, *, by_token: bool = False) -> None:
        self.day, self.name = day, name
        self.client = day.machine(name) if by_token else day.browser(name)
        self.secret = "" if by_token or not name else day.cookies[name]
        self.found: dict[str, set[str]] = {}
        self.statuses: Counter[int] = Counter()
        self._watched = {
            re.compile(spelt(text), re.IGNORECASE): text
            for text, whose in day.marks.items()
            if not _may_know(name, whose)
        }

    async def send(self, asked: Asked) -> Any:
        """Ask, and answer what came."""
        more: dict[str, Any] = {}
        if asked.form is not None:
            more["data"] = {**asked.form, "csrf": form_token(self.secret, asked.path)}
        if asked.files is not None:
            more["files"] = asked.files
        if asked.json is not None:
            more["json"] = asked.json
        return await self.client.request(asked.route[0], asked.path, **more)

    async def ask(self, asked: Asked) -> Any:
        """Ask, and note what the answer should not have told."""
        answer = await self.send(asked)
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500 or asked.route in MAY_BE_UNREADY, f"{asked.route} {answer.text}"
        self._read(asked, text_of(answer))
        return answer

    def _read(self, asked: Asked, told: str) -> None:
        for spelt, text in self._watched.items():
            if not any(text in name for name in asked.names) and spelt.search(told):
                self.found.setdefault(f"{asked.route[0]} {asked.route[1]}", set()).add(text)

    def leaks(self) -> str:
        """Say what was told where."""
        return "\n".join(f"{self.name}: {route} tells {sorted(what)}" for route, what in self.found.items())


def spelt(text: str) -> str:
    """Answer the pattern of a mark; a telephone number is found however its digits are grouped."""
    if text.isdecimal() and len(text) == 9:
        return r"[ .\-]?".join(text)
    return rf"(?<![\w]){re.escape(text)}(?![\w])" if text.startswith("10.7") else re.escape(text)


def _may_know(name: str, whose: MarkOf) -> bool:
    party = PARTY_OF.get(name)
    if whose.is_for_nobody or not name:
        return False
    if whose.is_for_administrators:
        return name == "admin2" or (party == whose.party and name == ALPHA)
    if whose.is_own_only:
        return party == whose.party and name == ALPHA
    if party is not None:
        is_told = party == whose.party or (whose.is_shared and name == "charlie")
        return is_told and not (whose.is_restricted and name == "alpha-machine")
    return not (whose.is_restricted and name in NOT_RESTRICTED)


def reading(asked: list[Asked]) -> list[Asked]:
    """Answer those that change nothing."""
    return [one for one in asked if not one.is_write]


def opens_without_account(asked: Asked) -> bool:
    """Links in messages are the key themselves: who holds one is who it was sent to."""
    return asked.route[1] in {"/a/{token}", "/c/{token}", "/roster/mine/{token}", "/roster/calendar/{token}"}


@contextmanager
def stated(engine: AsyncEngine) -> Iterator[list[str]]:
    """Give a list that fills with the text of every statement that is executed meanwhile."""
    heard: list[str] = []

    def note(*execution: Any) -> None:
        heard.append(" ".join(execution[2].split()))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield heard
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def differing(
    walker: Walker, day: Day, theirs: Side, *, among: Callable[[Asked], bool] = lambda _asked: True
) -> list[str]:
    """Answer where what is ``theirs`` is answered otherwise than what never was, or costs the database other work.

    Work is counted in statements, because a clock would only say how busy the machine is: what is looked up before it
    is asked whose it is takes longer for what is there, and a patient listener can tell.
    """
    different, database = [], day.service.database
    # The first use of a token is written down, whatever it asks.
    await walker.client.get("/api/v1/incidents")
    asked = requests(routes(day), theirs)
    for one, none in zip(asked, requests(routes(day), _like(theirs)), strict=True):
        if is_foreign(one, none) and among(one):
            with stated(database) as worked:
                told = normal(await walker.ask(one), one)
            with stated(database) as worked_for_none:
                never = normal(await walker.ask(none), none)
            what = f"{one.route[0]} {one.path}: {told[0]}"
            if told != never:
                different.append(f"{what} {_where(told[1], never[1])}")
            elif worked != worked_for_none:
                different.append(f"{what} {_work(worked, worked_for_none)}")
    return different


def _work(worked: list[str], worked_for_none: list[str]) -> str:
    """Answer the first statement in which two kinds of work part."""
    pairs = zip_longest(worked, worked_for_none, fillvalue="nothing")
    theirs, never = next((one, other) for one, other in pairs if one != other)
    return f"executes {theirs[:300]!r} / {never[:300]!r} ({len(worked)} / {len(worked_for_none)} statements)"


def _like(side: Side) -> Side:
    """Answer a side that never was, of the same party: parties themselves are no secret."""
    return replace(nobody(), party=side.party)


def is_foreign(one: Asked, none: Asked) -> bool:
    """Answer whether the two ask for different things, of which neither opens by itself or is one's own."""
    is_key = opens_without_account(one) or one.route in SLOWED_DOWN | OF_ONESELF
    return not is_key and (one.path, one.form, one.json) != (none.path, none.form, none.json)


def _where(told: str, never: str) -> str:
    """Answer the first place where two answers part."""
    place = next(
        (at for at, (a, b) in enumerate(zip(told, never, strict=False)) if a != b), min(len(told), len(never))
    )
    return f"…{told[max(0, place - 60) : place + 80]!r} / {never[max(0, place - 60) : place + 80]!r}"
