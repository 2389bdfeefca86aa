"""The post-election report: direction, results, incidents, assessment, proposals, annexes (DOMAIN.md, section 6)."""

from dashboards.reports.brief import Brief
from dashboards.reports.document import Block, Form, Paragraph, Table
from dashboards.reports.drafts import Section
from inventory.models import Phase, Severity

__all__ = ["post_election"]

_BEFORE = (Phase.PREPARE, Phase.INSPECT, Phase.EARLY, Phase.FREEZE, Phase.READY)
_AFTER = (Phase.TALLY, Phase.POST, Phase.RERUN, Phase.CLOSE)


def post_election(brief: Brief) -> tuple[Form, list[Block]]:
    """Compose the report."""
    say = brief.say
    form = brief.form(
        say("Báo cáo", "Report"),
        say(
            f"Kết quả bảo đảm thông tin liên lạc phục vụ {brief.election}",
            f"Results of communications assurance for the {brief.election}",
        ),
    )
    blocks: list[Block] = [*_opening(brief)]
    blocks += _direction(brief)
    blocks += _results(brief)
    blocks += _incidents(brief)
    blocks += _assessment(brief)
    blocks += _annexes(brief)
    return form, blocks


def _opening(brief: Brief) -> list[Block]:
    tongue, facts = brief.tongue, brief.facts
    found: list[Block] = []
    if brief.order.amends:
        found.append(
            Paragraph(
                brief.say(
                    f"Văn bản này bổ sung, đính chính {brief.order.amends}; số liệu tính lại toàn bộ từ bản ghi.",
                    f"This addendum corrects {brief.order.amends}; every figure was folded anew from the record.",
                )
            )
        )
    found.append(
        Paragraph(
            brief.say(
                f"Sở báo cáo kết quả bảo đảm thông tin liên lạc phục vụ {brief.election}, số liệu {brief.span}, trên "
                f"{tongue.count(facts.whole.objects)} đường liên lạc, chốt lúc {tongue.minute(facts.taken_at)}, như sau:",
                f"The department reports on communications for the {brief.election}, {brief.span}, over "
                f"{tongue.count(facts.whole.objects)} paths, as on record at {tongue.minute(facts.taken_at)}:",
            )
        )
    )
    return found


def _direction(brief: Brief) -> list[Block]:
    return [
        brief.head(1, "I. Công tác chỉ đạo, triển khai", "I. Direction and implementation"),
        brief.head(2, "1. Văn bản chỉ đạo, phương án", "1. Documents and plans"),
        *brief.section(Section.GUIDANCE),
        brief.head(2, "2. Phân công nhiệm vụ, chế độ trực", "2. Assignment and duty"),
        *brief.section(Section.DUTY),
        *([brief.conduct.gaps()] if brief.facts.roster_gaps else []),
        brief.head(2, "3. Tập huấn, diễn tập", "3. Training and drills"),
        *brief.section(Section.TRAINING),
    ]


def _results(brief: Brief) -> list[Block]:
    pictures = {picture.name: picture for picture in brief.pictures()}
    return [
        brief.head(1, "II. Kết quả thực hiện", "II. Results"),
        brief.head(2, "1. Trước ngày bầu cử", "1. Before election day"),
        *brief.section(Section.BEFORE),
        *brief.roll.told(_BEFORE),
        brief.head(2, "2. Trong ngày bầu cử", "2. On election day"),
        *brief.section(Section.POLLING),
        *brief.roll.told((Phase.POLL,)),
        *(pictures[name] for name in ("timeline", "map") if name in pictures),
        brief.head(2, "3. Sau ngày bầu cử", "3. After election day"),
        *brief.section(Section.AFTER),
        *brief.roll.told(_AFTER),
    ]


