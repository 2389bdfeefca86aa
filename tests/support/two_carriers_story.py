"""What happened on the day of the two carriers: to each of them the same, through the service's own surfaces."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from alerting.endpoint_service import Editor
from alerting.endpoints import EndpointEvent
from alerting.roster_links import Opening, Purpose
from inventory.database import transaction
from monitor.assembly import clocks
from tests.support.loads import carried, congested
from tests.support.two_carriers import CARRIERS, MarkOf, mark
from tests.support.two_carriers_day import EVENING, Day, Side, account_of

__all__ = ["a_day_of_two", "nobody"]


@asynccontextmanager
async def a_day_of_two(
    folder: Path, patch: Callable[[ModuleType, str, object], None], *, engine: str = ""
) -> AsyncIterator[Day]:
    """Let the day happen on the database ``engine``; empty: that of this run of the tests.

    ``patch`` takes the clock of the composition root in hand (monkeypatch.setattr).
    """
    held: list[Day] = []
    for name, module in list(sys.modules.items()):
        if (
            name.startswith("monitor.")
            and getattr(module, "now", None) is clocks.now
            and module is not clocks
        ):
            patch(module, "now", lambda: held[0].now if held else EVENING)
    day = Day(folder, engine)
    held.append(day)
    await day.open()
    try:
        await _common_work(day)
        for party in CARRIERS:
            day.sides[party] = await _happened_to(day, party)
        await _reassigned(day)
        await _together(day)
        await _trunk(day)
        await _of_the_department(day)
        while await day.service.pages.reports.build_next() is not None:
            pass
        yield day
    finally:
        await day.close()


def nobody() -> Side:
    """Answer a side that never was; what it names has the shape of what is there."""
    return Side(
        party="NOBODY",
        incident="3141592653589793",
        number="SC-21-99999",
        digest="f" * 64,
        site="QNOBODYQSITEQ",
        person="QNOBODYQPERSONQ",
        second="QNOBODYQSECONDQ",
        shift="sNoSuchShiftAtAl",
        target="QNOBODYQTARGETQ-1",
        ring="QNOBODYQRINGQ",
        aid="2718281828459045",
        work="2718281828459046",
        report="2718281828459047",
        handover="2718281828459048",
        swap="2718281828459049",
        upload="uNoSuchUploadAtAll000",
        account="qnobodyqaccountq",
        link="NoSuchLink",
        mine="NoSuchOpening",
        calendar="NoSuchCalendar",
        drill="2718281828459050",
        inspection="2718281828459051",
        finding="2718281828459052",
        token="2718281828459053",
        hook="271828182845",
        line="QNOBODYQLINKQ",
    )


async def _common_work(day: Day) -> None:
    """BRAVO works at the site of both while ALPHA's line there will fail: a window that covers what is not its own."""
    await day.post(
        "officer",
        "/planned",
        {
            "subject": "site:BOTH",
            "starts_at": (day.now + timedelta(seconds=1)).isoformat(),
            "ends_at": (day.now + timedelta(hours=1)).isoformat(),
            "owner": "BRAVO",
            "reference": day.secret("BRAVO", "common"),
            "note": day.secret("BRAVO", "commonnote"),
        },
    )


async def _happened_to(day: Day, party: str) -> Side:
    side = Side(
        party=party,
        site=mark(party, "site"),
        person=mark(party, "person"),
        second=mark(party, "second"),
        target=f"{mark(party, 'target')}-1",
        ring=mark(party, "ring"),
        account=account_of(party),
    )
    side = await _carried(day, side)
    side = await _listening(day, side)
    side = await _measured(day, side)
    await _told(day, side)
    await _called(day, side)
    side = await _helped(day, side)
    side = await _planned(day, side)
    side = await _rostered(day, side)
    side = await _linked(day, side)
    side = await _visited(day, side)
    side = await _exercised(day, side)
    return await _reported(day, side)


async def _carried(day: Day, side: Side) -> Side:
    """Its line was busy for a week, congested yesterday and is congested now."""
    line, hour = mark(side.party, "link"), timedelta(hours=1)
    database = day.service.database
    await carried(database, line, now=day.now)
    await congested(
        database, line, side.party, since=day.now - 30 * hour, until=day.now - 29 * hour, ended=True
    )
    await congested(database, line, side.party, since=day.now - hour, until=day.now)
    return replace(side, line=line)


