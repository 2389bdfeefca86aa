"""Answers of radio streams and HLS playlists: whatever a station sends is judged, never a crash."""

from probes.hls import PlaylistError, read_playlist
from probes.stream_plan import asking
from probes.stream_response import StreamResponse

SEEDS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 5\r\n\r\nhello",
    b"ICY 200 OK\r\nicy-br:64\r\nicy-metaint:8192\r\nContent-Type: audio/aacp\r\n\r\nxxxxx",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: audio/ogg\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n",
    b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:10\n#EXTINF:4.0,\nseg.ts\n#EXT-X-ENDLIST\n",
    b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=128000\nlive.m3u8\n",
    b"http://[::1]/x?y=z#w",
)


def one(data: bytes) -> None:
    """Take the bytes as an answer in one piece and in two, as a playlist, and as an address in one."""
    for pieces in ((data,), (data[: len(data) // 2], data[len(data) // 2 :])):
        response = StreamResponse(keep=64)
        for piece in pieces:
            response.feed(piece)
        response.end()
        assert response.problem or response.is_complete
        assert len(response.body) <= 64
    text = data.decode("utf-8", "replace")
    try:
        playlist = read_playlist(text)
    except PlaylistError:
        playlist = None
    for uri in (text, playlist.uri if playlist else "x"):
        asked = asking("http://127.0.0.1:8000/live/list.m3u8", uri)
        assert asked is None or (asked[0].startswith(b"GET /") and asked[0].count(b"\r\n") == 7)
