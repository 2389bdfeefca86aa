"""All areas at once show what each would show alone."""

from random import Random

import pytest

from inventory.codes import CodeIndex
from inventory.loader import load
from inventory.samples import sample
from inventory.topology import Topology
from monitor.areas import AreaIndex
from monitor.judged import Sites
from monitor.models import Verdict
from monitor.verdict import SiteVerdict, area_verdict


@pytest.mark.parametrize("province", ["soc-trang-2021", "quang-nam-2021"])
def test_every_area_at_once_shows_what_it_would_show_alone(province):
    inventory = load(sample(province))
    topology = Topology(inventory)
    sites = Sites(CodeIndex(tuple(inventory.sites)))
    index = AreaIndex(inventory, topology, sites.index)
    assert set(index.verdicts(sites.rank).values()) == {Verdict.UNTESTED}
    chance = Random(7)
    for place in range(len(sites)):
        weights = (6, 1, 1, 1, 1, 1)
        sites.judge(place, SiteVerdict(chance.choices(list(Verdict), weights)[0], 1, 2))
    shown = index.verdicts(sites.rank)
    assert set(shown) == set(inventory.areas)
    for code, area in inventory.areas.items():
        alone = [(inventory.sites[s], sites[s].verdict.verdict) for s in topology.sites_of_area(code)]
        assert shown[code] is area_verdict(area, alone), code
    assert len(set(shown.values())) > 3
