"""The short ones: quick report by slot, daily report, shift handover."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alerting.models import LIVE
from dashboards.reports.brief import Brief
from dashboards.reports.document import Block, Cell, Column, Form, Paragraph, Row, Table
from dashboards.reports.drafts import Section
from dashboards.reports.record import ReportedIncident, Turn
from dashboards.reports.sentences import situation
from dashboards.reports.tongue import NOTHING

__all__ = ["daily", "handover", "quick"]


def quick(brief: Brief) -> tuple[Form, list[Block]]:
    """Compose the quick report of a slot: one page."""
    say = brief.say
    slot = brief.tongue.minute(brief.record.until)
    form = brief.form(
        say("Báo cáo nhanh", "Quick report"),
        say(
            f"Tình hình bảo đảm thông tin liên lạc phục vụ bầu cử, mốc {slot}",
            f"State of communications for the election, slot {slot}",
        ),
    )
    return form, [
        brief.head(2, "1. Tình hình chung", "1. General situation"),
        Paragraph(
            say(f"Trong kỳ {brief.span}: ", f"In the time {brief.span}: ")
            + situation(brief.facts, brief.tongue)
        ),
        *_states(brief),
        brief.head(2, "2. Đơn vị mất liên lạc", "2. Sites cut off"),
        *([brief.time.losses()] if brief.facts.losses else [Paragraph(say("Không có.", "None."))]),
        *brief.roll.brief(),
        brief.head(2, "3. Lực lượng trực", "3. On duty"),
        _duty(brief, brief.record.until),
        brief.head(2, "4. Kiến nghị", "4. Proposals"),
        *brief.section(Section.REMARKS),
    ]


def daily(brief: Brief) -> tuple[Form, list[Block]]:
    """Compose the daily report."""
    say = brief.say
    day = brief.tongue.day(brief.record.since)
    form = brief.form(
        say("Báo cáo", "Daily report"),
        say(
            f"Tình hình bảo đảm thông tin liên lạc phục vụ bầu cử ngày {day}",
            f"Communications for the election on {day}",
        ),
    )
    pictures = [each for each in brief.pictures() if each.name in {"timeline", "carriers"}]
    return form, [
        brief.head(1, "I. Tình hình chung", "I. General situation"),
        Paragraph(situation(brief.facts, brief.tongue)),
        *pictures,
        brief.head(1, "II. Sự cố và xử lý", "II. Incidents and handling"),
        *_states(brief),
        brief.time.causes(),
        brief.conduct.responses(),
        brief.conduct.quality(),
        brief.conduct.owed(),
        *([brief.time.losses()] if brief.facts.losses else []),
        *([brief.conduct.congestions()] if brief.facts.congestions else []),
        *brief.roll.brief(),
        brief.head(1, "III. Chế độ trực", "III. Duty"),
        *(
            [brief.conduct.gaps()]
            if brief.facts.roster_gaps
            else [Paragraph(say("Không có khoảng trống ca trực.", "The roster had no gap."))]
        ),
        brief.head(1, "IV. Nhận xét, kiến nghị", "IV. Remarks and proposals"),
        *brief.section(Section.REMARKS),
        *brief.section(Section.PROPOSALS),
        brief.annex("", "Số liệu trong ngày", "Figures of the day"),
        brief.time.outages(),
        *([brief.roll.sites()] if brief.facts.roll.calls else []),
        *brief.hours(),
    ]


def handover(brief: Brief) -> tuple[Form, list[Block]]:
    """Compose the minutes of a shift's handover: what happened in it, what goes on, who follows."""
    say, tongue = brief.say, brief.tongue
    party = tongue.name(brief.order.party) if brief.order.party else ""
    title = say(
        f"Bàn giao ca trực {party} {brief.span}".replace("  ", " "),
        f"Shift handover {party} {brief.span}".replace("  ", " "),
    )
    form = brief.form(say("Biên bản", "Minutes"), title)
    sides = (say("NGƯỜI GIAO CA", "HANDED OVER BY"), say("NGƯỜI NHẬN CA", "TAKEN OVER BY"))
    given, taken = _people(brief, brief.record.since), _people(brief, brief.record.until)
    live, ended = _parted(brief)
    blocks: list[Block] = [
        brief.head(2, "1. Người trực trong ca", "1. On duty in the shift"),
        _duty(brief, brief.record.since),
        brief.head(2, "2. Diễn biến trong ca", "2. What happened"),
        Paragraph(situation(brief.facts, tongue)),
        *_listed(brief, ended, "ended", say("Sự cố đã khắc phục trong ca", "Ended in the shift")),
        *brief.roll.brief(),
        brief.head(2, "3. Việc chuyển ca sau", "3. What goes on"),
        *_listed(brief, live, "live", say("Sự cố đang xử lý", "Open incidents")),
        brief.head(2, "4. Ca sau", "4. The next shift"),
        _duty(brief, brief.record.until),
        brief.head(2, "5. Ghi chú", "5. Notes"),
        *brief.section(Section.REMARKS),
    ]
    signatures = tuple(zip(sides, (given, taken), strict=True))
    return replace(form, signatures=signatures, recipients=(), authority=()), blocks


