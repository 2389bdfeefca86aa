"""What is done to the simulated province, by name; each answers what should come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from inventory.models import RiskKind
from tests.support.scoring import Expected
from tests.support.simulation import Bursts, Experiment

__all__ = ["LONG", "MULTI_SITE", "SCENARIOS", "Scenario", "groups_to_cut", "one_after_the_other"]

HOUR = 3600.0
BEGAN, ENDED = 20.0, 50.0
RING = "VNPT-RING-947"
CORE = "VNPT-CORE-94"
MULTI_SITE = (RiskKind.CORE, RiskKind.RING, RiskKind.OLT, RiskKind.FEEDER)


@dataclass(frozen=True, slots=True)
class Scenario:
    """``prepare`` puts the faults in and answers what is expected; what is not judged is measured and told."""

    name: str
    prepare: Callable[[Experiment], list[Expected]]
    seconds: float
    kills: tuple[tuple[float, float], ...] = ()
    sample: str = "soc-trang-2021"
    tick: float = 0.05
    is_judged: bool = True
    is_long: bool = False


def expected(e, owner, conditions, *, began=BEGAN, ended=ENDED, step=0.0):
    """One incident while the fault lasts; ``step`` is how wrong the clock is by then."""
    return Expected(owner, frozenset(conditions), e.start + began + step, e.start + ended + step + 1)


def same_as(e, risk):
    """Conditions that no look can tell apart: groups of exactly the same targets, or their only path."""
    targets = set(e.topology.targets_of_risk(risk))
    alike = {f"risk:{r}" for r in e.topology.risks_of_target(next(iter(targets)))}
    same = {name for name in alike if set(e.topology.targets_of_risk(name.partition(":")[2])) == targets}
    paths = {e.topology.path_of(target) for target in targets}
    return same | ({f"path:{path}" for path in paths} if len(paths) == 1 else set())


def a_group(risk, *, began=BEGAN, ended=ENDED):
    def prepare(e):
        e.cut(e.topology.targets_of_risk(risk), began=began, ended=ended)
        owner = e.inventory.risks[risk].owner
        return [expected(e, owner, same_as(e, risk), began=began, ended=ended)]

    return prepare


def a_path(path):
    def prepare(e):
        targets = e.topology.targets_of_path(path)
        e.cut(targets, began=BEGAN, ended=ENDED)
        risks = {f"risk:{r}" for r in e.topology.risks_of_path(path)}
        conditions = {name for r in e.topology.risks_of_path(path) for name in same_as(e, r)} & risks
        alone = {c for c in conditions if set(e.topology.targets_of_risk(c[5:])) == set(targets)}
        return [expected(e, e.topology.owner_of(targets[0]), {f"path:{path}", *alone})]

    return prepare


def children_first(e):
    """A ring that dies from its leaves: the lines behind it go silent two seconds before its own address."""
    targets = e.topology.targets_of_risk(RING)
    own = [t for t in targets if e.topology.path_of(t) is None]
    e.cut([t for t in targets if t not in own], began=BEGAN, ended=ENDED)
    e.cut(own, began=BEGAN + 0.8, ended=ENDED)
    return [expected(e, "VNPT", {f"risk:{RING}"})]


def ring_by_ring(e):
    """A core that dies ring by ring over eight seconds: the first page is honest, one incident must remain."""
    rings = sorted(r.code for r in e.inventory.risks.values() if r.parent == CORE)
    last = BEGAN + 8.0
    for number, ring in enumerate(rings):
        e.cut(e.topology.targets_of_risk(ring), began=BEGAN + 8.0 * number / len(rings), ended=last + 40)
    behind = {t for ring in rings for t in e.topology.targets_of_risk(ring)}
    e.cut([t for t in e.topology.targets_of_risk(CORE) if t not in behind], began=last, ended=last + 40)
    return [expected(e, "VNPT", {f"risk:{CORE}"}, ended=last + 40)]


def losing(ratio):
    def prepare(e):
        e.world.lose(ratio)
        return []

    return prepare


def bursty(bursts):
    def prepare(e):
        e.world.burst(bursts)
        return []

    return prepare


def blind(e):
    """The vantage's own uplink is cut: targets and canaries alike."""
    e.cut((*e.topology.codes, *e.canaries), began=BEGAN, ended=ENDED, is_ours=True)
    return []


def blind_in_parts(e):
    """An uplink that dies over two seconds: one canary after the other, targets at random."""
    rng = Random(7)
    codes = list(e.topology.codes)
    rng.shuffle(codes)
    quarter = len(codes) // 4
    for number, canary in enumerate(e.canaries):
        part = codes[number * quarter : (number + 1) * quarter if number < 3 else None]
        e.cut((canary, *part), began=BEGAN + 0.5 * number, ended=ENDED, is_ours=True)
    return []


