"""The loop that builds what is queued, orders what the calendar asks for and sends that to its readers."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from dashboards.i18n import Language
from dashboards.reports.order import Kind, Order, Stage
from dashboards.reports.sending import ReportSending
from dashboards.reports.service import ReportService
from inventory.models import Election

__all__ = ["ReportWorker", "slots_due"]

log = structlog.get_logger(__name__)

_TURN_SECONDS = 15.0
_LATE = timedelta(hours=2)
"""A slot that passed longer ago is not made up for: its report would tell of another time than its name."""
_FIRST_SPAN = timedelta(hours=24)


def slots_due(election: Election, now: datetime) -> list[tuple[datetime, datetime, str]]:
    """Answer the quick reports due: from the slot before to the slot, and the slot's name. Pure."""
    found = []
    before: datetime | None = None
    for slot in election.report_slots:
        since = max(before or slot - _FIRST_SPAN, slot - _FIRST_SPAN)
        if slot <= now < slot + _LATE:
            found.append((since, slot, f"quick:{slot.isoformat()}"))
        before = slot
    return found


class ReportWorker:
    """Builds one report after the other; a turn begins when something is ordered, or every few seconds."""

    def __init__(
        self,
        *,
        service: ReportService,
        election: Callable[[], Election],
        clock: Callable[[], datetime],
        sending: ReportSending | None = None,
    ) -> None:
        self._sending = sending
        self._service = service
        self._election = election
        self._clock = clock
        self.failures = 0
        self.last_success: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        while not stop.is_set():
            self._service.wakened.clear()
            await self._turn()
            await _either(stop, self._service.wakened, _TURN_SECONDS)

    async def _turn(self) -> None:
        try:
            await self.order_slots()
            while await self._built():
                self.last_success = self._clock()
            if self._sending is not None:
                await self._sending.send_slots()
        except Exception:
            # The database may be away for a moment; the next turn tries again.
            self.failures += 1
            log.exception("reports not looked after")

    async def order_slots(self) -> None:
        """Order what the calendar asks for, once a slot."""
        for since, until, slot in slots_due(self._election(), self._clock()):
            order = Order(Kind.QUICK, stage=Stage.NOTIFICATION, language=Language.VI)
            await self._service.order_slot(order, since, until, slot=slot)

    async def _built(self) -> bool:
        waiting = await self._service.queued()
        if waiting is None:
            return False
        try:
            await self._service.build_next()
        except Exception as error:
            # One report that cannot be built must not keep the next from being built.
            self.failures += 1
            log.exception("report not built", report=waiting)
            await self._service.fail(waiting, f"{type(error).__name__}: {error}")
        return True


async def _either(stop: asyncio.Event, wakened: asyncio.Event, seconds: float) -> None:
    """Wait until either event is set, at most ``seconds``."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, wakened)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
