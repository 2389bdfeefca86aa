"""A short run of the fuzzers of telephony; long ones are ``python -m tests.fuzz.run NAME``."""

from random import Random

import pytest

from tests.fuzz import fuzz_rtp, fuzz_sip, fuzz_stamp
from tests.fuzz.run import hurled


@pytest.mark.parametrize(
    ("target", "count"),
    [(fuzz_sip, 20_000), (fuzz_rtp, 20_000), (fuzz_stamp, 20_000)],
    ids=["sip", "rtp", "stamp"],
)
def test_no_input_of_thousands_breaks_a_decoder(target, count):
    assert hurled(target, rng=Random(1), count=count) == count
