"""Shifts as an iCalendar feed (RFC 5545) that any telephone subscribes to. Pure: the moment is an argument."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from alerting.roster import RosterShift
from inventory.models import Inventory

__all__ = ["calendar_of"]

_AGAIN = timedelta(hours=1)


def calendar_of(
    shifts: Iterable[RosterShift], inventory: Inventory, *, title: str, at: datetime, person: str = ""
) -> bytes:
    """Write ``shifts`` as a calendar; with ``person`` each says whether they hold it or stand by.

    A feed goes over the open network to machines that keep it, so it names people and never their numbers.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Thông Suốt//roster//VI")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", title)
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", _AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-wr-timezone", inventory.election.zone.key)
    for shift in shifts:
        calendar.add_component(_event(shift, inventory, at, person))
    return bytes(calendar.to_ical())


def _event(shift: RosterShift, inventory: Inventory, at: datetime, person: str) -> Event:
    event = Event()
    party = inventory.parties.get(shift.party)
    name = _name(inventory, shift.person)
    duty = _DUTIES.get(shift.duty.value, shift.duty.value)
    what = f"{duty} · {party.name if party else shift.party}"
    if person and shift.person != person:
        what = f"Dự phòng: {what}"
    event.add("uid", f"{shift.id}@thongsuot")
    event.add("dtstamp", at)
    event.add("dtstart", shift.start)
    event.add("dtend", shift.end)
    event.add("summary", what if person else f"{name}: {what}")
    lines = [f"Người trực: {name}"]
    if shift.substitute:
        lines.append(f"Dự phòng: {_name(inventory, shift.substitute)}")
    lines += [shift.note] if shift.note else []
    event.add("description", "\n".join(lines))
    event.add("status", "CONFIRMED" if shift.confirmed_at else "TENTATIVE")
    return event


def _name(inventory: Inventory, code: str) -> str:
    person = inventory.people.get(code)
    return person.name if person else code


_DUTIES = {
    "leadership": "Trực lãnh đạo",
    "command": "Trực chỉ huy",
    "operations": "Trực ca",
    "response": "Trực ứng cứu",
    "software_support": "Hỗ trợ phần mềm",
    "hotline": "Trực đường dây nóng",
    "security_watch": "Trực an toàn thông tin",
    "post": "Trực bưu chính",
    "radio": "Trực đài truyền thanh",
}
