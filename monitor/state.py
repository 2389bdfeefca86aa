"""Belief about one target from one vantage: when failures mean down, when answers mean up, when nothing is known.

Pure: (past, look, policy) give (belief, change). The rules, which a replay of the same looks repeats exactly:

* Looks are ordered by when they **started** (``at_ns``), never by when they arrived. A look that is older than the
  newest opposite one is history: a failure from before the last answer, or an answer from before the last failure,
  flips nothing. (An answer still voids the failures from before it, and the other way round.)
* A *run* is what came after the newest opposite look: failures since the last answer, or answers since the last
  failure. ``down_after`` failures in a row mean down, dated at the first failure of the run; ``up_after`` answers
  in a row mean up, dated at the first answer of the run. The two numbers differ on purpose (hysteresis).
* **Overlapping looks.** Confirming looks start while older looks still wait for their timeout. What makes them
  separate evidence is that they were sent apart, not that they ended apart: each counts as one, whatever the order
  in which they end, if it started at least ``apart_ns`` (half the retry cadence, at most 100 ms) after the one
  counted before it. Looks that started closer together than that (a burst after a lag, a batch delivered twice)
  count as one. A run is therefore counted greedily over its start times in order, which no arrival order changes.
* An answer within its timeout is an answer, late or not. An ERROR is ours and says nothing about the target.
* **Arming.** A target that never answered for ``arm_ns`` on end is not in service yet: nobody has installed it, or
  somebody is at it now. Until then its failures make it unknown, never down; once it is armed it stays so, whatever
  happens to it, over restarts too. What is armed is decided by the starts of its answers, so it delays nothing.
* Up and degraded are one belief here; which of the two it is, :mod:`monitor.quality` judges over a window.
* **A line that loses packets anyway.** Six failures in a row mean something on a line that answers always, and
  nothing on one that loses a third. So where the policy has ``down_after_lossy``, the failures asked for grow with
  what the line lost lately: as many as make mere chance less likely than :data:`MERE_CHANCE` at that loss
  (:func:`patience`), at most ``down_after_lossy``. A line that lost :data:`AS_GOOD_AS_LOST` of its looks is out
  already, and needs no more than any other. An outage of :data:`monitor.ingest.OUTAGE_NS` and more is no loss: a
  line that was cut an hour or a minute ago is cut as surely, and found as soon, as any other.
* **A burst is an outage as long as it lasts.** Where a line loses in spells (good for a minute, 80 % lost for a second on
  average), a spell now and then swallows every look of 2 to 5 s: 12 times in 2,200 lines and two minutes, 3 times in
  20 lines and a quarter of an hour (``tests/faults``). It is recorded, ends at its first answers, and pages
  nobody, because what one line alone speaks for must last (``hold_lone``). No rule tells it from a cut of that length:
  in 14 of those 15 the line had lost none of its last 32 looks, so its past says nothing, and asking 5 s of silence of
  every line would find 0.22 instead of 0.67 of the cuts of 1 to 9 s. So there is none.
* No look for ``stale_ns`` means unknown, dated when that time was over. Coming back from unknown needs as much as
  before for a change of mind, and a single look to confirm what was believed: one failure for a target that was
  down, one answer for a target that was up.

* **m of n**, where the policy has one (``down_m``, ``down_n``; off by default), stands beside ``down_after`` and
  decides whichever comes first: down when at least ``down_m`` of the last ``down_n`` separate looks failed, dated
  at the first failure among them. A burst is one look there too, and failed only if all of it did. It never decides
  against ``up_after`` newest answers in a row, and what came before the last turn to up no longer counts: else a
  target that came back would fall at its first lost packet. It costs more than counting a run (every look of an up
  target is weighed, none is merely counted), so it is for paths that lose in clumps, not for whole nations.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, log

from inventory.models import LookPolicy
from monitor.models import ChangeReason, View
from monitor.moments import NEVER, seconds
from monitor.quality import OFF, QualityPolicy
from probes.models import Look, Outcome

__all__ = ["ViewChange", "ViewPolicy", "ViewRecord", "grow_stale", "observe", "patience"]

MERE_CHANCE = 1.5e-8
"""How likely a run of failures may be by a lossy line's own loss: once in a few years of a target's looks."""

AS_GOOD_AS_LOST = 0.8
"""Loss at which a line carries nothing that a person would call service."""

_APART_AT_MOST_NS = 100_000_000
_LONGEST_RUN = 64


@dataclass(frozen=True, slots=True)
class ViewPolicy:
    """When to believe; times in nanoseconds."""

    down_after: int = 3
    up_after: int = 2
    apart_ns: int = _APART_AT_MOST_NS
    stale_ns: int = 30_000_000_000
    down_m: int = 0
    """Failures among the last ``down_n`` separate looks that mean down; 0 = only failures in a row do."""
    down_n: int = 0
    down_after_lossy: int = 0
    """Most failures in a row asked of a line that loses anyway; 0 = as many as of any other."""
    quality: QualityPolicy = OFF
    arm_ns: int = 0
    """How long a target must first have been up on end before it can be down; 0 = from the beginning."""

    @classmethod
    def of(cls, look: LookPolicy, *, arm_after: float = 0.0) -> "ViewPolicy":
        """Take from the inventory's policy what concerns belief; ``arm_after`` in seconds."""
        return cls(
            down_after=look.down_after,
            up_after=look.up_after,
            apart_ns=min(_APART_AT_MOST_NS, seconds(look.retry / 2)),
            stale_ns=seconds(look.stale_after),
            down_m=look.down_m,
            down_n=look.down_n,
            down_after_lossy=look.down_after_lossy,
            quality=QualityPolicy.of(
                loss=look.degraded_loss,
                rtt=look.degraded_rtt,
                jitter=look.degraded_jitter,
                after=look.degraded_after,
            ),
            arm_ns=seconds(arm_after),
        )