async def _listening(day: Day, side: Side) -> Side:
    """A machine of the carrier's is told of everything; what it is told is signed with a secret that is shown once."""
    made = await day.service.pages.endpoints.add(
        Editor(account_of(side.party), side.party),
        url=f"http://127.0.0.1:9/{day.secret(side.party, 'hook')}",
        events=tuple(EndpointEvent),
    )
    day.marks[made.secret] = MarkOf(side.party, is_for_nobody=True)
    return replace(side, hook=str(made.id))


async def _measured(day: Day, side: Side) -> Side:
    """A ring is cut; the carrier takes it on, tells, attaches, disputes."""
    me, party = account_of(side.party), side.party
    await day.cut(*day.service.monitor.topology.targets_of_risk(side.ring))
    found = await day.incident_of(f"risk:{side.ring}")
    path = f"/incidents/{found.id}"
    day.marks[found.number] = MarkOf(party)
    day.marks[str(found.id)] = MarkOf(party)
    await day.post(me, f"{path}/acknowledge", {"note": day.secret(party, "acknote")})
    await day.post(me, f"{path}/progress", {"note": day.secret(party, "progress")})
    name, content = day.secret(party, "filename"), day.secret(party, "filetext")
    await day.post(me, f"{path}/evidence", files={"file": (f"{name}.txt", content.encode(), "text/plain")})
    await day.post(me, f"{path}/dispute", {"kind": "cause", "note": day.secret(party, "dispute")})
    await day.post("officer", f"{path}/note", {"note": day.secret(party, "officernote")})
    digest = sha256(content.encode()).hexdigest()
    return replace(side, incident=str(found.id), number=found.number, digest=digest)


async def _told(day: Day, side: Side) -> None:
    """A commune calls about it, and something that only a few may know of happens to it."""
    party = side.party
    made = await day.post(
        "officer",
        "/incidents",
        {
            "matter": "no_service",
            "text": day.secret(party, "told"),
            "site": side.site,
            "owner": party,
            "caller": day.secret(party, "caller"),
            "phone": day.secret(party, "callerphone"),
        },
    )
    day.marks[made["number"]] = MarkOf(party)
    shut = {"is_restricted": True}
    made = await day.post(
        "officer",
        "/incidents",
        {
            "matter": "security",
            "text": day.secret(party, "security", **shut),
            "owner": party,
            "caller": day.secret(party, "securitycaller", **shut),
        },
    )
    path = f"/incidents/{made['id']}"
    day.marks[made["number"]] = day.marks[str(made["id"])] = MarkOf(party, **shut)
    me = account_of(party)
    await day.post(me, f"{path}/acknowledge", {"note": day.secret(party, "securitynote", **shut)})
    file = (f"{day.secret(party, 'securityfile', **shut)}.txt", b"restricted", "text/plain")
    await day.post(me, f"{path}/evidence", files={"file": file})
    await day.post(
        me, f"{path}/dispute", {"kind": "owner", "note": day.secret(party, "securitydispute", **shut)}
    )
    day.restricted[party] = replace(nobody(), party=party, incident=str(made["id"]), number=made["number"])


async def _called(day: Day, side: Side) -> None:
    """The department calls the carrier's own site, and the site of both: what is said there is the department's to know."""
    line = f"{mark(side.party, 'path')}-BOTH"
    for site, path, name in ((side.site, "", f"rollnote{side.party.lower()}"), ("BOTH", line, "rollnote")):
        heard = {"site": site, "path": path, "answer": "lost", "network": side.party}
        await day.post("officer", "/rollcall", {**heard, "note": day.secret("STTTT", name)})


async def _helped(day: Day, side: Side) -> Side:
    party, me = side.party, account_of(side.party)
    order = {
        "incident": int(side.incident),
        "kind": "generator",
        "helper": "CHARLIE",
        "area": "941",
        "need": day.secret(party, "need", is_shared=True),
        "minutes": 60,
    }
    aid = await day.post(me, "/aid", order)
    path = f"/aid/{aid['id']}"
    await day.post("officer", f"{path}/request")
    await day.post("charlie", f"{path}/accept", {"note": "", "lead_minutes": 20, "capacity": "hai máy"})
    await day.post(me, f"{path}/note", {"note": day.secret(party, "aidnote")})
    return replace(side, aid=str(aid["id"]))


