"""Hurls random and mutated bytes at decoders: ``python -m tests.fuzz.run [NAME…] [--seconds 600] [--count N] [--seed N]``.

Without a name at all of them (``make fuzz``), as many at once as there are processors; at each for ten minutes or with ten
million inputs, whichever is first.

A target is a module ``tests.fuzz.fuzz_NAME`` with ``one(data)``, which must not raise, and optionally ``SEEDS``, well
formed inputs to mutate. An input that makes it raise is printed in hexadecimal and the traceback follows. Plain
Python: no coverage guidance, many inputs a second, the same run again for the same seed.
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from types import ModuleType

__all__ = ["hurled", "inputs", "mutated", "names"]

INTERESTING = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
LONGEST = 4_096
MOST_MUTATIONS = 8
PRINT_SECONDS = 60.0


def inputs(rng: Random, seeds: Sequence[bytes]) -> Iterator[bytes]:
    """Yield inputs without end: the seeds themselves first, then mutated seeds and now and then plain noise."""
    yield from seeds
    yield b""
    while True:
        if not seeds or rng.random() < 0.1:
            yield rng.randbytes(rng.randrange(1 << rng.randrange(1, 9)))
        else:
            yield mutated(rng, rng.choice(seeds), seeds)


def mutated(rng: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change a few places of ``data``: bits, bytes, lengths, order, splices of another seed."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, MOST_MUTATIONS)):
        rng.choice(_CHANGES)(rng, changed, seeds)
    return bytes(changed[:LONGEST])


def hurled(target: ModuleType, *, rng: Random, count: int | None = None, seconds: float | None = None) -> int:
    """Hurl ``count`` inputs, or for ``seconds``; answer how many were taken. An input that raises is shown."""
    began = shown = time.monotonic()
    done = 0
    for data in islice(inputs(rng, getattr(target, "SEEDS", ())), count):
        try:
            target.one(data)
        except BaseException:
            print(f"{target.__name__}: input {data.hex()}", file=sys.stderr)
            raise
        done += 1
        if seconds is not None and done % 256 == 0:
            now = time.monotonic()
            if now - shown > PRINT_SECONDS:
                shown = now
                print(f"{target.__name__}: {done} inputs, {now - began:.0f} s", flush=True)
            if now - began > seconds:
                break
    return done


def _flip(rng: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(rng: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.choice((*INTERESTING, rng.randrange(256)))


def _insert(rng: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = rng.randint(0, len(data))
    data[at:at] = rng.randbytes(rng.randint(1, 8))


def _cut(rng: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    start = rng.randint(0, len(data))
    del data[start : start + rng.randint(1, 16)]


def _truncate(rng: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    del data[rng.randint(0, len(data)) :]


def _repeat(rng: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    start = rng.randint(0, len(data))
    piece = data[start : start + rng.randint(1, 32)]
    data[start:start] = piece * rng.randint(1, 4)


def _splice(rng: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds) if seeds else b""
    start = rng.randint(0, len(other))
    at = rng.randint(0, len(data))
    piece = other[start : start + rng.randint(1, 64)]
    data[at : at + len(piece)] = piece


_CHANGES: tuple[Callable[[Random, bytearray, Sequence[bytes]], None], ...] = (
    _flip, _flip, _set, _set, _insert, _cut, _truncate, _repeat, _splice,
)  # fmt: skip


def names() -> list[str]:
    """Answer every target there is."""
    return sorted(path.stem.removeprefix("fuzz_") for path in Path(__file__).parent.glob("fuzz_*.py"))


def main() -> int:
    """Run the targets that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", choices=[[], *names()], help="default: all of them"
    )
    parser.add_argument("--seconds", type=float, default=600.0, help="at most so long at each (default 600)")
    parser.add_argument(
        "--count", type=int, default=10_000_000, help="at most so many inputs (default 10 million)"
    )
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    hurl = partial(_told, count=chosen.count, seconds=chosen.seconds, seed=chosen.seed)
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for line in processes.map(hurl, chosen.names or names()):
            print(line, flush=True)
    return 0


def _told(name: str, *, count: int, seconds: float, seed: int) -> str:
    began = time.monotonic()
    target = importlib.import_module(f"tests.fuzz.fuzz_{name}")
    done = hurled(target, rng=Random(seed), count=count, seconds=seconds)
    return f"{name}: {done} inputs, {time.monotonic() - began:.0f} s, none raised"


if __name__ == "__main__":
    raise SystemExit(main())