def stepped(seconds):
    def prepare(e):
        e.at(BEGAN, lambda: e.step_clock(seconds))
        began, ended = BEGAN + 30, ENDED + 40
        e.cut(e.topology.targets_of_risk(RING), began=began, ended=ended)
        return [expected(e, "VNPT", {f"risk:{RING}"}, began=began, ended=ended, step=seconds)]

    return prepare


def flapping(e):
    for turn in range(4):
        e.cut(e.topology.targets_of_risk(RING), began=BEGAN + 25 * turn, ended=BEGAN + 25 * turn + 12)
    return [expected(e, "VNPT", {f"risk:{RING}"}, ended=BEGAN + 100)]


def all_down(e):
    e.cut(e.topology.codes, began=BEGAN, ended=ENDED)
    carriers = sorted({e.topology.owner_of(t) for t in e.topology.codes})
    return [expected(e, c, {f"risk:{c}-CORE-94"}) for c in carriers]


def brown_out(e):
    """Everything crawls: 700 ms more than usual and one packet in ten lost, for a minute."""

    def begin():
        e.world.delay(0.7)
        e.world.lose(0.1)

    def end():
        e.world.delay(0.0)
        e.world.lose(0.0)

    e.at(BEGAN, begin)
    e.at(BEGAN + 60, end)
    return []


def short_cuts(e):
    """Single targets cut for 1 to 9 seconds, spread over time: which are seen at all at a cadence of 5 s."""
    rng = Random(11)
    wanted = []
    singles = [t for t in e.topology.codes if t.endswith("MOBILE.router")]
    rng.shuffle(singles)
    for number, target in enumerate(singles[:90]):
        began = BEGAN + rng.random() * 60
        e.cut([target], began=began, ended=began + 1 + number % 9)
        path = e.topology.path_of(target)
        alone = {f"risk:{risk}" for risk in e.topology.risks_of_path(path)}
        wanted.append(
            expected(e, e.topology.owner_of(target), {f"path:{path}", *alone}, began=began, ended=began + 10)
        )
    return wanted


def groups_to_cut(e, rng, number):
    """Risk groups of several sites that looks can tell from every group of another owner."""
    found = []
    for risk in e.inventory.risks.values():
        if risk.kind not in MULTI_SITE:
            continue
        targets = e.topology.targets_of_risk(risk.code)
        sites = {e.topology.site_of(t) for t in targets} - {None}
        owners = (
            {e.inventory.risks[c[5:]].owner for c in same_as(e, risk.code) if c.startswith("risk:")}
            if targets
            else set()
        )
        if len(sites) >= 2 and owners == {risk.owner}:
            found.append(risk.code)
    rng.shuffle(found)
    return found[:number]


def one_after_the_other(seed, number):
    """Cut so many groups of several sites, 40 s each from a random moment, every 90 s another."""

    def prepare(e):
        rng = Random(seed)
        wanted = []
        for turn, risk in enumerate(groups_to_cut(e, rng, number)):
            began = BEGAN + 90 * turn + rng.random() * 5
            wanted.extend(a_group(risk, began=began, ended=began + 40)(e))
        return wanted

    return prepare


SCENARIOS = (
    Scenario("single line cut", a_path("UBBC-31498-MOBILE"), 70),
    Scenario("OLT cut", a_group("VNPT-OLT-941-1"), 70),
    Scenario("ring cut", a_group(RING), 70, is_long=True),
    Scenario("ring cut, children first", children_first, 70),
    Scenario("carrier cut", a_group(CORE), 70),
    Scenario("core dies ring by ring over 8 s", ring_by_ring, 100, is_judged=False),
    Scenario("cuts of 1 to 9 s", short_cuts, 100, is_judged=False),
    Scenario("2 % random loss", losing(0.02), 300, sample="province", tick=0.2),
    Scenario("10 % random loss", losing(0.10), 600, sample="province", tick=0.2, is_judged=False),
    Scenario("30 % random loss", losing(0.30), 60, sample="province", tick=0.2, is_judged=False),
    Scenario(
        "bursts of 1 s, 80 % lost",
        bursty(Bursts(60, 1, 0.8)),
        120,
        sample="province",
        tick=0.2,
        is_judged=False,
    ),
    Scenario("vantage uplink cut", blind, 80),
    Scenario("vantage uplink dying in parts", blind_in_parts, 80, is_judged=False),
    Scenario("clock steps 1 h forward", stepped(HOUR), 120),
    Scenario("clock steps 1 h back", stepped(-HOUR), 120),
    Scenario("flapping ring", flapping, 150, is_long=True),
    Scenario("all down", all_down, 80),
    Scenario("brown-out", brown_out, 110, is_long=True),
    Scenario("restart in the middle of a cut", a_group(RING, ended=90.0), 120, kills=((40.0, 10.0),)),
)
LONG = (
    Scenario("24 h of 2 % random loss", losing(0.02), 86_400, sample="province", tick=0.2, is_long=True),
    Scenario("groups of several sites, one after the other", one_after_the_other(3, 40), 3_640, is_long=True),
)
