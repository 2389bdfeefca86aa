"""New failures are explained by the fewest groups that cover them, and only by what nothing refutes."""

from dataclasses import replace

import pytest

from inventory.topology import Topology
from monitor.correlation import SIMULTANEOUS_NS, Census, Failure, resolve
from monitor.moments import SECOND
from tests.support.monitoring import COMMUNES, an_inventory

INVENTORY = an_inventory()
TOPOLOGY = Topology(
    replace(INVENTORY, risks={**INVENTORY.risks, "RING": replace(INVENTORY.risks["RING"], parent=None)})
)
HOLD = SECOND
AT = 1000 * SECOND
OLT_1 = ("X-31-FIXED", "X-31-FIBRE", "X-32-FIXED", "X-32-FIBRE")
RING = tuple(f"X-{c}-{line}" for c in COMMUNES for line in ("FIXED", "FIBRE"))


class Field:
    """What was seen: targets down, suspected and good since their start; the rest was not looked at since."""

    def __init__(self, *, down=(), suspect=(), good=(), path_up=()):
        self.down, self.suspect, self.good = set(down), set(suspect), dict(good)
        self.path_up = set(path_up)

    def census(self, risk, onset_ns):
        targets = set(TOPOLOGY.targets_of_risk(risk))
        down, suspect = targets & self.down, targets & self.suspect
        good = {t for t in targets if self.good.get(t, 0) >= onset_ns + SIMULTANEOUS_NS} - down - suspect
        return Census(len(down), len(suspect), len(good), len(targets - down - suspect - good))

    def is_lost(self, subject):
        return subject not in self.path_up


def failing(*codes, began=0.0, noticed=1.0, **more):
    return [
        Failure(code, f"path:{code}", AT + round(began * SECOND), AT + round(noticed * SECOND), **more)
        for code in codes
    ]


def explained(failures, field, *, now=10.0, others=None):
    answer = resolve(
        failures,
        others=others or {},
        topology=TOPOLOGY,
        witness=field,
        now_ns=AT + round(now * SECOND),
        hold_ns=HOLD,
    )
    return {p.subject: set(p.targets) for p in answer.proposals}, answer.next_ns


def good(*codes, at=5.0):
    return dict.fromkeys(codes, AT + round(at * SECOND))


OTHERS_OF_RING = tuple(code for code in RING if code not in OLT_1)

CASES = {
    "one line alone, its neighbours answer": (
        OLT_1[:1],
        Field(down=OLT_1[:1], good=good(*OLT_1[1:], *OTHERS_OF_RING)),
        {"path:X-31-FIXED": {"X-31-FIXED"}},
    ),
    "all lines of an OLT, the rest of the ring answers": (
        OLT_1,
        Field(down=OLT_1, good=good(*OTHERS_OF_RING)),
        {"risk:OLT-1": set(OLT_1)},
    ),
    "all lines of both OLTs are the ring, not two OLTs and not the core": (
        RING,
        Field(down=RING),
        {"risk:RING": set(RING)},
    ),
    "some lines of both OLTs, the others not looked at since": (
        (OLT_1[0], OTHERS_OF_RING[0]),
        Field(down=(OLT_1[0], OTHERS_OF_RING[0])),
        {"risk:RING": {OLT_1[0], OTHERS_OF_RING[0]}},
    ),
    "some lines of one OLT, the others not looked at since": (
        OLT_1[:2],
        Field(down=OLT_1[:2]),
        {"risk:OLT-1": set(OLT_1[:2])},
    ),
    "half an OLT, the other half answers": (
        OLT_1[:2],
        Field(down=OLT_1[:2], good=good(*OLT_1[2:], *OTHERS_OF_RING)),
        {f"path:{code}": {code} for code in OLT_1[:2]},
    ),
    "an OLT and a line of another carrier": (
        (*OLT_1, "X-33-MOBILE"),
        Field(down=(*OLT_1, "X-33-MOBILE"), good=good(*OTHERS_OF_RING)),
        {"risk:OLT-1": set(OLT_1), "path:X-33-MOBILE": {"X-33-MOBILE"}},
    ),
    "one line alone, nothing else looked at: a group needs two": (
        OLT_1[:1],
        Field(down=OLT_1[:1]),
        {"path:X-31-FIXED": {"X-31-FIXED"}},
    ),
    "a line that another target still proves is nobody's incident": (
        OLT_1[:1],
        Field(down=OLT_1[:1], good=good(*OLT_1[1:]), path_up=["path:X-31-FIXED"]),
        {},
    ),
    "a good look from before the cut refutes nothing": (
        OLT_1[:2],
        Field(down=OLT_1[:2], good=good(*OLT_1[2:], at=-1)),
        {"risk:OLT-1": set(OLT_1[:2])},
    ),
    "a good look that crossed the cut refutes nothing": (
        OLT_1[:2],
        Field(down=OLT_1[:2], good=good(*OLT_1[2:], at=0.1)),
        {"risk:OLT-1": set(OLT_1[:2])},
    ),
}


