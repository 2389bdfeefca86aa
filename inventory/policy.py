"""``policy.yml``: every number that a department may set, by phase, priority and severity.

Rules are read from top to bottom; a later one wins for the phases and priorities that it names. A rule without
``phases`` (or ``priorities``) holds for all of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise, product
from typing import Any

from inventory.cells import duration, one_of, real, whole, yes_or_no
from inventory.document import Entry, Members
from inventory.models import (
    Deadlines,
    Duty,
    EscalationStep,
    LookPolicy,
    Phase,
    Policy,
    Priority,
    Severity,
    StepAudience,
)
from inventory.reasons import Reason

__all__ = ["read_policy"]

_SCOPE = ("phases", "priorities")
_LOOK = (
    "cadence",
    "timeout",
    "retry",
    "down_after",
    "up_after",
    "stale_after",
    "down_m",
    "down_n",
    "down_after_lossy",
    "degraded_loss",
    "degraded_rtt",
    "degraded_jitter",
    "degraded_after",
)
_DEADLINES = ("acknowledge", "temporary", "restore")
_MAX_LOOKS = 100
_MAX_WINDOW = 60
_MAX_LOSSY = 30
_MAX_QUALITY_WINDOW = 20
_MAX_VANTAGES = 100


def read_policy(top: Entry, *, vantages: int) -> Policy:
    """Read the policy; ``vantages`` is how many there are, for no quorum can be larger."""
    members = top.members(
        required=("look", "deadlines", "escalation"),
        optional=("hold", "hold_lone", "verify", "quorum", "arm_after", "congestion"),
    )
    default_look, looks = _looks(members["look"]) if "look" in members else (LookPolicy(), {})
    no_time = Deadlines(timedelta(), timedelta(), timedelta())
    default_deadlines, deadlines = (
        _all_deadlines(members["deadlines"]) if "deadlines" in members else (no_time, {})
    )
    acting = _escalation(members["escalation"]) if "escalation" in members else _NOBODY_CALLED
    return Policy(
        looks=looks,
        default_look=default_look,
        deadlines=deadlines,
        default_deadlines=default_deadlines,
        escalation=acting.steps,
        escalation_in=acting.steps_in,
        escalation_repeat=acting.repeat,
        countersign=acting.countersign,
        countersign_within=acting.within,
        hold_seconds=members.value("hold", duration, instead=timedelta(seconds=1)).total_seconds(),
        verify_seconds=members.value("verify", duration, instead=timedelta(seconds=30)).total_seconds(),
        quorum=members.value("quorum", whole(1, max(vantages, 1)), instead=1),
        arm_seconds=members.value("arm_after", duration, instead=timedelta(seconds=60)).total_seconds(),
        lone_seconds=members.value("hold_lone", duration, instead=timedelta(0)).total_seconds(),
        **(_congestion(members["congestion"]) if "congestion" in members else {}),
    )


def _congestion(entry: Entry) -> dict[str, Any]:
    members = entry.members(optional=("norm", "after"))
    return {
        "congestion_norm": members.value("norm", real(0.1, 1), instead=0.8),
        "congestion_after": members.value("after", duration, instead=timedelta(minutes=15)),
    }


def _looks(entry: Entry) -> tuple[LookPolicy, dict[tuple[Phase, Priority], LookPolicy]]:
    members = entry.members(required=("default",), optional=("rules",))
    default = (
        _look(members["default"], members["default"].members(optional=_LOOK), LookPolicy())
        if ("default" in members)
        else LookPolicy()
    )
    looks = {}
    for rule in members.items("rules"):
        inner = rule.members(optional=(*_SCOPE, *_LOOK))
        look = _look(rule, inner, default)
        looks.update(dict.fromkeys(_scope(inner), look))
    return default, looks


def _look(entry: Entry, members: Members, base: LookPolicy) -> LookPolicy:
    def seconds(name: str, instead: float) -> float:
        value = length(name, instead)
        if value <= 0:
            members[name].report(Reason("phải lớn hơn 0", "must be more than 0"))
        return value

    def length(name: str, instead: float) -> float:
        return members.value(name, duration, instead=timedelta(seconds=instead)).total_seconds()

    count = whole(1, _MAX_LOOKS)
    look = LookPolicy(
        cadence=seconds("cadence", base.cadence),
        timeout=seconds("timeout", base.timeout),
        retry=seconds("retry", base.retry),
        down_after=members.value("down_after", count, instead=base.down_after),
        up_after=members.value("up_after", count, instead=base.up_after),
        stale_after=seconds("stale_after", base.stale_after),
        down_m=members.value("down_m", whole(0, _MAX_WINDOW), instead=base.down_m),
        down_n=members.value("down_n", whole(0, _MAX_WINDOW), instead=base.down_n),
        down_after_lossy=members.value(
            "down_after_lossy", whole(0, _MAX_LOSSY), instead=base.down_after_lossy
        ),
        degraded_loss=members.value("degraded_loss", real(0, 1), instead=base.degraded_loss),
        degraded_rtt=length("degraded_rtt", base.degraded_rtt),
        degraded_jitter=length("degraded_jitter", base.degraded_jitter),
        degraded_after=members.value(
            "degraded_after", whole(1, _MAX_QUALITY_WINDOW), instead=base.degraded_after
        ),
    )
    _check(entry, look)
    return look


def _check(entry: Entry, look: LookPolicy) -> None:
    if look.timeout > look.cadence > 0:
        entry.report(Reason("timeout dài hơn cadence", "timeout is longer than cadence"))
    if look.stale_after < look.cadence + look.timeout:
        entry.report(
            Reason(
                "stale_after phải dài hơn cadence cộng timeout, nếu không mọi kết quả đều bị coi là cũ",
                "stale_after must be longer than cadence plus timeout, or every result counts as old",
            )
        )
    if look.down_m > look.down_n or (look.down_n and not look.down_m):
        entry.report(
            Reason(
                "down_m phải từ 1 đến down_n, hoặc cả hai bằng 0 để không dùng quy tắc này",
                "down_m must be from 1 to down_n, or both 0 to leave the rule out",
            )
        )
    if look.degraded_rtt >= look.timeout > 0:
        entry.report(
            Reason(
                "degraded_rtt phải ngắn hơn timeout, vì câu trả lời muộn hơn thế đã là hỏng",
                "degraded_rtt must be shorter than timeout, for an answer later than that is a failure",
            )
        )


def _all_deadlines(entry: Entry) -> tuple[Deadlines, dict[tuple[Phase, Priority], Deadlines]]:
    members = entry.members(required=("default",), optional=("rules",))
    default = (
        _deadlines(members["default"], members["default"].members(required=_DEADLINES))
        if "default" in members
        else Deadlines(timedelta(), timedelta(), timedelta())
    )
    deadlines = {}
    for rule in members.items("rules"):
        inner = rule.members(required=_DEADLINES, optional=_SCOPE)
        deadlines.update(dict.fromkeys(_scope(inner), _deadlines(rule, inner)))
    return default, deadlines


def _deadlines(entry: Entry, members: Members) -> Deadlines:
    found = Deadlines(*(members.value(name, duration, instead=timedelta()) for name in _DEADLINES))
    if (
        all(name in members for name in _DEADLINES)
        and not found.acknowledge <= found.temporary <= found.restore
    ):
        entry.report(
            Reason(
                "phải theo thứ tự acknowledge ≤ temporary ≤ restore",
                "must be in the order acknowledge ≤ temporary ≤ restore",
            )
        )
    return found


def _scope(members: Members) -> Iterator[tuple[Phase, Priority]]:
    phases = [item.value(one_of(Phase), instead=Phase.POLL) for item in members.items("phases")]
    priorities = [item.value(one_of(Priority), instead=Priority.A) for item in members.items("priorities")]
    return product(phases or Phase, priorities or Priority)


@dataclass(frozen=True, slots=True)
class _Escalation:
    """The section ``escalation`` as read."""

    repeat: timedelta = timedelta(minutes=5)
    steps: Mapping[Severity, tuple[EscalationStep, ...]] = field(default_factory=dict)
    steps_in: Mapping[tuple[Phase, Severity], tuple[EscalationStep, ...]] = field(default_factory=dict)
    countersign: frozenset[Severity] = frozenset()
    within: timedelta = timedelta(minutes=5)


_NOBODY_CALLED = _Escalation()


def _escalation(entry: Entry) -> _Escalation:
    members = entry.members(required=("repeat", "steps"), optional=("rules", "countersign"))
    repeat = members.value("repeat", duration, instead=timedelta(minutes=5))
    if repeat <= timedelta():
        members["repeat"].report(Reason("phải lớn hơn 0", "must be more than 0"))
    steps = members["steps"].members(required=tuple(Severity)) if "steps" in members else Members({})
    steps_in = {}
    for rule in members.items("rules"):
        inner = rule.members(required=("phases", "steps"))
        phases = [item.value(one_of(Phase), instead=Phase.POLL) for item in inner.items("phases")]
        ladders = inner["steps"].members(optional=tuple(Severity)) if "steps" in inner else Members({})
        found = {severity: _steps(ladders[severity]) for severity in Severity if severity in ladders}
        steps_in.update({(phase, severity): ladder for phase in phases for severity, ladder in found.items()})
    countersign, within = _countersign(members["countersign"]) if "countersign" in members else _NO_WORD
    return _Escalation(
        repeat,
        {severity: _steps(steps[severity]) for severity in Severity if severity in steps},
        steps_in,
        countersign,
        within,
    )


_NO_WORD: tuple[frozenset[Severity], timedelta] = (frozenset(), timedelta(minutes=5))


def _countersign(entry: Entry) -> tuple[frozenset[Severity], timedelta]:
    members = entry.members(required=("severities", "within"))
    named = [item.value(one_of(Severity), instead=Severity.P1) for item in members.items("severities")]
    within = members.value("within", duration, instead=timedelta(minutes=5))
    if within <= timedelta():
        members["within"].report(Reason("phải lớn hơn 0", "must be more than 0"))
    return frozenset(named), within


def _steps(entry: Entry) -> tuple[EscalationStep, ...]:
    items = entry.items()
    if not items:
        entry.report(Reason("phải có ít nhất một bước", "must hold at least one step"))
    steps = [(item, _step(item)) for item in items]
    for (_, before), (place, after) in pairwise(steps):
        if after.after <= before.after:
            place.report(Reason("phải muộn hơn bước trước", "must come later than the step before"))
    return tuple(step for _, step in steps)


def _step(entry: Entry) -> EscalationStep:
    members = entry.members(required=("after", "audience", "duty"), optional=("substitute",))
    return EscalationStep(
        after=members.value("after", duration, instead=timedelta()),
        audience=members.value("audience", one_of(StepAudience), instead=StepAudience.OWNER),
        duty=members.value("duty", one_of(Duty), instead=Duty.RESPONSE),
        substitute=members.value("substitute", yes_or_no, instead=False),
    )
