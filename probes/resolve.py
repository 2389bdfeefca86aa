"""Names to numeric addresses, outside the path of looking.

A look never waits for a resolver: addresses are resolved ahead and again every minute. A name that does not
resolve keeps the address it last had and is listed as stale; one that never did is simply absent.
"""

import asyncio
import socket
from collections.abc import Iterable, Mapping, Sequence

from probes.fleet import Slot

__all__ = ["RESOLVE_SECONDS", "Resolver"]

RESOLVE_SECONDS = 60.0
_DEADLINE_SECONDS = 3.0
_AT_ONCE = 16


class Resolver:
    """Addresses of one vantage's slots, by slot code."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._slots: Sequence[Slot] = ()
        self._names: list[str] = []
        self.stale: frozenset[str] = frozenset()

    def addresses(self, slots: Iterable[Slot]) -> Mapping[str, str]:
        """Answer what is known now: numeric addresses as they stand, names by their last resolution."""
        return {
            slot.code: slot.address if slot.needs_no_resolver else self._known[slot.address]
            for slot in slots
            if slot.needs_no_resolver or slot.address in self._known
        }

    async def refresh(self, slots: Sequence[Slot]) -> bool:
        """Resolve every name again; answer whether any address changed."""
        if slots is not self._slots:
            # Once a fleet: going through a nation every minute would be felt by its looks.
            self._slots = slots
            self._names = sorted({slot.address for slot in slots if not slot.needs_no_resolver})
        names = self._names
        gate = asyncio.Semaphore(_AT_ONCE)
        found = await asyncio.gather(*(self._resolve(name, gate) for name in names))
        self.stale = frozenset(name for name, address in zip(names, found, strict=True) if not address)
        before = dict(self._known)
        self._known.update({name: address for name, address in zip(names, found, strict=True) if address})
        return before != self._known

    @staticmethod
    async def _resolve(name: str, gate: asyncio.Semaphore) -> str:
        async with gate:
            try:
                async with asyncio.timeout(_DEADLINE_SECONDS):
                    answers = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
            except (OSError, TimeoutError, UnicodeError):
                return ""
        return str(answers[0][4][0]) if answers else ""
