"""Heartbeats: a site, or a tool of its carrier's, pings us at its own pace; silence is the alarm.

The passive kind of look. :meth:`HeartbeatBook.ping` notes that a token came (from any thread: the web's); a look asks
whether it came lately enough. The inventory holds only the hash of a token:

================ =====================================================================================
``token_sha256`` SHA-256 of the token in hexadecimal (``printf %s TOKEN | sha256sum``); compulsory
``every``        how often the site pings: ``60``, ``60s``, ``5m``, ``1h``; by default a minute
``grace``        how much later than that it may come; by default half of ``every``
================ =====================================================================================

Pings are not kept across a restart. Until ``every + grace`` have passed since a token was first expected, and no ping
came, a look knows nothing and says so (ERROR, which never speaks against the target); after that silence is silence.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from threading import Lock
from typing import Final

from probes.models import Answer, Evidence, Finish, Outcome, Request

__all__ = ["HEARTBEAT_OPTIONS", "HeartbeatBook", "HeartbeatPlan", "heartbeat_answer", "heartbeat_plan"]

HEARTBEAT_OPTIONS: Final = frozenset({"token_sha256", "every", "grace"})

_HASH = re.compile(r"[0-9a-f]{64}")
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h)?", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_EVERY_SECONDS = 60.0
_LONGEST_TOKEN = 256


@dataclass(frozen=True, slots=True)
class HeartbeatPlan:
    """What one target's heartbeat is: the digest of its token, and its pace in seconds."""

    digest: str
    every: float
    grace: float

    @property
    def patience(self) -> float:
        """Seconds of silence that are still right."""
        return self.every + self.grace


def heartbeat_plan(options: Mapping[str, str]) -> HeartbeatPlan:
    """Read a target's options; a ValueError says which cannot be meant."""
    digest = options.get("token_sha256", "").lower()
    if not _HASH.fullmatch(digest):
        raise ValueError("token_sha256 must be 64 hexadecimal digits, the SHA-256 of the token")
    every = _duration("every", options.get("every", ""), _EVERY_SECONDS)
    if every <= 0:
        raise ValueError("every must be longer than nothing")
    return HeartbeatPlan(digest, every, _duration("grace", options.get("grace", ""), every / 2))


def heartbeat_answer(plan: HeartbeatPlan, *, last: float | None, since: float, now: float) -> Answer:
    """Judge a token's silence. ``last`` is when it last came, ``since`` when it was first expected; one clock."""
    if last is not None and now - last <= plan.patience:
        return Answer(Outcome.OK, evidence=Evidence.PROTOCOL)
    if last is None and now - since <= plan.patience:
        return Answer(Outcome.ERROR, detail=f"no ping yet, listening for {now - since:.0f} s")
    heard = f"silent for {now - last:.0f} s" if last is not None else f"no ping in {now - since:.0f} s"
    return Answer(Outcome.TIMEOUT, detail=f"{heard}, expected every {plan.every:g} s + {plan.grace:g} s")


class HeartbeatBook:
    """Which token came when; a probe for the vantage, and :meth:`ping` for the web, each on its own thread."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._expected: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._plans: dict[int, tuple[Mapping[str, str], HeartbeatPlan]] = {}
        self.pinged = 0
        self.unknown = 0

    def expect(self, options: Iterable[Mapping[str, str]]) -> None:
        """Take pings for these targets from now on and for no others; those that stay keep when they last came."""
        now = self._monotonic()
        digests = {
            digest for each in options if _HASH.fullmatch(digest := each.get("token_sha256", "").lower())
        }
        with self._lock:
            self._expected = {digest: self._expected.get(digest, now) for digest in digests}
            self._last = {digest: at for digest, at in self._last.items() if digest in digests}

    def ping(self, token: str) -> bool:
        """Note that a token came; answer whether anybody expects it. Takes the same steps either way."""
        digest = sha256(token[:_LONGEST_TOKEN].encode(errors="replace")).hexdigest()
        now = self._monotonic()
        with self._lock:
            # Looked up by what it hashes to: how long that takes says nothing of any token that exists.
            known = digest if digest in self._expected else ""
            is_expected = compare_digest(known.ljust(64, "-"), digest)
            if is_expected:
                self._last[digest] = now
                self.pinged += 1
            else:
                self.unknown += 1
        return is_expected

    async def open(self) -> None:
        """Need nothing: the web listens."""

    def begin(self, request: Request, finish: Finish) -> None:
        """Look whether the target's token came lately enough; a token looked at is expected from then on."""
        try:
            answer = self._judged(self._plan(request))
        except ValueError as error:
            answer = Answer(Outcome.ERROR, detail=f"option: {error}")
        asyncio.get_running_loop().call_soon(finish, request, answer)

    async def close(self) -> None:
        """Hold nothing."""

    def _plan(self, request: Request) -> HeartbeatPlan:
        known = self._plans.get(request.target)
        if known is not None and known[0] is request.options:
            return known[1]
        plan = heartbeat_plan(request.options)
        self._plans[request.target] = (request.options, plan)
        return plan

    def _judged(self, plan: HeartbeatPlan) -> Answer:
        now = self._monotonic()
        with self._lock:
            since = self._expected.setdefault(plan.digest, now)
            last = self._last.get(plan.digest)
        return heartbeat_answer(plan, last=last, since=since, now=now)


def _duration(name: str, text: str, default: float) -> float:
    if not text:
        return default
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{name} must be like 60, 60s, 5m or 1h, not {text!r}")
    return float(found[1]) * _SECONDS[found[2] or "s"]
