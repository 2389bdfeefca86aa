"""Radio streams by real servers: sound that flows, silence that answers 200, playlists that stand still."""

import asyncio
import math
import time

import pytest

from probes.models import Evidence, Measure, Outcome
from probes.stream import StreamProbe
from tests.support.looks import look, opened
from tests.support.servers import free_port, nginx
from tests.support.streams import Source, icecast, lying_server

OK_HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n"


@pytest.fixture(scope="module")
def station(tmp_path_factory):
    with icecast(tmp_path_factory.mktemp("ice")) as port:
        yield port


@pytest.fixture
async def probe():
    async with opened(StreamProbe(monotonic=time.monotonic, wall_ns=time.time_ns)) as probe:
        yield probe


@pytest.fixture
def playing(station):
    source = Source(station, "/xa.mp3", kbps=128)
    yield station, source
    source.stop()


async def listened(probe, port, *, seconds="1", timeout=4.0, **options):
    return await look(probe, "127.0.0.1", port, options={"seconds": seconds, **options}, timeout=timeout)


async def until_burst_is_full(probe, port):
    """Listen until the server has something ready to begin with."""
    for _ in range(20):
        answer = await listened(probe, port, path="/xa.mp3", seconds="0.5")
        if answer.outcome is Outcome.OK:
            return
    raise AssertionError(answer)


async def test_a_station_on_air_is_ok_and_its_bitrate_is_the_source_s(probe, playing):
    port, _ = playing
    await until_burst_is_full(probe, port)
    answer = await listened(probe, port, path="/xa.mp3", seconds="2")
    assert answer.outcome is Outcome.OK
    assert answer.evidence is Evidence.PROTOCOL
    assert answer.measures[Measure.BITRATE] == pytest.approx(128_000, rel=0.25)
    assert 0 < answer.rtt < 1
    assert len(answer.phases) == 4


async def test_a_station_whose_source_is_silent_answers_200_and_is_not_believed(probe, playing):
    port, source = playing
    await until_burst_is_full(probe, port)
    source.pause()
    answer = await listened(probe, port, path="/xa.mp3", timeout=3.0)
    assert answer.outcome is Outcome.MISMATCH
    assert answer.code == 200
    assert answer.detail.startswith("no-bytes")
    assert math.isnan(answer.rtt)


async def test_a_mount_that_nobody_feeds_says_its_status(probe, station):
    answer = await listened(probe, station, path="/nobody.mp3")
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, "status 404")


async def test_a_flow_thinner_than_expected_is_a_mismatch_that_tells_both(probe, playing):
    port, _ = playing
    await until_burst_is_full(probe, port)
    answer = await listened(probe, port, path="/xa.mp3", min_kbps="500")
    assert answer.outcome is Outcome.MISMATCH
    assert "expected 500" in answer.detail
    assert answer.measures[Measure.BITRATE] < 500_000


async def test_a_page_where_a_stream_should_be_is_not_sound(probe, station):
    answer = await listened(probe, station, path="/style.css")
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, "not audio: text/css")


@pytest.mark.parametrize(
    ("head", "then", "hold", "detail"),
    [
        (OK_HEAD, b"", True, "no-bytes"),
        (OK_HEAD, b"x" * 9000, True, "no-bytes after 9000 at once"),
        (OK_HEAD, b"x" * 9000, False, "no-bytes: ended"),
        (b"HTTP/1.0 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", b"", True, "status 302"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 10, True, "not audio: no content type"),
        (b"SSH-2.0-x\r\n", b"", True, "not http"),
        (
            b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 9\r\n\r\n",
            b"x",
            False,
            "closed within",
        ),
        (b"", b"", False, "closed before an answer"),
    ],
    ids=["silence", "only a burst", "a file", "redirect", "untyped", "ssh", "cut off", "hung up"],
)
async def test_what_is_no_stream_is_a_mismatch_with_its_reason(probe, head, then, hold, detail):
    with lying_server(head, then=then, hold=hold) as port:
        answer = await listened(probe, port, seconds="0.5", timeout=0.9)
    assert answer.outcome is Outcome.MISMATCH
    assert answer.detail.startswith(detail)
    assert math.isnan(answer.rtt)


async def test_a_server_that_is_full_is_overloaded(probe):
    with lying_server(b"HTTP/1.0 503 Full\r\nContent-Length: 0\r\n\r\n") as port:
        assert (await listened(probe, port)).outcome is Outcome.OVERLOADED


async def test_the_icy_dialect_of_old_stations_is_understood(probe):
    with lying_server(
        b"ICY 200 OK\r\nicy-br:64\r\nicy-metaint:8192\r\nContent-Type: audio/aacp\r\n\r\n"
    ) as port:
        answer = await listened(probe, port, timeout=0.8)
    assert (answer.code, answer.detail) == (200, "no-bytes")


