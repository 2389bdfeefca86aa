"""Every enumeration in the duty room's words (DOMAIN.md, 1.8); shown through :func:`label`."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from alerting.models import CauseClass, DeliveryState, IncidentEvent, IncidentState, MessageKind
from dashboards.i18n import N_, Words
from inventory.access import Right, Role
from inventory.audit import AuditAct
from inventory.models import ContactChannel, Duty, Medium, Phase, ProbeKind, RiskKind, SiteKind
from monitor.models import ChangeReason, State, Verdict
from probes.models import Evidence, Outcome

__all__ = ["LABELS", "SIGNS", "STAGES", "label"]

SIGNS: Mapping[Verdict, str] = {
    Verdict.READY: "",
    Verdict.DEGRADED: "–",
    Verdict.AT_RISK: "!",
    Verdict.DOWN: "×",
    Verdict.UNKNOWN: "?",
    Verdict.UNTESTED: "",
}
"""The sign beside the colour, so that colour is never alone; untested tiles are hatched instead."""

STAGES: Mapping[str, tuple[str, tuple[Phase, ...]]] = {
    "prepare": (N_("Preparation"), (Phase.PREPARE,)),
    "inspect": (N_("Inspection"), (Phase.EARLY, Phase.INSPECT)),
    "ready": (N_("Readiness"), (Phase.FREEZE, Phase.READY)),
    "poll": (N_("Voting"), (Phase.POLL,)),
    "tally": (N_("Counting and totals"), (Phase.TALLY,)),
    "after": (N_("After the election"), (Phase.POST, Phase.RERUN, Phase.CLOSE)),
}
"""The bar over the board: ten phases of the calendar in six words."""

LABELS: Mapping[type[Enum], Mapping[Any, str]] = {
    Verdict: {
        Verdict.READY: N_("ready"),
        Verdict.DEGRADED: N_("degraded"),
        Verdict.AT_RISK: N_("one path left"),
        Verdict.DOWN: N_("cut off"),
        Verdict.UNKNOWN: N_("not observed"),
        Verdict.UNTESTED: N_("not tested"),
    },
    State: {
        State.UNKNOWN: N_("not observed"),
        State.UP: N_("up"),
        State.DEGRADED: N_("degraded"),
        State.PARTIAL: N_("partly reachable"),
        State.DOWN: N_("down"),
    },
    Phase: {
        Phase.PREPARE: N_("Preparation"),
        Phase.EARLY: N_("Early voting"),
        Phase.INSPECT: N_("Inspection"),
        Phase.FREEZE: N_("Change freeze"),
        Phase.READY: N_("Readiness"),
        Phase.POLL: N_("Voting"),
        Phase.TALLY: N_("Counting and totals"),
        Phase.POST: N_("After the election"),
        Phase.RERUN: N_("Repeat election"),
        Phase.CLOSE: N_("Final reports"),
    },
    IncidentState: {
        IncidentState.SUSPECTED: N_("Suspected"),
        IncidentState.OPEN: N_("Calling"),
        IncidentState.ACKNOWLEDGED: N_("Acknowledged"),
        IncidentState.IN_PROGRESS: N_("In progress"),
        IncidentState.PENDING: N_("Waiting"),
        IncidentState.MITIGATED: N_("Temporary service"),
        IncidentState.RESTORED: N_("Restored, being verified"),
        IncidentState.RESOLVED: N_("Verified, cause awaited"),
        IncidentState.CLOSED: N_("Closed"),
        IncidentState.CANCELLED: N_("Cancelled"),
        IncidentState.MERGED: N_("Merged"),
    },
    IncidentEvent: {
        IncidentEvent.OPENED: N_("Incident opened"),
        IncidentEvent.CONFIRMED: N_("Confirmed"),
        IncidentEvent.ACKNOWLEDGED: N_("Acknowledged"),
        IncidentEvent.ACK_EXPIRED: N_("No progress reported in time, calling again"),
        IncidentEvent.STARTED: N_("Work started"),
        IncidentEvent.PROGRESS: N_("Progress reported"),
        IncidentEvent.RESTORED: N_("Restored"),
        IncidentEvent.VERIFIED: N_("Verified by measurement"),
        IncidentEvent.VERIFY_FAILED: N_("Not restored: still failing"),
        IncidentEvent.RECURRED: N_("Failed again"),
        IncidentEvent.GREW: N_("Grew"),
        IncidentEvent.ESCALATED: N_("Escalated"),
        IncidentEvent.ROSTER_GAP: N_("Nobody on duty to call"),
        IncidentEvent.CANCELLED: N_("Cancelled"),
        IncidentEvent.CLOSED: N_("Incident closed"),
        IncidentEvent.NOTE: N_("Note"),
    },
    CauseClass: {
        CauseClass.POWER_LOSS: N_("Power loss"),
        CauseClass.FIBRE_CUT: N_("Fibre cut"),
        CauseClass.EQUIPMENT: N_("Equipment"),
        CauseClass.CONGESTION: N_("Congestion"),
        CauseClass.WEATHER: N_("Weather"),
        CauseClass.SOFTWARE: N_("Software"),
        CauseClass.SECURITY: N_("Security"),
        CauseClass.HUMAN: N_("Human error"),
        CauseClass.THIRD_PARTY: N_("Third party"),
        CauseClass.UNKNOWN: N_("Not known"),
    },
    MessageKind: {MessageKind.PAGE: N_("Page"), MessageKind.NOTICE: N_("Notice")},
    DeliveryState: {
        DeliveryState.PENDING: N_("waiting to be sent"),
        DeliveryState.LEASED: N_("being sent"),
        DeliveryState.SENT: N_("sent"),
        DeliveryState.DELIVERED: N_("delivered"),
        DeliveryState.FAILED: N_("failed"),
        DeliveryState.WITHDRAWN: N_("withdrawn"),
    },
    ContactChannel: {
        ContactChannel.SMS: N_("SMS"),
        ContactChannel.EMAIL: N_("e-mail"),
        ContactChannel.VOICE: N_("call"),
        ContactChannel.WEBHOOK: N_("webhook"),
    },
    Duty: {
        Duty.LEADERSHIP: N_("Leader on duty"),
        Duty.COMMAND: N_("Command on duty"),
        Duty.OPERATIONS: N_("Operations shift"),
        Duty.RESPONSE: N_("Response team"),
        Duty.SOFTWARE_SUPPORT: N_("Software team"),
        Duty.HOTLINE: N_("Hotline"),
        Duty.SECURITY_WATCH: N_("Security watch"),
        Duty.POST: N_("Postal duty"),
        Duty.RADIO: N_("Radio station duty"),
    },
    Medium: {
        Medium.FIXED_LINE: N_("fixed telephone"),
        Medium.FIBRE: N_("fibre"),
        Medium.MOBILE: N_("mobile telephone"),
        Medium.MOBILE_DATA: N_("mobile data"),
        Medium.LEASED_LINE: N_("leased line"),
        Medium.SATELLITE: N_("satellite"),
        Medium.RADIO: N_("radio"),
    },
    RiskKind: {
        RiskKind.OLT: N_("OLT"),
        RiskKind.BTS: N_("base station"),
        RiskKind.RING: N_("ring"),
        RiskKind.TRUNK: N_("trunk"),
        RiskKind.CORE: N_("core"),
        RiskKind.FEEDER: N_("power feeder"),
        RiskKind.ONT: N_("ONT"),
        RiskKind.CABLE: N_("cable"),
    },
    SiteKind: {
        SiteKind.COMMITTEE_HQ: N_("election committee office"),
        SiteKind.TALLY_SERVER: N_("tally server"),
        SiteKind.TALLY_ENTRY_POINT: N_("tally entry point"),
        SiteKind.HOTLINE: N_("hotline"),
        SiteKind.VIDEO_CONFERENCE_ROOM: N_("video conference room"),
        SiteKind.LEADERSHIP_HQ: N_("leadership headquarters"),
        SiteKind.PRESS_CENTRE: N_("press centre"),
        SiteKind.DISTRICT_COMMITTEE: N_("district election committee"),
        SiteKind.COMMUNE_COMMITTEE: N_("commune election committee"),
        SiteKind.POLLING_UNIT: N_("polling unit"),
        SiteKind.RADIO_STATION: N_("radio station"),
        SiteKind.POST_OFFICE: N_("post office"),
    },
    ProbeKind: {
        ProbeKind.ICMP: N_("ping"),
        ProbeKind.TCP: N_("TCP"),
        ProbeKind.HTTP: N_("web"),
        ProbeKind.TLS: N_("TLS"),
        ProbeKind.DNS: N_("DNS"),
        ProbeKind.SIP_OPTIONS: N_("telephone exchange"),
        ProbeKind.SIP_CALL: N_("test call"),
        ProbeKind.SNMP: N_("SNMP"),
        ProbeKind.STAMP: N_("STAMP"),
        "stream": N_("radio stream"),
        ProbeKind.HEARTBEAT: N_("heartbeat"),
        ProbeKind.ROLLCALL: N_("roll call"),
    },
    Evidence: {
        Evidence.NONE: N_("nothing proven"),
        Evidence.TRANSPORT: N_("network answers"),
        Evidence.PROTOCOL: N_("service answers"),
        Evidence.REGISTERED: N_("line registered"),
        Evidence.LINE_TESTED: N_("line tested"),
        Evidence.CALL_ANSWERED: N_("call answered"),
        Evidence.HUMAN_CONFIRMED: N_("confirmed by a person"),
    },
    Outcome: {
        Outcome.OK: N_("answered"),
        Outcome.TIMEOUT: N_("no answer"),
        Outcome.REFUSED: N_("refused"),
        Outcome.UNREACHABLE: N_("unreachable"),
        Outcome.MISMATCH: N_("wrong answer"),
        Outcome.OVERLOADED: N_("overloaded"),
        Outcome.ERROR: N_("could not look"),
    },
    ChangeReason: {
        ChangeReason.FAILURES_IN_A_ROW: N_("failures in a row"),
        ChangeReason.FAILURES_IN_WINDOW: N_("too many failures among the last looks"),
        ChangeReason.ANSWERS_IN_A_ROW: N_("answers in a row"),
        ChangeReason.SLOW_OR_LOSSY: N_("slow or lossy"),
        ChangeReason.WELL_AGAIN: N_("fast and complete again"),
        ChangeReason.NOT_ARMED: N_("not in service yet"),
        ChangeReason.STALE: N_("no result for too long"),
        ChangeReason.FIRST_RESULT: N_("first result"),
        ChangeReason.RECOMPUTED: N_("computed again"),
        ChangeReason.EXPLAINED: N_("explained by one cause"),
        ChangeReason.RECOVERED: N_("recovered"),
        ChangeReason.ISOLATED: N_("the vantage saw nothing"),
        ChangeReason.RELEASED: N_("the vantage sees again"),
    },
    Role: {
        Role.ADMINISTRATOR: N_("administrator"),
        Role.LEADER: N_("leader"),
        Role.DUTY_OFFICER: N_("duty officer"),
        Role.INSPECTOR: N_("inspector"),
        Role.SUPPORT_OFFICER: N_("support officer"),
        Role.CARRIER: N_("carrier"),
        Role.COMMITTEE: N_("election committee"),
        Role.MACHINE: N_("machine"),
    },
    Right: {
        Right.SEE_BOARD: N_("see the board"),
        Right.SEE_INCIDENTS: N_("see incidents"),
        Right.SEE_NUMBERS: N_("see telephone numbers"),
        Right.ACT_ON_INCIDENTS: N_("act on incidents"),
        Right.CLOSE_INCIDENTS: N_("close incidents"),
        Right.ADMINISTER: N_("administer"),
        Right.USE_API: N_("use the programming interface"),
    },
    AuditAct: {
        AuditAct.SIGNED_IN: N_("signed in"),
        AuditAct.CODE_OWED: N_("gave the password, code awaited"),
        AuditAct.SIGN_IN_REFUSED: N_("was refused: wrong name or password"),
        AuditAct.CODE_REFUSED: N_("was refused: wrong code"),
        AuditAct.ACCOUNT_OPENED: N_("opened an account"),
        AuditAct.ACCOUNT_CLOSED: N_("closed an account"),
        AuditAct.PASSWORD_CHANGED: N_("changed the password"),
        AuditAct.PASSWORD_GIVEN: N_("gave a new password"),
        AuditAct.SESSION_ENDED: N_("ended a session"),
        AuditAct.FACTOR_SET: N_("set up a second factor"),
        AuditAct.FACTOR_REMOVED: N_("removed a second factor"),
        AuditAct.TOKEN_GIVEN: N_("made a token"),
        AuditAct.TOKEN_REVOKED: N_("revoked a token"),
        AuditAct.IDENTITY_LINKED: N_("linked an identity"),
    },
}


def label(words: Words, value: Enum) -> str:
    """Answer ``value`` in the duty room's words. A test finds a value without any; a page then shows its bare name."""
    return words.gettext(LABELS[type(value)].get(value, str(value.value)))
