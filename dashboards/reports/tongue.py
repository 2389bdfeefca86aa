"""How a document says things: two texts side by side, and numbers, times and names in the local form.

Durations are exact (``26:04:09``, hours without limit), percentages are cut, never rounded up, so that 100,00% means
that nothing was missing. Vietnamese writes decimals with a comma and thousands with a dot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from alerting.models import CauseClass
from alerting.rollcall import RollAnswer
from dashboards.i18n import Language, words_in
from dashboards.reports.arithmetic import Share, Spread, Times
from dashboards.reports.record import Heard
from dashboards.wording import label

__all__ = ["NOTHING", "Tongue", "heard"]

NOTHING = "–"
"""Stands where there is no figure, so that an empty cell never reads as none."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language of documents in one zone; ``names`` are Vietnamese and English by code."""

    language: Language
    zone: ZoneInfo
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def is_vietnamese(self) -> bool:
        """Whether this is the first language."""
        return self.language is Language.VI

    def say(self, vi: str, en: str) -> str:
        """Choose between a text and its translation."""
        return vi if self.is_vietnamese else en

    def label(self, value: Enum) -> str:
        """Answer a value in the duty room's words."""
        return label(words_in(self.language), value)

    def cause(self, value: str) -> str:
        """Answer a cause by its value."""
        return self.label(CauseClass(value))

    def name(self, code: str) -> str:
        """Answer the name of a party, an area or a site; its code where it has none."""
        vi, en = self.names.get(code, (code, ""))
        return vi if self.is_vietnamese or not en else en

    def count(self, number: int) -> str:
        """``12.345``."""
        return f"{number:,}".replace(",", "." if self.is_vietnamese else ",")

    def percent(self, part: int, whole: int) -> str:
        """``99,95%``, cut to two decimals; a dash where there is no whole."""
        return self._hundredths(part * 10_000 // whole) if whole else NOTHING

    def shares(self, parts: Sequence[int]) -> list[str]:
        """Answer every part's share of their sum; what is printed adds up to 100,00 % (largest remainders)."""
        whole = sum(parts)
        if not whole:
            return [NOTHING] * len(parts)
        cut = [part * 10_000 // whole for part in parts]
        by_rest = sorted(range(len(parts)), key=lambda place: -(parts[place] * 10_000 % whole))
        for place in by_rest[: 10_000 - sum(cut)]:
            cut[place] += 1
        return [self._hundredths(each) for each in cut]

    def _hundredths(self, of_percent: int) -> str:
        mark = "," if self.is_vietnamese else "."
        return f"{of_percent // 100}{mark}{of_percent % 100:02}%"

    def availability(self, times: Times) -> str:
        """Answer up over observed."""
        return self.percent(times.up, times.observed)

    def undisputed(self, times: Times) -> str:
        """Answer the same without what is contested."""
        return self.percent(times.up, times.observed - times.disputed)

    def kept(self, share: Share) -> str:
        """``3/4 (75,00%)``; a dash where nothing was due."""
        if not share.of:
            return NOTHING
        return f"{self.count(share.met)}/{self.count(share.of)} ({self.percent(share.met, share.of)})"

    def duration(self, seconds: int | None) -> str:
        """``1:02:03``."""
        if seconds is None:
            return NOTHING
        return f"{seconds // 3600}:{seconds % 3600 // 60:02}:{seconds % 60:02}"

    def spoken(self, seconds: int | None) -> str:
        """``1 giờ 02 phút 03 giây``."""
        if seconds is None:
            return NOTHING
        hours, minutes, rest = seconds // 3600, seconds % 3600 // 60, seconds % 60
        units = ("giờ", "phút", "giây") if self.is_vietnamese else ("h", "min", "s")
        parts = [(self.count(hours), units[0])] if hours else []
        parts += [(f"{minutes:02}" if hours else str(minutes), units[1])] if hours or minutes else []
        parts.append((f"{rest:02}" if parts else str(rest), units[2]))
        return " ".join(f"{number} {unit}" for number, unit in parts)

    def spread(self, found: Spread) -> str:
        """Median, p90 and worst with n, in one cell's text."""
        if not found.n:
            return NOTHING
        return " / ".join(self.duration(each) for each in (found.median, found.p90, found.worst))

    def local(self, at: int | datetime) -> datetime:
        """Answer a moment (seconds since 1970, or zoned) in the election's zone."""
        return (at if isinstance(at, datetime) else _EPOCH + timedelta(seconds=at)).astimezone(self.zone)

    def moment(self, at: int | datetime | None) -> str:
        """``23/05/2021 19:18:02``; a dash for a moment that did not come."""
        return NOTHING if at is None else f"{self.local(at):%d/%m/%Y %H:%M:%S}"

    def minute(self, at: int | datetime) -> str:
        """``19:18 ngày 23/05/2021``."""
        local = self.local(at)
        return self.say(f"{local:%H:%M} ngày {local:%d/%m/%Y}", f"{local:%H:%M} on {local:%d/%m/%Y}")

    def hour(self, at: int | datetime) -> str:
        """``19:18``."""
        return f"{self.local(at):%H:%M}"

    def day(self, at: int | datetime) -> str:
        """``23/05/2021``."""
        return f"{self.local(at):%d/%m/%Y}"


def heard(tongue: Tongue, answer: Heard) -> str:
    """Answer what a call of the roll brought, in words."""
    if answer is Heard.CONFIRMED:
        return tongue.say("có người xác nhận", "confirmed")
    if answer is Heard.UNCONFIRMED:
        return tongue.say("chưa xác nhận", "not confirmed")
    return tongue.label(RollAnswer(answer.value))