async def _planned(day: Day, side: Side) -> Side:
    party = side.party
    work = await day.post(
        "officer",
        "/planned",
        {
            "subject": f"risk:{side.ring}",
            "starts_at": (day.now + timedelta(hours=2)).isoformat(),
            "ends_at": (day.now + timedelta(hours=3)).isoformat(),
            "reference": day.secret(party, "reference"),
            "note": day.secret(party, "worknote"),
        },
    )
    return replace(side, work=str(work["id"]))


async def _rostered(day: Day, side: Side) -> Side:
    party, me = side.party, account_of(side.party)
    shift = {
        "party": party,
        "duty": "response",
        "person": side.person,
        "start": "2021-05-27T06:00:00+07:00",
        "end": "2021-05-28T06:00:00+07:00",
        "note": day.secret(party, "shiftnote"),
    }
    made = await day.post(me, "/roster/shifts", shift)
    swap = {"shift": made["id"], "person": side.second, "note": day.secret(party, "swapnote")}
    swapped = await day.post(me, "/roster/swaps", swap)
    offer = {"party": party, "duty": "response", "note": day.secret(party, "handovernote")}
    handover = await day.post(me, "/roster/handovers", offer)
    day.marks[made["id"]] = MarkOf(party)
    newcomer = day.secret(party, "newcomer", is_own_only=True)
    upload = await day.service.pages.imports.keep(
        f"Ngày,Ca,Họ và tên\n28/05/2021,6h-14h,{newcomer}\n".encode(),
        f"{day.secret(party, 'upload', is_own_only=True)}.csv",
        actor=me,
        party=party,
    )
    return replace(
        side, shift=made["id"], swap=str(swapped["id"]), handover=str(handover["id"]), upload=upload
    )


async def _linked(day: Day, side: Side) -> Side:
    """Links that open things without an account: shown to nobody, and opening each party's own only."""
    service, party = day.service, side.party
    async with transaction(service.database) as connection:
        issued = await service.alerting.links.issue(
            connection,
            incident=int(side.incident),
            person=side.person,
            expires_at=day.now + timedelta(days=1),
        )
        opened = [
            await service.pages.roster_links.issue(
                connection, Opening(purpose, party, side.person), by="officer", at=day.now, expires_at=None
            )
            for purpose in (Purpose.CONFIRM, Purpose.CALENDAR)
        ]
    link = issued.link.rpartition("/")[2]
    secrets = (link, *opened, day.tokens[account_of(party)], day.cookies[account_of(party)])
    day.marks |= dict.fromkeys(secrets, MarkOf(party, is_for_nobody=True))
    return replace(side, link=link, mine=opened[0], calendar=opened[1])


async def _visited(day: Day, side: Side) -> Side:
    """Somebody looks at the carrier's ground, finds something, and the carrier says that it is mended."""
    party = side.party
    visit = await _inspection(day)
    found = await _finding(day, visit, party, day.secret(party, "finding"))
    await day.post(account_of(party), f"/findings/{found}/fixed", {"note": day.secret(party, "mended")})
    return replace(side, inspection=visit, finding=found)


async def _inspection(day: Day) -> str:
    plan = {
        "area": "941",
        "planned_at": day.now.isoformat(),
        "inspectors": [day.secret("STTTT", "inspector")],
    }
    return str((await day.post("officer", "/inspections", plan))["id"])


async def _finding(day: Day, visit: str, owner: str, text: str) -> str:
    body = {"text": text, "owner": owner, "due_at": (day.now + timedelta(days=1)).isoformat()}
    told = await day.post("officer", f"/inspections/{visit}/findings", body)
    return next(str(each["id"]) for each in told["findings"] if each["text"] == text)


async def _exercised(day: Day, side: Side) -> Side:
    """A drill of one carrier alone, still to come; and the number of a token, as its owner's page shows it."""
    party, me = side.party, account_of(side.party)
    drill = await _drill(
        day, [party], hours=3, name=day.secret(party, "drill"), scenario=day.secret(party, "scenario")
    )
    [token] = await day.service.pages.tokens.of(me)
    return replace(side, drill=drill, token=str(token.id))


