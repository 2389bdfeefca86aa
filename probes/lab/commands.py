"""What can be asked of a lab, read from JSON or from a timeline; pure. What cannot be meant is said in two languages."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from probes.lab.faults import Selector

__all__ = ["Action", "Command", "CommandError", "command_of"]


class Action(StrEnum):
    """What to do."""

    CUT = "cut"
    LOSS = "loss"
    SLOW = "slow"
    FILL = "fill"
    RESTORE = "restore"
    STATUS = "status"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Command:
    """``amount``: the ratio of a loss or of how full a link is, the seconds of a delay; ``fault``: one to lift; ``last``: lines of the log."""

    action: Action
    selector: Selector = field(default_factory=Selector)
    amount: float = 0.0
    fault: int = 0
    last: int = 50


class CommandError(ValueError):
    """A command cannot be meant."""

    def __init__(self, *, vi: str, en: str) -> None:
        super().__init__(f"{vi} · {en}")
        self.vi = vi
        self.en = en


_SELECTOR_KEYS = tuple(each.name for each in fields(Selector))
_OWN_KEYS = {
    Action.CUT: (),
    Action.LOSS: ("ratio",),
    Action.SLOW: ("ms",),
    Action.FILL: ("ratio",),
    Action.RESTORE: ("fault",),
    Action.STATUS: (),
    Action.LOG: ("last",),
}


def command_of(asked: object) -> Command:
    """Read a command: ``{"do": "cut", "carrier": "VNPT", "area": "947"}``; raises CommandError."""
    if not isinstance(asked, Mapping):
        raise CommandError(
            vi=f"lệnh phải có tên và giá trị, không phải {asked!r}"[:120],
            en=f"a command is a mapping, not {asked!r}"[:120],
        )
    action = _action(asked.get("do"))
    selects = action not in {Action.STATUS, Action.LOG}
    allowed = {"do", *_OWN_KEYS[action], *(_SELECTOR_KEYS if selects else ())}
    unknown = sorted(str(key) for key in asked if key not in allowed)
    if unknown:
        raise CommandError(
            vi=f"{action} không có tham số {', '.join(unknown)}", en=f"{action} has no {', '.join(unknown)}"
        )
    selector = Selector(**{key: _code(key, asked[key]) for key in _SELECTOR_KEYS if key in asked})
    if selector.is_everything and action in {Action.CUT, Action.LOSS, Action.SLOW, Action.FILL}:
        names = ", ".join(_SELECTOR_KEYS)
        raise CommandError(
            vi=f"{action} cần ít nhất một trong: {names}", en=f"{action} needs at least one of {names}"
        )
    return Command(
        action,
        selector,
        amount=_amount(action, asked),
        fault=_whole("fault", asked.get("fault", 0)),
        last=_whole("last", asked.get("last", 50)),
    )


def _action(named: object) -> Action:
    try:
        return Action(str(named))
    except ValueError:
        known = ", ".join(Action)
        raise CommandError(
            vi=f"không có lệnh {named!r}, chỉ có {known}", en=f"there is no {named!r}, only {known}"
        ) from None


def _code(key: str, given: object) -> str:
    if not isinstance(given, str) or not given:
        raise CommandError(
            vi=f"{key} phải là một mã, không phải {given!r}", en=f"{key} must be a code, not {given!r}"
        )
    return given


def _amount(action: Action, asked: Mapping[str, Any]) -> float:
    if action in {Action.LOSS, Action.FILL}:
        return _within("ratio", asked.get("ratio"), above=0.0, most=1.0)
    if action is Action.SLOW:
        return _within("ms", asked.get("ms"), above=0.0, most=60_000.0) / 1000.0
    return 0.0


def _within(key: str, given: object, *, above: float, most: float) -> float:
    text = str(given)
    scale = 0.01 if text.endswith("%") else 1.0
    try:
        number = float(text.removesuffix("%")) * scale
    except ValueError:
        number = float("nan")
    if not above < number <= most:
        raise CommandError(
            vi=f"{key} phải lớn hơn {above:g} và không quá {most:g}, không phải {given!r}",
            en=f"{key} must be above {above:g} and at most {most:g}, not {given!r}",
        )
    return number


def _whole(key: str, given: object) -> int:
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise CommandError(
            vi=f"{key} phải là một số, không phải {given!r}", en=f"{key} must be a number, not {given!r}"
        )
    return int(text)
