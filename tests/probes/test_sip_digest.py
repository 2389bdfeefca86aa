"""Digest answers by the vectors that the RFCs print, and what of a challenge is understood."""

import pytest

from probes.sip_digest import Credentials, authorization, challenge_of
from probes.sip_message import SipResponse

MUFASA = Credentials("Mufasa", "Circle Of Life")
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


def challenged(*values, header="www-authenticate", status=401):
    return challenge_of(SipResponse(tuple((header, value) for value in values), b"", status, ""))


def parameters(value):
    pairs = (part.split("=", 1) for part in value.removeprefix("Digest ").split(", "))
    return {name: text.strip('"') for name, text in pairs}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_vectors_of_rfc_7616_section_3_9_1_are_met(algorithm, response):
    challenge = challenged(RFC_7616.format(algorithm=algorithm))
    name, value = authorization(
        challenge,
        Credentials("Mufasa", "Circle of Life"),
        method="GET",
        uri="/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    given = parameters(value)
    assert name == "Authorization"
    assert given["response"] == response
    assert (given["qop"], given["nc"]) == ("auth", "00000001")
    assert given["opaque"] == "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def test_the_vector_of_rfc_2617_section_3_5_is_met():
    challenge = challenged(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    _, value = authorization(challenge, MUFASA, method="GET", uri="/dir/index.html", cnonce="0a4f113b")
    assert parameters(value)["response"] == "6629fae49393a05397450978507c4ef1"


def test_of_several_challenges_the_strongest_that_is_known_is_answered():
    challenge = challenged(
        'Digest realm="a", nonce="1", algorithm=MD5',
        'Digest realm="a", nonce="2", algorithm=SHA-256',
        'Digest realm="a", nonce="3", algorithm=SHA3-512',
        'Basic realm="a"',
    )
    assert (challenge.algorithm, challenge.nonce) == ("SHA-256", "2")


def test_a_proxy_is_answered_in_the_header_of_proxies():
    challenge = challenged('Digest realm="p", nonce="1"', header="proxy-authenticate", status=407)
    name, value = authorization(challenge, MUFASA, method="INVITE", uri="sip:a.vn", cnonce="c")
    assert name == "Proxy-Authorization"
    assert "qop" not in parameters(value)  # none was offered: RFC 2069's form


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic realm=x",
        "Digest",
        'Digest realm="x"',
        'Digest nonce="x", qop="other"',
        'Digest nonce="x", algorithm=X',
    ],
)
def test_a_challenge_that_cannot_be_met_is_none(value):
    assert challenged(value) is None


def test_quotes_and_line_breaks_cannot_end_the_header():
    challenge = challenged('Digest realm="a\\"b", nonce="n\\\\", qop="auth-int"')
    assert (challenge.realm, challenge.nonce, challenge.qop) == ('a"b', "n\\", "auth-int")
    _, value = authorization(
        challenge, Credentials('x"y', "p"), method="REGISTER", uri="sip:a.vn", cnonce="c", body=b"body"
    )
    assert 'username="x\\"y"' in value
    assert "\r" not in value
    assert "\n" not in value


@pytest.mark.parametrize("algorithm", ["MD5-sess", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"])
def test_every_known_algorithm_gives_an_answer_of_its_own(algorithm):
    challenge = challenged(f'Digest realm="a", nonce="1", algorithm={algorithm}, qop="auth"')
    answers = {
        parameters(authorization(challenge, MUFASA, method="GET", uri="/", cnonce=c)[1])["response"]
        for c in "ab"
    }
    assert len(answers) == 2
    assert {len(answer) for answer in answers} == {32 if "MD5" in algorithm else 64}


def test_a_password_is_not_shown():
    assert "Circle" not in repr(MUFASA)
