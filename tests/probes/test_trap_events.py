import contextlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.snmp_header import Envelope, SnmpHeaderError, envelope_of, is_well_formed
from probes.snmp_report import Complaint, complaint_in
from probes.trap_events import TrapKind, event_of, vendor_kinds
from probes.trap_storm import StormGuard
from tests.fuzz import fuzz_snmp
from tests.fuzz.run import hurled
from tests.support.snmp_agent import tlv

TRAP = "1.3.6.1.6.3.1.1.4.1.0"
ENTRY = "1.3.6.1.2.1.2.2.1"


@pytest.mark.parametrize(
    ("oid", "kind"),
    [
        ("1.3.6.1.6.3.1.1.5.1", TrapKind.COLD_START),
        ("1.3.6.1.6.3.1.1.5.2", TrapKind.WARM_START),
        ("1.3.6.1.6.3.1.1.5.3", TrapKind.LINK_DOWN),
        ("1.3.6.1.6.3.1.1.5.4", TrapKind.LINK_UP),
        ("1.3.6.1.4.1.3902.1", TrapKind.DYING_GASP),
        ("1.3.6.1.4.1.3902.1.0.7", TrapKind.DYING_GASP),
        ("1.3.6.1.4.1.3902.10", None),
        ("1.3.6.1.6.3.1.1.5.5", None),
    ],
)
def test_a_trap_is_known_by_its_object(oid, kind):
    event = event_of(
        "192.0.2.1", [(TRAP, oid)], at_ns=5, vendors=vendor_kinds({".1.3.6.1.4.1.3902.1": "dying_gasp"})
    )
    assert (event.kind if event else None) is kind


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        ([(f"{ENTRY}.1.7", 7)], 7),
        ([(f"{ENTRY}.8.9", 2)], 9),
        ([(f"{ENTRY}.8.9", 2), (f"{ENTRY}.1.7", 7)], 7),
        ([], 0),
        ([(f"{ENTRY}.1.7", -7), (f"{ENTRY}.2.99999999999", b"x")], 7),
        ([("1.3.6.1.4.1.9.1.1", 3)], 0),
    ],
)
def test_the_interface_is_the_index_told_else_the_row_told_of(rows, index):
    event = event_of("192.0.2.1", [(TRAP, "1.3.6.1.6.3.1.1.5.3"), *rows], at_ns=0, vendors={})
    assert event is not None
    assert event.if_index == index


@pytest.mark.parametrize("configured", [{"1.3.x": "dying_gasp"}, {"1.3.6": "fire"}])
def test_a_map_that_cannot_be_meant_is_refused(configured):
    with pytest.raises(ValueError, match=r"1\.3"):
        vendor_kinds(configured)


def test_a_loud_source_spends_its_own_tokens_and_leaves_the_others_theirs():
    guard = StormGuard(now=0.0, source_rate=1, source_burst=3, rate=10, burst=10)
    assert sum(guard.allows("loud", 0.0) for _ in range(1000)) == 3
    assert guard.allows("quiet", 0.0)
    assert (guard.dropped_by_source, guard.dropped_overall) == (997, 0)


def test_a_storm_of_many_sources_is_bounded_as_a_whole():
    guard = StormGuard(now=0.0, source_rate=1, source_burst=3, rate=10, burst=10)
    assert sum(guard.allows(f"192.0.2.{n}", 0.0) for n in range(200)) == 10
    assert guard.dropped_overall == 190
    assert sum(guard.allows(f"192.0.3.{n}", 1.0) for n in range(200)) == 10


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=200))
def test_no_order_of_times_lets_more_pass_than_rate_and_burst(calls):
    guard = StormGuard(now=0.0, source_rate=2, source_burst=5, rate=4, burst=8)
    passed = [(source, now) for source, now in calls if guard.allows(source, now)]
    latest = max((now for _, now in calls), default=0.0)
    assert len(passed) <= 8 + 4 * latest + 1
    for name in "abc":
        assert sum(source == name for source, _ in passed) <= 5 + 2 * latest + 1


@given(st.binary(max_size=40), st.sampled_from([0, 1]))
def test_the_community_of_a_plain_message_is_read(community, version):
    message = tlv(0x30, bytes((2, 1, version)) + tlv(4, community) + b"rest")
    assert envelope_of(message) == Envelope({0: "1", 1: "2c"}[version], community=community)


@given(st.binary(max_size=32), st.binary(max_size=32), st.integers(0, 3))
def test_the_engine_the_user_and_the_claims_of_a_version_3_message_are_read(engine_id, user, flags):
    about = tlv(0x30, b"\x02\x01\x01\x02\x01\x01" + tlv(4, bytes((flags,))) + b"\x02\x01\x03")
    security = tlv(0x30, tlv(4, engine_id) + b"\x02\x01\x01\x02\x01\x05" + tlv(4, user) + b"\x04\x00\x04\x00")
    read = envelope_of(tlv(0x30, b"\x02\x01\x03" + about + tlv(4, security)))
    assert (read.engine_id, read.user) == (engine_id, user)
    assert (read.is_signed, read.is_hidden) == (bool(flags & 1), bool(flags & 2))


@given(st.binary(max_size=200))
def test_octets_are_an_envelope_or_an_error_and_no_complaint_by_chance(data):
    with contextlib.suppress(SnmpHeaderError):
        envelope_of(data)
    is_well_formed(data)
    assert complaint_in(data) is None


@pytest.mark.parametrize("seed", fuzz_snmp.SEEDS, ids=["request", "response", "report"])
def test_what_is_cut_anywhere_is_not_well_formed(seed):
    assert is_well_formed(seed)
    assert not any(is_well_formed(seed[:size]) for size in range(len(seed)))


def test_a_report_tells_what_the_agent_complains_of():
    report = fuzz_snmp.SEEDS[2]
    assert complaint_in(report) is Complaint.UNKNOWN_ENGINE
    assert complaint_in(report.replace(b"\x01\x04\x00\x41", b"\x01\x03\x00\x41")) is Complaint.UNKNOWN_USER
    assert complaint_in(report.replace(b"\xa8", b"\xa2")) is None, "a walk over the counters is no complaint"


def test_twenty_thousand_broken_datagrams_break_nothing():
    assert hurled(fuzz_snmp, rng=Random(1), count=20_000) == 20_000
