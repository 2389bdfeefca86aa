"""Can this site report now: over independent paths only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.models import Area, AreaKind, Medium, Path, Priority, Risk, RiskKind, Site, SiteKind
from monitor.models import State, Verdict
from monitor.verdict import PathBelief, area_verdict, conflicts, independent, path_state, verdict

UP, DEGRADED, PARTIAL, DOWN, UNKNOWN = (
    PathBelief(state, is_watched=True, is_tested=True)
    for state in (State.UP, State.DEGRADED, State.PARTIAL, State.DOWN, State.UNKNOWN)
)
NEW = PathBelief(State.UNKNOWN, is_watched=True, is_tested=False)
UNWATCHED = PathBelief(State.UNKNOWN, is_watched=False, is_tested=False)
NONE = frozenset()
FIRST_TWO = frozenset({(0, 1)})

CASES = {
    "two independent paths up": ([UP, UP], NONE, Verdict.READY, 2),
    "two of three up, one lost": ([UP, UP, DOWN], NONE, Verdict.DEGRADED, 2),
    "two up, one of them degraded": ([UP, DEGRADED], NONE, Verdict.DEGRADED, 2),
    "two up, one of them reachable from some carriers only": ([UP, PARTIAL], NONE, Verdict.DEGRADED, 2),
    "one of two up, the other lost": ([UP, DOWN], NONE, Verdict.AT_RISK, 1),
    "one of two up, nothing looks at the other": ([UP, UNWATCHED], NONE, Verdict.AT_RISK, 1),
    "one of two up, nothing is known of the other yet": ([UP, NEW], NONE, Verdict.UNKNOWN, 1),
    "one of two up, nothing is known of the other any more": ([UP, UNKNOWN], NONE, Verdict.UNKNOWN, 1),
    "all lost": ([DOWN, DOWN], NONE, Verdict.DOWN, 0),
    "one lost, of the other nothing is known": ([DOWN, UNKNOWN], NONE, Verdict.DOWN, 0),
    "nothing known now": ([UNKNOWN, UNKNOWN], NONE, Verdict.UNKNOWN, 0),
    "never looked at": ([NEW, NEW], NONE, Verdict.UNTESTED, 0),
    "no path": ([], NONE, Verdict.UNTESTED, 0),
    "the only path declared is up": ([UP], NONE, Verdict.READY, 1),
    "two behind one OLT are one, and up": ([UP, UP], FIRST_TWO, Verdict.READY, 1),
    "two behind one OLT are one, and one of them is lost": ([UP, DOWN], FIRST_TWO, Verdict.DEGRADED, 1),
    "two behind one OLT up, the other carrier lost": ([UP, UP, DOWN], FIRST_TWO, Verdict.AT_RISK, 1),
    "one behind the OLT and the other carrier up": ([UP, DOWN, UP], FIRST_TWO, Verdict.DEGRADED, 2),
}


@pytest.mark.parametrize(("paths", "among", "expected", "up"), CASES.values(), ids=CASES)
def test_verdicts(paths, among, expected, up):
    answer = verdict(paths, among)
    assert (answer.verdict, answer.up) == (expected, up)


def risk(code, kind=RiskKind.OLT, parent=None):
    return Risk(code, kind, code, "VNPT", parent=parent)


def path(code, carrier="VNPT"):
    return Path(code, "X", Medium.FIBRE, carrier)


CORE, OLT, OTHER, FEEDER = risk("CORE", RiskKind.CORE), risk("OLT"), risk("OLT-2"), risk("F", RiskKind.FEEDER)

INDEPENDENCE = {
    "one carrier, one OLT": ([("VNPT", [OLT, CORE]), ("VNPT", [OLT, CORE])], False),
    "one carrier, two OLTs that meet in the core only": (
        [("VNPT", [OLT, CORE]), ("VNPT", [OTHER, CORE])],
        True,
    ),
    "one carrier, nothing declared": ([("VNPT", []), ("VNPT", [])], False),
    "one carrier, one side declared": ([("VNPT", [OLT, CORE]), ("VNPT", [CORE])], False),
    "two carriers, nothing declared": ([("VNPT", []), ("VIETTEL", [])], True),
    "two carriers on one power feeder": ([("VNPT", [OLT, FEEDER]), ("VIETTEL", [FEEDER])], False),
}


@pytest.mark.parametrize(("two", "are_independent"), INDEPENDENCE.values(), ids=INDEPENDENCE)
def test_independence(two, are_independent):
    found = conflicts([path(str(n), carrier) for n, (carrier, _) in enumerate(two)], [r for _, r in two])
    assert (found == NONE) == are_independent


@given(
    st.integers(0, 7).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.frozensets(
                st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda p: p[0] < p[1]), max_size=12
            ),
        )
    )
)
def test_the_largest_independent_set_is_found(case):
    count, among = case
    best = max(
        chosen.bit_count()
        for chosen in range(1 << count)
        if not any(chosen >> one & 1 and chosen >> other & 1 for one, other in among)
    )
    assert independent(range(count), among) == best


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([State.DOWN, State.UP], State.UP),
        ([State.DOWN, State.UNKNOWN], State.DOWN),
        ([State.DOWN, State.PARTIAL], State.PARTIAL),
        ([State.UNKNOWN], State.UNKNOWN),
        ([], State.UNKNOWN),
    ],
)
def test_a_path_is_the_best_of_its_targets(targets, expected):
    assert path_state(targets) is expected


def site(kind, priority=Priority.B):
    return Site("s", "a", kind, "s", priority)


COMMUNE = Area("a", None, AreaKind.COMMUNE, "Xã")
DISTRICT = Area("d", None, AreaKind.RURAL_DISTRICT, "Huyện")
COMMITTEE, STATION = site(SiteKind.COMMUNE_COMMITTEE), site(SiteKind.RADIO_STATION)
POST = site(SiteKind.POST_OFFICE, Priority.C)


@pytest.mark.parametrize(
    ("area", "sites", "expected"),
    [
        (COMMUNE, [(COMMITTEE, Verdict.READY), (STATION, Verdict.DOWN)], Verdict.READY),
        (COMMUNE, [(STATION, Verdict.DOWN), (POST, Verdict.READY)], Verdict.DOWN),
        (COMMUNE, [(POST, Verdict.DOWN)], Verdict.DOWN),
        (DISTRICT, [(COMMITTEE, Verdict.READY), (COMMITTEE, Verdict.AT_RISK)], Verdict.AT_RISK),
        (DISTRICT, [(COMMITTEE, Verdict.READY), (POST, Verdict.DOWN)], Verdict.READY),
        (DISTRICT, [(COMMITTEE, Verdict.UNKNOWN), (COMMITTEE, Verdict.DEGRADED)], Verdict.UNKNOWN),
        (DISTRICT, [], Verdict.UNTESTED),
    ],
)
def test_an_area_shows_the_worst_of_its_own(area, sites, expected):
    assert area_verdict(area, sites) is expected
