"""Setting a name into a square tile: which lines, how large, without a browser to ask.

Advance widths are those of Be Vietnam Pro 600, in thousandths of the type size; a letter with a tone mark is
as wide as the letter without. Names break at spaces only: Vietnamese syllables are never split or hyphened.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache

__all__ = ["fitted", "width_of"]

_WIDTHS = {
    **dict(
        zip("abcdefghijklm", (652, 662, 624, 662, 611, 401, 654, 600, 285, 292, 584, 277, 895), strict=True)
    ),
    **dict(
        zip("nopqrstuvwxyz", (590, 652, 662, 662, 416, 527, 434, 581, 588, 879, 591, 592, 514), strict=True)
    ),
    **dict(
        zip("ABCDEFGHIJKLM", (758, 698, 778, 743, 634, 640, 788, 725, 280, 482, 703, 637, 877), strict=True)
    ),
    **dict(
        zip("NOPQRSTUVWXYZ", (743, 828, 667, 825, 697, 656, 674, 733, 732, 1039, 753, 701, 664), strict=True)
    ),
    **dict(zip("0123456789", (692, 415, 660, 674, 716, 674, 693, 596, 656, 693), strict=True)),
    **dict(zip(" .,-()đĐơƠưƯ", (230, 319, 332, 607, 449, 449, 662, 757, 700, 890, 660, 850), strict=True)),
}
_WIDEST = 1039


def width_of(text: str, size: float) -> float:
    """Answer how wide ``text`` runs at ``size``; an unknown letter counts as the widest."""
    return sum(_advance(letter) for letter in text) * size / 1000


@cache
def _advance(letter: str) -> int:
    if letter in _WIDTHS:
        return _WIDTHS[letter]
    base = unicodedata.normalize("NFD", letter)[0]
    return _WIDTHS.get(base, _WIDEST)


def fitted(
    name: str, *, width: float, sizes: tuple[float, ...], most_lines: int
) -> tuple[float, tuple[str, ...]]:
    """Choose the largest size, then the fewest lines, at which ``name`` fits ``width``; else the smallest size."""
    words = name.split()
    for size in sizes:
        for lines in _broken(words, most_lines):
            if all(width_of(line, size) <= width for line in lines):
                return size, lines
    last = min(_broken(words, most_lines), key=lambda lines: max(width_of(line, 1) for line in lines))
    return sizes[-1], last


def _broken(words: list[str], most_lines: int) -> Iterator[tuple[str, ...]]:
    """Yield every way to break ``words`` into at most ``most_lines`` lines, fewest lines and evenest first."""
    if not words:
        yield ("",)
        return
    for count in range(1, min(most_lines, len(words)) + 1):
        ways = [tuple(" ".join(part) for part in way) for way in _split(words, count)]
        yield from sorted(ways, key=lambda lines: max(width_of(line, 1) for line in lines))


def _split(words: list[str], count: int) -> Iterator[tuple[list[str], ...]]:
    if count == 1:
        yield (words,)
        return
    for first in range(1, len(words) - count + 2):
        for rest in _split(words[first:], count - 1):
            yield (words[:first], *rest)