@dataclass(frozen=True, slots=True)
class ViewRecord:
    """Belief about one target from one vantage, and what it rests on.

    ``settled`` is the last belief that was not unknown. ``run`` holds the start times, in order, of the looks
    since the newest opposite one; they are answers if the newest look was good, failures otherwise. It is empty
    while the newest looks only repeat what is believed. ``recent`` holds the newest looks in order,
    good and bad (start, whether it failed), for policies with m of n; it is empty for all others and while down.
    """

    view: View = View.UNKNOWN
    settled: View = View.UNKNOWN
    since_ns: int = NEVER
    last_ok_ns: int = NEVER
    last_failure_ns: int = NEVER
    run: tuple[int, ...] = ()
    recent: tuple[tuple[int, bool], ...] = ()
    armed_ns: int = NEVER
    """Start of the answer that armed the target."""

    @property
    def is_answering(self) -> bool:
        """Whether the newest look was good."""
        return self.last_ok_ns > self.last_failure_ns


@dataclass(frozen=True, slots=True)
class ViewChange:
    """A view that changed; ``at_ns`` is when it became true."""

    old: View
    new: View
    at_ns: int
    reason: ChangeReason


def observe(record: ViewRecord, look: Look, policy: ViewPolicy) -> tuple[ViewRecord, ViewChange | None]:
    """Take one finished look into account."""
    if look.outcome is Outcome.ERROR:
        return record, None
    is_ok = look.outcome is Outcome.OK
    is_armed = record.armed_ns > NEVER or policy.arm_ns == 0
    if not (is_ok or is_armed) and record.view is View.UNKNOWN:
        return replace(record, last_failure_ns=max(record.last_failure_ns, look.at_ns)), None
    seen = _answered(record, look.at_ns) if is_ok else _failed(record, look.at_ns)
    if policy.down_m:
        seen = _remembering(seen, look.at_ns, is_failed=not is_ok)
    if seen.is_answering and _counts_as_up(seen, policy):
        first = seen.settled is View.UNKNOWN
        reason = ChangeReason.FIRST_RESULT if first else ChangeReason.ANSWERS_IN_A_ROW
        turned, change = _turn(seen, View.UP, reason)
        return _armed(turned, look.at_ns, policy), change
    if not seen.is_answering and _counts_as_down(seen, policy):
        return _fall(seen, ChangeReason.FAILURES_IN_A_ROW, is_armed=is_armed)
    failed = _failed_of_last(seen, policy) if policy.down_m and not is_ok else ()
    if failed:
        return _fall(replace(seen, run=failed), ChangeReason.FAILURES_IN_WINDOW, is_armed=is_armed)
    return (_armed(seen, look.at_ns, policy) if is_ok else seen), None


def patience(policy: ViewPolicy, *, lost: int, of: int) -> int:
    """Answer how many failures in a row mean down on a line that lost ``lost`` of its last ``of`` looks before them.

    A run of n is mere chance with probability ``loss ** n`` (Wald's test with the loss seen for the one hypothesis
    and certain failure for the other); the loss is estimated by Laplace's rule, so that few looks prove little.
    """
    if not lost or policy.down_after_lossy <= policy.down_after:
        return policy.down_after
    loss = (lost + 1) / (of + 2)
    if loss >= AS_GOOD_AS_LOST:
        return policy.down_after
    return max(policy.down_after, min(policy.down_after_lossy, ceil(log(MERE_CHANCE) / log(loss))))


def grow_stale(record: ViewRecord, at_ns: int) -> tuple[ViewRecord, ViewChange | None]:
    """Stop believing: nothing was heard until ``at_ns``. A run under way is void, what was settled is kept."""
    if record.view is View.UNKNOWN:
        return record, None
    change = ViewChange(record.view, View.UNKNOWN, at_ns, ChangeReason.STALE)
    return replace(record, view=View.UNKNOWN, since_ns=at_ns, run=(), recent=()), change


