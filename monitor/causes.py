"""The live causes: which outage each of them explains, when it grows and when it is over.

A plain value that changes only through its methods; no clock, no SQL. A cause lives from the first failed sample of
the first outage that it explains to the first good sample of the last one. While it lives it absorbs every failure
under its risk group (or on its own path), so that a storm stays one incident. Targets that left the inventory no
longer hold it open.
"""

from collections.abc import Iterator
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


class CauseBook:
    """All live causes by subject, and which of them explains a target."""

    def __init__(self) -> None:
        self._causes: dict[str, Cause] = {}
        self._explains: dict[str, str] = {}

    def __iter__(self) -> Iterator[Cause]:
        return iter(self._causes.values())

    def __len__(self) -> int:
        return len(self._causes)

    def add(self, cause: Cause) -> None:
        """Take over a cause as it was stored."""
        self._causes[cause.subject] = cause
        self._explains.update(dict.fromkeys(cause.down, cause.subject))

    def cause_of(self, target: str) -> str:
        """Answer the subject that explains the open outage of ``target``; empty if none does."""
        return self._explains.get(target, "")

    def explained(self) -> dict[str, int]:
        """Answer every open outage that is explained, with its start."""
        return {t: cause.targets[t] for cause in self._causes.values() for t in cause.down}

    def open(
        self, proposal: Proposal, *, owner: str, noticed_ns: int, began: dict[str, int]
    ) -> tuple[Cause, bool]:
        """Open what was proposed, or grow the live cause of that subject; answers it and whether it is new."""
        cause = self._causes.get(proposal.subject)
        is_new = cause is None
        if cause is None:
            cause = Cause(proposal.subject, owner, proposal.began_ns, noticed_ns)
            self._causes[proposal.subject] = cause
        for target in proposal.targets:
            self._take(cause, target, began[target])
        return cause, is_new

    def absorb(self, failure: Failure, topology: Topology) -> tuple[Cause, bool] | None:
        """Put a new failure under a live cause if there is one above it; answers it and whether it grew."""
        subjects = (failure.of, *(f"risk:{risk}" for risk in topology.risks_of_target(failure.target)))
        for subject in subjects:
            cause = self._causes.get(subject)
            if cause is not None:
                has_grown = failure.target not in cause.targets
                self._take(cause, failure.target, failure.began_ns)
                return cause, has_grown
        return None

    def recover(self, target: str, at_ns: int) -> Cause | None:
        """Note that ``target`` answers again since ``at_ns``; answers its cause if that is over now."""
        cause = self._causes.get(self._explains.pop(target, ""))
        if cause is None:
            return None
        cause.down.discard(target)
        cause.answered_ns = max(cause.answered_ns, at_ns)
        return self._end(cause) if not cause.down else None

    def drop(self, subject: str) -> None:
        """Forget a cause that nothing holds open."""
        self._causes.pop(subject, None)

    def _take(self, cause: Cause, target: str, began_ns: int) -> None:
        cause.targets[target] = began_ns
        cause.down.add(target)
        self._explains[target] = cause.subject

    def _end(self, cause: Cause) -> Cause:
        return self._causes.pop(cause.subject)
