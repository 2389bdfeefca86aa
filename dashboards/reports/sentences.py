"""Sentences that a report may write only where the record supports them, and what is written where it does not.

The set sentence of a good election is a statement about every minute of every protected object, so one outage, one
minute unseen while people voted or counted, or one incident left open keeps it out. :func:`contradictions` finds it in
edited texts too: a report that says it without support cannot become final.
"""

import re
import unicodedata

from alerting.models import CauseClass
from dashboards.reports.facts import Facts
from dashboards.reports.tongue import Tongue
from inventory.models import Phase

__all__ = ["claims", "contradictions", "objections", "situation"]

_WATCHED = frozenset({Phase.POLL.value, Phase.TALLY.value})
_CLAIMS = (
    (
        re.compile(
            r"không (xảy ra|có|để xảy ra)( hiện tượng)?( bị)? nghẽn mạng|no congestion", re.IGNORECASE
        ),
        "congestion",
    ),
    (
        re.compile(
            r"không (xảy ra|có|để xảy ra)[^.]{0,60}(mất liên lạc|rớt mạng|gián đoạn)"
            r"|(bảo đảm|đảm bảo) thông suốt(?! cơ bản)[^.]{0,40}không"
            r"|thông suốt tuyệt đối|thông suốt 100 ?%|without (any )?(interruption|outage)|no interruption",
            re.IGNORECASE,
        ),
        "outage",
    ),
)


def objections(facts: Facts, tongue: Tongue) -> tuple[str, ...]:
    """Answer, in words, everything on record that the set sentence would deny; empty: it may be written."""
    say, count = tongue.say, tongue.count
    found = []
    if facts.whole.outages:
        number = count(facts.whole.outages)
        found.append(
            say(f"{number} lần gián đoạn đường liên lạc", f"{number} interruptions of communication paths")
        )
    if facts.losses:
        number = count(len(facts.losses))
        found.append(say(f"{number} lần điểm mất liên lạc hoàn toàn", f"{number} times a site was cut off"))
    if facts.roll.troubled.n:
        number = count(facts.roll.troubled.n)
        found.append(
            say(
                f"{number} điểm báo qua điểm danh là mất liên lạc một phần hoặc toàn bộ",
                f"{number} sites said in a roll call that something or everything was lost",
            )
        )
    congested = _congested(facts)
    if congested:
        found.append(say(f"nghẽn mạng: {congested} lần", f"congestion: {congested} times"))
    if facts.congestions:
        times = count(len(facts.congestions))
        found.append(
            say(
                f"nghẽn mạng đo được trên đường truyền: {times} lần",
                f"congestion measured on links: {times} times",
            )
        )
    unseen = sum(line.times.unobserved for line in facts.by_phase if line.key in _WATCHED)
    if unseen:
        found.append(
            say(
                f"{tongue.spoken(unseen)} đường liên lạc không quan sát được trong bỏ phiếu, kiểm phiếu",
                f"{tongue.spoken(unseen)} of paths unseen during voting and counting",
            )
        )
    if facts.open_incidents.n:
        number = count(facts.open_incidents.n)
        found.append(say(f"{number} sự cố chưa khắc phục xong", f"{number} incidents not ended"))
    if not facts.whole.times.observed:
        found.append(say("không có số liệu quan sát", "nothing was observed"))
    return tuple(found)


def _congested(facts: Facts) -> int:
    cause = CauseClass.CONGESTION.value
    lines = sum(line.outages for line in facts.by_cause if line.key == cause)
    return lines + sum(each.n for each in facts.incidents_by_cause if each.key == cause)


def _as_measured(facts: Facts, tongue: Tongue) -> str:
    """Say on how many links "no congestion" stands on measurement, where it does not on all of them."""
    if facts.links_measured >= facts.links:
        return ""
    measured, links = tongue.count(facts.links_measured), tongue.count(facts.links)
    return tongue.say(
        f" Tải được đo trên {measured}/{links} tuyến truyền dẫn; trên các tuyến còn lại không ghi nhận phản ánh nghẽn mạng.",
        f" The load was measured on {measured} of {links} links; on the others nobody reported congestion.",
    )


def situation(facts: Facts, tongue: Tongue) -> str:
    """Write the general situation: the set sentence where it is true, else what the record says."""
    against = objections(facts, tongue)
    if not against:
        return tongue.say(
            "Thông tin liên lạc trước, trong và sau ngày bầu cử bảo đảm thông suốt, không xảy ra nghẽn mạng, rớt mạng "
            "hoặc mất liên lạc cục bộ.",
            "Communications before, during and after election day were clear and uninterrupted: no congestion, no loss "
            "of network, no place cut off.",
        ) + _as_measured(facts, tongue)
    share = tongue.availability(facts.whole.times)
    listed = "; ".join(against)
    return tongue.say(
        f"Độ khả dụng của các đường liên lạc trong thời gian quan sát được là {share}. Ghi nhận: {listed}.",
        f"Availability of the communication paths over observed time was {share}. On record: {listed}.",
    )


def claims(text: str) -> frozenset[str]:
    """Answer what a text claims did not happen: ``outage``, ``congestion``."""
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    return frozenset(name for pattern, name in _CLAIMS if pattern.search(plain))


def contradictions(text: str, facts: Facts, tongue: Tongue) -> tuple[str, ...]:
    """Answer what on record speaks against an edited text; empty: nothing does."""
    claimed = claims(text)
    if "outage" in claimed:
        return objections(facts, tongue)
    if "congestion" in claimed and (facts.congestions or _congested(facts)):
        return tuple(
            each for each in objections(facts, tongue) if each.startswith(("nghẽn mạng", "congestion"))
        )
    return ()
