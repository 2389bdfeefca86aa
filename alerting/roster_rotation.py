"""Orders of turns, written out as dated shifts when they are laid down. Pure.

Turns begin by the clock on the wall (RFC 5545 through dateutil), in the election's zone: a night shift that meets a
change of clocks is an hour longer or shorter, and no minute is held twice or by nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from dateutil.rrule import HOURLY, rrule, rruleset, rrulestr

from inventory.models import Duty, Shift
from inventory.phases import local_time
from inventory.reasons import expected

__all__ = ["MOST_TURNS", "Rotation", "expanded"]

MOST_TURNS = 1000
"""More turns than this are a slip of the keyboard."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """People who take turns. ``start`` and ``until`` are local times without a zone.

    With ``hours`` each turn lasts so long and the next follows at once; with ``rule`` (an RFC 5545 RRULE) a turn
    begins at each occurrence and ends where the next begins. The person after is the substitute.
    """

    party: str
    duty: Duty
    people: tuple[str, ...]
    start: datetime
    until: datetime
    hours: int = 8
    rule: str = ""
    with_substitute: bool = True


def expanded(rotation: Rotation, *, zone: ZoneInfo) -> tuple[Shift, ...]:
    """Write a rotation out as shifts; raises :class:`~inventory.reasons.UnusableError` when it makes no sense."""
    _check(rotation)
    begins = [at for at in _begins(rotation) if at < rotation.until]
    if len(begins) > MOST_TURNS:
        raise expected(
            f"quá {MOST_TURNS} ca; hãy rút ngắn khoảng thời gian",
            f"more than {MOST_TURNS} turns; make the time shorter",
        )
    edges = [_moment(at, zone) for at in [*begins, rotation.until]]
    found = []
    for place, (start, end) in enumerate(pairwise(edges)):
        person = rotation.people[place % len(rotation.people)]
        after = rotation.people[(place + 1) % len(rotation.people)]
        substitute = after if rotation.with_substitute and after != person else ""
        if start < end:
            found.append(Shift(rotation.party, rotation.duty, person, start, end, substitute))
    return tuple(found)


def _check(rotation: Rotation) -> None:
    if not rotation.people:
        raise expected("phải chọn ít nhất một người", "choose at least one person")
    if rotation.until <= rotation.start:
        raise expected("lúc kết thúc phải sau lúc bắt đầu", "the end must be after the start")
    if not rotation.rule and not 1 <= rotation.hours <= 168:
        raise expected("mỗi ca dài từ 1 đến 168 giờ", "a turn lasts from 1 to 168 hours")


def _begins(rotation: Rotation) -> Iterator[datetime]:
    turns: rrule | rruleset
    if not rotation.rule:
        turns = rrule(HOURLY, interval=rotation.hours, dtstart=rotation.start, until=rotation.until)
    else:
        try:
            turns = rrulestr(rotation.rule, dtstart=rotation.start)
        except (ValueError, TypeError, KeyError) as error:
            raise expected(
                "không phải quy tắc lặp RRULE, ví dụ FREQ=DAILY;BYHOUR=6,14,22",
                "not a repetition rule (RRULE), such as FREQ=DAILY;BYHOUR=6,14,22",
            ) from error
    for number, at in enumerate(turns):
        if number > MOST_TURNS or at >= rotation.until:
            return
        yield at


def _moment(naive: datetime, zone: ZoneInfo) -> datetime:
    """Answer a time on the wall; where the clocks skip or repeat it, the turn changes an hour later."""
    try:
        return local_time(naive, zone=zone)
    except ValueError:
        return local_time(naive + timedelta(hours=1), zone=zone)
