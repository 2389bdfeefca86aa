"""Alertmanager both ways: our incidents as its alerts, and its alerts as causes of our incidents.

Outward we keep saying what is true, as Prometheus does: every live incident is posted again each minute and whenever
something changed, with an end a few minutes ahead, so a service that dies lets its alerts expire and one that starts
needs to remember nothing. What ended is said with its end until the next minute.

Inward ``/hooks/alertmanager`` takes the webhook that Alertmanager sends (version 4). An alert's fingerprint names the
condition, so a repeated call changes nothing; its label ``party`` (or ``carrier``) names who answers for it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.errors import DeliveryError
from alerting.metrics import AlertingMetrics
from alerting.models import LIVE, Incident, IncidentState
from alerting.notify.http import attempt, open_client
from alerting.settings import AlertmanagerSettings
from alerting.store import incident as read_incident
from alerting.store import incidents as read_incidents
from inventory.database import reading
from monitor.models import ChangeReason, StateChange, SubjectKind

__all__ = ["AlertmanagerPusher", "alerts_of", "causes_of"]

log = structlog.get_logger(__name__)

_EVERY = 60.0
_VALID = timedelta(minutes=4)
_WARNING = {"P1": "critical", "P2": "critical", "P3": "warning", "P4": "info"}
_MOST = 1000
_WAITING = LIVE - {IncidentState.RESOLVED}


def alerts_of(incidents: Sequence[Incident], now: datetime, *, public_url: str) -> list[dict[str, Any]]:
    """Write incidents as the alerts of ``POST /api/v2/alerts``; labels hold nothing that changes while one lives."""
    return [
        {
            "labels": {
                "alertname": "ThongsuotIncident",
                "incident": one.number,
                "party": one.owner,
                "condition": one.condition,
            },
            "annotations": {
                "summary": one.title,
                "summary_en": one.title_en,
                "severity": one.severity.value,
                "level": _WARNING[one.severity.value],
                "state": one.state.value,
                "acknowledged_by": one.acknowledged_by,
            },
            "startsAt": one.began_at.isoformat(),
            "endsAt": (now + _VALID if _lives(one) else max(one.ended_at or now, one.began_at)).isoformat(),
            "generatorURL": f"{public_url.rstrip('/')}/incidents/{one.id}",
        }
        for one in incidents
    ]


def _lives(one: Incident) -> bool:
    return one.state in _WAITING


class AlertmanagerPusher:
    """The loop that keeps an Alertmanager told."""

    def __init__(
        self,
        settings: AlertmanagerSettings,
        *,
        database: AsyncEngine,
        clock: Callable[[], datetime],
        metrics: AlertingMetrics,
        public_url: str,
    ) -> None:
        self._url = f"{str(settings.url).rstrip('/')}/api/v2/alerts"
        self._client = open_client(settings.timeout_seconds)
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._public_url = public_url
        self._bell = asyncio.Event()
        self._told: set[int] = set()

    def wake(self) -> None:
        """Tell it now. On the loop only."""
        self._bell.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until ``stop`` is set."""
        while not stop.is_set():
            self._metrics.turns.labels("alertmanager").inc()
            try:
                await self.tell()
            except DeliveryError as failure:
                log.warning("alertmanager not told", reason=str(failure))
                self._metrics.failures.labels("alertmanager").inc()
            except Exception:
                # The edge of the loop: what could not be read or sent now is said again in a minute.
                log.exception("alertmanager not told")
                self._metrics.failures.labels("alertmanager").inc()
            else:
                self._metrics.last_success.labels("alertmanager").set(self._clock().timestamp())
            await _either(stop, self._bell, _EVERY)
            self._bell.clear()
        await self.close()

    async def close(self) -> None:
        """Give the connection back; ``run`` does it at its end."""
        await self._client.aclose()

    async def tell(self) -> int:
        """Post what lives, and once what ended since it was last posted; answers how many alerts."""
        async with reading(self._database) as connection:
            found = await read_incidents(connection, states=_WAITING, limit=_MOST)
            living = {one.id for one in found}
            ended = [await read_incident(connection, one) for one in sorted(self._told - living)]
        shown = [*found, *ended]
        alerts = alerts_of(shown, self._clock(), public_url=self._public_url)
        if alerts:
            await attempt(self._client, "POST", self._url, headers={}, json=alerts)
        self._told = living
        return len(alerts)


async def _either(stop: asyncio.Event, bell: asyncio.Event, seconds: float) -> None:
    waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(bell.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


def causes_of(call: Mapping[str, Any], now: datetime) -> list[StateChange]:
    """Read the causes in an Alertmanager's webhook; raises ``ValueError`` that says what is wrong with it."""
    alerts = call.get("alerts")
    listed = alerts if isinstance(alerts, list) else None
    if listed is None:
        raise ValueError("'alerts' must be a list (Alertmanager's webhook, version 4)")
    return [_cause(alert, place, now) for place, alert in enumerate(listed)]


def _cause(alert: Any, place: int, now: datetime) -> StateChange:
    if not isinstance(alert, dict) or alert.get("status") not in {"firing", "resolved"}:
        raise ValueError(f"alerts[{place}].status must be firing or resolved")
    fingerprint = alert.get("fingerprint")
    if not isinstance(fingerprint, str) or not fingerprint or len(fingerprint) > 64:
        raise ValueError(f"alerts[{place}].fingerprint must be a text of 1 to 64 characters")
    firing = alert["status"] == "firing"
    labels, told = (alert.get(part) or {} for part in ("labels", "annotations"))
    name = str(labels.get("alertname", fingerprint))[:120]
    return StateChange(
        kind=SubjectKind.CAUSE,
        subject=f"alert:{fingerprint}",
        old="up" if firing else "down",
        new="down" if firing else "up",
        at=min(_moment(alert.get("startsAt" if firing else "endsAt"), place) or now, now),
        noticed_at=now,
        reason=ChangeReason.EXPLAINED,
        evidence={
            "owner": str(labels.get("party") or labels.get("carrier") or ""),
            "sites": [labels["site"]] if isinstance(labels.get("site"), str) else [],
            "targets": [],
            "labels": {str(key): str(value)[:200] for key, value in list(labels.items())[:40]},
            "explanation": {
                "vi": str(told.get("summary") or name)[:200],
                "en": str(told.get("summary_en") or told.get("summary") or name)[:200],
            },
        },
        id=0,
    )


def _moment(written: Any, place: int) -> datetime | None:
    if not written or str(written).startswith("0001-"):
        return None
    try:
        read = datetime.fromisoformat(str(written))
    except ValueError:
        raise ValueError(f"alerts[{place}] holds no time: {str(written)[:40]!r}") from None
    if read.tzinfo is None:
        raise ValueError(f"alerts[{place}] holds a time without a zone: {str(written)[:40]!r}")
    return read
