"""Text sections, drafted from facts; people edit them in the page, and edits are kept apart from figures."""

from collections.abc import Mapping
from enum import StrEnum

from dashboards.reports.facts import Facts, Line
from dashboards.reports.sentences import situation
from dashboards.reports.tongue import Tongue

__all__ = ["DRAFTED", "Section", "drafts"]


class Section(StrEnum):
    """A text that people may edit."""

    GUIDANCE = "guidance"
    DUTY = "duty"
    TRAINING = "training"
    BEFORE = "before"
    POLLING = "polling"
    AFTER = "after"
    STRONG = "strong"
    WEAK = "weak"
    CAUSES = "causes"
    LESSONS = "lessons"
    PROPOSALS = "proposals"
    REMARKS = "remarks"


DRAFTED: Mapping[str, tuple[Section, ...]] = {
    "quick": (Section.REMARKS,),
    "handover": (Section.REMARKS,),
    "daily": (Section.REMARKS, Section.PROPOSALS),
    "inspection": (Section.REMARKS,),
    "post_election": tuple(section for section in Section if section is not Section.REMARKS),
    "carrier": (Section.REMARKS,),
    "dossier": (Section.LESSONS,),
}
"""Which sections each kind of report has."""


def drafts(kind: str, facts: Facts, tongue: Tongue) -> dict[Section, str]:
    """Draft every text section of a kind of report."""
    made = _Drafts(facts, tongue)
    return {section: getattr(made, section.value)() for section in DRAFTED[kind]}


