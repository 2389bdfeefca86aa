"""What goes to one party: the annex of a carrier, and the dossier of an incident with its whole ledger."""

from dashboards.reports.brief import Brief
from dashboards.reports.document import Block, Cell, Column, Form, Note, Paragraph, Table
from dashboards.reports.drafts import Section
from dashboards.reports.record import ReportedIncident
from dashboards.reports.tongue import NOTHING

__all__ = ["carrier", "dossier"]


def carrier(brief: Brief) -> tuple[Form, list[Block]]:
    """Compose the annex of a carrier: its own hours, incidents and answers, nobody else's."""
    say, tongue, facts = brief.say, brief.tongue, brief.facts
    name = tongue.name(brief.order.party)
    form = brief.form(
        say("Phụ lục báo cáo", "Annex"),
        say(
            f"Số liệu bảo đảm thông tin liên lạc của {name}",
            f"Figures of communications assurance of {name}",
        ),
    )
    own = sorted(brief.record.incidents, key=lambda each: (each.opened_at, each.number))
    kept = [each for each in own if each.number in set(facts.response.sources)]
    pictures = [each for each in brief.pictures() if each.name in {"timeline", "causes"}]
    return form, [
        Paragraph(
            say(
                f"Số liệu {brief.span} trên {tongue.count(facts.whole.objects)} đường liên lạc; độ khả dụng "
                f"{tongue.availability(facts.whole.times)}, không kể phần đang xem xét "
                f"{tongue.undisputed(facts.whole.times)}.",
                f"Figures {brief.span} over {tongue.count(facts.whole.objects)} paths; availability "
                f"{tongue.availability(facts.whole.times)}, without what is disputed "
                f"{tongue.undisputed(facts.whole.times)}.",
            )
        ),
        *pictures,
        brief.head(2, "1. Thời gian gián đoạn", "1. Time lost"),
        brief.time.causes(),
        brief.head(2, "2. Xử lý sự cố", "2. Handling of incidents"),
        brief.conduct.responses(),
        brief.conduct.quality(),
        brief.conduct.owed(),
        brief.conduct.norms(),
        *([brief.conduct.congestions()] if facts.congestions else []),
        *([brief.conduct.gaps()] if facts.roster_gaps else []),
        *([brief.conduct.aid()] if facts.aid else []),
        *brief.roll.brief(),
        brief.head(2, "3. Nhận xét", "3. Remarks"),
        *brief.section(Section.REMARKS),
        brief.annex("", "Danh sách sự cố, gián đoạn và số liệu", "Incidents, interruptions and figures"),
        brief.conduct.incidents(kept),
        brief.time.outages(),
        *brief.hours(),
    ]


def dossier(brief: Brief) -> tuple[Form, list[Block]]:
    """Compose the dossier of one incident: moments, deadlines, paths, ledger, messages."""
    say = brief.say
    found = next(iter(brief.record.incidents), None)
    number = brief.order.incident
    title = say(found.title, found.title_en or found.title) if found else NOTHING
    form = brief.form(say("Hồ sơ sự cố", "Incident dossier"), f"{number}: {title}")
    if found is None:
        return form, [Paragraph(say("Không có sự cố này.", "There is no such incident."))]
    blocks: list[Block] = [
        brief.head(2, "1. Tóm tắt", "1. Summary"),
        _moments(brief, found),
        *([Paragraph(found.measures)] if found.measures else []),
        brief.head(2, "2. Thời hạn", "2. Deadlines"),
        brief.conduct.owed(),
        brief.head(2, "3. Bài học", "3. Lessons"),
        *brief.section(Section.LESSONS),
        brief.annex("I", "Đường liên lạc bị ảnh hưởng", "Paths hit"),
        brief.time.outages(),
        *([brief.time.losses()] if brief.facts.losses else []),
        *brief.roll.told(),
        *brief.roll.calls(brief.record.calls),
        brief.annex("II", "Nhật ký sự cố", "Ledger"),
        _ledger(brief, found),
        Note(_chain(brief, found)),
    ]
    if found.messages:
        blocks += [brief.annex("III", "Tin đã gửi", "Messages"), _messages(brief, found)]
    return form, blocks


