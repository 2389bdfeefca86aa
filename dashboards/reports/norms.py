"""Quality norms as a table, each with its source and how sure we are of it; never a number in code elsewhere.

Norms are the floor that a carrier owes every customer: 99,5% a month allows 3,6 hours of loss and is no aim for an
election. Where the official value was not seen there is none here, and the report says "not assessed"
(DOMAIN.md, section 5.5).
"""

from dataclasses import dataclass
from enum import StrEnum

from dashboards.reports.arithmetic import Times
from dashboards.reports.facts import Facts
from inventory.models import Medium

__all__ = ["NORMS", "Assessment", "Confidence", "Norm", "assess"]


class Confidence(StrEnum):
    """How a norm's value is known."""

    CONFIRMED = "confirmed"
    UNSURE = "unsure"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Norm:
    """One indicator. ``threshold`` is in hundredths of a percent; ``within`` in seconds for times to restore."""

    code: str
    subject: tuple[str, str]
    demand: tuple[str, str]
    confidence: Confidence
    source: str
    media: tuple[Medium, ...]
    threshold: int | None = None
    within: int | None = None


_FIXED_INTERNET = (Medium.FIBRE, Medium.LEASED_LINE)
_NOT_SEEN = ("chưa có văn bản chính thức", "official text not seen")

NORMS = (
    Norm(
        "QCVN 34:2019/BTTTT",
        ("Độ khả dụng dịch vụ Internet băng rộng cố định", "Availability of fixed broadband"),
        ("tối thiểu 99,5%", "at least 99.5%"),
        Confidence.CONFIRMED,
        "QCVN 34:2019/BTTTT (01/3/2020)",
        _FIXED_INTERNET,
        threshold=9950,
    ),
    Norm(
        "QCVN 34:2014/BTTTT",
        ("Khắc phục mất kết nối Internet cố định", "Restoration of fixed broadband"),
        (
            "tối thiểu 90% trong 36 giờ (nội thành, thị xã)",
            "at least 90% within 36 h (towns)",
        ),
        Confidence.CONFIRMED,
        "QCVN 34:2014/BTTTT (01/4/2015)",
        _FIXED_INTERNET,
        threshold=9000,
        within=36 * 3600,
    ),
    Norm(
        "QCVN 35:2019/BTTTT",
        ("Điện thoại cố định: độ khả dụng, thời gian chờ sửa chữa", "Fixed telephone: availability, repair"),
        _NOT_SEEN,
        Confidence.UNSEEN,
        "QCVN 35:2019/BTTTT (TT 07/2019/TT-BTTTT)",
        (Medium.FIXED_LINE,),
    ),
    Norm(
        "QCVN 36:2022/BTTTT",
        ("Điện thoại di động: độ khả dụng dịch vụ", "Mobile telephone: service availability"),
        _NOT_SEEN,
        Confidence.UNSEEN,
        "QCVN 36:2022/BTTTT (TT 19/2022/TT-BTTTT)",
        (Medium.MOBILE, Medium.MOBILE_DATA),
    ),
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A norm beside what was measured: ``part`` of ``whole``; ``is_met`` is None where it cannot be judged."""

    norm: Norm
    part: int
    whole: int
    is_met: bool | None


def assess(facts: Facts) -> tuple[Assessment, ...]:
    """Compare what the facts hold with every norm."""
    return tuple(_assessed(norm, facts) for norm in NORMS)


def _assessed(norm: Norm, facts: Facts) -> Assessment:
    if norm.within is None:
        wanted = {medium.value for medium in norm.media}
        times = sum((line.times for line in facts.by_medium if line.key in wanted), Times())
        part, whole = times.up, times.observed
    else:
        mine = [each for each in facts.outages if each.medium in norm.media and each.times.lost]
        over = [each for each in mine if not each.is_open or each.times.lost > norm.within]
        part, whole = sum(each.times.lost <= norm.within for each in over), len(over)
    if norm.threshold is None or not whole:
        return Assessment(norm, part, whole, None)
    return Assessment(norm, part, whole, part * 10_000 >= norm.threshold * whole)
