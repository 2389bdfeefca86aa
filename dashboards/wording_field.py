"""Enumerations of rosters, inspections, drills, roll calls and the audit in the duty room's words; :mod:`dashboards.wording` takes them in."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from alerting.endpoints import EndpointEvent, EndpointFault, Trouble
from alerting.inspections import FindingState, InspectionState, Result
from alerting.models import MessageKind
from alerting.rollcall import RollAnswer
from alerting.swaps import SwapState
from dashboards.i18n import N_
from inventory.audit import AuditAct
from inventory.models import ContactChannel
from monitor.asked import NotAsked
from monitor.load import Direction

__all__ = ["FIELD_LABELS"]

FIELD_LABELS: Mapping[type[Enum], Mapping[Any, str]] = {
    Direction: {Direction.IN: N_("in"), Direction.OUT: N_("out")},
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
        AuditAct.WEBHOOK_SET: N_("set where a machine is told"),
        AuditAct.WEBHOOK_REMOVED: N_("removed where a machine was told"),
        AuditAct.LOOKED_NOW: N_("had a site looked at now"),
    },
    RollAnswer: {
        RollAnswer.CLEAR: N_("all clear"),
        RollAnswer.PARTIAL: N_("partly lost"),
        RollAnswer.LOST: N_("all lost"),
        RollAnswer.NO_CONTACT: N_("no contact"),
    },
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
    MessageKind: {
        MessageKind.PAGE: N_("Page"),
        MessageKind.NOTICE: N_("Notice"),
        MessageKind.EVENT: N_("Event"),
    },
    ContactChannel: {
        ContactChannel.SMS: N_("SMS"),
        ContactChannel.EMAIL: N_("e-mail"),
        ContactChannel.VOICE: N_("call"),
        ContactChannel.WEBHOOK: N_("webhook"),
        ContactChannel.CHAT: N_("chat"),
        ContactChannel.EVENT: N_("machine"),
    },
    EndpointEvent: {
        EndpointEvent.OPENED: N_("an incident is opened for you, or comes to you"),
        EndpointEvent.STATUS: N_("its state changes"),
        EndpointEvent.CALLED: N_("somebody is called for it"),
        EndpointEvent.CHANGED: N_("anything else: progress, notes, severity, deadlines"),
    },
    EndpointFault: {
        EndpointFault.NO_ADDRESS: N_("That is not an address: https://…, at most 200 characters, no spaces."),
        EndpointFault.CREDENTIALS: N_(
            "Leave name and password out of the address: calls are signed instead."
        ),
        EndpointFault.PLAIN_HTTP: N_("Write https: this address is not called without encryption."),
        EndpointFault.UNKNOWN_NAME: N_("The name in the address leads nowhere. Look for a slip of the pen."),
        EndpointFault.FORBIDDEN_NETWORK: N_(
            "The address lies in a network that this service does not call. Give a public one, or ask the department."
        ),
        EndpointFault.NO_EVENTS: N_("Choose at least one thing to be told of."),
        EndpointFault.SAME_ADDRESS: N_("This address is written down already; change that one."),
        EndpointFault.TOO_MANY: N_("There are too many addresses. Remove one first."),
        EndpointFault.TOO_SOON: N_("A test message was sent a moment ago. Wait ten seconds."),
        EndpointFault.NOT_SEALED: N_(
            "This machine cannot keep a secret safe now, so none was made. Tell the department's administrator: its seal key is missing or wrong."
        ),
    },
    Trouble: {
        Trouble.NOT_REACHED: N_("not reached: nothing listens there, or its certificate is not trusted"),
        Trouble.NO_ANSWER: N_("no answer in time; it may have arrived all the same"),
        Trouble.ANSWERED: N_("it did not take the message"),
        Trouble.ADDRESS: N_("the address is not called: its name leads nowhere, or where it must not"),
        Trouble.SEALED: N_(
            "its secret does not open here, so the call cannot be signed; the department's administrator puts the key back, or you make a new secret"
        ),
        Trouble.OFF: N_("switched off, or removed"),
        Trouble.OVER: N_("given up after 24 hours"),
        Trouble.OTHER: N_("the attempt failed here; it is not your fault"),
    },
    SwapState: {
        SwapState.ASKED: N_("offered"),
        SwapState.ACCEPTED: N_("taken"),
        SwapState.DECLINED: N_("declined"),
        SwapState.WITHDRAWN: N_("taken back"),
    },
}
