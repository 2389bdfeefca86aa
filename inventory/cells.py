"""From text to value: what a cell of a spreadsheet or a scalar of a YAML file may hold.

Every converter takes a stripped text and answers a value or raises
:class:`~inventory.reasons.UnusableError`. An empty text is ``None`` (or empty) for the converters named
``maybe_…``; whether a column may be empty is decided where the column is described.
"""

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import date, timedelta
from enum import StrEnum
from ipaddress import ip_address
from itertools import count
from typing import TypeVar

from inventory.reasons import Reason, UnusableError, expected, not_allowed, unknown

__all__ = [
    "ADDRESSES",
    "CODES",
    "address",
    "calendar_day",
    "code",
    "duration",
    "filled",
    "listing",
    "maybe",
    "one_of",
    "options",
    "real",
    "reference",
    "whole",
    "yes_or_no",
]

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_CODE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
CODES = re.compile(rf"(?:{_CODE}\n)*")
"""A whole column of codes, each ended by a line feed: one pass of the engine instead of one a row."""
ADDRESSES = re.compile(rf"(?:(?:{_OCTET}\.){{3}}{_OCTET}\n)*")
"""A whole column of IPv4 addresses, each ended by a line feed."""

_one_code = re.compile(_CODE)
_numeric = re.compile(r"[0-9.]+|.*:.*")
_name = re.compile(
    r"(?=.{1,253}\.?$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_-]{1,63}\.?"
)
_SUGGESTIONS = 50
_duration = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_unit = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_day = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_option = re.compile(r"([a-z][a-z0-9_]*)=(.*)")


def filled(text: str) -> str:
    """Answer a text that must not be empty."""
    if not text:
        raise expected("không được để trống", "must not be empty")
    return text


def maybe(convert: Callable[[str], T]) -> Callable[[str], T | None]:
    """Let a text be empty: it is then not known (``None``)."""
    return lambda text: convert(text) if text else None


def code(text: str) -> str:
    """Answer a code: it names a record in references, addresses of pages and metrics."""
    if not _one_code.fullmatch(filled(text)):
        raise expected(
            "mã chỉ gồm chữ cái không dấu, chữ số và . _ - (không dấu cách), dài tối đa 64",
            "a code has only letters A to Z, digits and . _ - (no spaces), at most 64 of them",
        )
    return text


def one_of(kind: type[E]) -> Callable[[str], E]:
    """Let a text be a word of a closed set."""
    words = {str(word): word for word in kind}

    def convert(text: str) -> E:
        if text not in words:
            raise not_allowed(text, words)
        return words[text]

    return convert


def reference(known: Collection[str], *, what: Reason) -> Callable[[str], str]:
    """Let a text be the code of a record that exists."""
    misses = count(1)

    def convert(text: str) -> str:
        if filled(text) not in known:
            # Where a whole list does not match, looking for the nearest code each time would take minutes.
            raise unknown(text, known if next(misses) <= _SUGGESTIONS else (), what=what)
        return text

    return convert


def listing(convert: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Let a text be a list separated by spaces; no member twice."""

    def convert_all(text: str) -> tuple[T, ...]:
        words = text.split()
        twice = next((word for word in words if words.count(word) > 1), None)
        if twice:
            raise expected(
                f"{twice} được ghi hai lần; hãy bỏ bớt", f"{twice} stands there twice; take one out"
            )
        return tuple(_member(word, convert, alone=len(words) == 1) for word in words)

    return convert_all


def _member(word: str, convert: Callable[[str], T], *, alone: bool) -> T:
    """Convert one member of a list; where there are others, the reason names the one that is meant."""
    try:
        return convert(word)
    except UnusableError as error:
        if alone:
            raise
        raise expected(f"{word}: {error.reason.vi}", f"{word}: {error.reason.en}") from error


def whole(least: int, most: int) -> Callable[[str], int]:
    """Let a text be a whole number from ``least`` to ``most``."""

    def convert(text: str) -> int:
        sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
        value = sign * int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else None
        if value is None or not least <= value <= most:
            raise expected(
                f"phải là số nguyên từ {least} đến {most}", f"must be a whole number from {least} to {most}"
            )
        return value

    return convert


def real(least: float, most: float) -> Callable[[str], float]:
    """Let a text be a number from ``least`` to ``most``, with a decimal point."""

    def convert(text: str) -> float:
        value = float(text) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", text, re.ASCII) else None
        if value is None or not least <= value <= most:
            raise expected(
                f"phải là số từ {least:.12g} đến {most:.12g}, phần thập phân sau dấu chấm",
                f"must be a number from {least:.12g} to {most:.12g}, decimals after a point",
            )
        return value

    return convert


def yes_or_no(text: str) -> bool:
    """Answer a truth; empty means no."""
    if text not in {"yes", "no", ""}:
        raise not_allowed(text, ("yes", "no"))
    return text == "yes"


def calendar_day(text: str) -> date:
    """Answer a day written as ``2021-05-23``."""
    with suppress(ValueError):
        if _day.fullmatch(text):
            return date.fromisoformat(text)
    raise expected(
        "phải là một ngày có thật, viết năm-tháng-ngày như 2021-05-23",
        "must be a day that exists, written year-month-day such as 2021-05-23",
    )


def duration(text: str) -> timedelta:
    """Answer a length of time written as ``500ms``, ``5s``, ``3m``, ``1h`` or ``2d``."""
    parts = _duration.fullmatch(text)
    if not parts or float(parts[1]) * _unit[parts[2]] > 366 * 86400:
        raise expected(
            "phải là khoảng thời gian như 500ms, 5s, 3m, 1h hoặc 2d, không quá một năm",
            "must be a length of time such as 500ms, 5s, 3m, 1h or 2d, at most a year",
        )
    return timedelta(seconds=float(parts[1]) * _unit[parts[2]])


def address(text: str) -> str:
    """Answer a numeric address in its shortest form, or a host name; names are not resolved here."""
    if _numeric.fullmatch(text) and "/" not in text:
        try:
            return str(ip_address(text))
        except ValueError:
            raise expected(
                "không phải địa chỉ IP; IPv4 như 10.1.2.3, IPv6 như 2001:db8::1, cổng ghi ở cột port",
                "not an IP address; IPv4 as 10.1.2.3, IPv6 as 2001:db8::1, a port goes into column port",
            ) from None
    if not _name.fullmatch(text):
        raise expected(
            "phải là địa chỉ IP hoặc tên máy, không có http://, đường dẫn hay dấu cách",
            "must be an IP address or a host name, without http://, path or spaces",
        )
    return text.lower()


def options(text: str) -> dict[str, str]:
    """Answer a list of ``key=value`` separated by spaces; no key twice."""
    found: dict[str, str] = {}
    for word in text.split():
        parts = _option.fullmatch(word)
        if not parts:
            raise expected(
                f"{word} không có dạng khóa=giá_trị; viết như path=/ping status=200",
                f"{word} is not key=value; write as path=/ping status=200",
            )
        if parts[1] in found:
            raise expected(f"khóa {parts[1]} được ghi hai lần", f"key {parts[1]} stands there twice")
        if parts[1] in {"cadence", "timeout"}:
            duration(parts[2])  # when a look is taken is the schedule's business, not its probe's
        found[parts[1]] = parts[2]
    return found
