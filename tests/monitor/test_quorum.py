"""Several vantages vote; who is missing is not counted as up."""

from dataclasses import replace

import pytest

from monitor.models import State, SubjectKind, View
from monitor.quorum import seen_from, state_of, votes
from tests.support.monitoring import an_inventory, belief_on

U, D, G, N = View.UP, View.DOWN, View.DEGRADED, View.UNKNOWN

CASES = {
    "nobody looks": ([], 1, State.UNKNOWN),
    "nobody knows": ([N, N], 1, State.UNKNOWN),
    "one sees it": ([U], 1, State.UP),
    "one does not": ([D], 1, State.DOWN),
    "one sees it and one knows nothing, one is enough": ([U, N], 1, State.UP),
    "one sees it and one knows nothing, two are asked": ([U, N], 2, State.UNKNOWN),
    "one does not and two know nothing, two are asked": ([D, N, N], 2, State.UNKNOWN),
    "two do not, two are asked": ([D, D, N], 2, State.DOWN),
    "reachable from some only": ([U, D, D], 2, State.PARTIAL),
    "found degraded by all who see it": ([G, G], 1, State.DEGRADED),
    "found degraded by some": ([G, U], 1, State.UP),
    "degraded here and down there": ([G, D], 1, State.PARTIAL),
    "a quorum above the number of vantages asks for all": ([D], 3, State.DOWN),
    "a quorum of none asks for one": ([N], 0, State.UNKNOWN),
}


@pytest.mark.parametrize(("views", "quorum", "state"), CASES.values(), ids=CASES)
def test_states(views, quorum, state):
    assert state_of(views, quorum=quorum) is state


def test_a_missing_voter_never_makes_up_out_of_not_up():
    for rest in ([], [N], [D], [D, D], [D, N]):
        without = state_of(rest, quorum=2)
        with_missing = state_of([*rest, N], quorum=2)
        assert not (with_missing is State.UP and without is not State.UP)


VNPT, VIETTEL, BOTH = ("VNPT",), ("VIETTEL",), ("VNPT", "VIETTEL")


@pytest.mark.parametrize(
    ("through", "count"),
    [
        ([], 0),
        ([()], 1),
        ([(), ()], 2),
        ([VNPT, VNPT], 1),
        ([VNPT, VIETTEL], 2),
        ([BOTH, VNPT], 2),
        ([BOTH, VNPT, VIETTEL], 2),
        ([BOTH, BOTH, BOTH], 2),
        ([VNPT, VNPT, ()], 2),
    ],
)
def test_vantages_behind_one_carrier_have_one_vote_between_them(through, count):
    assert votes(through) == count


def test_two_vantages_of_one_carrier_are_not_the_two_that_are_asked():
    assert state_of([D, D, N], quorum=2, upstreams=[VNPT, VNPT, VIETTEL]) is State.UNKNOWN
    assert state_of([D, N, D], quorum=2, upstreams=[VNPT, VNPT, VIETTEL]) is State.DOWN
    assert state_of([D, D], quorum=2, upstreams=[VNPT, VNPT]) is State.DOWN


def test_partial_says_from_where():
    upstreams = {"V1": VNPT, "V2": VIETTEL, "V3": BOTH, "V4": ()}
    assert seen_from({"V1": D, "V2": U}, upstreams) == {"down": ["VNPT"], "up": ["VIETTEL"]}
    assert seen_from({"V3": D, "V2": G}, upstreams) == {"down": ["VNPT"], "up": ["VIETTEL"]}
    assert seen_from({"V1": D, "V3": U}, upstreams) == {"down": ["VNPT"], "up": ["VIETTEL", "VNPT"]}
    assert seen_from({"V4": D, "V2": U, "V1": N}, upstreams) == {"down": ["V4"], "up": ["VIETTEL"]}


async def test_a_target_lost_from_one_carrier_only_is_partial_says_so_and_is_nobodys_outage(tmp_path):
    inventory = an_inventory(vantages=("V1", "V2"), quorum=2)
    through = {"V1": VNPT, "V2": VIETTEL}
    vantages = {code: replace(v, upstreams=through[code]) for code, v in inventory.vantages.items()}
    inventory = replace(inventory, vantages=vantages)
    async with belief_on(tmp_path / "belief.db", inventory) as duty:
        for vantage in ("V1", "V2"):
            await duty.all_answer(at=0, vantage=vantage)
        await duty.fall("X-31-FIXED", at=5, vantage="V1")
        [change] = [c for c in duty.heard if c.new == State.PARTIAL and c.kind is SubjectKind.TARGET]
        assert change.evidence["seen_from"] == {"down": ["VNPT"], "up": ["VIETTEL"]}
        assert duty.service.snapshot().targets["X-31-FIXED"].lost_from == ("VNPT",)
        assert not duty.service.belief.outages
        await duty.fall("X-31-FIXED", at=8, vantage="V2")
        assert duty.service.snapshot().targets["X-31-FIXED"].state is State.DOWN
        assert duty.service.snapshot().targets["X-31-FIXED"].lost_from == ()
