"""Times as people in the duty room read them: the election's zone, 24 hours, day first; relative beside.

Everything here is pure. The browser ticks relative times and countdowns by itself in the same forms
(``static/js/moments.js``), so what is written here is what a page without script keeps showing.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboards.i18n import N_, Words

__all__ = ["Moments"]

_WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)


@dataclass(frozen=True, slots=True)
class Moments:
    """Times in one zone, one language, seen from one ``now``."""

    zone: ZoneInfo
    words: Words
    now: datetime

    def clock(self, at: datetime) -> str:
        """``19:22:14``."""
        return f"{at.astimezone(self.zone):%H:%M:%S}"

    def minute(self, at: datetime) -> str:
        """``19:22``, with the day in front where it is not today: ``22/05 19:22``."""
        local = at.astimezone(self.zone)
        return f"{local:%H:%M}" if self.is_today(at) else f"{local:%d/%m %H:%M}"

    def second(self, at: datetime) -> str:
        """``19:22:14``, with the day in front where it is not today."""
        local = at.astimezone(self.zone)
        return f"{local:%H:%M:%S}" if self.is_today(at) else f"{local:%d/%m %H:%M:%S}"

    def short(self, at: datetime) -> str:
        """``19:22 23/05``: the day always, for what spans days."""
        return f"{at.astimezone(self.zone):%H:%M %d/%m}"

    def hour(self, at: datetime) -> str:
        """``19:22``: the time of day alone, where the day stands above it."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def hour_end(self, at: datetime) -> str:
        """``19:22``, and ``24:00`` for midnight: how a turn's end reads."""
        found = self.hour(at)
        return "24:00" if found == "00:00" else found

    def weekday(self, day: date) -> str:
        """``Chủ nhật``."""
        return self.words.gettext(_WEEKDAYS[day.weekday()])

    def stamp(self, at: datetime) -> str:
        """``23/05/2021 19:22:14``: the full form, for records."""
        return f"{at.astimezone(self.zone):%d/%m/%Y %H:%M:%S}"

    def day(self, at: datetime) -> str:
        """``Chủ nhật, 23/05/2021``."""
        local = at.astimezone(self.zone)
        return f"{self.words.gettext(_WEEKDAYS[local.weekday()])}, {local:%d/%m/%Y}"

    def iso(self, at: datetime) -> str:
        """For ``<time datetime>``: to the millisecond, with the zone's offset."""
        return at.astimezone(self.zone).isoformat(timespec="milliseconds")

    def is_today(self, at: datetime) -> bool:
        """Whether ``at`` falls on the same local day as now."""
        return at.astimezone(self.zone).date() == self.now.astimezone(self.zone).date()

    def ago(self, at: datetime) -> str:
        """``4 phút trước``; what is to come reads ``còn 4 phút``."""
        if at > self.now:
            return self.words.gettext("%(span)s left", span=self.span(at - self.now))
        return self.words.gettext("%(span)s ago", span=self.span(self.now - at))

    def span(self, length: timedelta) -> str:
        """Write the two largest units that matter: ``23 giờ 38 phút``, ``4 phút``, ``12 giây``."""
        seconds = max(0, int(length.total_seconds()))
        days, rest = divmod(seconds, 86400)
        hours, rest = divmod(rest, 3600)
        minutes, rest = divmod(rest, 60)
        words = self.words
        if days:
            parts = [words.ngettext("%(num)d day", "%(num)d days", days)]
            parts += [words.ngettext("%(num)d hour", "%(num)d hours", hours)] if hours else []
        elif hours:
            parts = [words.ngettext("%(num)d hour", "%(num)d hours", hours)]
            parts += [words.ngettext("%(num)d minute", "%(num)d minutes", minutes)] if minutes else []
        elif minutes:
            parts = [words.ngettext("%(num)d minute", "%(num)d minutes", minutes)]
        else:
            parts = [words.ngettext("%(num)d second", "%(num)d seconds", rest)]
        return " ".join(parts)

    def countdown(self, at: datetime) -> str:
        """``02:41`` to go, ``+03:12`` overdue; hours in front where there are any."""
        seconds = int((at - self.now).total_seconds())
        sign, seconds = ("+", -seconds) if seconds < 0 else ("", seconds)
        hours, rest = divmod(seconds, 3600)
        minutes, rest = divmod(rest, 60)
        return f"{sign}{hours}:{minutes:02}:{rest:02}" if hours else f"{sign}{minutes:02}:{rest:02}"
