"""The live causes: which outage each of them explains, when it grows and when it is over.

A plain value that changes only through its methods; no clock, no SQL. A cause lives from the first failed sample of
the first outage that it explains to the first good sample of the last one. While it lives it absorbs every failure
under its risk group (or on its own path), so that a storm stays one incident. Targets that left the inventory no
longer hold it open.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from inventory.topology import Topology
from monitor.correlation import Failure, Proposal

__all__ = ["Cause", "CauseBook"]


@dataclass(slots=True)
class Cause:
    """One explanation. ``targets`` holds every outage it ever explained (target to its start), ``down`` the open."""

    subject: str
    owner: str
    since_ns: int
    noticed_ns: int
    targets: dict[str, int] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    answered_ns: int = 0
    """Start of the newest first good sample among the targets that came back."""
    told: int = 0
    """How many targets the last change row spoke of."""
    told_ns: int = 0
    """When that row was decided."""
    grown_ns: int = 0
    """Start of the newest outage that it has grown by."""
    absorbed_by: str = ""
    """The wider cause that has taken over what it explained; empty while it stands for itself."""

    @property
    def has_grown(self) -> bool:
        """Whether there is more to tell than was told."""
        return len(self.targets) > self.told


class CauseBook:
    """All live causes by subject, and which of them explains a target."""

    def __init__(self) -> None:
        self._causes: dict[str, Cause] = {}
        self._absorbed: dict[str, Cause] = {}
        self._explains: dict[str, str] = {}

    def __iter__(self) -> Iterator[Cause]:
        return iter(self._causes.values())

    def __len__(self) -> int:
        return len(self._causes)

    def add(self, cause: Cause) -> None:
        """Take over a cause as it was stored."""
        if cause.absorbed_by:
            self._absorbed[cause.subject] = cause
            return
        self._causes[cause.subject] = cause
        self._explains.update(dict.fromkeys(cause.down, cause.subject))

    def cause_of(self, target: str) -> str:
        """Answer the subject that explains the open outage of ``target``; empty if none does."""
        return self._explains.get(target, "")

    def explained(self, since_ns: int) -> dict[str, int]:
        """Answer the open outages that are explained and began since then, with their start."""
        return {
            target: began_ns
            for cause in self._causes.values()
            if cause.grown_ns >= since_ns
            for target in cause.down
            if (began_ns := cause.targets[target]) >= since_ns
        }

    def open(self, proposal: Proposal, *, owner: str, noticed_ns: int, began: dict[str, int]) -> Cause:
        """Open what was proposed, or grow the live cause of that subject."""
        cause = self._causes.get(proposal.subject)
        if cause is None:
            cause = Cause(proposal.subject, owner, proposal.began_ns, noticed_ns)
            self._causes[proposal.subject] = cause
        for target in proposal.targets:
            self._take(cause, target, began[target])
        return cause

    def absorb(self, failure: Failure, topology: Topology) -> Cause | None:
        """Put a new failure under a live cause if there is one above it, or has it already."""
        subjects = (
            self.cause_of(failure.target),
            failure.of,
            *(f"risk:{risk}" for risk in topology.risks_of_target(failure.target)),
        )
        for subject in subjects:
            cause = self._causes.get(subject)
            if cause is not None:
                self._take(cause, failure.target, failure.began_ns)
                return cause
        return None

    def succeed(
        self, names: Mapping[str, str], holds: Callable[[Cause, str], bool]
    ) -> tuple[list[Cause], dict[str, int]]:
        """Go on under another inventory: ``names`` are the targets that are still there, and what they are called now.

        Answers the causes that changed, and the outages, with their start, that no cause ``holds`` any more. What left
        the inventory is let go of where its outage ends.
        """
        here = set(names.values())
        changed: list[Cause] = []
        released: dict[str, int] = {}
        for cause in (*self._absorbed.values(), *self._causes.values()):
            down = {names.get(target, target) for target in cause.down}
            targets = {names.get(target, target): began_ns for target, began_ns in cause.targets.items()}
            kept = {target for target in down if target not in here or holds(cause, target)}
            if kept != cause.down:
                changed.append(cause)
            if not cause.absorbed_by:
                released.update({target: targets[target] for target in down - kept})
            cause.targets, cause.down = targets, kept
        self._explains = {target: cause.subject for cause in self for target in cause.down}
        return changed, released

    def take_over(self, parent: Cause, child: Cause) -> None:
        """Lay what ``child`` explains to ``parent``; the child is over when its own targets are back."""
        child.absorbed_by = parent.subject
        self._absorbed[child.subject] = self._causes.pop(child.subject)
        parent.since_ns = min(parent.since_ns, child.since_ns)
        for target in child.down:
            self._take(parent, target, child.targets[target])

    def recover(self, target: str, at_ns: int) -> list[Cause]:
        """Note that ``target`` answers again since ``at_ns``; answers the causes that are over with it."""
        over = []
        explaining = self._causes.get(self._explains.pop(target, ""))
        absorbed = [cause for cause in self._absorbed.values() if target in cause.down]
        for cause in (*absorbed, *filter(None, [explaining])):
            cause.down.discard(target)
            cause.answered_ns = max(cause.answered_ns, at_ns)
            if not cause.down:
                self.drop(cause.subject)
                over.append(cause)
        return over

    def empty(self) -> list[Cause]:
        """Answer the causes that nothing holds open."""
        return [cause for cause in (*self._absorbed.values(), *self._causes.values()) if not cause.down]

    def drop(self, subject: str) -> None:
        """Forget a cause."""
        self._absorbed.pop(subject, None)
        if subject in self._causes:
            del self._causes[subject]

    def _take(self, cause: Cause, target: str, began_ns: int) -> None:
        cause.targets[target] = began_ns
        cause.grown_ns = max(cause.grown_ns, began_ns)
        cause.down.add(target)
        self._explains[target] = cause.subject