def _incidents(brief: Brief) -> list[Block]:
    facts, tongue = brief.facts, brief.tongue
    pictures = {picture.name: picture for picture in brief.pictures()}
    lengths = facts.lengths
    found: list[Block] = [
        brief.head(1, "III. Tình hình sự cố và xử lý", "III. Incidents and handling"),
        brief.head(2, "1. Tổng hợp", "1. Totals"),
        Paragraph(
            brief.say(
                f"Ghi nhận {tongue.count(facts.incidents)} sự cố và {tongue.count(facts.whole.outages)} lần gián đoạn "
                f"đường liên lạc; {tongue.count(len(facts.losses))} lần điểm mất liên lạc hoàn toàn. Các tình huống diễn "
                "tập không tính vào số liệu này.",
                f"{tongue.count(facts.incidents)} incidents and {tongue.count(facts.whole.outages)} interruptions of paths "
                f"are on record; {tongue.count(len(facts.losses))} times a site was cut off. Drills are not counted.",
            )
        ),
        *_counts(brief),
        *(pictures[name] for name in ("carriers", "causes") if name in pictures),
        *([brief.conduct.congestions()] if facts.congestions else []),
        brief.head(2, "2. Thời gian gián đoạn, khắc phục", "2. Time lost and restored"),
    ]
    if lengths.n:
        found.append(
            Paragraph(
                brief.say(
                    f"Tổng thời gian gián đoạn {tongue.spoken(lengths.total)}; mỗi lần trung vị "
                    f"{tongue.spoken(lengths.median)}, p90 {tongue.spoken(lengths.p90)}, dài nhất "
                    f"{tongue.spoken(lengths.worst)} ({lengths.worst_of}); n = {tongue.count(lengths.n)}.",
                    f"In all {tongue.spoken(lengths.total)} were lost; the median interruption was "
                    f"{tongue.spoken(lengths.median)}, p90 {tongue.spoken(lengths.p90)}, the longest "
                    f"{tongue.spoken(lengths.worst)} ({lengths.worst_of}); n = {tongue.count(lengths.n)}.",
                )
            )
        )
    found += [brief.time.causes(), brief.conduct.responses(), brief.conduct.quality(), brief.conduct.owed()]
    found.append(brief.conduct.norms())
    if facts.losses:
        found.append(brief.time.losses())
    found += _notable(brief)
    found.append(brief.head(2, "4. Ứng cứu lẫn nhau", "4. Mutual aid"))
    found.append(
        brief.conduct.aid()
        if facts.aid
        else Paragraph(brief.say("Không phát sinh yêu cầu ứng cứu.", "No aid was asked for."))
    )
    return found


def _counts(brief: Brief) -> list[Table]:
    facts, tongue, conduct, say = brief.facts, brief.tongue, brief.conduct, brief.say
    return [
        conduct.counted(
            "owners", say("Đơn vị chịu trách nhiệm", "Owner"), facts.incidents_by_owner, tongue.name
        ),
        conduct.counted(
            "severities",
            say("Mức độ", "Severity"),
            facts.incidents_by_severity,
            lambda key: Severity(key).value,
        ),
        conduct.counted(
            "opened_in",
            say("Giai đoạn", "Phase"),
            facts.incidents_by_phase,
            lambda key: tongue.label(Phase(key)),
        ),
    ]


def _notable(brief: Brief) -> list[Block]:
    """Tell the gravest incidents: by severity, then by how long they lasted."""
    kept = set(brief.facts.response.sources)
    grades = list(Severity)
    gravest = sorted(
        (each for each in brief.record.incidents if each.number in kept),
        key=lambda each: (
            grades.index(each.severity),
            each.began_at - (each.restored_at or brief.record.until),
            each.number,
        ),
    )[:5]
    found: list[Block] = [brief.head(2, "3. Các sự cố điển hình", "3. Notable incidents")]
    if not gravest:
        return [*found, Paragraph(brief.say("Không có.", "None."))]
    return [
        *found,
        brief.conduct.incidents(gravest, title=brief.say("Sự cố điển hình", "Notable"), name="notable"),
    ]


def _assessment(brief: Brief) -> list[Block]:
    parts = (
        (Section.STRONG, "1. Ưu điểm", "1. What went well"),
        (Section.WEAK, "2. Tồn tại, hạn chế", "2. Shortcomings"),
        (Section.CAUSES, "3. Nguyên nhân", "3. Causes"),
        (Section.LESSONS, "4. Bài học kinh nghiệm", "4. Lessons"),
    )
    found: list[Block] = [brief.head(1, "IV. Đánh giá chung", "IV. Assessment")]
    for section, vi, en in parts:
        found += [brief.head(2, vi, en), *brief.section(section)]
    return [
        *found,
        brief.head(1, "V. Kiến nghị, đề xuất", "V. Proposals"),
        *brief.section(Section.PROPOSALS),
    ]


def _annexes(brief: Brief) -> list[Block]:
    kept = set(brief.facts.response.sources)
    incidents = [each for each in brief.record.incidents if each.number in kept]
    return [
        brief.annex("I", "Danh sách sự cố", "Incidents"),
        brief.conduct.incidents(sorted(incidents, key=lambda each: (each.opened_at, each.number))),
        brief.annex("II", "Danh sách gián đoạn đường liên lạc", "Interruptions of paths"),
        brief.time.outages(),
        brief.annex("III", "Thời gian liên lạc theo từng cách phân loại", "Hours by every breakdown"),
        *brief.hours(),
        *_called(brief),
    ]


def _called(brief: Brief) -> list[Block]:
    """Attach the test of all numbers (II.1 d) and what the roll brought later, where anybody was called."""
    if not brief.facts.roll.calls:
        return []
    return [
        brief.annex("IV", "Điểm danh qua điện thoại", "Roll calls by telephone"),
        brief.roll.hours(),
        brief.roll.sites(),
    ]
