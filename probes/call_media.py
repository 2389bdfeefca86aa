"""The sound of one test call: an RTP socket, a voice sent every 20 ms, an ear that keeps what came."""

import asyncio
from collections.abc import Callable
from typing import Final
from zlib import crc32

from probes.call_voice import PACKET_SECONDS, PCMA, PCMU, CallVoice
from probes.datagram_notes import IcmpError
from probes.datagrams import Datagrams
from probes.rtp import RtpError, RtpListener, RtpReport, parse_rtp
from probes.sip_sdp import AudioEnd

__all__ = ["CallMedia"]

EXPEDITED: Final = 46 << 2
"""The traffic class of voice (RFC 3246)."""

_RECEIVE_BUFFER = 256 * 1024
_MOST_AT_ONCE = 5
_OURS: Final = (PCMA, PCMU)


class CallMedia:
    """Hears from :meth:`open` on, speaks from :meth:`speak` on; ``name`` makes the call's marks its own."""

    def __init__(self, *, monotonic: Callable[[], float], wall_ns: Callable[[], int], name: str) -> None:
        self._monotonic = monotonic
        self._mark = crc32(name.encode())
        self._listener = RtpListener()
        self._voice: CallVoice | None = None
        self._end: AudioEnd | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next_at = 0.0
        self._datagrams = Datagrams(
            monotonic=monotonic,
            wall_ns=wall_ns,
            on_datagram=self._on_datagram,
            on_error=self._on_error,
            receive_buffer=_RECEIVE_BUFFER,
        )

    def open(self, address: str) -> tuple[str, int]:
        """Open the socket; answer the address and port at which ``address`` will be heard."""
        self._datagrams.open()
        return self._datagrams.own_end(address)

    def listen_anew(self) -> None:
        """Forget what was heard before the call was answered."""
        self._listener = RtpListener()

    def speak(self, end: AudioEnd) -> None:
        """Begin to speak to the other end, in its favourite of our two codecs; silent where it takes neither."""
        codec = next((kind for kind in end.payload_types if kind in _OURS), None)
        if codec is None:
            return
        self._end = end
        self._voice = CallVoice(payload_type=codec, ssrc=self._mark, mark=self._mark)
        self._next_at = self._monotonic()
        self._say()

    def heard(self, *, buffer_seconds: float) -> RtpReport:
        """Answer what came since the call was answered."""
        self._datagrams.drain()
        return self._listener.report(buffer_seconds=buffer_seconds)

    @property
    def round_trips(self) -> tuple[float, ...]:
        """Seconds that each packet of ours took to come back as an echo."""
        return tuple(self._voice.round_trips) if self._voice else ()

    def close(self) -> None:
        """Fall silent and close the socket."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._voice = None
        self._datagrams.close()

    def _say(self) -> None:
        voice, end = self._voice, self._end
        if voice is None or end is None:
            return
        # A loop that was busy catches up, a little: bursts would be heard as jitter that is ours.
        for _ in range(_MOST_AT_ONCE):
            now = self._monotonic()
            if self._next_at > now:
                break
            try:
                self._datagrams.send(voice.next(now), end.address, end.port, tos=EXPEDITED)
            except (OSError, ValueError):
                return  # an end that cannot be spoken to is told by its silence
            self._next_at += PACKET_SECONDS
        wait = max(0.0, self._next_at - self._monotonic())
        self._timer = asyncio.get_running_loop().call_later(wait, self._say)

    def _on_datagram(self, data: bytes, _source: tuple[str, int], arrival: float) -> None:
        try:
            packet = parse_rtp(data)
        except RtpError:
            return
        if packet.payload_type not in _OURS:
            return
        self._listener.take(packet, arrival)
        if self._voice is not None:
            self._voice.heard(packet.payload, arrival)

    def _on_error(self, _data: bytes, _error: IcmpError) -> None:
        return  # a closed port there is told by its silence
