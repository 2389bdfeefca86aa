"""Faults on a timeline: a YAML list of what happens when, replayed against the lab's clock.

    - at: 10s
      do: cut
      carrier: VNPT
      area: "947"
    - at: 1m30s
      do: restore

``at`` counts from the start of the replay. All mistakes of a file are told at once, each with its entry's number.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
import yaml

from probes.lab.commands import Action, Command, CommandError, command_of
from probes.lab.control import carried_out
from probes.lab.lab import Lab
from probes.lab.nftables import NotAllowedError
from probes.lab.selection import SelectionError

__all__ = ["TimelineError", "TimelineEvent", "parse_timeline", "replay"]

log = structlog.get_logger()

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_UNITS: Final = (3600.0, 60.0, 1.0, 0.001)


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """What happens ``at`` so many seconds after the start."""

    at: float
    command: Command


class TimelineError(ValueError):
    """A timeline cannot be meant; ``faults`` are sentences, one a mistake."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def parse_timeline(text: str) -> tuple[TimelineEvent, ...]:
    """Read a timeline in the order of time; raises TimelineError with every mistake."""
    try:
        # Every scalar stays text: 0947 is a code, not a number in base eight.
        entries = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 # BaseLoader builds text, lists, dicts only
    except yaml.YAMLError as error:
        raise TimelineError([f"not YAML: {error}"]) from error
    if not isinstance(entries, list):
        raise TimelineError(["a timeline is a list of entries with 'at' and 'do'"])
    events: list[TimelineEvent] = []
    faults: list[str] = []
    for number, entry in enumerate(entries, start=1):
        try:
            events.append(_event(entry))
        except ValueError as error:
            faults.append(f"entry {number}: {error}")
    if faults:
        raise TimelineError(faults)
    return tuple(sorted(events, key=lambda event: event.at))


async def replay(lab: Lab, events: Iterable[TimelineEvent], *, stop: asyncio.Event) -> int:
    """Carry the events out at their time until all are done or ``stop`` is set; answer how many were.

    An event that cannot be carried out (a code that this inventory lacks) is logged and passed over.
    """
    began = asyncio.get_running_loop().time()
    done = 0
    for event in events:
        if await _stopped(stop, began + event.at):
            break
        done += await _carried(lab, event)
    return done


async def _stopped(stop: asyncio.Event, when: float) -> bool:
    try:
        async with asyncio.timeout_at(when):
            await stop.wait()
    except TimeoutError:
        return False
    return True


async def _carried(lab: Lab, event: TimelineEvent) -> int:
    try:
        await carried_out(lab, event.command)
    except (CommandError, SelectionError, NotAllowedError) as error:
        log.warning("timeline event not carried out", at=event.at, reason=str(error))
        return 0
    return 1


def _event(entry: Any) -> TimelineEvent:
    timed = isinstance(entry, dict)
    command = command_of({key: value for key, value in entry.items() if key != "at"} if timed else entry)
    if command.action in {Action.STATUS, Action.LOG}:
        raise ValueError(f"{command.action} is nothing that happens")
    return TimelineEvent(_seconds(str(entry.get("at", ""))), command)


def _seconds(text: str) -> float:
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        raise ValueError(f"at must be like 10s, 1m30s or 500ms, not {text!r}")
    return sum(float(part) * unit for part, unit in zip(found.groups(), _UNITS, strict=True) if part)
