"""Playlists: what is live, what stands still, what is none."""

from random import Random

import pytest

from probes.hls import Playlist, PlaylistError, Progress, is_stale, progressed, read_playlist
from probes.stream_plan import asking
from tests.fuzz import fuzz_stream
from tests.fuzz.run import hurled

LIVE = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:41

#EXTINF:5.9,first
a/41.ts
#EXTINF:6,
a/42.ts
"""


def test_the_newest_segment_is_the_last_one_listed():
    playlist = read_playlist(LIVE)
    assert playlist == Playlist(sequence=43, target_seconds=6, uri="a/42.ts", seconds=6, segments=2)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing():
    assert read_playlist("\ufeff" + LIVE.replace("\n", "\r\n")) == read_playlist(LIVE)


def test_a_master_names_its_first_variant_past_comments():
    text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n# a comment\n\nlow/live.m3u8\n#EXT-X-STREAM-INF:B=2\nhigh.m3u8\n"
    assert read_playlist(text).variant == "low/live.m3u8"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a playlist"),
        ("<html>", "not a playlist"),
        ("#EXTM3U\nhttp://radio/xa.mp3\n", "a list of addresses"),
        ("#EXTM3U\n#EXT-X-STREAM-INF:X\n", "cannot be asked for"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:six\n", "a duration that is none"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:-1\n", "a number that is none"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:6\nđài.ts\n", "cannot be asked for"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:6\n" + "x" * 3000, "cannot be asked for"),
    ],
)
def test_what_is_no_playlist_of_a_stream_says_why(text, reason):
    with pytest.raises(PlaylistError, match=reason):
        read_playlist(text)


def test_a_playlist_is_stale_after_three_target_durations_and_moves_on_with_its_sequence():
    playlist = read_playlist(LIVE)
    seen = progressed(None, playlist, 100.0)
    assert progressed(seen, playlist, 110.0) is seen
    assert not is_stale(seen, playlist, 118.0)
    assert is_stale(seen, playlist, 118.1)
    newer = read_playlist(LIVE.replace(":41", ":42"))
    assert progressed(seen, newer, 118.1) == Progress(44, 118.1)


def test_a_station_that_began_anew_with_a_smaller_sequence_moves():
    again = read_playlist(LIVE.replace(":41", ":0"))
    assert progressed(Progress(43, 1.0), again, 9.0) == Progress(2, 9.0)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("b.ts", "/live/b.ts"),
        ("/b.ts?x=1", "/b.ts?x=1"),
        ("http://127.0.0.1:8000/c.ts", "/c.ts"),
        ("../d.ts", "/d.ts"),
    ],
)
def test_an_address_in_a_playlist_is_asked_for_at_the_same_service(uri, path):
    request, full = asking("http://127.0.0.1:8000/live/list.m3u8", uri)
    assert request.startswith(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n".encode())
    assert full.endswith(path)


def test_twenty_thousand_mangled_answers_and_playlists_do_no_harm():
    assert hurled(fuzz_stream, count=20_000, rng=Random(6)) == 20_000