def _people(brief: Brief, at: datetime) -> str:
    turns = _turns_at(brief.record.turns, at)
    names = [brief.record.people.get(turn.person, (turn.person, ""))[0] for turn in turns]
    return names[0] if len(names) == 1 else ""


def _turns_at(turns: Sequence[Turn], at: datetime) -> list[Turn]:
    return [turn for turn in turns if turn.start <= at < turn.end]


def _parted(brief: Brief) -> tuple[list[ReportedIncident], list[ReportedIncident]]:
    """Part the window's incidents into those that are still open at its end and those that are over."""
    kept = set(brief.facts.response.sources)
    found = sorted(
        (each for each in brief.record.incidents if each.number in kept), key=lambda each: each.opened_at
    )
    live = [each for each in found if each.state in LIVE and each.restored_at is None]
    return live, [each for each in found if each not in live]


def _listed(brief: Brief, found: Sequence[ReportedIncident], name: str, title: str) -> list[Block]:
    if not found:
        return [Paragraph(f"{title}: {brief.say('không có', 'none')}.")]
    return [brief.conduct.incidents(found, title=title, name=name)]


def _states(brief: Brief) -> list[Block]:
    """Count new, open and ended incidents by party, and how its paths stand."""
    say, tongue, facts = brief.say, brief.tongue, brief.facts
    live, ended = _parted(brief)
    parties = {line.key for line in facts.by_carrier} | {each.owner for each in (*live, *ended)}
    columns = (
        Column(say("Đơn vị", "Party"), 2.4),
        Column(say("Tình trạng", "State"), 1.4),
        Column(say("Mới", "New"), 0.7, "right", "count"),
        Column(say("Đang xử lý", "Open"), 0.9, "right", "count"),
        Column(say("Đã khắc phục", "Ended"), 0.9, "right", "count"),
        Column(say("Gián đoạn", "Lost"), 1.2, "right", "duration"),
        Column(say("Độ khả dụng", "Availability"), 1.1, "right", "share"),
    )
    rows = tuple(_state(brief, party, live, ended) for party in sorted(parties))
    total = _state(brief, None, live, ended)
    counts = f"{tongue.count(len(live))}", f"{tongue.count(len(ended))}", tongue.count(facts.incidents)
    control = say(
        f"Kiểm tra: {counts[0]} đang xử lý + {counts[1]} đã khắc phục = {counts[2]} sự cố.",
        f"Control: {counts[0]} open + {counts[1]} ended = {counts[2]} incidents.",
    )
    return [Table("states", say("Tình trạng theo đơn vị", "By party"), columns, rows, total, control, 10)]


def _state(
    brief: Brief, party: str | None, live: Sequence[ReportedIncident], ended: Sequence[ReportedIncident]
) -> Row:
    """Answer a party's row; without a party that of all."""
    say, tongue = brief.say, brief.tongue
    still = [each for each in live if party in {None, each.owner}]
    over = [each for each in ended if party in {None, each.owner}]
    new = sum(each.opened_at >= brief.record.since for each in (*still, *over))
    lines = {line.key: line for line in brief.facts.by_carrier}
    line = brief.facts.whole if party is None else lines.get(party)
    state = say("có sự cố", "in trouble") if still else say("bình thường", "normal")
    return (
        Cell(say("Tổng cộng", "Total") if party is None else tongue.name(party)),
        Cell("" if party is None else state),
        Cell(tongue.count(new), new),
        Cell(tongue.count(len(still)), len(still)),
        Cell(tongue.count(len(over)), len(over)),
        Cell(tongue.duration(line.times.lost), line.times.lost) if line else Cell(NOTHING),
        Cell(tongue.availability(line.times), line.times.ratio) if line else Cell(NOTHING),
    )


def _duty(brief: Brief, at: datetime) -> Table:
    say, tongue = brief.say, brief.tongue
    columns = (
        Column(say("Đơn vị", "Party"), 2),
        Column(say("Nhiệm vụ trực", "Duty"), 1.6),
        Column(say("Người trực", "Person"), 2),
        Column(say("Thay thế", "Substitute"), 1.6),
        Column(say("Đến", "Until"), 1),
    )
    people = brief.record.people
    rows = tuple(
        (
            Cell(tongue.name(turn.party)),
            Cell(tongue.label(turn.duty)),
            Cell(people.get(turn.person, (turn.person, ""))[0]),
            Cell(people.get(turn.substitute, (turn.substitute, ""))[0]),
            Cell(f"{tongue.local(turn.end):%H:%M %d/%m}"),
        )
        for turn in _turns_at(brief.record.turns, at)
        if not brief.order.party or turn.party == brief.order.party
    )
    moment = tongue.minute(at)
    return Table(f"duty_{at:%H%M}", say(f"Trực lúc {moment}", f"On duty at {moment}"), columns, rows, size=10)