async def _drill(day: Day, parties: list[str], *, hours: int, name: str, scenario: str) -> str:
    window = {
        "starts_at": (day.now + timedelta(hours=hours)).isoformat(),
        "ends_at": (day.now + timedelta(hours=hours + 1)).isoformat(),
    }
    body = {"name": name, "scenario": scenario, "parties": parties, **window}
    return str((await day.post("officer", "/drills", body))["id"])


async def _together(day: Day) -> None:
    """Both are in one drill and in one inspection: each learns of its own part, and nothing of the other's.

    What follows on this day is in the drill: a trunk of ALPHA, and here what somebody told of BRAVO, for all and for a
    few to know.
    """
    drill = await _drill(day, list(CARRIERS), hours=0, name="Diễn tập chung", scenario="chung")
    shut = {"is_restricted": True}
    told = [
        ("no_service", day.secret("BRAVO", "drilltold")),
        ("security", day.secret("BRAVO", "drillshut", **shut)),
    ]
    for matter, text in told:
        made = await day.post("officer", "/incidents", {"matter": matter, "text": text, "owner": "BRAVO"})
        day.marks[made["number"]] = MarkOf("BRAVO", is_restricted=matter == "security")
        assert made["facts"]["drill"]["id"] == int(drill), "it is part of the drill"
    visit = await _inspection(day)
    for party in CARRIERS:
        await _finding(day, visit, party, day.secret(party, "findingtogether"))
    day.together = replace(nobody(), party="ALPHA", drill=drill, inspection=visit)


async def _reported(day: Day, side: Side) -> Side:
    me = account_of(side.party)
    window = {"since": (day.now - timedelta(hours=1)).isoformat(), "until": day.now.isoformat()}
    annex = await day.post(me, "/reports", {**window, "kind": "carrier"})
    await day.post(me, "/reports", {**window, "kind": "dossier", "incident": side.number})
    return replace(side, report=str(annex["id"]))


async def _reassigned(day: Day) -> None:
    """What was BRAVO's becomes ALPHA's; what BRAVO said and attached in its time stays BRAVO's."""
    bravo = account_of("BRAVO")
    made = await day.post(
        "officer", "/incidents", {"matter": "poor_service", "text": "chập chờn", "owner": "BRAVO"}
    )
    path = f"/incidents/{made['id']}"
    await day.post(bravo, f"{path}/acknowledge", {"note": day.secret("BRAVO", "before")})
    file = (f"{day.secret('BRAVO', 'beforefile')}.txt", b"before", "text/plain")
    await day.post(bravo, f"{path}/evidence", files={"file": file})
    await day.post(bravo, f"{path}/dispute", {"kind": "cause", "note": day.secret("BRAVO", "beforedispute")})
    await day.post("officer", f"{path}/reassign", {"owner": "ALPHA", "note": "thuộc mạng Một"})
    day.others.append(await _dossier(day, "ALPHA", str(made["id"]), made["number"]))


async def _dossier(day: Day, party: str, incident: str, number: str) -> Side:
    """The carrier orders the dossier of what was not all its own."""
    window = {"since": (day.now - timedelta(hours=1)).isoformat(), "until": day.now.isoformat()}
    body = {**window, "kind": "dossier", "incident": number}
    made = await day.post(account_of(party), "/reports", body)
    return replace(nobody(), party=party, incident=incident, number=number, report=str(made["id"]))


async def _trunk(day: Day) -> None:
    """A trunk of ALPHA fails that carries a line of BRAVO too: ALPHA's incident, and BRAVO's lines stay BRAVO's."""
    day.down.clear()
    await day.pass_by(5)
    await day.cut(*day.service.monitor.topology.targets_of_risk("ALPHA-TRUNK"))
    found = await day.incident_of("risk:ALPHA-TRUNK")
    assert found.owner == "ALPHA"
    day.others.append(await _dossier(day, "ALPHA", str(found.id), found.number))


async def _of_the_department(day: Day) -> None:
    own = {"matter": "other", "text": day.secret("STTTT", "told"), "owner": "STTTT"}
    shut = day.secret("STTTT", "security", is_restricted=True)
    for body in (own, {"matter": "security", "text": shut, "owner": "STTTT"}):
        made = await day.post("officer", "/incidents", body)
        day.marks[made["number"]] = MarkOf("STTTT", is_restricted="security" in body["matter"])
    window = {"since": (day.now - timedelta(hours=1)).isoformat(), "until": day.now.isoformat()}
    await day.post("officer", "/reports", {**window, "kind": "daily"})
