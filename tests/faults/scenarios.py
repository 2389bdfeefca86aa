"""What is done to the simulated province, by name; each answers what should come of it."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from inventory.models import RiskKind
from tests.support.scoring import LONG_CUT, Expected
from tests.support.simulation import Bursts, Experiment

__all__ = ["LONG", "MULTI_SITE", "SCENARIOS", "Scenario", "groups_to_cut", "one_after_the_other"]

HOUR = 3600.0
BEGAN, ENDED = 20.0, 50.0
RING = "VNPT-RING-947"
CORE = "VNPT-CORE-94"
MULTI_SITE = (RiskKind.CORE, RiskKind.RING, RiskKind.OLT, RiskKind.FEEDER)


@dataclass(frozen=True, slots=True)
class Scenario:
    """``prepare`` puts the faults in and answers what is expected; what is not judged is measured and told.

    Where a line is ``noisy`` its spells of loss may be recorded as outages, which they are to whoever calls then, but
    nobody is paged for them. Where only the vantage is ``blind`` nothing is anybody else's outage.
    """

    name: str
    prepare: Callable[[Experiment], list[Expected]]
    seconds: float
    kills: tuple[tuple[float, float], ...] = ()
    sample: str = "soc-trang-2021"
    tick: float = 0.05
    is_judged: bool = True
    is_noisy: bool = False
    is_blind: bool = False
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


def every_core_ring_by_ring(e):
    """Every carrier's core dies ring by ring over the same ten seconds; one incident a carrier must remain."""
    cores = [risk for risk in e.inventory.risks.values() if risk.kind is RiskKind.CORE]
    rings = [r for r in e.inventory.risks.values() if r.parent in {core.code for core in cores}]
    last = BEGAN + 10.0
    for number, ring in enumerate(sorted(rings, key=lambda r: r.code[-3:])):
        e.cut(
            e.topology.targets_of_risk(ring.code), began=BEGAN + 10.0 * number / len(rings), ended=last + 30
        )
    behind = {t for ring in rings for t in e.topology.targets_of_risk(ring.code)}
    for core in cores:
        e.cut(
            [t for t in e.topology.targets_of_risk(core.code) if t not in behind], began=last, ended=last + 30
        )
    return [expected(e, core.owner, {f"risk:{core.code}"}, ended=last + 30) for core in cores]


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