async def test_a_stream_that_never_answers_is_a_timeout_without_a_duration(probe):
    with lying_server(b"") as port:
        answer = await listened(probe, port, timeout=0.5)
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "first_byte")
    assert math.isnan(answer.rtt)


async def test_a_port_where_nothing_listens_is_refused(probe):
    assert (await listened(probe, free_port())).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    "options", [{"format": "tape"}, {"seconds": "0"}, {"seconds": "long"}, {"min_kbps": "-1"}, {"path": "x"}]
)
async def test_an_option_that_cannot_be_meant_is_our_error(probe, options):
    answer = await look(probe, "127.0.0.1", 9, options=options)
    assert answer.outcome is Outcome.ERROR
    assert answer.detail.startswith("option: ")


class Hls:
    """A folder of segments and playlists that nginx serves."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        (folder / "seg.ts").write_bytes(bytes(64_000))
        (folder / "master.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=128000\nlive.m3u8\n")
        self.at(10)

    def at(self, sequence, *, target=4, uri="seg.ts", end=""):
        (self.folder / "live.m3u8").write_text(
            f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n"
            f"#EXTINF:4.0,\n{uri}\n{end}"
        )


@pytest.fixture(scope="module")
def hls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hls")
    folder.chmod(0o755)
    port = free_port()
    types = "types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; text/html html; }"
    servers = f"server {{ listen 127.0.0.1:{port}; root {folder}; {types} }}"
    with nginx(tmp_path_factory.mktemp("nginx"), servers, port=port):
        yield Hls(folder, port)


async def test_a_playlist_s_newest_segment_is_there_and_gives_the_bitrate(probe, hls):
    hls.at(10)
    answer = await listened(probe, hls.port, path="/live.m3u8")
    assert answer.outcome is Outcome.OK
    assert answer.measures[Measure.BITRATE] == pytest.approx(128_000)
    assert answer.rtt > 0


async def test_a_master_playlist_leads_to_its_first_variant(probe, hls):
    hls.at(11)
    assert (await listened(probe, hls.port, path="/master.m3u8")).outcome is Outcome.OK


async def test_a_segment_that_is_gone_is_a_mismatch_of_the_segment(probe, hls):
    hls.at(12, uri="gone.ts")
    answer = await listened(probe, hls.port, path="/live.m3u8")
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, "segment: status 404")


@pytest.mark.parametrize("uri", ["http://203.0.113.9/seg.ts", "https://127.0.0.1/seg.ts", "http://[::1"])
async def test_a_playlist_never_leads_a_look_to_another_service(probe, hls, uri):
    hls.at(13, uri=uri)
    answer = await listened(probe, hls.port, path="/live.m3u8")
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, "the playlist leads elsewhere")


async def test_a_stream_that_was_ended_is_no_stream(probe, hls):
    hls.at(14, end="#EXT-X-ENDLIST\n")
    assert (await listened(probe, hls.port, path="/live.m3u8")).detail == "the stream has ended"


async def test_a_playlist_that_stands_still_for_three_targets_is_stale_until_it_moves(hls):
    class Clock:
        ahead = 0.0

        def __call__(self):
            return time.monotonic() + self.ahead

    clock = Clock()
    options = {"path": "/live.m3u8"}
    async with opened(StreamProbe(monotonic=clock, wall_ns=time.time_ns)) as probe:
        hls.at(20)
        assert (await look(probe, "127.0.0.1", hls.port, options=options)).outcome is Outcome.OK
        clock.ahead = 11.0
        assert (await look(probe, "127.0.0.1", hls.port, options=options)).outcome is Outcome.OK
        clock.ahead = 13.0
        answer = await look(probe, "127.0.0.1", hls.port, options=options)
        assert answer.outcome is Outcome.MISMATCH
        assert answer.detail == "stale playlist: nothing new for 13 s"
        hls.at(21)
        assert (await look(probe, "127.0.0.1", hls.port, options=options)).outcome is Outcome.OK


async def test_looks_under_way_end_as_ours_when_the_probe_closes():
    probe = StreamProbe(monotonic=time.monotonic, wall_ns=time.time_ns)
    found = []
    with lying_server(b"") as port:
        async with opened(probe):
            from_here = look(probe, "127.0.0.1", port, timeout=3.0)
            task = asyncio.ensure_future(from_here)
            for _ in range(5):
                await asyncio.sleep(0)
        found.append(await task)
    assert found[0].outcome is Outcome.ERROR
