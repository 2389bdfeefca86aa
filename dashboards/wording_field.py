"""Enumerations of rosters, inspections and drills in the duty room's words; :mod:`dashboards.wording` takes them in."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from alerting.swaps import SwapState
from dashboards.i18n import N_

__all__ = ["FIELD_LABELS"]

FIELD_LABELS: Mapping[type[Enum], Mapping[Any, str]] = {
    SwapState: {
        SwapState.ASKED: N_("offered"),
        SwapState.ACCEPTED: N_("taken"),
        SwapState.DECLINED: N_("declined"),
        SwapState.WITHDRAWN: N_("taken back"),
    },
}
