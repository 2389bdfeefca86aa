"""Mutual aid at work: every step is one transaction with its record, a line in the incident's ledger and its notices.

The department orders; the requester drafts; the helper answers, and sees nothing of the incident but the area, the need
and for how long. ``verdicts`` answers what is believed of sites now: help that claims to work is held against it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting import aid_store as store
from alerting.actions import mitigate
from alerting.aid import Aid, AidEvent, AidKind, AidRefusedError, AidState, apply, expiry, find
from alerting.aid_notices import tell
from alerting.aid_store import AidEntry
from alerting.case import SYSTEM, Case
from alerting.errors import MissingReasonError, RefusedError, StaleIncidentError, UnknownIncidentError
from alerting.models import LIVE, IncidentEvent, IncidentState
from alerting.province import Province
from alerting.service import Deed
from alerting.store import incident as read_incident
from inventory.database import reading
from inventory.drawn import Draw
from monitor.models import Verdict

__all__ = ["AidOrder", "AidService", "Deeds", "FaultyAidError", "UnknownAidError", "UnverifiedAidError"]

log = structlog.get_logger(__name__)

_LONGEST_MINUTES = 14 * 24 * 60
_WORKING = frozenset({Verdict.READY, Verdict.DEGRADED, Verdict.AT_RISK})
_MITIGABLE = LIVE - {IncidentState.SUSPECTED, IncidentState.RESTORED, IncidentState.RESOLVED}


class Deeds(Protocol):
    """What does something to an incident in one transaction (alerting.service.AlertingService)."""

    async def act(self, incident: int, deed: Deed, *, version: int | None = None) -> Any:
        """Do ``deed`` on the incident, again from the start when somebody else was faster."""


class UnknownAidError(RefusedError):
    """There is no such aid, or it is not the caller's to see: the answer is the same."""

    slug = "unknown-aid"
    status = 404

    def __init__(self, aid: int) -> None:
        super().__init__(f"there is no aid {aid}")


class FaultyAidError(RefusedError):
    """What was ordered or answered cannot be; the sentence says what to mend."""

    slug = "faulty-aid"
    status = 422

    def __init__(self, en: str, vi: str) -> None:
        super().__init__(en)
        self.vi = vi


class UnverifiedAidError(RefusedError):
    """Measurement does not see that the help works, so nobody may say so by measurement."""

    slug = "unverified-aid"
    status = 409

    def __init__(self, sites: Sequence[str]) -> None:
        super().__init__(f"still cut off: {', '.join(sites)}; verify by a call, or wait for the measurement")
        self.sites = tuple(sites)


@dataclass(frozen=True, slots=True)
class AidOrder:
    """What is asked for. ``helper`` is the party asked."""

    incident: int
    kind: AidKind
    helper: str
    area: str
    need: str
    minutes: int
    is_standby: bool = False


