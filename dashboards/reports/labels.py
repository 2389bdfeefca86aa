"""Words for what the report pages show, beside those of :mod:`dashboards.wording`."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from dashboards.i18n import N_, Words
from dashboards.reports.drafts import Section
from dashboards.reports.models import BuildState
from dashboards.reports.order import Kind, Stage

__all__ = ["LABELS", "named"]

LABELS: Mapping[type[Enum], Mapping[Any, str]] = {
    Kind: {
        Kind.QUICK: N_("Quick report"),
        Kind.HANDOVER: N_("Shift handover"),
        Kind.DAILY: N_("Daily report"),
        Kind.INSPECTION: N_("Inspection minutes"),
        Kind.POST_ELECTION: N_("Post-election report"),
        Kind.CARRIER: N_("Carrier's annex"),
        Kind.DOSSIER: N_("Incident dossier"),
    },
    Stage: {
        Stage.NOTIFICATION: N_("Notification"),
        Stage.INITIAL: N_("Initial"),
        Stage.FINAL: N_("Final"),
        Stage.ADDENDUM: N_("Addendum"),
    },
    BuildState: {
        BuildState.QUEUED: N_("being built"),
        BuildState.READY: N_("built"),
        BuildState.FAILED: N_("not built"),
    },
    Section: {
        Section.GUIDANCE: N_("Documents and plans"),
        Section.DUTY: N_("Assignment and duty"),
        Section.TRAINING: N_("Training and drills"),
        Section.BEFORE: N_("Before election day"),
        Section.POLLING: N_("On election day"),
        Section.AFTER: N_("After election day"),
        Section.STRONG: N_("What went well"),
        Section.WEAK: N_("Shortcomings"),
        Section.CAUSES: N_("Causes"),
        Section.LESSONS: N_("Lessons"),
        Section.PROPOSALS: N_("Proposals"),
        Section.REMARKS: N_("Remarks"),
    },
}


def named(words: Words, value: Enum) -> str:
    """Answer ``value`` in the duty room's words."""
    return words.gettext(LABELS[type(value)][value])
