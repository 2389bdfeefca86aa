import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes import snmp_mib as mib
from probes.snmp_plan import SNMP_OPTIONS, Authentication, Engine, Privacy, Profile, Version, snmp_plan
from tests.support.snmp import USER


@pytest.mark.parametrize(
    ("options", "profile"),
    [
        ({}, Profile.SYSTEM),
        ({"if_index": "3"}, Profile.INTERFACE),
        ({"if_name": "Gi0/1"}, Profile.INTERFACE),
        ({"oids": "1.3.6.1.2.1.1.1.0"}, Profile.GET),
        ({"profile": "ups"}, Profile.UPS),
        ({"profile": "system", "if_index": "3"}, Profile.SYSTEM),
    ],
)
def test_the_profile_follows_from_what_is_asked_for(options, profile):
    assert snmp_plan(options).profile is profile


def test_nothing_said_is_version_2c_and_public_through_gufo():
    credentials = snmp_plan({}).credentials
    assert (credentials.version, credentials.community) == (Version.V2C, "public")
    assert credentials.engine is Engine.GUFO


def test_a_user_is_version_3_with_sha256_and_aes128_unless_said_otherwise():
    credentials = snmp_plan(USER).credentials
    assert credentials.version is Version.V3
    assert (credentials.auth, credentials.priv) == (Authentication.SHA256, Privacy.AES128)


@pytest.mark.parametrize("more", [{"priv": "3des"}, {"context": "vlan-10"}], ids=["3des", "context"])
def test_what_gufo_cannot_goes_to_pysnmp(more):
    assert snmp_plan({**USER, **more}).credentials.engine is Engine.PYSNMP
    with pytest.raises(ValueError, match="gufo speaks neither"):
        snmp_plan({**USER, **more, "engine": "gufo"})


def test_version_1_is_asked_for_what_it_has_and_version_3_for_its_clock():
    assert f"{mib.IF_HC_IN_OCTETS}.7" not in snmp_plan({"version": "1", "if_index": "7"}).oids(7)
    assert f"{mib.IF_IN_OCTETS}.7" in snmp_plan({"version": "1", "if_index": "7"}).oids(7)
    assert mib.ENGINE_BOOTS in snmp_plan({**USER, "if_index": "7"}).oids(7)
    assert f"{mib.IF_HC_IN_OCTETS}.7" in snmp_plan({"if_index": "7"}).oids(7)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"version": "4"}, "version must be one of 1 2c 3"),
        ({"version": "3"}, "needs a user"),
        ({"version": "2c", "user": "x"}, "belongs to version=3"),
        ({**USER, "auth": "sha3"}, "auth must be one of"),
        ({"user": "x", "auth": "md5"}, "auth needs an auth_key"),
        ({"user": "x", "priv_key": "longenough"}, "privacy needs authentication"),
        ({"user": "x", "auth_key": "seven77"}, "at least 8"),
        ({"profile": "interface"}, "if_index or if_name"),
        ({"if_index": "1", "if_name": "lo"}, "if_index or if_name"),
        ({"if_index": "-1"}, "if_index must be a whole number"),
        ({"if_index": "9" * 40}, "if_index must be a whole number"),
        ({"profile": "get"}, "needs oids"),
        ({"oids": "1.3.x"}, "numeric object identifiers"),
        ({"oids": ",".join(["1.3.6"] * 33)}, "at most 32"),
        ({"capacity_mbps": "fast"}, "capacity_mbps must be"),
        ({"capacity_mbps": "-1"}, "capacity_mbps must be"),
        ({"capacity_mbps": "nan"}, "capacity_mbps must be"),
        ({"retries": "6"}, "up to 5"),
        ({"community": "a%0Ab"}, "printable"),
        ({"engine": "snmpget"}, "engine must be one of"),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_sentence(options, says):
    with pytest.raises(ValueError, match=says):
        snmp_plan(options)


def test_text_is_percent_decoded():
    assert snmp_plan({"community": "m%20t%3D1"}).credentials.community == "m t=1"


def test_secrets_are_in_no_representation():
    plan = snmp_plan({**USER, "priv_key": "verysecret1"})
    shown = repr(plan) + repr(snmp_plan({"community": "verysecret2"}))
    assert "secret" not in shown
    assert "authpass" not in shown


@given(
    st.dictionaries(
        st.sampled_from(sorted(SNMP_OPTIONS)),
        st.text(max_size=20)
        | st.sampled_from(["1", "3", "2c", "md5", "aes128", "interface", "longenough", "1.3.6"]),
    )
)
def test_any_options_make_a_plan_or_a_value_error(options):
    try:
        plan = snmp_plan(options)
    except ValueError:
        return
    assert all(map(mib.is_oid, plan.oids(plan.if_index or 1)))
    assert hash(plan.credentials) == hash(snmp_plan(options).credentials)


@pytest.mark.parametrize(
    "oid", ["1", "3.1", "1.40", "1..3", "", "1.3.4294967296", "1.3.-1", "1.3.٣", "1.3.6."]
)
def test_what_ber_cannot_carry_is_no_object_identifier(oid):
    assert not mib.is_oid(oid)
