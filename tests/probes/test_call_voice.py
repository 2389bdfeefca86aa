"""What is said on a test call and what is read of a session description."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.call_voice import PCMA, PCMU, CallVoice, alaw, mulaw
from probes.rtp import parse_rtp
from probes.sip_sdp import AudioEnd, audio_offer, parse_audio


@pytest.mark.parametrize(
    ("sample", "octet"),
    [(0, 0xFF), (-1, 0x7F), (8, 0xFE), (32_767, 0x80), (-32_768, 0x00), (1000, 0xCE), (-1000, 0x4E)],
)
def test_mu_law_is_that_of_the_tables(sample, octet):
    assert mulaw(sample) == octet


@pytest.mark.parametrize(
    ("sample", "octet"),
    [(0, 0xD5), (-1, 0x55), (16, 0xD4), (32_767, 0xAA), (-32_768, 0x2A), (1000, 0xFA), (-1000, 0x7A)],
)
def test_a_law_is_that_of_the_tables(sample, octet):
    assert alaw(sample) == octet


@pytest.mark.parametrize("codec", [PCMA, PCMU])
def test_packets_are_20_ms_of_sound_each_known_by_its_mark(codec):
    voice = CallVoice(payload_type=codec, ssrc=9, mark=0xBEEF)
    packets = [parse_rtp(voice.next(number * 0.02)) for number in range(300)]
    assert {len(packet.payload) for packet in packets} == {160}
    assert [packet.timestamp for packet in packets[:3]] == [0, 160, 320]
    assert len({packet.payload for packet in packets}) == 300
    assert [packet.marker for packet in packets[:2]] == [True, False]
    other = CallVoice(payload_type=codec, ssrc=9, mark=0xBEEE)
    assert not other.heard(packets[0].payload, 1.0)


def test_an_echo_gives_its_round_trip_once():
    voice = CallVoice(payload_type=PCMA, ssrc=9, mark=1)
    payload = parse_rtp(voice.next(10.0)).payload
    assert voice.heard(payload, 10.08)
    assert not voice.heard(payload, 10.5)
    assert not voice.heard(b"somebody speaks", 11.0)
    assert voice.round_trips == [pytest.approx(0.08)]


@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1"])
def test_an_offer_is_read_back(address):
    assert parse_audio(audio_offer(address, 4000, session=1)) == AudioEnd(address, 4000, (8, 0))


def test_the_streams_own_connection_outweighs_the_sessions_and_video_is_passed_over():
    body = (
        b"v=0\r\nc=IN IP4 10.0.0.1\r\nm=video 5000 RTP/AVP 96\r\nc=IN IP4 10.0.0.2\r\n"
        b"m=audio 4000/2 RTP/AVP 0 101\r\nc=IN IP4 10.0.0.3\r\na=sendrecv\r\nm=audio 1 RTP/AVP 8\r\n"
    )
    assert parse_audio(body) == AudioEnd("10.0.0.3", 4000, (0, 101))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"v=0\r\nc=IN IP4 10.0.0.1\r\n",
        b"c=IN IP4 10.0.0.1\r\nm=audio 0 RTP/AVP 8\r\n",
        b"c=IN IP4 10.0.0.1\r\nm=audio 99999 RTP/AVP 8\r\n",
        b"c=IN IP4 tong-dai.vn\r\nm=audio 4000 RTP/AVP 8\r\n",
        b"c=IN IP4 224.1.2.3/127\r\nm=audio 4000 RTP/AVP 8\r\n",
        b"c=IN IP4 224.1.2.3\r\nm=audio 4000 RTP/AVP 8\r\n",
        b"c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 8\r\n",
        b"m=audio 4000 RTP/AVP 8\r\n",
    ],
)
def test_nowhere_to_speak_to_is_none(body):
    assert parse_audio(body) is None


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_body_whatever_breaks_the_reader(body):
    end = parse_audio(body)
    assert end is None or 0 < end.port < 65_536
