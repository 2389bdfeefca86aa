"""Folding the roll calls: who was asked, who answered what, how many of how many in each hour. Pure.

A site counts once: in an hour with its newest answer of that hour, in the whole with its newest of all. Who answered is
who was reached, whatever they said. An hour is one of the election's zone; hours in which nobody called are not told.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from dashboards.reports.arithmetic import widened
from dashboards.reports.facts import CalledHour, CalledSite, Control, Counted, RollFacts
from dashboards.reports.record import Called, Heard, Record
from inventory.models import Phase
from inventory.phases import phase_at

__all__ = ["roll", "roll_by_phase", "roll_controls"]

_UNREACHED = frozenset({Heard.NO_CONTACT, Heard.UNCONFIRMED})
_TROUBLED = frozenset({Heard.PARTIAL, Heard.LOST})


def roll(record: Record) -> RollFacts:
    """Fold every call of the record."""
    return _folded("", _ordered(record.calls), record)


def roll_by_phase(record: Record) -> tuple[RollFacts, ...]:
    """Fold the calls of each phase that had any, in the order of the calendar."""
    groups: defaultdict[Phase, list[Called]] = defaultdict(list)
    for call in _ordered(record.calls):
        groups[phase_at(record.election, call.at)].append(call)
    return tuple(_folded(phase.value, groups[phase], record) for phase in Phase if phase in groups)


def roll_controls(found: RollFacts, phases: Sequence[RollFacts]) -> tuple[Control, ...]:
    """Answer what must sum: calls over hours and phases, newest answers over sites."""
    return (
        Control("roll.hours", sum(hour.calls for hour in found.hours), found.calls),
        Control("roll.phases", sum(each.calls for each in phases), found.calls),
        Control("roll.sites", sum(found.answers.values()), found.called),
        Control("roll.calls", sum(each.calls for each in found.by_site), found.calls),
    )


def _ordered(calls: Iterable[Called]) -> list[Called]:
    once = {each.identifier: each for each in calls}
    return sorted(once.values(), key=lambda each: (each.at, len(each.identifier), each.identifier))


def _folded(key: str, calls: Sequence[Called], record: Record) -> RollFacts:
    newest = {each.site: each for each in calls}
    answers = _answers(newest.values())
    troubled = [each for each in calls if each.answer in _TROUBLED]
    return RollFacts(
        key=key,
        sites=len(record.roll),
        calls=len(calls),
        answered=_reached(newest.values()),
        answers=answers,
        troubled=Counted(
            "", len({each.site for each in troubled}), tuple(each.identifier for each in troubled)
        ),
        hours=_hours(calls, record),
        by_site=_sites(calls, newest.values()),
    )


def _hours(calls: Iterable[Called], record: Record) -> tuple[CalledHour, ...]:
    zone = record.election.zone
    groups: defaultdict[int, list[Called]] = defaultdict(list)
    for call in calls:
        local = call.at.astimezone(zone)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        groups[_second(call.at - into)].append(call)
    return tuple(_hour(start, groups[start]) for start in sorted(groups))


def _hour(start: int, calls: Sequence[Called]) -> CalledHour:
    newest = {each.site: each for each in calls}.values()
    return CalledHour(
        start=start,
        calls=len(calls),
        called=len(newest),
        answered=_reached(newest),
        answers=_answers(newest),
        sources=tuple(each.identifier for each in calls),
    )


def _sites(calls: Iterable[Called], newest: Iterable[Called]) -> tuple[CalledSite, ...]:
    of_site: defaultdict[str, list[str]] = defaultdict(list)
    for call in calls:
        of_site[call.site].append(call.identifier)
    found = (
        CalledSite(
            site=each.site,
            name=each.site_name,
            commune=each.commune,
            calls=len(of_site[each.site]),
            at=_second(each.at),
            answer=each.answer,
            carrier=each.carrier,
            by=each.by,
            note=each.note,
            sources=tuple(of_site[each.site]),
        )
        for each in newest
    )
    return tuple(sorted(found, key=lambda each: (each.commune, each.name, each.site)))


def _answers(newest: Iterable[Called]) -> dict[Heard, int]:
    counted = Counter(each.answer for each in newest)
    return {answer: counted[answer] for answer in Heard if counted[answer]}


def _reached(newest: Iterable[Called]) -> int:
    return sum(each.answer not in _UNREACHED for each in newest)


def _second(at: datetime) -> int:
    return widened(at, at)[0]
