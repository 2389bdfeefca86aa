"""Addresses as the kernel wants them."""

import numpy as np
import pytest

from probes.icmp_address import Addresses
from probes.icmp_packet import Family
from tests.support.icmp import slots


def test_each_address_belongs_to_its_family_and_no_name_to_any():
    addresses = Addresses.of(
        ["127.0.0.1", "::1", "fe80::1%1", "commune.example", "", "10.1", "1.2.3.4 ", "::1%nowhere"]
    )
    everyone = np.arange(len(addresses), dtype=np.uint32)
    assert addresses.is_of(Family.V4, everyone).nonzero()[0].tolist() == [0]
    assert addresses.is_of(Family.V6, everyone).nonzero()[0].tolist() == [1, 2]
    assert int(addresses.rows["scope"][2]) == 1


@pytest.mark.parametrize(
    ("family", "text", "other"),
    [
        (Family.V4, "10.0.0.1", "10.0.0.2"),
        (Family.V6, "2001:db8::1", "2001:db8:1::1"),
        (Family.V6, "::1", "::2"),
    ],
)
def test_only_the_very_address_is_its_source(family, text, other):
    addresses = Addresses.of([text, text])
    names = Addresses.of([text, other]).rows
    assert addresses.is_source(family, slots(0, 1), names).tolist() == [True, False]


def test_a_fleet_may_be_empty():
    assert len(Addresses.of(())) == 0
