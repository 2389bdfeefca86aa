"""The door for batches of vantages that look from elsewhere: whose they are, whether they are new, then the bus.

A batch is named by (vantage, epoch, sequence), and a vantage sends them in order. What came before is answered as
taken and not published again: the sender may not have heard our answer the first time.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

from probes.bus import Publisher
from probes.bus_wire import WireError, decode, frames
from probes.models import SampleBatch

__all__ = ["LARGEST_BODY", "BatchReceiver", "Receipt"]

LARGEST_BODY = 8 << 20
_SCHEME = "bearer "


class Receipt(StrEnum):
    """What became of a body."""

    TAKEN = "taken"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - the word for a missing one
    ANOTHER_VANTAGE = "another_vantage"
    UNREADABLE = "unreadable"
    NO_ROOM = "no_room"


class BatchReceiver:
    """Takes bodies of frames for the bus. ``tokens``: vantage code to the SHA-256 of its token, in hexadecimal.

    ``newest``: the (epoch, sequence) that was taken last of each vantage, where a restart knows it. ``has_room``
    says whether the bus can hold more: a body is refused whole before anything of it would be dropped.
    """

    def __init__(
        self,
        *,
        tokens: Mapping[str, str],
        publisher: Publisher,
        newest: Mapping[str, tuple[int, int]] | None = None,
        has_room: Callable[[], bool] = lambda: True,
        largest_body: int = LARGEST_BODY,
    ) -> None:
        self._tokens = {vantage: digest.lower() for vantage, digest in tokens.items()}
        self._publisher = publisher
        self._newest = dict(newest or {})
        self._has_room = has_room
        self.largest_body = largest_body
        self.taken = 0
        self.repeated = 0
        self.refused = 0

    def vantage_of(self, authorization: str) -> str | None:
        """Answer the vantage whose token an Authorization header bears, or None; every digest is compared."""
        if authorization[: len(_SCHEME)].lower() != _SCHEME:
            return None
        digest = sha256(authorization[len(_SCHEME) :].strip().encode(errors="replace")).hexdigest()
        found = None
        for vantage, known in self._tokens.items():
            if compare_digest(known, digest):
                found = vantage
        return found

    def take(self, vantage: str, body: bytes) -> tuple[Receipt, str]:
        """Publish the new batches of a body, in order; a body with anything wrong in it is refused whole."""
        if not self._has_room():
            self.refused += 1
            return Receipt.NO_ROOM, "belief is behind; come again"
        try:
            batches = [decode(frame) for frame in frames(body)]
        except WireError as error:
            self.refused += 1
            return Receipt.UNREADABLE, str(error)
        foreign = {batch.vantage for batch in batches} - {vantage}
        if foreign:
            self.refused += 1
            return Receipt.ANOTHER_VANTAGE, f"the token is that of {vantage}"
        for batch in batches:
            self._publish(batch)
        return Receipt.TAKEN, ""

    def _publish(self, batch: SampleBatch) -> None:
        name = (batch.epoch, batch.sequence)
        if name <= self._newest.get(batch.vantage, (-1, -1)):
            self.repeated += 1
            return
        self._newest[batch.vantage] = name
        self._publisher.publish(batch)
        self.taken += 1
