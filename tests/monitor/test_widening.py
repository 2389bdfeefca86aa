"""What was opened as several causes and turns out to be one."""

from dataclasses import replace
from itertools import product
from types import MappingProxyType

import pytest
from sqlalchemy import select

from inventory.database import reading
from inventory.models import Risk, RiskKind
from inventory.topology import Topology
from monitor.causes import Cause
from monitor.correlation import Census, Failure
from monitor.models import ChangeReason, SubjectKind
from monitor.moments import moment
from monitor.schema import causes, outages
from monitor.widening import spreading, wider
from probes.models import Outcome
from tests.support.monitoring import an_inventory, belief_on, ns

OLT_1 = ("X-31-FIXED", "X-31-FIBRE", "X-32-FIXED", "X-32-FIBRE")
OLT_2 = ("X-33-FIXED", "X-33-FIBRE", "X-34-FIXED", "X-34-FIBRE")


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "belief.db", an_inventory()) as service:
        await service.all_answer(at=0)
        yield service


def told(duty):
    """Cause rows in order: subject, old and new, what it is part of."""
    return [
        (c.subject, c.old, c.new, c.evidence.get("into", ""))
        for c in duty.heard
        if c.kind is SubjectKind.CAUSE
    ]


async def fall_one_after_the_other(duty, *, apart=5.0):
    await duty.fall(*OLT_1, at=5)
    await duty.all_answer(at=6.5, but=OLT_1)
    await duty.tick(at=8)
    await duty.fall(*OLT_2, at=5 + apart)
    await duty.tick(at=5 + apart + 3)


class Seen:
    """A witness who saw so many others under each group answer."""

    def __init__(self, good=MappingProxyType({}), *, suspect=0, unseen=0):
        self._good = good
        self._open = {"suspect": suspect, "unseen": unseen}

    def census(self, risk, onset_ns):
        return Census(down=1, good=self._good.get(risk, 0), **self._open)

    def is_lost(self, subject):
        return True


@pytest.mark.parametrize(
    ("good", "waits"),
    [
        ({"RING": 1}, {"path:X-33-FIXED"}),
        ({"RING": 1, "OLT-2": 1}, set()),
    ],
    ids=["nothing beside it answers: a part of what falls", "its neighbours answer: a matter of its own"],
)
def test_a_line_waits_for_the_whole_only_if_its_own_group_may_have_fallen(good, waits):
    inventory = an_inventory()
    now_ns = ns(20)
    answer = spreading(
        ["path:X-33-FIXED"],
        [
            Cause(f"path:{path}", "VNPT", ns(10), ns(12), {path: ns(10)}, {path})
            for path in ("X-31-FIXED", "X-32-FIXED")
        ],
        [Failure("X-33-FIXED", "path:X-33-FIXED", ns(16), ns(18))],
        inventory=inventory,
        topology=Topology(inventory),
        witness=Seen(good),
        now_ns=now_ns,
    )
    assert answer == waits


def taken_over(seen, *subjects, apart=3.0):
    """What the widest group takes over of causes that began so many seconds after each other."""
    inventory = an_inventory()
    causes = []
    for number, subject in enumerate(subjects):
        target, at = f"X-3{number + 1}-FIXED", ns(10 + apart * number)
        causes.append(Cause(subject, "VNPT", at, at, {target: at}, {target}))
    found = wider(causes, [], inventory=inventory, topology=Topology(inventory), witness=seen)
    return found.risk, [cause.subject for cause in found.children], found.is_open


@pytest.mark.parametrize("open_", [{"suspect": 1}, {"unseen": 1}], ids=str)
def test_what_is_still_open_delays_a_wider_cause_but_not_one_that_stands_already(open_):
    assert taken_over(Seen(**open_), "risk:OLT-1", "risk:OLT-2") == ("", [], True)
    assert taken_over(Seen(**open_), "risk:OLT-1", "risk:RING") == ("RING", ["risk:OLT-1"], False)


@pytest.mark.parametrize("above", ["risk:OLT-2", "risk:RING"])
def test_nothing_is_taken_over_by_a_group_of_which_something_answers_or_that_fell_much_later(above):
    answers = Seen({"RING": 1, "CORE": 1})
    assert taken_over(answers, "risk:OLT-1", above) == ("", [], False)
    assert taken_over(Seen(), "risk:OLT-1", above, apart=31.0) == ("", [], False)


async def test_two_groups_that_fall_one_after_the_other_are_the_ring_once_nothing_else_of_it_answers(duty):
    await fall_one_after_the_other(duty)
    assert told(duty)[0] == ("risk:OLT-1", "up", "down", "")
    assert ("risk:RING", "up", "down", "") in told(duty)
    assert told(duty)[-1] == ("risk:OLT-1", "down", "down", "risk:RING")
    assert duty.heard[-1].reason is ChangeReason.ABSORBED
    assert list(duty.service.snapshot().causes) == ["risk:RING"]
    [ring] = [c for c in duty.heard if c.subject == "risk:RING"]
    assert ring.at == moment(ns(5))
    assert set(ring.evidence["targets"]) == {*OLT_1, *OLT_2}