def blind_in_parts(*, lasts, lead=0.0):
    """An uplink that dies over ``lasts`` seconds: a canary and a share of the targets at a time, targets at random.

    With ``lead`` the canaries follow their targets only so many seconds later.
    """

    def prepare(e):
        rng = Random(7)
        codes = list(e.topology.codes)
        rng.shuffle(codes)
        share = -(-len(codes) // len(e.canaries))
        for number, canary in enumerate(e.canaries):
            began = BEGAN + lasts * number / len(e.canaries)
            e.cut(codes[number * share : (number + 1) * share], began=began, ended=ENDED, is_ours=True)
            e.cut((canary,), began=began + lead, ended=ENDED, is_ours=True)
        return []

    return prepare


def blind_behind(canaries):
    """The line breaks behind the first canaries (own gateway, second hop): they go on answering, nothing else does."""

    def prepare(e):
        e.cut((*e.topology.codes, *e.canaries[canaries:]), began=BEGAN, ended=ENDED, is_ours=True)
        return []

    return prepare


def blind_carrier_by_carrier(e):
    """Routes are withdrawn: all of one carrier's targets go, its resolver a second later; then the next carrier's."""
    carriers = sorted({e.topology.owner_of(t) for t in e.topology.codes})
    for number, carrier in enumerate(carriers):
        theirs = [t for t in e.topology.codes if e.topology.owner_of(t) == carrier]
        e.cut(theirs, began=BEGAN + 0.3 * number, ended=ENDED, is_ours=True)
        e.cut(
            (e.canaries[number % len(e.canaries)],),
            began=BEGAN + 1.0 + 0.3 * number,
            ended=ENDED,
            is_ours=True,
        )
    return []


def blind_on_and_off(e):
    """An uplink with a loose plug: two seconds dead, two seconds alive, ten times."""
    for turn in range(10):
        began = BEGAN + 4 * turn
        e.cut((*e.topology.codes, *e.canaries), began=began, ended=began + 2, is_ours=True)
    return []


def own_line_losing(ratio):
    """The vantage's own line loses packets of everything, canaries' too, for a minute."""

    def prepare(e):
        e.at(BEGAN, lambda: e.world.lose(ratio))
        e.at(BEGAN + 60, lambda: e.world.lose(0.0))
        return []

    return prepare


def centre_cut_off(e):
    """What the vantage reports does not reach the service for half a minute, and is lost."""
    e.at(BEGAN, lambda: e.cut_off(True))
    e.at(ENDED, lambda: e.cut_off(False))
    return []


def two_carriers(*, canaries=0):
    """Two carriers lose their cores in the same second, a canary or none with them: their own fault all the same."""

    def prepare(e):
        both = ("VNPT", "VIETTEL")
        for number, carrier in enumerate(both):
            e.cut(e.topology.targets_of_risk(f"{carrier}-CORE-94"), began=BEGAN + 0.4 * number, ended=ENDED)
        e.cut(e.canaries[len(e.canaries) - canaries :], began=BEGAN, ended=ENDED, is_ours=True)
        return [expected(e, carrier, {f"risk:{carrier}-CORE-94"}) for carrier in both]

    return prepare


def lossy_line_cut(e):
    """Lines that lose 30 % all the time, and then are cut for half a minute: an outage is found all the same."""
    rng = Random(5)
    singles = [t for t in e.topology.codes if t.endswith("MOBILE.router")]
    chosen = rng.sample(singles, 12)
    e.world.lose(0.3, chosen)
    wanted = []
    for number, target in enumerate(chosen):
        began = 120.0 + 3 * number
        e.cut([target], began=began, ended=began + 30)
        path = e.topology.path_of(target)
        alone = {f"risk:{risk}" for risk in e.topology.risks_of_path(path)}
        owner = e.topology.owner_of(target)
        wanted.append(expected(e, owner, {f"path:{path}", *alone}, began=began, ended=began + 31))
    return wanted


def a_few_lossy(*, ratio=0.0, bursts=None):
    """Twenty lines are bad all day, the rest are well: no outage, and the bad ones are called bad."""

    def prepare(e):
        lines = Random(9).sample([t for t in e.topology.codes if t.endswith("MOBILE.router")], 20)
        if bursts is not None:
            e.world.burst(bursts, lines)
        e.world.lose(ratio, lines)
        e.bad = tuple(lines)
        return []

    return prepare


def slow(e):
    """Every answer comes 700 ms late for a minute: within its timeout, so an answer."""
    e.at(BEGAN, lambda: e.world.delay(0.7))
    e.at(BEGAN + 60, lambda: e.world.delay(0.0))
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


def short_cuts(*, shortest, longest, over=60.0, ratio=0.0):
    """Single targets cut for so many seconds, spread over time: which are seen at all at a cadence of 5 s.

    A look meets a cut of L seconds with the chance L/5, and six lost looks 200 ms apart want one second more of it,
    (L-1)/5. So of cuts of 1 to 9 s, as many of each, 0.78 are met and 0.67 can be found by six failures; three would
    find 0.73, and one look in 125,000 at 2 % loss would be a false outage instead of one in 15,000,000,000.
    """

    def prepare(e):
        rng = Random(11)
        wanted = []
        e.world.lose(ratio)
        singles = [t for t in e.topology.codes if t.endswith("MOBILE.router")]
        rng.shuffle(singles)
        for number, target in enumerate(singles[:90]):
            began = BEGAN + rng.random() * over
            lasts = shortest + number % (longest + 1 - shortest)
            e.cut([target], began=began, ended=began + lasts)
            path = e.topology.path_of(target)
            alone = {f"risk:{risk}" for risk in e.topology.risks_of_path(path)}
            conditions = {f"path:{path}", *alone}
            wanted.append(
                expected(
                    e,
                    e.topology.owner_of(target),
                    conditions,
                    began=began,
                    ended=began + max(lasts, LONG_CUT) + 1,
                )
            )
        return wanted

    return prepare


def ring_as_sight_returns(e):
    """The uplink is dead for twenty seconds; as it comes back a ring falls, before every target was looked at again."""
    e.cut((*e.topology.codes, *e.canaries), began=BEGAN, ended=BEGAN + 20, is_ours=True)
    return a_group(RING, began=BEGAN + 20.3, ended=BEGAN + 50)(e)


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


def siblings_one_after_the_other(seed, number, *, every=90.0):
    """So many pairs of groups behind one ring or core fall within 12 s; the rest of it lives: each is one matter."""

    def prepare(e):
        rng = Random(seed)
        behind = defaultdict(list)
        for risk in groups_to_cut(e, rng, len(e.inventory.risks)):
            behind[e.inventory.risks[risk].parent or ""].append(risk)
        pairs = [groups[:2] for parent, groups in sorted(behind.items()) if parent and len(groups) > 2]
        rng.shuffle(pairs)
        wanted = []
        for turn, pair in enumerate(pairs[:number]):
            began = BEGAN + every * turn
            for risk, later in zip(pair, (0.0, rng.random() * 12), strict=True):
                wanted.extend(a_group(risk, began=began + later, ended=began + 45)(e))
        return wanted

    return prepare


BURSTS = Bursts(60, 1, 0.8)

SCENARIOS = (
    Scenario("single line cut", a_path("UBBC-31498-MOBILE"), 70),
    Scenario("OLT cut", a_group("VNPT-OLT-941-1"), 70),
    Scenario("ring cut", a_group(RING), 70, is_long=True),
    Scenario("ring cut, children first", children_first, 70),
    Scenario("carrier cut", a_group(CORE), 70),
    Scenario("core dies ring by ring over 8 s", ring_by_ring, 100),
    Scenario(
        "every core dies ring by ring, seen every 0.5 s",
        every_core_ring_by_ring,
        75,
        sample="quang-nam-2021",
        tick=0.5,
    ),
    Scenario("two parts of a ring fall, the ring lives", siblings_one_after_the_other(4, 2), 170),
    Scenario(
        "parts of rings and cores fall, the rest lives",
        siblings_one_after_the_other(6, 8),
        740,
        is_long=True,
    ),
    Scenario("two carriers cut in the same second", two_carriers(), 70),
    Scenario("two carriers cut, and a canary with them", two_carriers(canaries=1), 70, is_long=True),
    Scenario("cuts of 1 to 9 s", short_cuts(shortest=1, longest=9), 100, is_judged=False),
    Scenario("cuts of 10 to 15 s", short_cuts(shortest=10, longest=15, over=240), 300, is_long=True),
    Scenario(
        "cuts of 10 to 15 s, 2 % lost",
        short_cuts(shortest=10, longest=15, over=240, ratio=0.02),
        300,
        is_long=True,
    ),
    Scenario("1 % random loss", losing(0.01), 300, sample="province", tick=0.2, is_long=True),
    Scenario("2 % random loss", losing(0.02), 300, sample="province", tick=0.2),
    Scenario("10 % random loss", losing(0.10), 600, sample="province", tick=0.2, is_long=True),
    Scenario("30 % random loss", losing(0.30), 60, sample="province", tick=0.2, is_noisy=True),
    Scenario("bursts of 1 s, 80 % lost", bursty(BURSTS), 120, sample="province", tick=0.2, is_noisy=True),
    Scenario("20 lines lose 30 %", a_few_lossy(ratio=0.3), 900, is_noisy=True, is_long=True),
    Scenario("20 lines lose in bursts", a_few_lossy(bursts=BURSTS), 900, is_noisy=True, is_long=True),
    Scenario("lines that lose 30 % are cut", lossy_line_cut, 240, is_noisy=True, is_long=True),
    Scenario("slow: 700 ms late", slow, 110, is_long=True),
    Scenario("vantage uplink cut", blind, 80, is_blind=True),
    Scenario("vantage uplink dying over 2 s", blind_in_parts(lasts=2), 80, is_blind=True),
    Scenario("vantage uplink dying over 10 s", blind_in_parts(lasts=10), 80, is_blind=True, is_long=True),
    Scenario(
        "vantage uplink dying, canaries last",
        blind_in_parts(lasts=2, lead=1.0),
        80,
        is_blind=True,
        is_long=True,
    ),
    Scenario("vantage cut behind its gateway", blind_behind(1), 80, is_blind=True, is_long=True),
    Scenario("vantage cut behind its second hop", blind_behind(2), 80, is_blind=True, is_long=True),
    Scenario("vantage loses carrier by carrier", blind_carrier_by_carrier, 80, is_blind=True, is_long=True),
    Scenario("vantage uplink on and off", blind_on_and_off, 110, is_blind=True, is_long=True),
    Scenario("vantage uplink loses 50 %", own_line_losing(0.5), 110, is_blind=True, is_long=True),
    Scenario("vantage uplink loses 80 %", own_line_losing(0.8), 110, is_blind=True, is_long=True),
    Scenario("ring cut as the uplink comes back", ring_as_sight_returns, 90),
    Scenario("centre cut off from the vantage", centre_cut_off, 90, is_blind=True, is_long=True),
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
