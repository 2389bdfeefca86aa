"""``election.yml``: which election, when, for whom, and its calendar."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from inventory.cells import calendar_day, code, filled
from inventory.document import Entry
from inventory.models import Agency, Election, Phase, PhaseSpan
from inventory.phases import offset
from inventory.reasons import Reason, UnusableError, suggestion

__all__ = ["read_election"]

_NO_DAY = date(1900, 1, 1)
_NO_TIME = datetime(1900, 1, 1, tzinfo=UTC)
_HOME = ZoneInfo("Asia/Ho_Chi_Minh")


def read_election(top: Entry) -> Election:
    """Read the election; whatever cannot be used is a fault and gets a harmless stand-in."""
    members = top.members(
        required=("code", "name", "name_en", "day", "zone", "agency", "phases"), optional=("report_slots",)
    )
    day = members.value("day", calendar_day, instead=_NO_DAY)
    zone = members.value("zone", _zone, instead=_HOME)
    return Election(
        code=members.value("code", code, instead=""),
        name=members.value("name", filled, instead=""),
        name_en=members.value("name_en", filled, instead=""),
        day=day,
        zone=zone,
        agency=_agency(members["agency"]) if "agency" in members else Agency("", "", ""),
        spans=_spans(members["phases"], day=day, zone=zone) if "phases" in members else (),
        report_slots=_slots(members.items("report_slots"), day=day, zone=zone),
    )


def _zone(text: str) -> ZoneInfo:
    zones = available_timezones()
    if text not in zones:
        hint = suggestion(text, zones)
        raise UnusableError(
            Reason(
                f"không có múi giờ này{hint.vi or '; Việt Nam là Asia/Ho_Chi_Minh'}",
                f"no such time zone{hint.en or '; Viet Nam is Asia/Ho_Chi_Minh'}",
            )
        )
    return ZoneInfo(text)


def _agency(entry: Entry) -> Agency:
    members = entry.members(required=("name", "name_en", "symbol"), optional=("parent",))
    return Agency(
        name=members.value("name", filled, instead=""),
        name_en=members.value("name_en", filled, instead=""),
        symbol=members.value("symbol", filled, instead=""),
        parent=members.value("parent", str, instead=""),
    )


def _spans(entry: Entry, *, day: date, zone: ZoneInfo) -> tuple[PhaseSpan, ...]:
    """Read the phases. They may overlap, but begin in the order of the calendar; poll is never missing."""
    members = entry.members(
        required=(Phase.POLL,), optional=[phase for phase in Phase if phase is not Phase.POLL]
    )
    spans = [
        (members[phase], _span(members[phase], phase, day=day, zone=zone))
        for phase in Phase
        if phase in members
    ]
    for (_, before), (place, after) in pairwise(spans):
        if after.start < before.start:
            place.report(
                Reason(
                    f"bắt đầu trước giai đoạn {before.phase}; các giai đoạn phải bắt đầu theo thứ tự lịch",
                    f"begins before {before.phase}; phases begin in the order of the calendar",
                )
            )
    return tuple(span for _, span in spans)


def _span(entry: Entry, phase: Phase, *, day: date, zone: ZoneInfo) -> PhaseSpan:
    members = entry.members(required=("start", "end"))
    start, end = (
        members.value(name, lambda text: offset(text, day=day, zone=zone), instead=_NO_TIME)
        for name in ("start", "end")
    )
    if _NO_TIME not in {start, end} and end <= start:
        members["end"].report(Reason("phải sau lúc bắt đầu", "must be after the start"))
        end = start + timedelta(minutes=1)
    return PhaseSpan(phase, start, end)


def _slots(items: Iterable[Entry], *, day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    slots = [
        (item, item.value(lambda text: offset(text, day=day, zone=zone), instead=_NO_TIME)) for item in items
    ]
    for (_, before), (place, after) in pairwise(slots):
        if after <= before != _NO_TIME and after != _NO_TIME:
            place.report(Reason("phải sau mốc báo cáo trước nó", "must be after the slot before it"))
    return tuple(slot for _, slot in slots)
