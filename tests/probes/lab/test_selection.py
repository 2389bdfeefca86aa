import pytest

from inventory.topology import Topology
from probes.lab.faults import Selector
from probes.lab.selection import SelectionError, select
from tests.support.lab import a_province

PROVINCE = a_province()
TOPOLOGY = Topology(PROVINCE)


def chosen(**codes):
    return set(select(Selector(**codes), inventory=PROVINCE, topology=TOPOLOGY))


def test_nothing_given_means_everything():
    assert chosen() == set(PROVINCE.targets)


def test_a_carrier_has_its_paths_and_its_risk_groups():
    viettel = {f"C{n}-{name}" for n in (1, 2, 3) for name in ("PORT", "AIR")}
    assert chosen(carrier="VIETTEL") == viettel
    assert chosen(carrier="VNPT") == set(PROVINCE.targets) - viettel


def test_an_area_reaches_down_to_its_communes_and_the_risk_groups_in_it():
    assert chosen(area="C3") == {code for code in PROVINCE.targets if code.startswith("C3-")}
    assert chosen(area="D2") == chosen(area="C3") | {"RING-D2.edge"}
    assert chosen(area="P") == set(PROVINCE.targets)


def test_a_risk_group_takes_along_all_that_stands_on_it():
    assert chosen(risk="RING-D2") == {"C3-SIP", "C3-WEB", "C3-SECURE", "C3-ECHO", "RING-D2.edge"}
    assert chosen(risk="CORE") == chosen(carrier="VNPT")


def test_a_site_and_a_target_mean_themselves():
    assert chosen(site="S-C1") == {code for code in PROVINCE.targets if code.startswith("C1-")}
    assert chosen(target="C1-WEB") == {"C1-WEB"}


def test_what_is_given_together_must_hold_together():
    assert chosen(carrier="VNPT", area="D2") == chosen(risk="RING-D2")
    assert chosen(carrier="VIETTEL", site="S-C1") == {"C1-PORT", "C1-AIR"}


def test_the_order_is_the_fleets():
    codes = select(Selector(area="D1"), inventory=PROVINCE, topology=TOPOLOGY)
    assert list(codes) == [code for code in TOPOLOGY.codes if code in set(codes)]


@pytest.mark.parametrize(
    ("codes", "vi", "en"),
    [
        ({"carrier": "VNTP"}, "không có đơn vị 'VNTP'", "there is no party 'VNTP'"),
        ({"area": "999"}, "không có địa bàn '999'", "there is no area '999'"),
        ({"risk": "R"}, "không có nhóm rủi ro 'R'", "there is no risk group 'R'"),
        ({"site": "S"}, "không có điểm 'S'", "there is no site 'S'"),
        ({"target": "T"}, "không có điểm đo 'T'", "there is no target 'T'"),
        (
            {"carrier": "VIETTEL", "risk": "RING-D1"},
            "không có điểm đo nào khớp carrier=VIETTEL risk=RING-D1",
            "no target matches carrier=VIETTEL risk=RING-D1",
        ),
    ],
)
def test_what_does_not_exist_or_means_nothing_is_said_in_both_languages(codes, vi, en):
    with pytest.raises(SelectionError) as caught:
        chosen(**codes)
    assert (caught.value.vi, caught.value.en) == (vi, en)