class AidService:
    """Every aid, from its draft to its actuals."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        alerting: Deeds,
        clock: Callable[[], datetime],
        verdicts: Callable[[], Mapping[str, Verdict]],
        draw: Draw | None = None,
    ) -> None:
        self._database = database
        self._alerting = alerting
        self._clock = clock
        self._verdicts = verdicts
        self._draw = draw

    # What others ask

    async def aids(self, *, party: str | None, incident: int | None = None) -> list[Aid]:
        """Answer the aids that ``party`` (None: the department) may see."""
        async with reading(self._database) as connection:
            return await store.aids_of(connection, party=party, incident=incident)

    async def aid(self, identifier: int, *, party: str | None) -> tuple[Aid, list[AidEntry]]:
        """Answer one aid with its record; raises :class:`UnknownAidError`."""
        async with reading(self._database) as connection:
            found = await store.aid_by_id(connection, identifier, party=party)
            if found is None:
                raise UnknownAidError(identifier)
            return found, await store.events_of(connection, identifier)

    async def next_due(self) -> datetime | None:
        """Answer when :meth:`tick` will have something to do."""
        async with reading(self._database) as connection:
            return await store.soonest_aid(connection)

    # What people do

    async def draft(self, order: AidOrder, *, actor: str, scope: str | None = None) -> Aid:
        """Draft a request; ``scope`` is the only party whose incidents the caller may draft for."""
        if scope is not None:
            # Before anything else is read, so that another's incident costs what one costs that never was.
            async with reading(self._database) as connection:
                await read_incident(connection, order.incident, owner=scope)
        made: list[Aid] = []

        async def deed(case: Case, province: Province, at: datetime) -> None:
            incident = case.incident
            if scope is not None and incident.owner != scope:
                raise UnknownIncidentError(order.incident)
            _check(order, incident.owner, incident.state, province)
            blank = Aid(
                id=0,
                number="",
                incident=incident.id,
                kind=order.kind,
                requester=incident.owner,
                helper=order.helper,
                area=order.area,
                need=order.need.strip(),
                minutes=order.minutes,
                state=find(None, AidEvent.DRAFTED),
                deadline_at=at + timedelta(hours=1),
                created_at=at,
                is_standby=order.is_standby,
            )
            aid = await store.add_aid(case.connection, blank, draw=self._draw)
            made[:] = [aid]
            await self._note(case, aid, AidEvent.DRAFTED, at, actor, {})

        await self._alerting.act(order.incident, deed)
        return made[0]

    async def request(self, identifier: int, *, actor: str) -> Aid:
        """Ask the partner; the department alone does that."""
        return await self._moved(identifier, AidEvent.REQUESTED, actor=actor, changes={"ordered_by": actor})

    async def answer(
        self,
        identifier: int,
        event: AidEvent,
        *,
        actor: str,
        party: str | None,
        terms: Mapping[str, Any] | None = None,
        note: str = "",
    ) -> Aid:
        """Accept, counter (both with terms) or decline (with a reason), as the helper or on its behalf."""
        if event not in {AidEvent.ACCEPTED, AidEvent.COUNTERED, AidEvent.DECLINED}:
            raise AidRefusedError("asked for", event)
        if event is not AidEvent.ACCEPTED and not note.strip():
            raise MissingReasonError(f"aid {event}", "a note")
        offered = _terms(terms or {})
        changes = {"terms": offered} if event is not AidEvent.DECLINED else {}
        return await self._moved(
            identifier, event, actor=actor, party=party, is_helper=True, changes=changes, note=note
        )

    async def do(
        self, identifier: int, event: AidEvent, *, actor: str, party: str | None, note: str = ""
    ) -> Aid:
        """Agree to a counter-offer, order the activation, withdraw, fail, release or write a note."""
        needs_words = {AidEvent.WITHDRAWN, AidEvent.FAILED, AidEvent.NOTE}
        if event in needs_words and not note.strip():
            raise MissingReasonError(f"aid {event}", "a note")
        return await self._moved(identifier, event, actor=actor, party=party, note=note)

    async def extend(self, identifier: int, *, minutes: int, actor: str) -> Aid:
        """Let active help go on for so many minutes from now."""
        _check_minutes(minutes)
        return await self._moved(identifier, AidEvent.EXTENDED, actor=actor, changes={"minutes": minutes})

    async def verify(self, identifier: int, *, by_call: bool, note: str, actor: str) -> Aid:
        """Say that the help works: by measurement, held against what is believed now, or by a call that ``note`` tells of.

        The incident becomes mitigated in the same transaction, where it is still waiting for service.
        """
        if by_call and not note.strip():
            raise MissingReasonError("aid verified by a call", "who was called and what they said")
        how = f"call: {note.strip()}" if by_call else "probe"
        return await self._moved(
            identifier,
            AidEvent.VERIFIED,
            actor=actor,
            changes={"verified_by": how[:300]},
            note=note,
            by_probe=not by_call,
        )

    async def close(
        self, identifier: int, *, actuals: Mapping[str, Any], actor: str, party: str | None, note: str = ""
    ) -> Aid:
        """Write down what it really was: ``users``, ``minutes``, ``capacity``; refused without minutes."""
        known = _actuals(actuals)
        return await self._moved(
            identifier, AidEvent.CLOSED, actor=actor, party=party, changes={"actuals": known}, note=note
        )

    async def tick(self) -> int:
        """Let every deadline that has passed be the event that it is; answers how many."""
        async with reading(self._database) as connection:
            due = await store.due_aids(connection, self._clock())
        for identifier, _ in due:
            try:
                await self._moved(identifier, None, actor=SYSTEM)
            except AidRefusedError:
                log.info("an aid moved on before its deadline was met", aid=identifier)
        return len(due)

    # How a step is taken

    async def _moved(
        self,
        identifier: int,
        event: AidEvent | None,
        *,
        actor: str,
        party: str | None = None,
        is_helper: bool = False,
        changes: Mapping[str, Any] | None = None,
        note: str = "",
        by_probe: bool = False,
    ) -> Aid:
        """Take one step; without an event, the one that the passing of its deadline is."""
        before, _ = await self.aid(identifier, party=party)
        if is_helper and party not in {None, before.helper}:
            raise UnknownAidError(identifier)
        moved: list[Aid] = []

        async def deed(case: Case, province: Province, at: datetime) -> None:
            aid = await store.aid_by_id(case.connection, identifier)
            if aid is None:
                raise UnknownAidError(identifier)
            step = event or expiry(aid)
            if event is None and (aid.deadline_at is None or aid.deadline_at > at):
                raise AidRefusedError(aid.state, step)
            after = apply(aid, step, at, **(changes or {}))
            if by_probe:
                self._check_service(case)
            if not await store.save_aid(case.connection, after, version=aid.version):
                raise StaleIncidentError(case.incident.id)
            moved[:] = [after]
            await self._note(case, after, step, at, actor, {"note": note.strip()} if note.strip() else {})
            await tell(case, after, step, province, at, note=note)
            await self._consequences(case, after, step, province, at, actor=actor)

        await self._alerting.act(before.incident, deed)
        return moved[0]

    async def _note(
        self, case: Case, aid: Aid, event: AidEvent, at: datetime, actor: str, details: Mapping[str, Any]
    ) -> None:
        await store.append_event(case.connection, aid, AidEntry(at, event, actor, aid.state, details))
        told = {"aid": aid.id, "number": aid.number, "event": event.value, "help": aid.kind.value}
        await case.record(
            IncidentEvent.NOTE, at=at, actor=actor, details={**details, **told, "helper": aid.helper}
        )

    async def _consequences(
        self, case: Case, aid: Aid, event: AidEvent, province: Province, at: datetime, *, actor: str
    ) -> None:
        if event in {AidEvent.ACCEPTED, AidEvent.AGREED} and not aid.is_standby:
            await self._withdraw_others(case.connection, case, aid, province, at)
        if event is AidEvent.VERIFIED and case.incident.state in _MITIGABLE:
            words = f"{aid.number}: {aid.verified_by}"
            await mitigate(case, province, at, actor=actor, note=words, until=aid.deadline_at)

    async def _withdraw_others(
        self, connection: AsyncConnection, case: Case, aid: Aid, province: Province, at: datetime
    ) -> None:
        """Withdraw what else was asked of the same kind for the same incident: the first that suffices wins."""
        for other in await store.aids_of(connection, incident=aid.incident):
            asked = other.state in {AidState.REQUESTED, AidState.COUNTERED}
            if not asked or other.id == aid.id or other.kind is not aid.kind or other.is_standby:
                continue
            after = apply(other, AidEvent.WITHDRAWN, at)
            if not await store.save_aid(connection, after, version=other.version):
                raise StaleIncidentError(case.incident.id)
            await self._note(case, after, AidEvent.WITHDRAWN, at, SYSTEM, {"for": aid.number})
            await tell(case, after, AidEvent.WITHDRAWN, province, at)

    def _check_service(self, case: Case) -> None:
        evidence = case.incident.facts.get("evidence", {})
        hit = evidence.get("isolated") or evidence.get("sites", ())
        known = self._verdicts()
        lost = [site for site in hit if known.get(site) not in _WORKING]
        if lost or not hit:
            raise UnverifiedAidError(lost or ["?"])


def _check(order: AidOrder, owner: str, state: IncidentState, province: Province) -> None:
    inventory = province.inventory
    if state not in LIVE:
        raise FaultyAidError(
            f"the incident is {state}: there is nothing to help with",
            "sự cố đã xong: không còn gì để ứng cứu",
        )
    if order.helper not in inventory.parties:
        raise FaultyAidError(
            f"no party has the code {order.helper!r}; choose one of the inventory",
            f"không có đơn vị {order.helper!r}; hãy chọn một đơn vị trong danh mục",
        )
    if order.helper == owner:
        raise FaultyAidError(
            f"{order.helper} is the owner of the incident; ask another party",
            f"{order.helper} chính là đơn vị gặp sự cố; hãy chọn đơn vị khác",
        )
    if order.area not in inventory.areas:
        raise FaultyAidError(
            f"no area has the code {order.area!r}; choose one of the inventory",
            f"không có địa bàn {order.area!r}; hãy chọn một địa bàn trong danh mục",
        )
    if not order.need.strip():
        raise FaultyAidError(
            "say what is needed, in words that the partner understands without the incident",
            "hãy ghi cần gì, để bên ứng cứu hiểu mà không cần biết về sự cố",
        )
    _check_minutes(order.minutes)


def _check_minutes(minutes: int) -> None:
    if not 1 <= minutes <= _LONGEST_MINUTES:
        raise FaultyAidError(
            f"{minutes} minutes: ask for 1 minute to 14 days",
            f"{minutes} phút: hãy ghi từ 1 phút đến 14 ngày",
        )


def _terms(given: Mapping[str, Any]) -> dict[str, Any]:
    """Answer what of an offer is meant: ``lead_minutes``, ``valid_minutes`` (both positive), ``capacity``, ``note``."""
    answer: dict[str, Any] = {}
    for name in ("lead_minutes", "valid_minutes"):
        if given.get(name) is not None:
            _check_minutes(int(given[name]))
            answer[name] = int(given[name])
    return answer | {name: str(given[name])[:300] for name in ("capacity", "note") if given.get(name)}


def _actuals(given: Mapping[str, Any]) -> dict[str, Any]:
    minutes = given.get("minutes")
    if minutes is None or int(minutes) < 0:
        raise FaultyAidError(
            "say for how many minutes it really helped; 0 if it never did",
            "hãy ghi đã ứng cứu thực tế bao nhiêu phút; 0 nếu chưa lúc nào",
        )
    users = given.get("users")
    if users is not None and int(users) < 0:
        raise FaultyAidError("users cannot be fewer than none", "số thuê bao không thể âm")
    answer: dict[str, Any] = {"minutes": int(minutes)}
    answer |= {"users": int(users)} if users is not None else {}
    return answer | ({"capacity": str(given["capacity"])[:300]} if given.get("capacity") else {})