@pytest.mark.parametrize(("down", "field", "expected"), CASES.values(), ids=CASES)
def test_explanations(down, field, expected):
    assert explained(failing(*down), field)[0] == expected


@pytest.mark.parametrize("order", [RING, RING[::-1], sorted(RING, key=hash)])
def test_the_order_of_failures_does_not_matter(order):
    assert explained(failing(*order), Field(down=RING))[0] == {"risk:RING": set(RING)}


def test_what_is_decided_waits_for_nothing():
    field = Field(down=OLT_1, good=good(*OTHERS_OF_RING))
    assert explained(failing(*OLT_1), field, now=1.0) == ({"risk:OLT-1": set(OLT_1)}, None)


def test_what_is_open_waits_for_the_hold():
    found, next_ns = explained(failing(*OLT_1[:2]), Field(down=OLT_1[:2]), now=1.5)
    assert (found, next_ns) == ({}, AT + 2 * SECOND)


def test_a_suspected_sibling_extends_the_hold_to_twice_its_length_and_no_further():
    field = Field(down=OLT_1[:2], suspect=OLT_1[2:])
    assert explained(failing(*OLT_1[:2]), field, now=2.5) == ({}, AT + 3 * SECOND)
    assert explained(failing(*OLT_1[:2]), field, now=3.0)[0] == {"risk:OLT-1": set(OLT_1[:2])}


def test_a_suspect_elsewhere_extends_nothing():
    field = Field(down=OLT_1[:1], suspect=["X-34-MOBILE"], good=good(*OLT_1[1:]))
    assert explained(failing(OLT_1[0]), field, now=1.0)[0] == {"path:X-31-FIXED": {"X-31-FIXED"}}


def test_a_target_that_has_just_answered_is_left_to_its_next_look():
    field = Field(down=OLT_1[:1], good=good(*OLT_1[1:]))
    assert explained(failing(OLT_1[0], is_answering=True), field) == ({}, None)


def test_a_sibling_that_is_not_ripe_is_covered_with_the_ripe():
    failures = [*failing(*OLT_1[:1], noticed=1.0), *failing(*OLT_1[1:2], noticed=1.9)]
    assert explained(failures, Field(down=OLT_1[:2]), now=2.0)[0] == {"risk:OLT-1": set(OLT_1[:2])}


def test_what_fell_a_moment_ago_supports_a_parent_of_both():
    others = {code: (f"path:{code}", AT) for code in OLT_1}
    late = OTHERS_OF_RING[0]
    found, _ = explained(failing(late, began=3, noticed=4), Field(down=(*OLT_1, late)), others=others)
    assert found == {"risk:RING": {late}}


def test_what_fell_long_ago_supports_nothing():
    others = {code: (f"path:{code}", AT - 3600 * SECOND) for code in OLT_1}
    late = OTHERS_OF_RING[0]
    found, _ = explained(failing(late, began=3, noticed=4), Field(down=(*OLT_1, late)), others=others)
    assert found == {f"path:{late}": {late}}


def test_a_risk_group_with_an_address_of_its_own_explains_itself():
    own = [replace(f, of="risk:OLT-1") for f in failing(OLT_1[0])]
    assert explained(own, Field(down=OLT_1[:1]))[0] == {"risk:OLT-1": {OLT_1[0]}}


def test_nothing_failing_is_nothing_to_explain():
    assert explained([], Field()) == ({}, None)


def test_three_lines_that_only_the_ring_covers_wait_for_nothing_that_is_merely_unseen():
    fell = (OLT_1[0], OLT_1[2], OTHERS_OF_RING[0])
    assert explained(failing(*fell), Field(down=fell), now=1.0)[0] == {"risk:RING": set(fell)}


def test_three_lines_that_only_the_ring_covers_wait_for_the_suspected_so_that_the_first_page_counts_them():
    fell = (OLT_1[0], OLT_1[2], OTHERS_OF_RING[0])
    field = Field(down=fell, suspect=OTHERS_OF_RING[1:])
    assert explained(failing(*fell), field, now=1.0)[0] == {}


def test_three_lines_that_a_lower_group_covers_wait_for_what_the_ring_does():
    fell = OLT_1[:3]
    field = Field(down=fell, suspect=OTHERS_OF_RING)
    assert explained(failing(*fell), field, now=1.0)[0] == {}