def _moments(brief: Brief, found: ReportedIncident) -> Table:
    tongue, say = brief.tongue, brief.say
    named = (
        (say("Bắt đầu lỗi", "Fault began"), found.began_at, None),
        (say("Mở phiếu", "Opened"), found.opened_at, None),
        (say("Tin gọi đầu tiên", "First page"), found.first_page_at, None),
        (
            say("Tin gọi đầu tiên qua mạng khác", "First page on a healthy path"),
            found.first_healthy_page_at,
            None,
        ),
        (say("Tiếp nhận", "Acknowledged"), found.acknowledged_at, found.acknowledge_by),
        (say("Có liên lạc tạm", "Temporary service"), found.mitigated_at, found.temporary_by),
        (say("Khôi phục (đã đo kiểm)", "Restored (measured)"), found.restored_at, found.restore_by),
        (say("Đóng phiếu", "Closed"), found.closed_at, None),
    )
    columns = (
        Column(say("Mốc", "Moment"), 2),
        Column(say("Lúc", "At"), 1.5),
        Column(say("Thời hạn", "Due"), 1.5),
    )
    rows = tuple((Cell(text), Cell(tongue.moment(at)), Cell(tongue.moment(due))) for text, at, due in named)
    title = (
        f"{found.number} · {tongue.name(found.owner)} · {found.severity.value} · {tongue.label(found.phase)} · "
        f"{tongue.label(found.cause)} · {tongue.label(found.state)}"
    )
    return Table("moments", title, columns, rows)


def _ledger(brief: Brief, found: ReportedIncident) -> Table:
    say, tongue = brief.say, brief.tongue
    columns = (
        Column(say("STT", "No."), 0.5, "right", "count"),
        Column(say("Lúc", "At"), 1.5),
        Column(say("Sự kiện", "Event"), 1.6),
        Column(say("Ai", "Who"), 1.5),
        Column(say("Ghi chú", "Note"), 3.4),
        Column(say("Mã băm", "Hash"), 1.2),
    )
    rows = tuple(
        (
            Cell(str(line.sequence), line.sequence),
            Cell(tongue.moment(line.at)),
            Cell(line.event),
            Cell(line.actor),
            Cell(line.note),
            Cell(line.hash[:12]),
        )
        for line in found.ledger
    )
    return Table("ledger", say("Nhật ký", "Ledger"), columns, rows, size=9)


def _chain(brief: Brief, found: ReportedIncident) -> str:
    if not found.ledger:
        return brief.say("Không có nhật ký.", "There is no ledger.")
    if found.chain_broken_at is not None:
        return brief.say(
            f"CẢNH BÁO: chuỗi băm không khớp từ mục {found.chain_broken_at}.",
            f"WARNING: the hash chain does not hold from entry {found.chain_broken_at}.",
        )
    return brief.say(
        f"Chuỗi băm của {len(found.ledger)} mục đã được kiểm tra, nguyên vẹn.",
        f"The hash chain of {len(found.ledger)} entries was checked and is whole.",
    )


def _messages(brief: Brief, found: ReportedIncident) -> Table:
    say, tongue = brief.say, brief.tongue
    columns = (
        Column(say("Lúc", "At"), 1.5),
        Column(say("Loại", "Kind"), 1),
        Column(say("Gửi đến", "To"), 2),
        Column(say("Kênh", "Channel"), 1),
        Column(say("Qua mạng", "Rides on"), 1),
        Column(say("Kết quả", "State"), 1.4),
    )
    rows = tuple(
        (
            Cell(tongue.moment(each.at)),
            Cell(each.kind),
            Cell(brief.record.people.get(each.person, (each.person, ""))[0]),
            Cell(each.channel),
            Cell(each.rides_on or NOTHING),
            Cell(each.state),
        )
        for each in found.messages
    )
    return Table("messages", say("Tin đã gửi", "Messages"), columns, rows, size=9)
