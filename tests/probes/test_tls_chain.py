import math
import subprocess
import time
from random import Random

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from probes.tls_chain import ChainFault, Trust, read_certificates
from tests.fuzz import fuzz_tls_chain
from tests.fuzz.run import hurled
from tests.support.certificates import Authority, der
from tests.support.servers import needs_program

AUTHORITY = Authority()
OTHERS = Authority("Người khác")
BETWEEN = Authority("Trung gian", issuer=AUTHORITY)
OLD_BETWEEN = Authority("Trung gian cũ", issuer=AUTHORITY, days=-1)
TRUST = Trust([AUTHORITY.certificate])
NOW = AUTHORITY.now.timestamp()


def judged(minted, *, name="a.vn", trust=TRUST, at=NOW, verifies=True):
    return trust.judge(der(minted.chain), name, at, verifies=verifies)


@pytest.mark.parametrize(
    ("minted", "fault", "words"),
    [
        (AUTHORITY.mint("a.vn"), None, ""),
        (AUTHORITY.mint("*.vn"), ChainFault.WRONG_NAME, "is for *.vn"),
        (AUTHORITY.mint("a.vn", key=ed25519.Ed25519PrivateKey.generate()), None, ""),
        (BETWEEN.mint("a.vn", presents=[BETWEEN.certificate]), None, ""),
        (AUTHORITY.mint("a.vn", days=(-9, -2)), ChainFault.EXPIRED, ""),
        (AUTHORITY.mint("a.vn", days=(2, 9)), ChainFault.NOT_YET_VALID, ""),
        (AUTHORITY.mint("b.vn", "c.vn"), ChainFault.WRONG_NAME, "is for b.vn, c.vn"),
        (AUTHORITY.mint(), ChainFault.WRONG_NAME, "names no host"),
        (AUTHORITY.weak("a.vn"), ChainFault.WEAK, "key of 1024 bits"),
        (AUTHORITY.mint("a.vn", key=ec.generate_private_key(ec.SECP192R1())), ChainFault.WEAK, "curve of 192 bits"),
        (AUTHORITY.mint("a.vn", is_self_signed=True), ChainFault.UNTRUSTED, "self-signed"),
        (BETWEEN.mint("a.vn"), ChainFault.UNTRUSTED, "no trusted issuer for CN=a.vn"),
        (OTHERS.mint("a.vn"), ChainFault.UNTRUSTED, "no trusted issuer for CN=a.vn"),
        (OLD_BETWEEN.mint("a.vn", presents=[OLD_BETWEEN.certificate]), ChainFault.EXPIRED, "CN=Trung gian cũ"),
    ],
)  # fmt: skip
def test_each_way_to_be_wrong_has_a_name_of_its_own(minted, fault, words):
    verdict = judged(minted)
    assert (verdict.fault, verdict.words) == (fault, words)
    assert verdict.not_after == minted.not_after


def test_a_certificate_signed_by_sha_1_is_weak(tmp_path):
    """``cryptography`` no longer signs by SHA-1; the OpenSSL of the shell does."""
    needs_program("openssl")
    ca, key = tmp_path / "ca.pem", tmp_path / "ca.key"
    AUTHORITY.write(ca)
    key.write_bytes(
        AUTHORITY.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "names").write_text("subjectAltName=DNS:a.vn\n")
    openssl(
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-subj", "/CN=a", "-out", "csr"
    )
    openssl(
        "x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-sha1",
        "-days", "9", "-extfile", "names", "-out", "leaf.pem",
    )  # fmt: skip
    chain = der(read_certificates((tmp_path / "leaf.pem").read_bytes()))
    verdict = TRUST.judge(
        chain, "a.vn", time.time() + 60, verifies=True
    )  # the shell dates it by its own clock
    assert (verdict.fault, verdict.words) == (ChainFault.WEAK, "signed by MD5 or SHA-1")


def test_what_is_wrong_in_two_ways_is_told_by_the_first_that_its_owner_must_mend():
    assert judged(OTHERS.mint("b.vn", days=(-9, -2))).fault is ChainFault.EXPIRED
    assert judged(OTHERS.mint("b.vn")).fault is ChainFault.WRONG_NAME


