"""What a test call found out, as outcome, evidence and figures. Pure.

A test line is there to answer. Answered is CALL_ANSWERED, and OK unless it had to be heard and stayed silent. Busy
(486, 600) is OK and LINE_TESTED: the call got as far as the line. 503, 408 and 430 mean what they mean for OPTIONS;
every other refusal is a MISMATCH of a living element, for the call did not get through. Rung but not answered is a
TIMEOUT that keeps the provisional code.
"""

from collections.abc import Sequence

from probes.call_plan import CallPlan
from probes.emodel import voice_mos
from probes.models import Answer, Evidence, Measure, Outcome
from probes.rtp import RtpReport
from probes.sip_dialog import CallDialog
from probes.sip_outcome import NOT_FOR_THE_ELEMENT, USABLE

__all__ = ["answered", "refused", "unanswered"]

_NAN = float("nan")


def refused(dialog: CallDialog) -> Answer:
    """Judge a call that was refused."""
    outcome, evidence = NOT_FOR_THE_ELEMENT.get(dialog.status), Evidence.NONE
    if outcome is None:
        is_busy = dialog.status in USABLE
        outcome = Outcome.OK if is_busy else Outcome.MISMATCH
        evidence = Evidence.LINE_TESTED if is_busy else Evidence.PROTOCOL
    return Answer(
        outcome,
        rtt=_rtt(dialog),
        code=dialog.status,
        evidence=evidence,
        detail=dialog.said,
        measures=_post_dial(dialog),
    )


def unanswered(dialog: CallDialog) -> Answer:
    """Judge a call that nobody answered in time."""
    if not dialog.status:
        return Answer(Outcome.TIMEOUT, detail="no answer")
    has_rung = dialog.status > 100
    return Answer(
        Outcome.TIMEOUT,
        rtt=_rtt(dialog),
        code=dialog.status,
        evidence=Evidence.PROTOCOL,
        detail=("rang, not answered" if has_rung else f"only {dialog.status}") + _early(dialog),
        measures=_post_dial(dialog),
    )


def answered(dialog: CallDialog, plan: CallPlan, *, heard: RtpReport, round_trips: Sequence[float]) -> Answer:
    """Judge a call that was answered, by what was heard on it; ``round_trips`` are seconds, of our own voice."""
    is_silent = plan.needs_media and plan.listen_seconds > 0 and not heard.received
    detail = "answered, but silent" if is_silent else ""
    if dialog.ended_by_them:
        detail += ", hung up by them" if detail else "hung up by them"
    measures = _post_dial(dialog)
    if heard.received:
        one_way = sum(round_trips) / len(round_trips) / 2 if round_trips else None
        measures[Measure.LOSS_RATIO] = heard.loss_ratio
        measures[Measure.JITTER_SECONDS] = heard.jitter
        measures[Measure.MOS] = voice_mos(
            network_seconds=one_way,
            loss_ratio=heard.heard_loss_ratio,
            buffer_seconds=plan.buffer_seconds,
            codec=plan.codec,
        )
        if one_way is not None:
            measures[Measure.ONE_WAY_SECONDS] = one_way
    return Answer(
        Outcome.MISMATCH if is_silent else Outcome.OK,
        rtt=_rtt(dialog),
        code=dialog.status,
        evidence=Evidence.CALL_ANSWERED,
        detail=(detail + _early(dialog)).removeprefix(", "),
        measures=measures,
    )


def _rtt(dialog: CallDialog) -> float:
    return _NAN if dialog.heard_after is None else dialog.heard_after


def _early(dialog: CallDialog) -> str:
    return ", early media" if dialog.early_media else ""


def _post_dial(dialog: CallDialog) -> dict[Measure, float]:
    return {} if dialog.ringing_after is None else {Measure.POST_DIAL_SECONDS: dialog.ringing_after}
