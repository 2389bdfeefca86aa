"""Which cause each outage is laid to: what waits in the hold, what a live cause absorbs, what is over.

Folds opened and ended outages into CAUSE changes through :func:`monitor.correlation.resolve`; no clock, no SQL.
What waits is rebuilt after a restart from the open outages that nothing explains yet.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from inventory.models import Priority
from monitor.causes import Cause, CauseBook
from monitor.clock_step import set_back
from monitor.confirmation import OURSELVES_NS
from monitor.correlation import RELATED_NS, Failure, Proposal, resolve
from monitor.decisions import CauseRow, ClosedOutage, Decisions
from monitor.explanation import dismissal, explanation, extent_of, recovery
from monitor.fleet import FleetBelief, subject_of
from monitor.models import ChangeReason, StateChange, SubjectKind
from monitor.moments import SECOND, moment, nanoseconds, seconds
from monitor.snapshot import CauseView
from monitor.widening import Widening, spreading, wider

__all__ = ["Attribution"]

_LOSSY = 2.0
"""From so many times as many failures asked, which is from a loss of about a sixth, a line's owner is told so many times
as late. Of less, 2 % of loss makes a line suspect by chance, and a cut of ten seconds would be over first."""
_TELL_EVERY_NS = SECOND
"""A cause that grows is told of at once when it opens, and then at most this often; a large one more seldom still."""
_AT_EASE = 500
_REST_NS_EACH = SECOND // 10_000
"""What each further failure of a large collapse adds to the rest between two resolutions, which cost a tenth of it: a
province that is wholly lost must not be asked about so often that belief falls behind what it is shown. It follows
from counts alone, so that a replay rests as we did."""


class Attribution:
    """The causes of one fleet's outages, live and in the making."""

    def __init__(self, belief: FleetBelief) -> None:
        self.belief = belief
        self.causes = CauseBook()
        self._waiting: dict[str, Failure] = {}
        self._touched: dict[str, Cause] = {}
        self._growing: dict[str, Cause] = {}
        self._recent: set[str] | None = None
        self._may_widen = True
        self._rests_until_ns = 0
        self._released: list[Failure] = []
        self._is_edited = False

    @property
    def waiting(self) -> tuple[Failure, ...]:
        """What is down and not explained yet."""
        return tuple(self._waiting.values())

    def shown(self) -> dict[str, CauseView]:
        """Answer the live causes as pages show them, with the sites that are down by each."""
        topology, answer = self.belief.topology, {}
        for cause in self.causes:
            sites = {topology.site_of(target) for target in cause.down if target in topology.index}
            known = tuple(sorted(site for site in sites if site is not None))
            answer[cause.subject] = CauseView(cause.subject, cause.owner, moment(cause.since_ns), known)
        return answer

    def settle(self, now_ns: int, out: Decisions) -> int | None:
        """Take over what ``out`` opened and closed, and explain what is ripe; answers when to ask again."""
        fresh: dict[str, Failure] = {}
        for each in out.outages:
            if isinstance(each, ClosedOutage):
                fresh.pop(each.target, None)
                self._recovered(each.target, nanoseconds(each.ended_at), now_ns, out)
            else:
                fresh[each.target] = self._failure(each.target, nanoseconds(each.started_at), now_ns)
        self._recent = None
        if self._is_edited:
            self.end_empty(now_ns, out)
        self._absorb([*self._released, *fresh.values()], out)
        self._released, self._is_edited = [], False
        absorbed: list[Cause] = []
        asks_again_ns: int | None = self._rests_until_ns
        if now_ns >= self._rests_until_ns:
            asks_again_ns = self._resolve(now_ns, out)
            absorbed = self._widen(now_ns, out)
        due = [asks_again_ns, self._tell(now_ns, out)]
        for child in absorbed:
            self._change(child, ("down", "down"), child.since_ns, now_ns, out)
        out.causes.update({subject: self._row(cause) for subject, cause in self._touched.items()})
        self._touched.clear()
        return min((at_ns for at_ns in due if at_ns is not None), default=None)

    def restore(self, causes: list[CauseRow], open_outages: Mapping[str, datetime], now_ns: int) -> None:
        """Take over stored causes; open outages that none of them explains wait in the hold from ``now_ns``."""
        for row in causes:
            cause = Cause(
                subject=row.subject,
                owner=row.owner,
                since_ns=nanoseconds(row.since),
                noticed_ns=nanoseconds(row.noticed_at),
                targets=dict(row.targets),
                down={target for target in row.targets if target in open_outages},
                told=row.told,
                grown_ns=max(row.targets.values(), default=0),
                absorbed_by=row.absorbed_by,
            )
            self.causes.add(cause)
            if cause.has_grown and not cause.absorbed_by:
                self._growing[cause.subject] = cause
        for target, started_at in open_outages.items():
            if not self.causes.cause_of(target):
                self._waiting[target] = self._failure(target, nanoseconds(started_at), now_ns)

    def succeed(self, old: "Attribution", names: Mapping[str, str], now_ns: int) -> None:
        """Take over from the attribution of the inventory before; ended outages come with the next settling.

        ``names`` are the targets that are still there, and what they are called now. A cause keeps what stands under
        it in the inventory of now and is its owner's still; all else waits in the hold for the cause that it has now.
        """
        self.causes, self._is_edited = old.causes, True
        changed, released = self.causes.succeed(names, self._holds)
        self._touched = {cause.subject: cause for cause in changed}
        self._released = [self._failure(t, began_ns, now_ns) for t, began_ns in released.items()]
        self._waiting = {
            names[f.target]: self._failure(names[f.target], f.began_ns, f.noticed_ns)
            for f in old.waiting
            if f.target in names
        }
        self._growing = {cause.subject: cause for cause in self.causes if cause.has_grown}

    def tell_again(self, subject: str) -> None:
        """Let a live cause be told of with the next settling, though it has not grown: its evidence changed."""
        for cause in self.causes:
            if cause.subject == subject and cause.told:
                cause.told_ns = 0
                self._growing[subject] = cause

    def hold_again(self, now_ns: int) -> None:
        """Let everything that waits wait its hold from now: after a restart nothing was seen before this."""
        self._waiting = {t: replace(failure, noticed_ns=now_ns) for t, failure in self._waiting.items()}

    def forget_future(self, now_ns: int, *, step_ns: int) -> None:
        """Date what waits, is open or was told after ``now_ns`` as of then: the clock was set back."""

        def earlier(at_ns: int) -> int:
            return set_back(at_ns, now_ns, step_ns)

        self._rests_until_ns = 0
        self._waiting = {
            t: replace(f, began_ns=earlier(f.began_ns), noticed_ns=min(f.noticed_ns, now_ns))
            for t, f in self._waiting.items()
        }
        for cause in self.causes:
            cause.told_ns, cause.grown_ns = min(cause.told_ns, now_ns), earlier(cause.grown_ns)
            cause.since_ns, cause.noticed_ns = earlier(cause.since_ns), min(cause.noticed_ns, now_ns)
            cause.targets = {target: earlier(began_ns) for target, began_ns in cause.targets.items()}
            self._touched[cause.subject] = cause

    def end_empty(self, now_ns: int, out: Decisions) -> None:
        """End causes that nothing holds open (their outages ended while their row was being kept)."""
        for cause in self.causes.empty():
            self.causes.drop(cause.subject)
            self._end(cause, now_ns, now_ns, out)

    def _holds(self, cause: Cause, target: str) -> bool:
        topology, inventory = self.belief.topology, self.belief.inventory
        kind, _, code = cause.subject.partition(":")
        if kind == "risk":
            return code in topology.risks_of_target(target) and inventory.risks[code].owner == cause.owner
        return cause.subject == subject_of(target, inventory) and topology.owner_of(target) == cause.owner

    def _failure(self, target: str, began_ns: int, now_ns: int) -> Failure:
        return Failure(target, subject_of(target, self.belief.inventory), began_ns, now_ns)

    def _recovered(self, target: str, at_ns: int, now_ns: int, out: Decisions) -> None:
        self._waiting.pop(target, None)
        for cause in self.causes.recover(target, at_ns):
            self._end(cause, max(cause.answered_ns, cause.since_ns), now_ns, out)

    def _absorb(self, fresh: list[Failure], out: Decisions) -> None:
        self._may_widen |= bool(fresh)
        for failure in fresh:
            cause = self.causes.absorb(failure, self.belief.topology)
            if cause is None:
                self._waiting[failure.target] = failure
                continue
            out.explained.append((cause.subject, (failure.target,)))
            if cause.has_grown:
                self._growing[cause.subject] = cause
            if len(cause.targets) <= _AT_EASE:
                self._touched[cause.subject] = cause

    def _tell(self, now_ns: int, out: Decisions) -> int | None:
        """Tell of causes that opened or grew; answers when the next of them may be told of again."""
        due = []
        for subject, cause in list(self._growing.items()):
            is_new = cause.told == 0
            next_ns = cause.told_ns + max(_TELL_EVERY_NS, len(cause.targets) * _REST_NS_EACH)
            if not is_new and now_ns < next_ns:
                due.append(next_ns)
                continue
            del self._growing[subject]
            cause.told, cause.told_ns = len(cause.targets), now_ns
            self._touched[subject] = cause
            at_ns = cause.since_ns if is_new else cause.grown_ns
            self._change(cause, ("up" if is_new else "down", "down"), at_ns, now_ns, out)
        return min(due, default=None)

    def _resolve(self, now_ns: int, out: Decisions) -> int | None:
        if not self._waiting:
            return None
        explained = self.causes.explained(min(f.began_ns for f in self._waiting.values()) - RELATED_NS)
        size = len(self._waiting) + len(explained)
        self._rests_until_ns = now_ns + max(0, size - _AT_EASE) * _REST_NS_EACH
        inventory = self.belief.inventory
        # What waits to be vouched for may belong to the same cause: nothing is decided past it.
        is_doubtful = any(self.belief.unconfirmed.values())
        answer = resolve(
            [self._as_now(failure) for failure in self._waiting.values()],
            others={t: (subject_of(t, inventory), began) for t, began in explained.items()},
            topology=self.belief.topology,
            witness=self.belief,
            now_ns=now_ns,
            hold_ns=seconds(inventory.policy.hold_seconds) + (OURSELVES_NS if is_doubtful else 0),
        )
        waits = spreading(
            [each.subject for each in answer.proposals],
            list(self.causes),
            self.waiting,
            inventory=inventory,
            topology=self.belief.topology,
            witness=self.belief,
            now_ns=now_ns,
        )
        for proposal in answer.proposals:
            if proposal.subject not in waits:
                self._open(proposal, now_ns, out)
        again = [answer.next_ns, now_ns + SECOND if waits else None]
        return min((at_ns for at_ns in again if at_ns is not None), default=None)

    def _as_now(self, failure: Failure) -> Failure:
        belief = self.belief
        longer = _LOSSY if belief.patience(failure.target) >= _LOSSY else 1.0
        lone_ns = seconds(belief.inventory.policy.lone_seconds * longer)
        return replace(
            failure,
            is_answering=belief.is_answering(failure.target),
            lasted_ns=belief.lasted_ns(failure.target, failure.began_ns),
            lone_ns=lone_ns,
            place=belief.topology.site_of(failure.target) or "",
        )

    def _open(self, proposal: Proposal, now_ns: int, out: Decisions) -> None:
        owner = self.belief.topology.owner_of(proposal.targets[0])
        kind, _, code = proposal.subject.partition(":")
        if kind == "risk":
            owner = self.belief.inventory.risks[code].owner
        began = {target: self._waiting.pop(target).began_ns for target in proposal.targets}
        cause = self.causes.open(proposal, owner=owner, noticed_ns=now_ns, began=began)
        out.explained.append((cause.subject, proposal.targets))
        self._touched[cause.subject] = self._growing[cause.subject] = cause
        self._may_widen = True

    def _end(self, cause: Cause, at_ns: int, now_ns: int, out: Decisions) -> None:
        self._touched.pop(cause.subject, None)
        self._growing.pop(cause.subject, None)
        out.causes[cause.subject] = None
        if cause.told:
            self._change(cause, ("down", "up"), at_ns, now_ns, out)

    def _widen(self, now_ns: int, out: Decisions) -> list[Cause]:
        """Let wider groups take over what they explain by now; answers the causes taken over that were told of.

        One batch may make the answer for several carriers, so it is asked until nobody takes over any more.
        """
        told: list[Cause] = []
        while self._may_widen:
            found = self._wider()
            if not found.risk:
                self._may_widen = found.is_open
                break
            self._take_over(found, now_ns, out)
            told += [child for child in found.children if child.told]
        return told

    def _wider(self) -> Widening:
        belief = self.belief
        return wider(
            list(self.causes),
            self.waiting,
            inventory=belief.inventory,
            topology=belief.topology,
            witness=belief,
        )

    def _take_over(self, found: Widening, now_ns: int, out: Decisions) -> None:
        belief, subject = self.belief, f"risk:{found.risk}"
        under = [t for t in self._waiting if found.risk in belief.topology.risks_of_target(t)]
        began = {target: self._waiting.pop(target).began_ns for target in under}
        since_ns = min((*began.values(), *(child.since_ns for child in found.children)))
        parent = self.causes.open(
            Proposal(subject, tuple(under), since_ns),
            owner=belief.inventory.risks[found.risk].owner,
            noticed_ns=now_ns,
            began=began,
        )
        for child in found.children:
            self.causes.take_over(parent, child)
            self._growing.pop(child.subject, None)
            self._touched[child.subject] = child
        out.explained.append((subject, tuple(sorted(parent.down))))
        self._touched[subject] = self._growing[subject] = parent

    def _change(
        self, cause: Cause, beliefs: tuple[str, str], at_ns: int, now_ns: int, out: Decisions
    ) -> None:
        is_over = beliefs[1] == "up"
        out.changes.append(
            StateChange(
                kind=SubjectKind.CAUSE,
                subject=cause.subject,
                old=beliefs[0],
                new=beliefs[1],
                at=moment(at_ns),
                noticed_at=moment(now_ns),
                reason=self._reason(cause, is_over=is_over),
                evidence=self._evidence(cause, now_ns, is_over=is_over),
            )
        )

    def _row(self, cause: Cause) -> CauseRow:
        return CauseRow(
            subject=cause.subject,
            owner=cause.owner,
            since=moment(cause.since_ns),
            noticed_at=moment(cause.noticed_ns),
            targets=dict(cause.targets),
            told=cause.told,
            absorbed_by=cause.absorbed_by,
        )

    def _evidence(self, cause: Cause, now_ns: int, *, is_over: bool) -> dict[str, Any]:
        topology, belief = self.belief.topology, self.belief
        targets = sorted(target for target in cause.targets if target in topology.index)
        paths = sorted({path for t in targets if (path := topology.path_of(t)) is not None})
        sites = sorted({site for t in targets if (site := topology.site_of(t)) is not None})
        judged = {site: belief.sites[site].verdict for site in sites if site in belief.sites}
        return {
            "owner": cause.owner,
            "sites": sites,
            "paths": paths,
            "targets": targets,
            "priority": min((topology.priority_of(t) for t in targets), default=Priority.C),
            "last_path": [site for site, each in judged.items() if each.up == 1],
            "isolated": [site for site, each in judged.items() if each.up == 0],
            "flapping": [target for target in targets if belief.turns.is_flapping(target, now_ns)],
            "explanation": self._recovery(cause) if is_over else self._explanation(cause, sites, now_ns),
            **({"into": cause.absorbed_by} if cause.absorbed_by else {}),
        }

    def _recovery(self, cause: Cause) -> dict[str, str]:
        return dismissal(cause.subject) if self._is_edited else recovery(cause.subject)

    def _explanation(self, cause: Cause, sites: list[str], now_ns: int) -> dict[str, str]:
        topology, inventory = self.belief.topology, self.belief.inventory
        kind, _, code = cause.subject.partition(":")
        behind = set(sites)
        if kind == "risk":
            behind |= {inventory.paths[path].site for path in topology.paths_of_risk(code)}
        return explanation(
            cause.subject,
            inventory=inventory,
            lost=extent_of(sites, topology),
            behind=extent_of(behind, topology),
            elsewhere=len(self._fell_recently(now_ns) - behind),
        )

    def _fell_recently(self, now_ns: int) -> set[str]:
        """Answer the sites with an outage that began within the last half minute; found once a settling."""
        if self._recent is None:
            site_of, since_ns = self.belief.topology.site_of, now_ns - RELATED_NS
            found = {site_of(t) for t, began_ns in self.belief.outages.items() if began_ns >= since_ns}
            self._recent = {site for site in found if site is not None}
        return self._recent

    def _reason(self, cause: Cause, *, is_over: bool) -> ChangeReason:
        if is_over:
            return ChangeReason.RECOMPUTED if self._is_edited else ChangeReason.RECOVERED
        return ChangeReason.ABSORBED if cause.absorbed_by else ChangeReason.EXPLAINED
