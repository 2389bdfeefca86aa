import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes import snmp_mib as mib
from probes.models import Measure, Outcome
from probes.snmp_plan import snmp_plan
from probes.snmp_ports import Ports
from probes.snmp_verdict import judge, reading_of
from probes.snmp_walk import Interface, index_of

KEY = ("192.0.2.1", 161, snmp_plan({}).credentials)
PORT = snmp_plan({"if_index": "1"})
UPS = snmp_plan({"profile": "ups"})


def a_port(*, oper=1, admin=1, octets=0, uptime=0, **more):
    values = {
        mib.SYS_UP_TIME: uptime,
        f"{mib.IF_OPER_STATUS}.1": oper,
        f"{mib.IF_ADMIN_STATUS}.1": admin,
        f"{mib.IF_HC_IN_OCTETS}.1": octets,
        f"{mib.IF_HC_OUT_OCTETS}.1": octets,
        f"{mib.IF_HIGH_SPEED}.1": 1000,
    }
    return values | {f"{getattr(mib, name)}.1": value for name, value in more.items()}


@pytest.mark.parametrize(
    ("oper", "admin", "outcome", "detail"),
    [
        (1, 1, Outcome.OK, ""),
        (2, 1, Outcome.MISMATCH, "interface down"),
        (2, 2, Outcome.MISMATCH, "interface switched off"),
        (3, 3, Outcome.MISMATCH, "interface testing"),
        (4, 1, Outcome.OK, "interface unknown"),
        (5, 1, Outcome.MISMATCH, "interface dormant"),
        (6, 1, Outcome.MISMATCH, "interface not present"),
        (7, 1, Outcome.MISMATCH, "interface lower layer down"),
        (12, 1, Outcome.MISMATCH, "interface status 12"),
    ],
)
def test_an_interface_is_what_its_operational_status_says(oper, admin, outcome, detail):
    judged = judge(PORT, 1, a_port(oper=oper, admin=admin))
    assert (judged.outcome, judged.code, judged.detail) == (outcome, oper, detail)


@pytest.mark.parametrize(
    ("source", "battery", "outcome", "detail"),
    [
        (3, 2, Outcome.OK, ""),
        (5, 2, Outcome.OK, "on battery"),
        (5, 3, Outcome.MISMATCH, "on battery, low"),
        (5, 4, Outcome.MISMATCH, "on battery, depleted"),
        (3, 3, Outcome.OK, "battery low"),
        (2, 2, Outcome.MISMATCH, "nothing feeds the load"),
    ],
)
def test_a_ups_fails_where_its_load_is_not_fed_or_soon_will_not_be(source, battery, outcome, detail):
    values = {mib.UPS_OUTPUT_SOURCE: source, mib.UPS_BATTERY_STATUS: battery, mib.UPS_CHARGE_REMAINING: 40}
    judged = judge(UPS, 0, values)
    assert (judged.outcome, judged.code, judged.detail) == (outcome, source, detail)
    assert judged.measures == {Measure.ON_BATTERY: float(source == 5), Measure.BATTERY_RATIO: 0.4}


def test_what_is_no_ups_is_a_mismatch_and_measures_nothing():
    judged = judge(UPS, 0, {mib.SYS_UP_TIME: 5})
    assert judged.outcome is Outcome.MISMATCH
    assert not judged.measures


def test_utilisation_is_of_the_capacity_told_else_of_the_lines_speed():
    for capacity, ratio in ((0.0, 0.008), (50e6, 0.16)):
        ports = Ports()
        ports.follow(KEY, 1, a_port(octets=0, uptime=0), at=0.0, capacity_bits=capacity)
        found = ports.follow(KEY, 1, a_port(octets=10**7, uptime=1000), at=10.0, capacity_bits=capacity)
        assert found.measures[Measure.RATE_IN_BITS] == 8e6
        assert found.measures[Measure.UTILISATION_IN_RATIO] == pytest.approx(ratio)


def test_a_line_that_went_down_and_up_between_two_looks_is_remarked():
    ports = Ports()
    first, second = a_port(IF_LAST_CHANGE=100, uptime=500), a_port(IF_LAST_CHANGE=900, uptime=1500)
    assert ports.follow(KEY, 1, first, at=0.0, capacity_bits=0).remark == ""
    assert ports.follow(KEY, 1, second, at=10.0, capacity_bits=0).remark == "changed since the last look"


def test_damaged_frames_are_remarked():
    ports = Ports()
    ports.follow(KEY, 1, a_port(IF_IN_ERRORS=5, uptime=0), at=0.0, capacity_bits=0)
    found = ports.follow(KEY, 1, a_port(IF_IN_ERRORS=12, uptime=1000), at=10.0, capacity_bits=0)
    assert found.remark == "7 damaged frames since the last look"


def test_an_agent_without_wide_counters_is_asked_for_the_narrow_ones_from_then_on():
    ports = Ports()
    values = {oid: value for oid, value in a_port().items() if not oid.startswith(mib.IF_HC_IN_OCTETS)}
    assert not ports.is_narrow(KEY, 1)
    ports.follow(KEY, 1, values, at=0.0, capacity_bits=0)
    assert ports.is_narrow(KEY, 1)


def test_two_interfaces_of_one_name_are_not_guessed_between():
    rows = (Interface(1, "a", "uplink", "x"), Interface(2, "b", "uplink", "y"), Interface(3, "x"))
    assert index_of(rows, "b") == 2
    assert index_of(rows, "x") == 3, "ifName comes before ifDescr"
    with pytest.raises(ValueError, match="2 interfaces are called"):
        index_of(rows, "uplink")
    with pytest.raises(ValueError, match="no interface is called"):
        index_of(rows, "c")


VALUES = st.integers() | st.binary(max_size=12) | st.text(max_size=12) | st.floats(allow_nan=True)


@given(
    st.dictionaries(
        st.sampled_from(sorted({*PORT.oids(1), *PORT.oids(1, narrow=True), *UPS.oids(0)})), VALUES
    ),
    st.sampled_from([PORT, UPS, snmp_plan({}), snmp_plan({"oids": mib.SYS_UP_TIME})]),
)
def test_whatever_an_agent_sends_is_judged(values, plan):
    judged = judge(plan, 1, values)
    assert judged.outcome in {Outcome.OK, Outcome.MISMATCH}
    assert 0 <= judged.code <= 32_767
    assert all(0 <= figure <= 1 for figure in judged.measures.values())
    reading_of(0.0, 1, values)
    Ports().follow(KEY, 1, values, at=0.0, capacity_bits=0)
