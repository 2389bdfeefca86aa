"""How a phone that waits before it plays would have fared with what came when. Pure."""

from collections.abc import Iterable

__all__ = ["late_packets"]


def late_packets(transits: Iterable[float], *, buffer_seconds: float) -> int:
    """Count packets too late to be played; ``transits`` in the order of arrival, of clocks that need not agree.

    The buffer holds ``buffer_seconds`` beyond the fastest packet so far. Whoever comes later is not heard, and the
    phone waits longer from then on, as phones do: a line that grew slower for good loses one packet, not all.
    """
    late = 0
    reference = float("inf")
    for transit in transits:
        reference = min(reference, transit)
        if transit - reference > buffer_seconds:
            late += 1
            reference = transit - buffer_seconds
    return late