def _answered(record: ViewRecord, at_ns: int) -> ViewRecord:
    newest = max(record.last_ok_ns, at_ns)
    if at_ns <= record.last_failure_ns:
        run = record.run if record.is_answering else _after(record.run, at_ns)
    elif record.is_answering:
        run = _with(record.run, at_ns)
    else:
        run = (at_ns,)
    settled_so = record.view in {View.UP, View.DEGRADED} and newest > record.last_failure_ns
    return replace(record, last_ok_ns=newest, run=() if settled_so else run)


def _failed(record: ViewRecord, at_ns: int) -> ViewRecord:
    newest = max(record.last_failure_ns, at_ns)
    if at_ns <= record.last_ok_ns:
        run = _after(record.run, at_ns) if record.is_answering else record.run
    elif record.is_answering:
        run = (at_ns,)
    else:
        run = _with(record.run, at_ns)
    settled_so = record.view is View.DOWN and newest >= record.last_ok_ns
    return replace(record, last_failure_ns=newest, run=() if settled_so else run)


def _counts_as_up(record: ViewRecord, policy: ViewPolicy) -> bool:
    if record.view in {View.UP, View.DEGRADED}:
        return False
    needed = policy.up_after if record.settled is View.DOWN else 1
    return _separate(record.run, policy.apart_ns) >= needed


def _counts_as_down(record: ViewRecord, policy: ViewPolicy) -> bool:
    if record.view is View.DOWN:
        return False
    needed = 1 if record.settled is View.DOWN else policy.down_after
    return _separate(record.run, policy.apart_ns) >= needed


def _fall(
    record: ViewRecord, reason: ChangeReason, *, is_armed: bool
) -> tuple[ViewRecord, ViewChange | None]:
    if is_armed:
        return _turn(record, View.DOWN, reason)
    change = ViewChange(record.view, View.UNKNOWN, record.run[0], ChangeReason.NOT_ARMED)
    return replace(record, view=View.UNKNOWN, since_ns=change.at_ns, run=(), recent=()), change


def _armed(record: ViewRecord, at_ns: int, policy: ViewPolicy) -> ViewRecord:
    """Arm what has been up for long enough at an answer that started at ``at_ns``."""
    is_due = record.view is View.UP and at_ns - record.since_ns >= policy.arm_ns
    return replace(record, armed_ns=at_ns) if is_due and record.armed_ns == NEVER else record


def _turn(record: ViewRecord, view: View, reason: ChangeReason) -> tuple[ViewRecord, ViewChange]:
    at_ns = record.run[0]
    change = ViewChange(record.view, view, at_ns, reason)
    kept = () if view is View.DOWN else tuple(each for each in record.recent if each[0] >= at_ns)
    return replace(record, view=view, settled=view, since_ns=at_ns, run=(), recent=kept), change


def _remembering(record: ViewRecord, at_ns: int, *, is_failed: bool) -> ViewRecord:
    """Keep the newest looks in order of their start; nothing from before the turn to the present belief."""
    look = (at_ns, is_failed)
    is_past = record.view is not View.UNKNOWN and bool(record.recent) and at_ns < record.recent[0][0]
    if record.view is View.DOWN or is_past or look in record.recent:
        return record
    return replace(record, recent=tuple(sorted((*record.recent, look)))[-_LONGEST_RUN:])


def _failed_of_last(record: ViewRecord, policy: ViewPolicy) -> tuple[int, ...]:
    """Answer the failed ones of the last ``down_n`` separate looks if they are enough, oldest first; else nothing."""
    if record.view is View.DOWN:
        return ()
    last = list(_bursts(record.recent, policy.apart_ns))[-policy.down_n :]
    failed = tuple(at_ns for at_ns, is_failed in last if is_failed)
    newest = last[-policy.up_after :]
    is_back = len(newest) == policy.up_after and not any(is_failed for _, is_failed in newest)
    return failed if len(failed) >= policy.down_m and not is_back else ()


def _bursts(recent: tuple[tuple[int, bool], ...], apart_ns: int) -> Iterator[tuple[int, bool]]:
    """Join looks that are not separate: a burst failed only if every look in it did."""
    burst: tuple[int, bool] | None = None
    for at_ns, is_failed in recent:
        if burst is not None and at_ns - burst[0] < apart_ns:
            burst = (burst[0], burst[1] and is_failed)
            continue
        if burst is not None:
            yield burst
        burst = (at_ns, is_failed)
    if burst is not None:
        yield burst


def _separate(run: tuple[int, ...], apart_ns: int) -> int:
    """Count the looks of a run that started at least ``apart_ns`` after the one counted before."""
    count = 0
    counted = -apart_ns
    for at_ns in run:
        if at_ns - counted >= apart_ns:
            count += 1
            counted = at_ns
    return count


def _with(run: tuple[int, ...], at_ns: int) -> tuple[int, ...]:
    if at_ns in run:
        return run
    # The first of a run dates it, the newest decide it: what a burst leaves between them may go.
    grown = sorted((*run, at_ns))
    return tuple(grown) if len(grown) <= _LONGEST_RUN else (grown[0], *grown[2:])


def _after(run: tuple[int, ...], at_ns: int) -> tuple[int, ...]:
    return tuple(start for start in run if start > at_ns)
