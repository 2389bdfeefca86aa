"""A reference election day whose answers were worked out by hand: 20 outages, two carriers, one night.

Local times of 23 May 2021 in Sóc Trăng. Four paths: V1 and V2 are VNPT's and watched by w1, T1 and T2 VIETTEL's and
watched by w2; V1 and T1 lie in district 941, V2 and T2 in 943. What each figure must be stands in the tests.
"""

from datetime import UTC, datetime, timedelta

from alerting.models import CauseClass, IncidentState
from dashboards.reports.record import (
    AidGiven,
    PathOutage,
    Record,
    ReportedIncident,
    ReportedPath,
    RosterGap,
    SiteLoss,
    Spell,
    SpellKind,
    Tile,
    Turn,
    Unseen,
)
from inventory.loader import load
from inventory.models import Duty, Medium, Phase, Priority, Severity
from inventory.samples import sample

__all__ = ["INCIDENTS", "OUTAGES", "PATHS", "SPELLS", "UNSEEN", "at", "reference_day"]

MIDNIGHT = datetime(2021, 5, 22, 17, tzinfo=UTC)
"""00:00 of election day in Sóc Trăng."""


def at(text: str) -> datetime:
    """``09:15:00`` of election day; ``-1 23:30:00`` the day before, ``+1 …`` the day after."""
    day, _, clock = text.rpartition(" ")
    hours, minutes, seconds = clock.split(":")
    return MIDNIGHT + timedelta(
        days=int(day or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds)
    )


PATHS = (
    ReportedPath("V1", "S1", "UBBC phường 5", "VNPT", Medium.FIBRE, Priority.A, "941", "31498", "w1"),
    ReportedPath("V2", "S2", "UBBC xã Kế An", "VNPT", Medium.FIXED_LINE, Priority.B, "943", "31537", "w1"),
    ReportedPath(
        "T1", "S1", "UBBC phường 5", "VIETTEL", Medium.MOBILE_DATA, Priority.A, "941", "31498", "w2"
    ),
    ReportedPath("T2", "S2", "UBBC xã Kế An", "VIETTEL", Medium.MOBILE, Priority.C, "943", "31537", "w2"),
)

_ROWS = """
1  V1 01:00:00     01:10:00     fibre_cut
2  V1 01:05:00     01:20:00     fibre_cut
3  V1 06:00:00     06:00:45     power_loss
4  V1 07:00:00     08:00:00     equipment
5  V1 12:00:00     12:30:00     unknown
6  V1 20:00:00     20:00:30     congestion
7  V1 20:00:30     20:02:00     congestion
8  V2 04:50:00     05:10:00     power_loss
9  V2 09:00:00     09:15:00     fibre_cut
10 V2 18:55:00     19:05:00     equipment
11 V2 12:12:00     12:18:00     unknown
12 T1 -1_23:30:00  00:20:00     power_loss
13 T1 10:00:00     11:00:00     fibre_cut
14 T1 12:12:00     12:18:00     weather
15 T1 22:00:00     -            unknown
16 T2 02:00:00.250 02:00:10.750 software
17 T2 07:30:00     07:45:00     human
18 T2 13:00:00     13:05:00     congestion
19 T2 13:04:00     13:10:00     power_loss
20 T2 15:00:00     15:20:00     third_party
"""


def _outage(line: str) -> PathOutage:
    number, path, start, end, cause = line.split()
    return PathOutage(
        f"outage:{number}",
        path,
        at(start.replace("_", " ")),
        None if end == "-" else at(end),
        CauseClass(cause),
        _owner(number),
    )


def _owner(number: str) -> str:
    return {"9": "SC-21-1", "13": "SC-21-2", "15": "SC-21-3"}.get(number, "")


OUTAGES = tuple(_outage(line) for line in _ROWS.strip().splitlines())

SPELLS = (
    Spell(SpellKind.PLANNED, "planned:1", at("07:30:00"), at("08:30:00"), frozenset({"V1"})),
    Spell(SpellKind.PLANNED, "planned:2", at("07:00:00"), at("08:00:00"), frozenset({"T2"})),
    Spell(SpellKind.DISPUTED, "SC-21-1", at("09:00:00"), at("09:15:00"), frozenset({"V2"})),
    Spell(SpellKind.MITIGATED, "SC-21-2", at("10:20:00"), at("11:00:00"), frozenset({"T1"})),
)

UNSEEN = (Unseen("unobserved:1", "w1", at("12:10:00"), at("12:20:00"), "isolated"),)


