"""Whether a vantage can see at all: its own blindness must never become somebody else's outage.

Pure. Canaries are addresses that answer whenever the vantage itself has a way out. They stand in *groups* by what
they are independent by (own gateway, second hop, resolvers of two carriers); a group answers if one of its canaries
does. A gateway that answers proves the cable to the gateway, not the world behind it: so more than
half the groups must vouch for us (of one or two groups: one). A group counts once it has ever answered, until it is *written off*: silent for a minute while the
others vouched without it, it is merely dead and blinds nobody. Three beliefs rest on them:

* **sight**: ``sighted_ns`` is the newest moment from which on enough groups have answered a look. A failed look at
  a target is evidence only once it is sighted; until then it is held. (Canaries are looked at every quarter of a
  second while anything is in doubt, so a real failure waits for nothing: its proof came while it was timing out.)
* **blindness**: the newest looks at so many groups failed that the rest is not enough. When enough answer
  again, the gap from the last proof of sight to the new one is blind: whatever failed inside it is dropped.
* **doubt of ourselves** (``is_steady``): a group whose newest looks were not answered, or only once or twice since, may
  be the first of all to go: an uplink that dies in parts takes canaries and targets one after the other. What turned
  down is not committed (:mod:`monitor.confirmation`) before every group is steady again, or has been silent for
  :data:`SUSPECT_NS` while the others still vouch: then it is the canary that is dead, not we.

A vantage is *isolated*, which is recorded and shown, when it is blind and each of the silent groups has failed
``down_after`` times in a row; a single lost packet blinds for one look and is not worth a row. Without canaries there
is nothing to decide by, and every failure counts at once.

Any answer proves sight: a refusal came through the network too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.moments import NEVER, SECOND
from probes.models import Outcome

__all__ = [
    "STEADY_ANSWERS",
    "SUSPECT_NS",
    "WRITE_OFF_NS",
    "CanaryRecord",
    "Gap",
    "Sight",
    "SightChange",
    "proves_sight",
    "watch",
]

SUSPECT_NS = 10 * SECOND
"""How long a silent group of canaries makes us doubt ourselves: an uplink has died whole by then."""

WRITE_OFF_NS = 60 * SECOND
"""A group silent for this long, while the others vouch, counts no more until it answers."""

STEADY_ANSWERS = 3
"""Answers in a row that make a canary trustworthy again."""

STEADY_NS = 1_200_000_000
"""And the time that they must span: a look that was lost between two of them is known only after its timeout."""

_KEPT = 8

_PROOF = frozenset({Outcome.OK, Outcome.REFUSED, Outcome.MISMATCH, Outcome.OVERLOADED})


@dataclass(frozen=True, slots=True)
class CanaryRecord:
    """What one canary has shown: the starts of its newest answered and failed looks, and failures in a row.

    ``answers`` are the starts of answered looks since its newest failure, the last few of them; ``back_ns`` is the
    first of all of them.
    """

    last_ok_ns: int = NEVER
    last_failure_ns: int = NEVER
    failures: int = 0
    answers: tuple[int, ...] = ()
    back_ns: int = NEVER

    @property
    def is_known(self) -> bool:
        """Whether it was ever looked at."""
        return max(self.last_ok_ns, self.last_failure_ns) > NEVER

    @property
    def is_up(self) -> bool:
        """Whether its newest look was answered."""
        return self.last_ok_ns > self.last_failure_ns

    @property
    def is_steady(self) -> bool:
        """Whether it has never failed, or answered often enough since."""
        is_long = len(self.answers) >= STEADY_ANSWERS and self.last_ok_ns - self.back_ns >= STEADY_NS
        return self.is_up and (self.last_failure_ns == NEVER or is_long)

    def answered(self, at_ns: int) -> "CanaryRecord":
        """Answer the record after an answered look that started at ``at_ns``."""
        newest = max(self.last_ok_ns, at_ns)
        if at_ns <= self.last_failure_ns:
            return replace(self, last_ok_ns=newest)
        answers = tuple(sorted((*self.answers, at_ns)))[-_KEPT:]
        back_ns = min(self.back_ns, at_ns) if self.answers else at_ns
        return replace(self, last_ok_ns=newest, failures=0, answers=answers, back_ns=back_ns)

    def failed(self, at_ns: int) -> "CanaryRecord":
        """Answer the record after a failed look that started at ``at_ns``, whenever that became known."""
        failures = self.failures + 1 if at_ns > self.last_ok_ns else self.failures
        newest = max(self.last_failure_ns, at_ns)
        answers = tuple(each for each in self.answers if each > newest)
        back_ns = (
            max(self.back_ns, answers[0]) if len(answers) < len(self.answers) and answers else self.back_ns
        )
        return replace(self, last_failure_ns=newest, failures=failures, answers=answers, back_ns=back_ns)

    def not_after(self, now_ns: int) -> "CanaryRecord":
        """Answer the same record with nothing dated later than ``now_ns``."""
        # A tie would leave open which came last; and what comes next must come after both.
        newest, other = now_ns - 1, now_ns - 2
        return replace(
            self,
            last_ok_ns=min(self.last_ok_ns, newest if self.is_up else other),
            last_failure_ns=min(self.last_failure_ns, other if self.is_up else newest),
            back_ns=min(self.back_ns, newest),
            answers=tuple(min(each, newest) for each in self.answers),
        )


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
    """What a vantage may claim to see. ``groups`` names each canary's; ``since_ns`` is when isolation began."""

    groups: tuple[str, ...]
    canaries: tuple[CanaryRecord, ...]
    sighted_ns: int = NEVER
    is_isolated: bool = False
    since_ns: int = NEVER
    written_off: frozenset[str] = frozenset()

    @classmethod
    def over(cls, groups: Sequence[str]) -> "Sight":
        """Begin with one canary for each name of a group, none of which was looked at."""
        return cls(tuple(groups), tuple(CanaryRecord() for _ in groups))

    @property
    def is_blind(self) -> bool:
        """Whether too few groups are left that answered their newest look."""
        serving = self._serving()
        up = sum(_is_up(members) for members in serving.values())
        return bool(serving) and up < _enough(len(serving))

    @property
    def up(self) -> int:
        """How many canaries answered their newest look."""
        return sum(canary.is_up for canary in self.canaries)

    @property
    def vouched_ns(self) -> int:
        """The newest moment from which on every group has answered, but for those long silent."""
        newest = [_last_ok(members) for members in self._serving().values()]
        return min((at_ns for at_ns in newest if max(newest) - at_ns < SUSPECT_NS), default=NEVER)

    def steady_since(self, now_ns: int) -> int | None:
        """Answer since when no group gave reason to doubt ourselves; ``None`` while one does.

        A group that has been silent for long is no reason any more, as long as the others vouch.
        """
        since_ns = NEVER
        for members in self._serving().values():
            if any(each.is_steady for each in members):
                since_ns = max(since_ns, min(each.back_ns for each in members if each.is_steady))
            elif _is_up(members) or now_ns - _last_ok(members) < SUSPECT_NS:
                return None
        return None if self.is_blind else since_ns

    def not_after(self, now_ns: int) -> "Sight":
        """Answer the same sight with nothing dated later than ``now_ns`` (the clock was set back)."""
        return replace(
            self,
            canaries=tuple(each.not_after(now_ns) for each in self.canaries),
            sighted_ns=min(self.sighted_ns, now_ns - 2 if self.is_blind else now_ns),
            since_ns=min(self.since_ns, now_ns),
        )

    def may_count(self, at_ns: int) -> bool:
        """Whether a failure of a look that started at ``at_ns`` is evidence already."""
        return not self.canaries or at_ns <= self.sighted_ns

    def _serving(self) -> dict[str, list[CanaryRecord]]:
        """Answer the known canaries by group: of all groups that ever answered, or of all if none has yet."""
        known: dict[str, list[CanaryRecord]] = {}
        for group, canary in zip(self.groups, self.canaries, strict=True):
            if canary.is_known and group not in self.written_off:
                known.setdefault(group, []).append(canary)
        proven = {group: members for group, members in known.items() if _last_ok(members) > NEVER}
        return proven or known

    def with_record(self, number: int, record: CanaryRecord) -> "Sight":
        """Answer the sight with what one canary has shown; a group that answers again counts again."""
        canaries = (*self.canaries[:number], record, *self.canaries[number + 1 :])
        revived = self.written_off - {self.groups[number]} if record.is_up else self.written_off
        seen = replace(self, canaries=canaries, written_off=revived)
        return replace(seen, written_off=seen.merely_dead())

    def proven_ns(self) -> int:
        """Answer the newest moment from which on enough groups have answered."""
        serving = self._serving()
        newest_first = sorted((_last_ok(members) for members in serving.values()), reverse=True)
        return newest_first[_enough(len(serving)) - 1] if serving else NEVER

    def merely_dead(self) -> frozenset[str]:
        """Answer the groups that are written off, with those that have been silent while enough others vouched."""
        serving = self._serving()
        newest = max((_last_ok(members) for members in serving.values()), default=NEVER)
        dead = {g for g, members in serving.items() if newest - _last_ok(members) >= WRITE_OFF_NS}
        is_enough = len(serving) - len(dead) >= _enough(len(serving))
        return self.written_off | dead if is_enough else self.written_off


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
    seen = sight.with_record(canary, sight.canaries[canary].answered(at_ns))
    proven_ns = seen.proven_ns()
    if proven_ns <= sight.sighted_ns:
        return seen, None, None
    seen = replace(seen, sighted_ns=proven_ns)
    # An answered look from before the failures proves that blindness began later, not that it is over.
    if not was_blind or seen.is_blind:
        return seen, None, None
    change = SightChange(is_isolated=False, at_ns=proven_ns) if sight.is_isolated else None
    return replace(seen, is_isolated=False, since_ns=NEVER), Gap(sight.sighted_ns, proven_ns), change


def _fails(
    sight: Sight, canary: int, at_ns: int, down_after: int
) -> tuple[Sight, Gap | None, SightChange | None]:
    seen = sight.with_record(canary, sight.canaries[canary].failed(at_ns))
    silent = [each for each in seen.canaries if each.is_known and not each.is_up]
    if sight.is_isolated or not seen.is_blind or any(each.failures < down_after for each in silent):
        return seen, None, None
    began = sight.sighted_ns if sight.sighted_ns > NEVER else at_ns
    isolated = replace(seen, is_isolated=True, since_ns=began)
    return isolated, None, SightChange(is_isolated=True, at_ns=began)


def _enough(groups: int) -> int:
    """More than half; but of two groups one is enough, or one dead canary would blind."""
    return max(1, groups // 2 + (groups > 2))


def _last_ok(members: Sequence[CanaryRecord]) -> int:
    return max(each.last_ok_ns for each in members)


def _is_up(members: Sequence[CanaryRecord]) -> bool:
    return any(each.is_up for each in members)
