"""Gathers ended looks, whether they come as columns or one by one, and turns them into batches."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from probes.models import PHASES, Evidence, Flag, Look, Outcome, SampleBatch, batch_of

__all__ = ["Gather"]


class Gather:
    """What one vantage has seen since its last batch; bounded by the pace of looking between two flushes."""

    def __init__(self, *, vantage: str, epoch: int, clock_age: Callable[[], float]) -> None:
        self._vantage = vantage
        self._epoch = epoch
        self._sequence = 0
        self._clock_age = clock_age
        self._looks: list[Look] = []
        self._columns: list[tuple[npt.NDArray[Any], ...]] = []

    def add(self, look: Look) -> None:
        """Take one look."""
        self._looks.append(look)

    def add_columns(
        self,
        *,
        index: npt.NDArray[np.uint32],
        at_ns: npt.NDArray[np.int64],
        outcome: npt.NDArray[np.uint8],
        rtt: npt.NDArray[np.float32],
        flags: npt.NDArray[np.uint8],
    ) -> None:
        """Take many looks of an engine; a good one proves that the address is reachable (TRANSPORT)."""
        evidence = np.where(outcome == Outcome.OK, Evidence.TRANSPORT, Evidence.NONE).astype(np.uint8)
        self._columns.append((index, at_ns, outcome, rtt, flags, evidence))

    def flush(self, fleet: str, *, unreliable: bool) -> SampleBatch | None:
        """Answer everything gathered as the next batch, or None; ``unreliable`` marks the whole of it."""
        if not self._looks and not self._columns:
            return None
        self._sequence += 1
        batch = batch_of(
            self._looks,
            vantage=self._vantage,
            fleet=fleet,
            epoch=self._epoch,
            sequence=self._sequence,
            clock_age=self._clock_age(),
        )
        if self._columns:
            batch = _joined(batch, self._columns)
        if unreliable:
            batch = replace(batch, flags=batch.flags | np.uint8(Flag.UNRELIABLE))
        self._looks, self._columns = [], []
        return batch


def _joined(batch: SampleBatch, columns: list[tuple[npt.NDArray[Any], ...]]) -> SampleBatch:
    """Append the engines' columns behind the rows of ``batch``, whose row numbers therefore stay."""
    index, at_ns, outcome, rtt, flags, evidence = (
        np.concatenate(parts) for parts in zip(*columns, strict=True)
    )
    count = len(index)
    return replace(
        batch,
        target=np.concatenate((batch.target, index)).astype(np.uint32),
        at_ns=np.concatenate((batch.at_ns, at_ns)).astype(np.int64),
        outcome=np.concatenate((batch.outcome, outcome)).astype(np.uint8),
        rtt=np.concatenate((batch.rtt, rtt)).astype(np.float32),
        flags=np.concatenate((batch.flags, flags)).astype(np.uint8),
        evidence=np.concatenate((batch.evidence, evidence)).astype(np.uint8),
        code=np.concatenate((batch.code, np.zeros(count, np.int16))),
        phases=np.concatenate((batch.phases, np.full((count, len(PHASES)), np.nan, np.float32))),
    )
