import base64

import pytest

from probes.tls_plan import tls_plan

DIGEST = bytes(range(32))
PIN = "sha256/" + base64.b64encode(DIGEST).decode()


def test_without_options_the_certificate_must_be_for_the_address():
    plan = tls_plan({}, name="127.0.0.1")
    assert (plan.server_name, plan.verifies, plan.pins, plan.needs_alpn) == (
        "127.0.0.1",
        True,
        frozenset(),
        False,
    )


@pytest.mark.parametrize("options", [{"verify": "no"}, {"insecure": "yes"}])
def test_verification_is_left_out_only_where_the_target_says_so(options):
    assert not tls_plan(options, name="a.vn").verifies


@pytest.mark.parametrize("text", [PIN, PIN.rstrip("="), f"{PIN},sha256/{'A' * 43}"])
def test_a_pin_is_a_digest_in_base64_and_there_may_be_a_second_for_the_next_key(text):
    assert DIGEST in tls_plan({"pin": text}, name="a.vn").pins


def test_protocols_that_are_named_must_be_chosen_and_the_usual_ones_need_not():
    assert tls_plan({"alpn": "h2,http/1.1"}, name="a.vn").needs_alpn
    usual = tls_plan({}, name="a.vn", alpn=("http/1.1",))
    assert (usual.alpn, usual.needs_alpn) == (("http/1.1",), False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verify": "maybe"}, "verify must be yes or no, not 'maybe'"),
        ({"pin": "md5/AAAA"}, "pin must be sha256/ and 32 bytes in base64, not 'md5/AAAA'"),
        ({"pin": "sha256/AAAA"}, "pin must be sha256/ and 32 bytes in base64, not 'sha256/AAAA'"),
        ({"pin": "sha256/@"}, "pin must be sha256/ and 32 bytes in base64, not 'sha256/@'"),
        ({"min_days": "-3"}, "min_days must be a number of days, not '-3'"),
        ({"alpn": "h2,"}, "alpn must be names of protocols, not ''"),
        ({"key": "a.key"}, "key needs cert"),
        ({"sni": "a..vn"}, "sni must be a host name in ASCII, not 'a..vn'"),
    ],
)
def test_an_option_that_cannot_be_meant_is_named(options, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 # the message is what is asserted
        tls_plan(options, name="a.vn")
    assert str(caught.value) == message
