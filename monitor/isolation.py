"""Whether a vantage can see at all: its own blindness must never become somebody else's outage.

Pure. Canaries are addresses that answer whenever the vantage itself has a way out. Two beliefs rest on them:

* **sight**: ``sighted_ns`` is the newest start of an answered canary look. A failed look at a target is evidence
  only once a canary look that started *no earlier* was answered; until then it is held. (Canary looks run at least
  as often as a look times out, so a real failure waits for nothing: its proof came while it was timing out.)
* **blindness**: every canary that was ever looked at has failed since ``sighted_ns``. When one answers again, the
  gap from the last proof of sight to the new one is blind: whatever failed inside it is dropped, not counted.
  A canary that is merely dead blinds nobody, because the others still answer.

A vantage is *isolated*, which is recorded and shown, when every canary has failed ``down_after`` times in a row; a
single lost packet blinds for one look and is not worth a row. Without canaries there is nothing to decide by, and
every failure counts at once.

Any answer proves sight: a refusal came through the network too.
"""

from dataclasses import dataclass, replace

from monitor.moments import NEVER
from probes.models import Outcome

__all__ = ["CanaryRecord", "Gap", "Sight", "SightChange", "proves_sight", "watch"]

_PROOF = frozenset({Outcome.OK, Outcome.REFUSED, Outcome.MISMATCH, Outcome.OVERLOADED})


@dataclass(frozen=True, slots=True)
class CanaryRecord:
    """What one canary has shown: the starts of its newest answered and failed looks, and failures in a row."""

    last_ok_ns: int = NEVER
    last_failure_ns: int = NEVER
    failures: int = 0

    @property
    def is_known(self) -> bool:
        """Whether it was ever looked at."""
        return max(self.last_ok_ns, self.last_failure_ns) > NEVER

    @property
    def is_up(self) -> bool:
        """Whether its newest look was answered."""
        return self.last_ok_ns > self.last_failure_ns


@dataclass(frozen=True, slots=True)
class Gap:
    """Blind time, from the last proof of sight (exclusive) to the next one (exclusive)."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class SightChange:
    """A vantage that became isolated, or was released; ``at_ns`` is when that became true."""

    is_isolated: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What a vantage may claim to see. ``since_ns`` is when the present isolation began."""

    canaries: tuple[CanaryRecord, ...]
    sighted_ns: int = NEVER
    is_isolated: bool = False
    since_ns: int = NEVER

    @classmethod
    def over(cls, count: int) -> "Sight":
        """Begin with ``count`` canaries that were never looked at."""
        return cls(tuple(CanaryRecord() for _ in range(count)))

    @property
    def is_blind(self) -> bool:
        """Whether no canary has answered since the newest proof of sight, though each was looked at."""
        known = [canary for canary in self.canaries if canary.is_known]
        return bool(known) and all(canary.last_failure_ns > self.sighted_ns for canary in known)

    @property
    def up(self) -> int:
        """How many canaries answered their newest look."""
        return sum(canary.is_up for canary in self.canaries)

    def not_after(self, now_ns: int) -> "Sight":
        """Answer the same sight with nothing dated later than ``now_ns`` (the clock was set back)."""
        canaries = tuple(
            replace(
                each,
                last_ok_ns=min(each.last_ok_ns, now_ns),
                # A tie would leave open which came last: what was up stays up.
                last_failure_ns=min(each.last_failure_ns, now_ns - 1 if each.is_up else now_ns),
            )
            for each in self.canaries
        )
        return replace(
            self,
            canaries=canaries,
            sighted_ns=min(self.sighted_ns, now_ns - 1 if self.is_blind else now_ns),
            since_ns=min(self.since_ns, now_ns),
        )

    def may_count(self, at_ns: int) -> bool:
        """Whether a failure of a look that started at ``at_ns`` is evidence already."""
        return not self.canaries or at_ns <= self.sighted_ns


def proves_sight(outcome: Outcome) -> bool:
    """Whether a look at a canary came back through the network."""
    return outcome in _PROOF


def watch(
    sight: Sight, canary: int, at_ns: int, *, is_answered: bool, down_after: int = 2
) -> tuple[Sight, Gap | None, SightChange | None]:
    """Take one finished canary look into account; ``gap`` is blind time that has just ended."""
    if is_answered:
        return _sees(sight, canary, at_ns)
    return _fails(sight, canary, at_ns, down_after)


def _sees(sight: Sight, canary: int, at_ns: int) -> tuple[Sight, Gap | None, SightChange | None]:
    was_blind = sight.is_blind
    record = sight.canaries[canary]
    if at_ns > record.last_failure_ns:
        record = replace(record, failures=0)
    seen = _with(sight, canary, replace(record, last_ok_ns=max(record.last_ok_ns, at_ns)))
    if at_ns <= sight.sighted_ns:
        return seen, None, None
    seen = replace(seen, sighted_ns=at_ns)
    # An answered look from before the failures proves that blindness began later, not that it is over.
    if not was_blind or seen.is_blind:
        return seen, None, None
    change = SightChange(is_isolated=False, at_ns=at_ns) if sight.is_isolated else None
    return replace(seen, is_isolated=False, since_ns=NEVER), Gap(sight.sighted_ns, at_ns), change


def _fails(
    sight: Sight, canary: int, at_ns: int, down_after: int
) -> tuple[Sight, Gap | None, SightChange | None]:
    record = sight.canaries[canary]
    failures = record.failures + 1 if at_ns > record.last_ok_ns else record.failures
    newest = max(record.last_failure_ns, at_ns)
    seen = _with(sight, canary, replace(record, last_failure_ns=newest, failures=failures))
    known = [each for each in seen.canaries if each.is_known]
    if sight.is_isolated or not seen.is_blind or any(each.failures < down_after for each in known):
        return seen, None, None
    began = sight.sighted_ns if sight.sighted_ns > NEVER else at_ns
    isolated = replace(seen, is_isolated=True, since_ns=began)
    return isolated, None, SightChange(is_isolated=True, at_ns=began)


def _with(sight: Sight, number: int, record: CanaryRecord) -> Sight:
    canaries = (*sight.canaries[:number], record, *sight.canaries[number + 1 :])
    return replace(sight, canaries=canaries)
