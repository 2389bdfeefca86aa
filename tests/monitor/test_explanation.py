"""The reason is said so that an officer can read it out."""

from monitor.explanation import Extent, explanation, recovery
from tests.support.monitoring import an_inventory

INVENTORY = an_inventory()
NONE = frozenset()


def said(subject, lost, behind, elsewhere=0):
    return explanation(subject, inventory=INVENTORY, lost=lost, behind=behind, elsewhere=elsewhere)


def test_communes_are_counted_behind_what_failed():
    behind = Extent(frozenset("abcd"), NONE)
    assert said("risk:RING", Extent(frozenset("abc"), NONE), behind, 2) == {
        "vi": "3/4 xã mất đường đi qua vòng ring RING; 2 điểm ở nơi khác cũng mất",
        "en": "3 of 4 communes lost their way over ring RING; 2 elsewhere",
    }


def test_sites_of_a_district_are_counted_beside_its_communes():
    behind = Extent(frozenset("abcd"), frozenset("xy"))
    assert said("risk:OLT-1", Extent(frozenset("ab"), frozenset("x")), behind) == {
        "vi": "2/4 xã và 1/2 điểm khác mất đường đi qua OLT OLT-1; nơi khác không mất",
        "en": "2 of 4 communes and 1 of 2 other sites lost their way over OLT OLT-1; none elsewhere",
    }


def test_where_no_commune_is_concerned_sites_are_counted():
    both = Extent(NONE, frozenset("xy"))
    assert said("link:L", both, both)["vi"] == "2/2 điểm mất đường đi qua tuyến L; nơi khác không mất"
    assert said("link:L", both, both)["en"] == "2 of 2 sites lost their way over link L; none elsewhere"


def test_a_single_path_is_named_by_carrier_medium_and_site():
    empty = Extent(NONE, NONE)
    assert said("path:X-31-FIXED", empty, empty) == {
        "vi": "Mất đường điện thoại cố định của Vnpt tới UBBC xã 31; nơi khác không mất",
        "en": "The fixed-line path of Vnpt to UBBC xã 31 is lost; none elsewhere",
    }


def test_a_recovery_is_told_in_both_languages():
    assert recovery("risk:RING") == {"vi": "RING đã thông trở lại", "en": "RING is reachable again"}
