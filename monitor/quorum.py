"""Belief about one target over all vantages, from what each of them believes, and from where it is believed lost.

Pure. A vantage that knows nothing (not yet, not any more, or because it is isolated) is a missing voter: it counts
neither as up nor as down, so a target that nobody sees is unknown, never silently up. ``quorum`` is how many **votes**
must agree; it is never more than all vantages assigned have, and never less than one. Vantages that reach the world
through the same carrier have one vote between them, because that carrier's peering would fool all of them alike: the
votes of some vantages are the most carriers that can be given to them, one each. A vantage whose carriers nobody
wrote down has a vote of its own.

============================  =========================================================================
up or degraded   down         state
============================  =========================================================================
none             none         unknown
some             some         partial: reachable from some carriers only, which is a result
>= quorum        none         up; degraded if every vantage that sees it finds it degraded
none             >= quorum    down
fewer            fewer        unknown: too few have spoken
============================  =========================================================================
"""

from collections.abc import Mapping, Sequence

from monitor.models import State, View

__all__ = ["seen_from", "state_of", "votes"]

Carriers = tuple[str, ...]
_SEES = frozenset({View.UP, View.DEGRADED})


def state_of(views: Sequence[View], *, quorum: int, upstreams: Sequence[Carriers] = ()) -> State:
    """Answer the state that follows from the views of all vantages assigned to a target.

    ``upstreams`` are the carriers of each vantage, in the order of ``views``; none: each has a vote of its own.
    """
    through = upstreams or [()] * len(views)
    lost = [carriers for view, carriers in zip(views, through, strict=True) if view is View.DOWN]
    seeing = [carriers for view, carriers in zip(views, through, strict=True) if view in _SEES]
    if lost and seeing:
        return State.PARTIAL
    needed = max(1, min(quorum, votes(through)))
    if votes(lost or seeing) < needed:
        return State.UNKNOWN
    if lost:
        return State.DOWN
    return State.UP if View.UP in views else State.DEGRADED


def votes(through: Sequence[Carriers]) -> int:
    """Answer how many independent votes vantages have that reach the world through these carriers."""
    if len(through) <= 1:
        return len(through)
    holder: dict[str, int] = {}
    unknown = sum(not carriers for carriers in through)
    return unknown + sum(
        _gives(vantage, through, holder, set()) for vantage, carriers in enumerate(through) if carriers
    )


def seen_from(views: Mapping[str, View], upstreams: Mapping[str, Carriers]) -> dict[str, list[str]]:
    """Answer from where a target is lost and from where it is seen: carriers, or vantages where none are known.

    A carrier through which somebody sees the target is not named among those through which it is lost.
    """
    places: dict[str, set[str]] = {"down": set(), "up": set()}
    for vantage, view in views.items():
        if view is not View.UNKNOWN:
            side = "down" if view is View.DOWN else "up"
            places[side] |= set(upstreams.get(vantage, ())) or {vantage}
    only = places["down"] - places["up"]
    return {"down": sorted(only or places["down"]), "up": sorted(places["up"])}


def _gives(vantage: int, through: Sequence[Carriers], holder: dict[str, int], tried: set[str]) -> bool:
    """Give ``vantage`` a carrier of its own, moving others if need be (Kuhn's matching)."""
    for carrier in through[vantage]:
        if carrier in tried:
            continue
        tried.add(carrier)
        if carrier not in holder or _gives(holder[carrier], through, holder, tried):
            holder[carrier] = vantage
            return True
    return False
