"""Belief about one target over all vantages, from what each of them believes.

Pure. A vantage that knows nothing (not yet, not any more, or because it is isolated) is a missing voter: it counts
neither as up nor as down, so a target that nobody sees is unknown, never silently up. ``quorum`` is the number of
vantages that must agree; it is never more than there are vantages assigned, and never less than one.

============================  =========================================================
up or degraded   down         state
============================  =========================================================
none             none         unknown
some             some         partial: reachable from some carriers only, which is a result
>= quorum        none         up; degraded if every vantage that sees it finds it degraded
none             >= quorum    down
fewer            fewer        unknown: too few have spoken
============================  =========================================================
"""

from collections.abc import Sequence

from monitor.models import State, View

__all__ = ["state_of"]


def state_of(views: Sequence[View], *, quorum: int) -> State:
    """Answer the state that follows from the views of all vantages assigned to a target."""
    down = sum(view is View.DOWN for view in views)
    good = sum(view is View.UP for view in views)
    degraded = sum(view is View.DEGRADED for view in views)
    seeing = good + degraded
    needed = max(1, min(quorum, len(views)))
    if down and seeing:
        return State.PARTIAL
    if down:
        return State.DOWN if down >= needed else State.UNKNOWN
    if seeing < needed:
        return State.UNKNOWN
    return State.UP if good else State.DEGRADED