def test_a_device_s_own_certificate_may_be_trusted_outright():
    own = AUTHORITY.mint("a.vn", is_self_signed=True)
    trust = Trust([own.leaf])
    assert judged(own, trust=trust).fault is None
    assert judged(own, trust=trust, name="b.vn").fault is ChainFault.WRONG_NAME
    assert judged(own, trust=trust, at=own.not_after + 1).fault is ChainFault.EXPIRED


@pytest.mark.parametrize(
    ("certified", "name", "is_right"),
    [
        ("a.vn", "A.VN.", True),
        ("*.bau-cu.vn", "tinh.bau-cu.vn", True),
        ("*.bau-cu.vn", "xa.tinh.bau-cu.vn", False),
        ("*.bau-cu.vn", "bau-cu.vn", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:DB8:0::1", True),
        ("a.vn", "10.0.0.1", False),
    ],
)
def test_names_are_held_against_names_and_addresses_against_addresses(certified, name, is_right):
    verdict = judged(AUTHORITY.mint(certified), name=name)
    assert (verdict.fault is None) is is_right


def test_the_earliest_end_of_the_whole_chain_counts_not_the_server_s_own():
    short = Authority("Ngắn", issuer=AUTHORITY, days=5)
    minted = short.mint("a.vn", days=(-1, 90), presents=[short.certificate])
    verdict = judged(minted)
    assert verdict.fault is None
    assert verdict.not_after == short.certificate.not_valid_after_utc.timestamp() < NOW + 6 * 86_400


def test_a_verdict_that_is_kept_ends_with_the_certificate():
    minted = AUTHORITY.mint("a.vn", days=(-1, 1))
    trust = Trust([AUTHORITY.certificate])
    end = minted.not_after
    times = [end - 1_000, end - 1, end, end + 0.5, end + 1_000, end - 1, NOW - 2 * 86_400, NOW]
    faults = [judged(minted, trust=trust, at=at).fault for at in times]
    expired, early = ChainFault.EXPIRED, ChainFault.NOT_YET_VALID
    assert faults == [None, None, None, expired, expired, None, early, None]


@given(st.lists(st.integers(-5 * 86_400, 5 * 86_400), min_size=1, max_size=12))
def test_what_was_asked_before_never_changes_a_verdict(offsets):
    minted = ONE_DAY
    kept = Trust([AUTHORITY.certificate])
    for offset in offsets:
        fresh = judged(minted, trust=Trust([AUTHORITY.certificate]), at=NOW + offset)
        assert judged(minted, trust=kept, at=NOW + offset).fault == fresh.fault


ONE_DAY = AUTHORITY.mint("a.vn", days=(-1, 1))


def test_dates_are_read_also_where_nothing_is_verified():
    minted = OTHERS.mint("b.vn", days=(-9, -2))
    verdict = judged(minted, verifies=False)
    assert (verdict.fault, verdict.not_after) == (None, minted.not_after)


@pytest.mark.parametrize("chain", [(), (b"\x30\x03\x02\x01\x00",), (b"rubbish",)])
def test_what_is_no_certificate_is_a_fault_without_dates(chain):
    verdict = TRUST.judge(chain, "a.vn", NOW, verifies=True)
    assert verdict.fault is ChainFault.UNREADABLE
    assert math.isnan(verdict.not_after)


def test_nothing_is_trusted_where_there_are_no_authorities():
    assert judged(AUTHORITY.mint("a.vn"), trust=Trust([])).fault is ChainFault.UNTRUSTED


def test_the_system_s_authorities_are_read_and_one_that_cannot_be_is_passed_over(tmp_path):
    pem = AUTHORITY.certificate.public_bytes(serialization.Encoding.PEM)
    broken = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert read_certificates(b"comment\n" + pem + broken + pem) == [AUTHORITY.certificate] * 2
    assert read_certificates(b"") == []


def test_rsa_of_2048_bits_is_strong_enough():
    assert judged(AUTHORITY.mint("a.vn", key=rsa.generate_private_key(65537, 2048))).fault is None


def test_mutated_input_crashes_nothing():
    assert hurled(fuzz_tls_chain, rng=Random(53), count=3000) == 3000