def _incident(number: str, owner: str, **given) -> ReportedIncident:
    values = {
        "title": f"Mất đường truyền {owner}",
        "title_en": f"{owner} line lost",
        "severity": Severity.P2,
        "phase": Phase.POLL,
        "priority": Priority.B,
        "state": IncidentState.CLOSED,
        **given,
    }
    return ReportedIncident(number=number, owner=owner, **values)


INCIDENTS = (
    _incident(
        "SC-21-1",
        "VNPT",
        began_at=at("09:00:00"),
        opened_at=at("09:00:10"),
        first_page_at=at("09:00:12"),
        first_healthy_page_at=at("09:00:20"),
        acknowledged_at=at("09:03:10"),
        restored_at=at("09:15:00"),
        acknowledge_by=at("09:10:10"),
        temporary_by=at("09:30:10"),
        restore_by=at("11:00:10"),
        cause=CauseClass.FIBRE_CUT,
        is_disputed=True,
        measures="Hàn nối cáp tại cột 14.",
    ),
    _incident(
        "SC-21-2",
        "VIETTEL",
        severity=Severity.P1,
        priority=Priority.A,
        began_at=at("10:00:00"),
        opened_at=at("10:00:05"),
        first_page_at=at("10:00:06"),
        first_healthy_page_at=at("10:00:06"),
        acknowledged_at=at("10:06:05"),
        mitigated_at=at("10:20:00"),
        restored_at=at("11:00:00"),
        acknowledge_by=at("10:05:05"),
        temporary_by=at("10:15:05"),
        restore_by=at("11:00:05"),
        cause=CauseClass.FIBRE_CUT,
        false_restorations=1,
        isolated=("S1",),
    ),
    _incident(
        "SC-21-3",
        "VIETTEL",
        severity=Severity.P3,
        priority=Priority.C,
        phase=Phase.TALLY,
        state=IncidentState.OPEN,
        began_at=at("22:00:00"),
        opened_at=at("22:00:30"),
        acknowledge_by=at("22:15:30"),
        restore_by=at("+1 02:00:30"),
    ),
    _incident(
        "DT-21-1",
        "VNPT",
        began_at=at("03:00:00"),
        opened_at=at("03:00:20"),
        acknowledged_at=at("03:01:20"),
        restored_at=at("03:30:00"),
        is_drill=True,
    ),
)


def reference_day(**changes) -> Record:
    """Answer the day's record, with some of its parts replaced."""
    inventory = load(sample("soc-trang-2021"))
    values = {
        "since": MIDNIGHT,
        "until": MIDNIGHT + timedelta(days=1),
        "taken_at": MIDNIGHT + timedelta(days=1),
        "election": inventory.election,
        "paths": PATHS,
        "outages": OUTAGES,
        "unseen": UNSEEN,
        "spells": SPELLS,
        "losses": (
            SiteLoss("change:7", "S1", "UBBC phường 5", "31498", at("12:12:00"), at("12:18:00")),
            SiteLoss("change:7b", "S1", "UBBC phường 5", "31498", at("12:15:00"), at("12:19:00")),
        ),
        "incidents": INCIDENTS,
        "turns": (
            Turn("VNPT", Duty.OPERATIONS, "VNPT-OPS-1", at("00:00:00"), at("06:00:00"), "VNPT-OPS-2"),
            Turn("VNPT", Duty.OPERATIONS, "VNPT-OPS-2", at("06:30:00"), at("+1 00:00:00")),
        ),
        "gaps": (
            RosterGap("gap:1", "VNPT", Duty.OPERATIONS, at("06:00:00"), at("06:30:00")),
            RosterGap("gap:2", "VNPT", Duty.OPERATIONS, at("06:10:00"), at("06:20:00")),
        ),
        "aid": (
            AidGiven(
                "aid:1",
                "roaming",
                "VNPT",
                "VIETTEL",
                "closed",
                at("10:05:00"),
                at("10:08:00"),
                at("10:20:00"),
                at("11:00:00"),
                "SC-21-2",
            ),
        ),
        "tiles": tuple(
            Tile(area.code, area.name, area.parent or "", area.col, area.row)
            for area in inventory.areas.values()
            if area.col is not None and area.row is not None
        ),
        "names": {code: (party.name, party.name_en) for code, party in inventory.parties.items()}
        | {code: (area.name, area.name_en) for code, area in inventory.areas.items()},
        "people": {code: (person.name, person.position) for code, person in inventory.people.items()},
        **changes,
    }
    return Record(**values)
