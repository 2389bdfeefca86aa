"""What can be asked of a gateway when it may not be called: whether it is there (OPTIONS), which costs nobody a call.

Calls are rate-capped, so three failed calls take minutes. A failed call is confirmed by asking the gateway instead: if
it is silent, or refuses, so is every line behind it, and that is a failure of the line. If it answers, that says
nothing of the line, and only the next call can tell. Not every gateway answers OPTIONS; one that was never heard to
do so is not believed dead for its silence. Whether it does is found out after a call that went well.
"""

import math
from dataclasses import replace
from typing import Final

from probes.models import Answer, Evidence, Finish, Outcome, Request
from probes.sip import SipProbe

__all__ = ["CallGateway"]

_TELLING: Final = frozenset({Outcome.TIMEOUT, Outcome.REFUSED, Outcome.UNREACHABLE})
_OPTIONS: Final[dict[str, str]] = {}
_LEARN_SECONDS: Final = 4.0


class CallGateway:
    """Asks the gateways of call targets; ``withheld`` is the detail of a look that proved nothing."""

    def __init__(self, probe: SipProbe) -> None:
        self._probe = probe
        self._speaking: set[tuple[str, int]] = set()
        self._asked: set[tuple[str, int]] = set()

    async def open(self) -> None:
        """Open the sockets on the running loop."""
        await self._probe.open()

    async def close(self) -> None:
        """End what is under way."""
        await self._probe.close()

    def learn(self, request: Request) -> None:
        """Find out, once, whether the gateway answers OPTIONS at all."""
        gateway = (request.address, request.port)
        if gateway not in self._asked:
            self._asked.add(gateway)
            self._probe.begin(replace(request, options=_OPTIONS, timeout=_LEARN_SECONDS), self._learnt)

    def confirm(self, request: Request, finish: Finish, *, withheld: str) -> None:
        """Ask in the place of a call that may not be made."""

        def answered(asked: Request, answer: Answer) -> None:
            was_speaking = (request.address, request.port) in self._speaking
            self._learnt(asked, answer)
            if was_speaking and answer.outcome in _TELLING:
                told = replace(
                    answer, rtt=math.nan, evidence=Evidence.NONE, detail=f"gateway: {answer.detail}"
                )
            else:
                told = Answer(Outcome.ERROR, detail=withheld)
            finish(request, told)

        self._probe.begin(replace(request, options=_OPTIONS), answered)

    def _learnt(self, asked: Request, answer: Answer) -> None:
        if answer.outcome not in _TELLING and answer.outcome is not Outcome.ERROR:
            self._speaking.add((asked.address, asked.port))
