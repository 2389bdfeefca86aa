"""HTTP answers and the redirects in them: whatever a server sends is judged, never a crash."""

from probes.http_plan import HttpPlan, http_plan
from probes.http_redirect import redirected
from probes.http_response import HttpResponse, judged
from probes.models import Outcome

PLANS = tuple(
    http_plan("10.0.0.1", 80, options)
    for options in (
        {},
        {"header": "server:nginx,x-a:", "expect": "xin", "max_body": "40"},
        {"match": "x.n$", "no_match": "loi", "redirects": "3", "redirect_hosts": "b.vn@10.0.0.2"},
    )
)

SEEDS = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 8\r\n\r\nxin chao",
    b"HTTP/1.1 302 Found\r\nLocation: http://b.vn:8080/a?b=c#d\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: //[::1]/\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxin\r\n0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x00",
    b"HTTP/1.0 200 OK\r\n\r\nxin",
)


def one(data: bytes) -> None:
    """Take the bytes as an answer, whole and in two pieces, and as the place that a redirect leads to."""
    for plan in PLANS:
        for pieces in ((data,), (data[: len(data) // 2], data[len(data) // 2 :])):
            response = HttpResponse(max_body=plan.max_body, keeps_headers=plan.reads_headers)
            for piece in pieces:
                response.feed(piece)
            response.end()
            outcome, detail = judged(plan, response)
            assert outcome in {Outcome.OK, Outcome.MISMATCH, Outcome.OVERLOADED}
            assert detail or outcome is Outcome.OK
            assert len(response.body) <= plan.max_body
        for location in (data, response.header(b"location")):
            following = redirected(plan, location)
            if isinstance(following, HttpPlan):
                assert following.request.count(b"\r\n") == 7
                assert following.address in {"10.0.0.1", "10.0.0.2"}
