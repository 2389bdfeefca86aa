"""Enumerations of rosters, inspections and drills in the duty room's words; :mod:`dashboards.wording` takes them in."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from alerting.inspections import FindingState, InspectionState, Result
from alerting.swaps import SwapState
from dashboards.i18n import N_
from monitor.asked import NotAsked

__all__ = ["FIELD_LABELS"]

FIELD_LABELS: Mapping[type[Enum], Mapping[Any, str]] = {
    InspectionState: {
        InspectionState.PLANNED: N_("planned"),
        InspectionState.VISITED: N_("visited"),
        InspectionState.CLOSED: N_("inspection closed"),
        InspectionState.CANCELLED: N_("called off"),
    },
    Result: {
        Result.OK: N_("good"),
        Result.FAULT: N_("at fault"),
        Result.NOT_HERE: N_("not here"),
    },
    FindingState: {
        FindingState.OPEN: N_("to be mended"),
        FindingState.LATE: N_("overdue to mend"),
        FindingState.FIXED: N_("said to be mended"),
        FindingState.VERIFIED: N_("seen mended"),
    },
    NotAsked: {
        NotAsked.RINGS: N_("test calls have their own hours and limits: nobody rings by hand"),
        NotAsked.COMES_TO_US: N_("it reports to us, nobody asks it"),
        NotAsked.FROM_ELSEWHERE: N_("looked at from another vantage, not from here"),
        NotAsked.TOO_MANY: N_("too many addresses for one look: ask for the path alone"),
    },
    SwapState: {
        SwapState.ASKED: N_("offered"),
        SwapState.ACCEPTED: N_("taken"),
        SwapState.DECLINED: N_("declined"),
        SwapState.WITHDRAWN: N_("taken back"),
    },
}
