"""Escalation: whom to call next, decided from a ladder that was frozen and a roster that is read live.

A run belongs to one generation of one incident. Its steps are a snapshot of the policy (changing the policy
does not move a run that climbs), but people are looked up when the step is due: whoever holds the duty then.
``after`` of a step counts from the start of the run. A step that reaches nobody is skipped at once and told
as a :class:`RosterGap`; the last step repeats every ``repeat`` until somebody acknowledges, and when its duty
is empty it falls back to whoever else of the department can be reached, because a ladder must not end in air.

A run whose generation is not the incident's is stale: whoever finds it ends it and does nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerting.oncall import on_duty, reachable
from inventory.models import (
    Duty,
    EscalationStep,
    Inventory,
    Person,
    Phase,
    Policy,
    Severity,
    StepAudience,
)

__all__ = [
    "Call",
    "Climb",
    "RosterGap",
    "Run",
    "climb",
    "ladder",
    "leader_on_duty",
    "leads",
    "officers",
    "steps_from",
    "steps_to",
]

_FALLBACK_AFTER = timedelta(minutes=5)
_SHORTEST_REPEAT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Run:
    """A climb in progress. ``step`` is the next to be taken; ``next_at`` is when."""

    incident: int
    generation: int
    steps: tuple[EscalationStep, ...]
    repeat: timedelta
    started_at: datetime
    step: int = 0
    loop: int = 0
    next_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Page ``person``, who was found as ``duty`` of ``party``, for step ``step`` in its repetition ``loop``."""

    person: Person
    party: str
    duty: Duty
    step: int
    loop: int


@dataclass(frozen=True, slots=True)
class RosterGap:
    """Nobody could be called for step ``step``: ``person`` is empty when nobody holds the duty."""

    party: str
    duty: Duty
    step: int
    loop: int
    person: str = ""


@dataclass(frozen=True, slots=True)
class Climb:
    """What one turn decided: the run as it now stands, the calls to make and the gaps that were met."""

    run: Run
    calls: tuple[Call, ...]
    gaps: tuple[RosterGap, ...]


def ladder(policy: Policy, severity: Severity, phase: Phase) -> tuple[EscalationStep, ...]:
    """Answer the steps for ``severity`` in ``phase``: its own, else those of the next graver one, else a ladder of two.

    What the policy says for the phase goes before what it says for every phase.

    A policy may leave a severity out; it cannot thereby make an incident that calls nobody.
    """
    grades = list(Severity)
    for grade in reversed(grades[: grades.index(severity) + 1]):
        steps = policy.escalation_in.get((phase, grade)) or policy.escalation.get(grade)
        if steps:
            return steps
    return (
        EscalationStep(timedelta(0), StepAudience.OWNER, Duty.OPERATIONS),
        EscalationStep(_FALLBACK_AFTER, StepAudience.DEPARTMENT, Duty.OPERATIONS),
    )


def climb(run: Run, *, inventory: Inventory, owner: str, department: str, at: datetime) -> Climb:
    """Take every step of ``run`` that is due at ``at``; ``next_at`` of the answer is always later than ``at``."""
    calls: list[Call] = []
    missing: list[RosterGap] = []
    last = len(run.steps) - 1
    due = run.next_at or run.started_at + run.steps[0].after
    step, loop = run.step, run.loop
    while due <= at:
        index = min(step, last)
        party = owner if run.steps[index].audience is StepAudience.OWNER else department
        found = _resolve(run.steps[index], inventory, party, at)
        if isinstance(found, RosterGap):
            missing.append(replace(found, step=index, loop=loop))
            spares = officers(inventory, department, at) if index == last else ()
        else:
            spares = (found,)
        duty = run.steps[index].duty
        calls += [Call(person, person.party, duty, index, loop) for person in spares]
        if index == last:
            step, loop, due = last, loop + 1, at + max(run.repeat, _SHORTEST_REPEAT)
        else:
            step, due = index + 1, run.started_at + run.steps[index + 1].after if spares else at
    return Climb(replace(run, step=step, loop=loop, next_at=due), tuple(calls), tuple(missing))


def _resolve(step: EscalationStep, inventory: Inventory, party: str, at: datetime) -> Person | RosterGap:
    shift = on_duty(inventory.shifts, party=party, duty=step.duty, at=at)
    code = "" if shift is None else shift.substitute if step.substitute else shift.person
    person = inventory.people.get(code)
    if person is None or not reachable(person):
        return RosterGap(party, step.duty, 0, 0, code)
    return person


def officers(inventory: Inventory, department: str, at: datetime) -> tuple[Person, ...]:
    """Answer who of the department can be told something at ``at``: operations first, any duty, then anybody."""
    order = (Duty.OPERATIONS, *(duty for duty in Duty if duty is not Duty.OPERATIONS))
    for duty in order:
        shift = on_duty(inventory.shifts, party=department, duty=duty, at=at)
        person = inventory.people.get(shift.person) if shift else None
        if person is not None and reachable(person):
            return (person,)
    return tuple(_staff(inventory, department))


def leader_on_duty(inventory: Inventory, department: str, at: datetime) -> Person | None:
    """Answer who leads at ``at`` and can be reached: the person on duty, else the substitute."""
    shift = on_duty(inventory.shifts, party=department, duty=Duty.LEADERSHIP, at=at)
    found = [inventory.people.get(code) for code in (shift.person, shift.substitute)] if shift else []
    return next((person for person in found if person is not None and reachable(person)), None)


def leads(inventory: Inventory, department: str, person: str, at: datetime) -> bool:
    """Answer whether ``person`` is the department's leader on duty at ``at``, or that leader's substitute."""
    shift = on_duty(inventory.shifts, party=department, duty=Duty.LEADERSHIP, at=at)
    return shift is not None and person != "" and person in {shift.person, shift.substitute}


def _staff(inventory: Inventory, department: str) -> Iterator[Person]:
    for person in inventory.people.values():
        if person.party == department and reachable(person):
            yield person


def steps_to(run: Run) -> dict[str, Any]:
    """Freeze the policy of ``run`` as JSON values."""
    return {
        "repeat": run.repeat.total_seconds(),
        "steps": [
            {
                "after": step.after.total_seconds(),
                "audience": step.audience.value,
                "duty": step.duty.value,
                "substitute": step.substitute,
            }
            for step in run.steps
        ],
    }


def steps_from(stored: Mapping[str, Any]) -> tuple[tuple[EscalationStep, ...], timedelta]:
    """Read back what :func:`steps_to` froze: the steps and the time between repetitions of the last."""
    steps = tuple(
        EscalationStep(
            after=timedelta(seconds=step["after"]),
            audience=StepAudience(step["audience"]),
            duty=Duty(step["duty"]),
            substitute=step["substitute"],
        )
        for step in stored["steps"]
    )
    return steps, timedelta(seconds=stored["repeat"])
