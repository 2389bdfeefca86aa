"""How a conversation over a line would be judged: the E-model of ITU-T G.107 (06/2015), whole, with its defaults. Pure.

``R = Ro - Is - Id - Ie,eff + A``: what noise leaves, less what comes with the voice, with delay and echo, and with
the codec and lost packets. Delay is **one-way**, mouth to ear; a round trip must be halved before it comes here, and
only one measured by packets of voice's own kind (an echo line, STAMP) may stand for it.
"""

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["G711", "G711_CONCEALED", "Codec", "mos", "rating", "voice_mos"]

# Default values of G.107, table 2.
_SLR, _RLR, _STMR, _LSTR = 8.0, 2.0, 15.0, 18.0
_DS, _TELR, _WEPL, _QDU = 3.0, 65.0, 110.0, 1.0
_NC, _NFOR, _PS, _PR = -70.0, -64.0, 35.0, 35.0
_OLR = _SLR + _RLR
_DELAY_HEARD = 100.0
"""Milliseconds up to which delay alone is not noticed (mT)."""

PACKET_SECONDS: Final = 0.020
"""A packet holds 20 ms of speech (RFC 3551, 4.2): it is spoken before it can be sent."""


@dataclass(frozen=True, slots=True)
class Codec:
    """Equipment impairment ``ie`` and robustness to random loss ``bpl`` (ITU-T G.113, appendix I)."""

    ie: float
    bpl: float


G711 = Codec(0.0, 4.3)
"""G.711 whose receiver plays silence for what is lost."""

G711_CONCEALED = Codec(0.0, 25.1)
"""G.711 with the concealment of its appendix I."""


def rating(
    *, one_way_seconds: float = 0.0, loss_ratio: float = 0.0, codec: Codec = G711, burst: float = 1.0
) -> float:
    """Answer R, 0 to about 93; ``burst`` is 1 for random loss, more where losses come together."""
    delay = one_way_seconds * 1000.0
    noise = _noise()
    return (
        _signal_to_noise(noise)
        - _with_the_voice(noise)
        - _by_delay(delay, noise)
        - _by_equipment(loss_ratio * 100.0, codec, burst)
    )


def mos(r: float) -> float:
    """Answer the mean opinion score, 1 to 4.5, of a rating (G.107, annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    # Between 0 and 6.5 the formula dips below 1; nobody's opinion does.
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def voice_mos(
    *, network_seconds: float | None, loss_ratio: float, buffer_seconds: float, codec: Codec = G711
) -> float:
    """Answer the score of a voice path: the network's one-way delay, a packet's length and the playout buffer.

    Without a measured delay (None) it is the opinion of somebody who only listens.
    """
    one_way = 0.0 if network_seconds is None else network_seconds + PACKET_SECONDS + buffer_seconds
    return mos(rating(one_way_seconds=one_way, loss_ratio=loss_ratio, codec=codec))


def _noise() -> float:
    """No, dBm0p: noise of the circuit, of both rooms and of the floor (7.2, equations 3 to 7)."""
    sending = _PS - _SLR - _DS - 100 + 0.004 * (_PS - _OLR - _DS - 14) ** 2
    heard = _PR + 10 * math.log10(1 + 10 ** ((10 - _LSTR) / 10))
    receiving = _RLR - 121 + heard + 0.008 * (heard - 35) ** 2
    levels = (_NC, sending, receiving, _NFOR + _RLR)
    return 10 * math.log10(sum(10 ** (level / 10) for level in levels))


def _signal_to_noise(noise: float) -> float:
    """Ro (7.2, equation 2)."""
    return 15 - 1.5 * (_SLR + noise)


def _with_the_voice(noise: float) -> float:
    """Is: too loud, sidetone, quantising (7.3, equations 8 to 17); the sidetone's echo is left at no delay."""
    loudness = (_OLR + 0.2 * (64 + noise - _RLR)) / 8
    too_loud = 20 * (_root(1 + loudness**8, 8) - loudness)
    q = 37 - 15 * math.log10(_QDU)
    g = 1.07 + 0.258 * q + 0.0602 * q * q
    y = (_signal_to_noise(noise) - 100) / 15 + 46 / 8.4 - g / 9
    z = 46 / 30 - g / 40
    return too_loud + _sidetone() + 15 * math.log10(1 + 10**y + 10**z)


def _sidetone() -> float:
    """Ist (equation 11), with the talker's echo 65 dB down."""
    level = -10 * math.log10(10 ** (-_STMR / 10) + 10 ** (-_TELR / 10))
    loud = 12 * _root(1 + ((level - 13) / 6) ** 8, 8)
    weak = 28 * _root(1 + ((level + 1) / 19.4) ** 35, 35)
    middle = 13 * _root(1 + ((level - 3) / 33) ** 13, 13)
    return loud - weak - middle + 29


def _by_delay(delay: float, noise: float) -> float:
    """Id: the talker's echo, the listener's, and the delay itself (7.4, equations 18 to 28)."""
    return _talker_echo(delay, noise) + _listener_echo(delay, noise) + _delay_itself(delay)


def _talker_echo(delay: float, noise: float) -> float:
    loudness = _TELR - 40 * math.log10((1 + delay / 10) / (1 + delay / 150)) + 6 * math.exp(-0.3 * delay**2)
    gap = -1.5 * (noise - _RLR) - (80 + 2.5 * (loudness - 14))
    return (gap / 2 + math.sqrt(gap**2 / 4 + 100) - 1) * (1 - math.exp(-delay))


def _listener_echo(delay: float, noise: float) -> float:
    gap = _signal_to_noise(noise) - 10.5 * (_WEPL + 7) / _root(2 * delay + 1, 4)
    return gap / 2 + math.sqrt(gap**2 / 4 + 169)


def _delay_itself(delay: float) -> float:
    if delay <= _DELAY_HEARD:
        return 0.0
    x = math.log2(delay / _DELAY_HEARD)
    return 25 * (_root(1 + x**6, 6) - 3 * _root(1 + (x / 3) ** 6, 6) + 2)


def _by_equipment(loss: float, codec: Codec, burst: float) -> float:
    """Ie,eff of ``loss`` per cent (7.5, equation 29)."""
    return codec.ie + (95 - codec.ie) * loss / (loss / burst + codec.bpl)


def _root(value: float, degree: int) -> float:
    return math.pow(value, 1 / degree)
