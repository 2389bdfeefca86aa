import pytest

from probes.http_plan import http_plan


def first_lines(plan):
    return plan.request.decode().split("\r\n")[:2]


def test_without_options_a_look_asks_for_the_root_and_takes_any_answer_that_is_no_error():
    plan = http_plan("127.0.0.1", 80, {})
    assert first_lines(plan) == ["GET / HTTP/1.1", "Host: 127.0.0.1"]
    assert not plan.is_tls
    assert [status for status in (100, 199, 200, 302, 399, 400, 503) if plan.is_right(status)] == [
        200,
        302,
        399,
    ]


@pytest.mark.parametrize(
    ("port", "options", "is_tls", "host"),
    [
        (443, {}, True, "10.0.0.1"),
        (8443, {}, True, "10.0.0.1:8443"),
        (8080, {}, False, "10.0.0.1:8080"),
        (8080, {"scheme": "https"}, True, "10.0.0.1:8080"),
        (443, {"scheme": "http"}, False, "10.0.0.1:443"),
        (8080, {"host": "bao.cao.vn"}, False, "bao.cao.vn"),
    ],
)
def test_the_scheme_follows_the_port_unless_it_is_named(port, options, is_tls, host):
    plan = http_plan("10.0.0.1", port, options)
    assert plan.is_tls is is_tls
    assert first_lines(plan)[1] == f"Host: {host}"


def test_an_ipv6_address_stands_in_brackets_in_the_host_and_bare_in_the_certificate():
    plan = http_plan("2001:db8::1", 8443, {})
    assert first_lines(plan)[1] == "Host: [2001:db8::1]:8443"
    assert plan.tls.server_name == "2001:db8::1"


@pytest.mark.parametrize(
    ("options", "name"),
    [({"host": "a.vn"}, "a.vn"), ({"host": "a.vn:8443"}, "a.vn"), ({"host": "a.vn", "sni": "b.vn"}, "b.vn")],
)
def test_the_name_verified_is_the_sni_or_else_the_host(options, name):
    assert http_plan("10.0.0.1", 443, options).tls.server_name == name


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("200", [200], [199, 201, 302]),
        ("200,204", [200, 204], [201, 203]),
        ("2xx", [200, 299], [199, 300]),
        ("200-204,301", [200, 204, 301], [205, 300, 302]),
        ("503", [503], [200]),
    ],
)
def test_a_status_is_a_list_of_codes_classes_and_spans(text, right, wrong):
    plan = http_plan("10.0.0.1", 80, {"status": text})
    assert all(plan.is_right(status) for status in right)
    assert not any(plan.is_right(status) for status in wrong)


def test_expected_text_may_hold_spaces_and_vietnamese_by_percent_encoding():
    plan = http_plan("10.0.0.1", 80, {"expect": "Th%C3%B4ng%20su%E1%BB%91t"})
    assert plan.expect.decode() == "Thông suốt"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "ftp"}, "scheme must be http or https, not 'ftp'"),
        ({"path": "status"}, "path must begin with /, not 'status'"),
        ({"path": "/a\r\nX: y"}, r"path must be printable ASCII without spaces, not '/a\r\nX: y'"),
        ({"host": "a b"}, "host must be printable ASCII without spaces, not 'a b'"),
        ({"sni": "tên.vn"}, "sni must be a host name in ASCII, not 'tên.vn'"),
        ({"sni": ".vn"}, "sni must be a host name in ASCII, not '.vn'"),
        ({"host": "x" * 64}, f"sni must be a host name in ASCII, not '{'x' * 64}'"),
        ({"status": "ok"}, "status must be like 200, 2xx or 200-299, not 'ok'"),
        ({"status": "299-200"}, "status must be like 200, 2xx or 200-299, not '299-200'"),
        ({"status": "20"}, "status must be like 200, 2xx or 200-299, not '20'"),
        ({"max_body": "-1"}, "max_body must be a number, not '-1'"),
        ({"insecure": "true"}, "insecure must be yes or no, not 'true'"),
        ({"redirects": "some"}, "redirects must be a number, not 'some'"),
        ({"header": "nginx"}, "header must be like server:nginx, not 'nginx'"),
        ({"match": "("}, "match is no regular expression: missing ), unterminated subpattern at position 0"),
    ],
)
def test_an_option_that_cannot_be_meant_is_named(options, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 # the message is what is asserted
        http_plan("10.0.0.1", 80, options)
    assert str(caught.value) == message