async def test_every_outage_under_it_names_the_wider_cause(duty):
    await fall_one_after_the_other(duty)
    async with reading(duty.database) as connection:
        named = {row.cause for row in await connection.execute(select(outages))}
    assert named == {"risk:RING"}


async def test_a_group_that_fell_half_a_minute_before_stays_a_matter_of_its_own(duty):
    await fall_one_after_the_other(duty, apart=40.0)
    assert {subject for subject, *_ in told(duty)} == {"risk:OLT-1", "risk:OLT-2"}


async def test_what_still_answers_keeps_the_parts_apart(duty):
    await duty.fall(*OLT_1, at=5)
    await duty.all_answer(at=6.5, but=OLT_1)
    await duty.tick(at=8)
    await duty.fall(*OLT_2[:3], at=10)
    await duty.all_answer(at=11.5, but=(*OLT_1, *OLT_2[:3]))
    await duty.tick(at=20)
    assert not any(into for *_, into in told(duty))


async def test_the_part_is_over_with_its_own_targets_and_the_whole_with_all(duty):
    await fall_one_after_the_other(duty)
    await duty.rise(*OLT_1, at=30)
    assert told(duty)[-1] == ("risk:OLT-1", "down", "up", "risk:RING")
    await duty.rise(*OLT_2, at=35)
    assert told(duty)[-1] == ("risk:RING", "down", "up", "")
    async with reading(duty.database) as connection:
        assert (await connection.execute(select(causes))).all() == []


async def test_a_restart_knows_what_is_part_of_what(tmp_path):
    file, inventory = tmp_path / "belief.db", an_inventory()
    async with belief_on(file, inventory) as duty:
        await duty.all_answer(at=0)
        await fall_one_after_the_other(duty)
    async with belief_on(file, inventory, at=20, epoch=2) as duty:
        await duty.look(dict.fromkeys([*OLT_1, *OLT_2], Outcome.TIMEOUT), at=21)
        assert list(duty.service.snapshot().causes) == ["risk:RING"]
        await duty.rise(*OLT_1, *OLT_2, at=30)
        assert told(duty)[-2:] == [
            ("risk:OLT-1", "down", "up", "risk:RING"),
            ("risk:RING", "down", "up", ""),
        ]


# Two carriers at the same time. Each has a ring here with two parts behind it, and lines that hang on the ring itself.

PARTS = (
    (OLT_1, ("X-33-FIXED", "X-33-FIBRE"), ("X-34-FIXED", "X-34-FIBRE")),
    (("X-31-MOBILE", "X-32-MOBILE"), ("X-33-MOBILE",), ("X-34-MOBILE",)),
)
CAUSES = (("risk:RING", "risk:OLT-1", "risk:OLT-2"), ("risk:RADIO", "risk:BTS-31", "path:X-33-MOBILE"))


def two_rings():
    """The district with a ring of the mobile carrier too, and all of commune 34 directly on the rings."""
    plain = an_inventory()
    behind = {
        "X-32-MOBILE": "BTS-31",
        "X-34-FIXED": "RING",
        "X-34-FIBRE": "RING",
        "X-34-MOBILE": "RADIO",
    }
    stations = {
        code: replace(risk, parent="RADIO") for code, risk in plain.risks.items() if risk.kind is RiskKind.BTS
    }
    radio = Risk("RADIO", RiskKind.RING, "Vòng ring vô tuyến", "VIETTEL", "D")
    return replace(
        plain,
        risks={**plain.risks, **stations, "RADIO": radio},
        paths={
            code: replace(path, risks=(behind[code],)) if code in behind else path
            for code, path in plain.paths.items()
        },
    )


@pytest.mark.parametrize("falls", list(product((True, False), repeat=2)), ids=str)
async def test_parts_are_one_matter_where_all_of_the_ring_fell_and_two_where_the_rest_of_it_answers(
    tmp_path, falls
):
    """Each carrier's, whatever the other's ring does, though one batch tells of both."""
    first = [line for part, _, _ in PARTS for line in part]
    then = [
        line
        for (_, part, rest), all_of_it in zip(PARTS, falls, strict=True)
        for line in (part + rest if all_of_it else part)
    ]
    async with belief_on(tmp_path / "belief.db", two_rings()) as duty:
        await duty.all_answer(at=0)
        await duty.fall(*first, at=5)
        await duty.all_answer(at=6.5, but=first)
        await duty.tick(at=8)
        assert set(duty.service.snapshot().causes) == {part for _, part, _ in CAUSES}
        for at in (10.0, 10.3, 10.6):
            await duty.all_answer(at=at, but=(*first, *then))
        for at in (12.0, 17.0, 22.0, 27.0):
            await duty.all_answer(at=at, but=(*first, *then))
        stands = [
            causes[:1] if all_of_it else causes[1:] for causes, all_of_it in zip(CAUSES, falls, strict=True)
        ]
        assert set(duty.service.snapshot().causes) == {cause for each in stands for cause in each}
        joined = {(subject, into) for subject, _, _, into in told(duty) if into}
        assert joined == {
            (part, ring) for (ring, part, _), all_of_it in zip(CAUSES, falls, strict=True) if all_of_it
        }