class _Drafts:
    def __init__(self, facts: Facts, tongue: Tongue) -> None:
        self._facts = facts
        self._tongue = tongue

    def guidance(self) -> str:
        return self._tongue.say(
            "Thực hiện chỉ đạo của Ủy ban bầu cử và Ủy ban nhân dân tỉnh, Sở đã ban hành phương án bảo đảm thông tin "
            "liên lạc phục vụ bầu cử và yêu cầu các doanh nghiệp xây dựng phương án, rà soát, bảo dưỡng mạng lưới, "
            "sẵn sàng ứng cứu lẫn nhau.",
            "As directed by the election committee and the provincial people's committee, the department issued its plan "
            "and asked the carriers for theirs, for a review of their networks and for readiness to help each other.",
        )

    def duty(self) -> str:
        gaps, tongue = self._facts.roster_gaps, self._tongue
        if not gaps:
            return tongue.say(
                "Chế độ trực 24/24 được duy trì, không có khoảng trống ca trực theo lịch.",
                "Duty was kept round the clock, without a gap in the roster.",
            )
        spoken = tongue.spoken(self._facts.roster_gap_seconds)
        return tongue.say(
            f"Chế độ trực 24/24 còn khoảng trống, tổng cộng {spoken} ở {len(gaps)} nhiệm vụ trực.",
            f"The round-the-clock duty had gaps: {spoken} in all, in {len(gaps)} duties.",
        )

    def training(self) -> str:
        drills, tongue = self._facts.drills, self._tongue
        if not drills.incidents:
            return tongue.say(
                "Không có tình huống diễn tập trong kỳ báo cáo.", "No drill lay in the time reported on."
            )
        spoken = tongue.spoken(drills.acknowledge.median)
        return tongue.say(
            f"Đã diễn tập {drills.incidents} tình huống; thời gian tiếp nhận trung vị {spoken}.",
            f"{drills.incidents} situations were drilled; the median time to acknowledge was {spoken}.",
        )

    def before(self) -> str:
        times = self._facts.whole
        return self._tongue.say(
            f"Đã rà soát, đưa vào giám sát {self._tongue.count(times.objects)} đường liên lạc của các điểm được bảo vệ.",
            f"{self._tongue.count(times.objects)} communication paths of protected sites were reviewed and watched.",
        )

    def polling(self) -> str:
        return situation(self._facts, self._tongue)

    def after(self) -> str:
        tally = [line for line in self._facts.by_phase if line.key in {"tally", "post", "rerun", "close"}]
        outages = sum(line.outages for line in tally)
        tongue = self._tongue
        if not outages:
            return tongue.say(
                "Không ghi nhận gián đoạn bắt đầu trong thời gian kiểm phiếu, tổng hợp và sau bầu cử.",
                "No interruption began during counting, totalling and after the election.",
            )
        return tongue.say(
            f"Ghi nhận {outages} lần gián đoạn bắt đầu trong thời gian kiểm phiếu, tổng hợp và sau bầu cử.",
            f"{outages} interruptions began during counting, totalling and after the election.",
        )

    def strong(self) -> str:
        response, tongue = self._facts.response, self._tongue
        told = [
            tongue.say(
                f"Độ khả dụng chung đạt {tongue.availability(self._facts.whole.times)} thời gian quan sát.",
                f"Overall availability was {tongue.availability(self._facts.whole.times)} of observed time.",
            )
        ]
        if response.acknowledge.n:
            told.append(
                tongue.say(
                    f"Thời gian tiếp nhận sự cố trung vị {tongue.spoken(response.acknowledge.median)}.",
                    f"The median time to acknowledge was {tongue.spoken(response.acknowledge.median)}.",
                )
            )
        return "\n".join(told)

    def weak(self) -> str:
        facts, tongue = self._facts, self._tongue
        late = sorted({name for each in facts.owed for name in each.restore.late})
        told = []
        if late:
            told.append(
                tongue.say(
                    f"{len(late)} sự cố khắc phục quá thời hạn: {', '.join(late[:10])}.",
                    f"{len(late)} incidents were restored late: {', '.join(late[:10])}.",
                )
            )
        if facts.response.false_restorations.n:
            told.append(
                tongue.say(
                    f"{facts.response.false_restorations.n} lần báo khôi phục nhưng đo kiểm chưa đạt.",
                    f"{facts.response.false_restorations.n} restorations did not hold when measured.",
                )
            )
        if facts.whole.times.unobserved:
            unseen = tongue.spoken(facts.whole.times.unobserved)
            told.append(
                tongue.say(f"{unseen} đường liên lạc không quan sát được.", f"{unseen} of paths were unseen.")
            )
        return "\n".join(told) or tongue.say(
            "Không có tồn tại đáng kể trên số liệu.", "No shortcoming shows in the figures."
        )

    def causes(self) -> str:
        worst = _gravest(self._facts.by_cause)
        if worst is None:
            return self._tongue.say("Không có gián đoạn.", "There was no interruption.")
        name = self._cause(worst)
        share = self._tongue.percent(worst.times.lost, self._facts.whole.times.lost)
        return self._tongue.say(
            f"Nguyên nhân gây gián đoạn nhiều nhất: {name} ({share} thời gian gián đoạn).",
            f"The gravest cause was: {name} ({share} of the time lost).",
        )

    def lessons(self) -> str:
        return self._tongue.say(
            "Cần có đường liên lạc dự phòng khác doanh nghiệp, khác môi trường truyền dẫn và khác nguồn điện tại mỗi điểm.",
            "Each site needs a second path by another carrier, another medium and another power source.",
        )

    def proposals(self) -> str:
        worst = _gravest(self._facts.by_carrier)
        if worst is None or not worst.times.lost:
            return self._tongue.say("Không.", "None.")
        name = self._tongue.name(worst.key)
        return self._tongue.say(
            f"Đề nghị {name} báo cáo nguyên nhân và phương án khắc phục các gián đoạn đã nêu.",
            f"{name} is asked to report causes and remedies of the interruptions told above.",
        )

    def remarks(self) -> str:
        return self._tongue.say("Không.", "None.")

    def _cause(self, line: Line) -> str:
        return self._tongue.cause(line.key)


def _gravest(lines: tuple[Line, ...]) -> Line | None:
    return max(
        (line for line in lines if line.times.lost),
        key=lambda line: (line.times.lost, line.key),
        default=None,
    )
