"""Who may do what: roles, the rights that each holds, and the party that a carrier's account is kept to.

A role is what somebody is in the duty room; a right is one thing that a page or an API lets them do. Pages
ask for rights, never for roles, so that a role can change without a page knowing. Scope is not a right: it
is an argument of every query that reads incidents (``owner=actor.scope``), so that a page which forgets to
look cannot show another carrier's trouble.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["RIGHTS", "Actor", "Right", "Role", "rights_of"]


class Role(StrEnum):
    """What an account's holder is in the election's organisation."""

    ADMINISTRATOR = "administrator"
    LEADER = "leader"
    DUTY_OFFICER = "duty_officer"
    INSPECTOR = "inspector"
    SUPPORT_OFFICER = "support_officer"
    CARRIER = "carrier"
    COMMITTEE = "committee"
    MACHINE = "machine"

    @property
    def is_scoped(self) -> bool:
        """Whether the account sees only what its own party answers for, and so must name a party."""
        return self is Role.CARRIER

    @property
    def may_idle(self) -> bool:
        """Whether a session of this role outlives idleness: a wall screen has nobody to sign in again at 3 a.m."""
        return self is Role.COMMITTEE


class Right(StrEnum):
    """One thing that a page or an API lets somebody do."""

    SEE_BOARD = "see_board"
    """The whole province: tiles, verdicts, every party's duty."""
    SEE_INCIDENTS = "see_incidents"
    """Incidents and their timelines, within scope."""
    SEE_NUMBERS = "see_numbers"
    """Telephone numbers of people on duty."""
    ACT_ON_INCIDENTS = "act_on_incidents"
    """Acknowledge, report progress, report restored, write a note."""
    CLOSE_INCIDENTS = "close_incidents"
    """Direct: verify by a call, name the cause and close, cancel, reopen, reassign, merge, set the severity."""
    ORDER_AID = "order_aid"
    """Ask partners for mutual aid, and order it: requests go through the department."""
    PLAN_WORK = "plan_work"
    """Announce planned work, import and cancel it."""
    SET_WEBHOOKS = "set_webhooks"
    """Say where a party's machines are told of its incidents, within scope."""
    REPORT_INCIDENTS = "report_incidents"
    """Open an incident for what somebody told."""
    DECIDE_DISPUTES = "decide_disputes"
    """Decide what parties dispute, and give the leader's own word on the gravest incidents."""
    SEE_RESTRICTED = "see_restricted"
    """Security matters and suspicious items, within scope."""
    EDIT_ROSTER = "edit_roster"
    """Change who is on duty, within scope: shifts, rotations, imports, handovers."""
    LOOK_NOW = "look_now"
    """Have a site's addresses looked at now, out of turn, within scope; calls are never among them."""
    CALL_ROLL = "call_roll"
    """Call sites by telephone and write down what they answer."""
    INSPECT = "inspect"
    """Plan inspections and drills, write down what an inspection found, verify and close."""
    WRITE_REPORTS = "write_reports"
    """Order reports, fill in their form, edit their texts."""
    SIGN_REPORTS = "sign_reports"
    """Make a report final: from then on it is frozen."""
    ADMINISTER = "administer"
    """Accounts, reload, settings."""
    USE_API = "use_api"
    """Machine access with a token; never a page."""


_READ = frozenset({Right.SEE_BOARD, Right.SEE_INCIDENTS, Right.SEE_NUMBERS})

_DEPARTMENT = frozenset(
    {
        Right.ACT_ON_INCIDENTS,
        Right.CLOSE_INCIDENTS,
        Right.EDIT_ROSTER,
        Right.PLAN_WORK,
        Right.ORDER_AID,
        Right.REPORT_INCIDENTS,
        Right.SEE_RESTRICTED,
        Right.WRITE_REPORTS,
        Right.INSPECT,
        Right.LOOK_NOW,
        Right.CALL_ROLL,
    }
)

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.ADMINISTRATOR: frozenset(Right),
    Role.LEADER: _READ | _DEPARTMENT | {Right.DECIDE_DISPUTES, Right.SIGN_REPORTS},
    Role.DUTY_OFFICER: _READ | _DEPARTMENT,
    Role.INSPECTOR: _READ | {Right.REPORT_INCIDENTS, Right.INSPECT, Right.LOOK_NOW, Right.CALL_ROLL},
    Role.SUPPORT_OFFICER: _READ | {Right.REPORT_INCIDENTS, Right.LOOK_NOW, Right.CALL_ROLL},
    Role.CARRIER: frozenset(
        {
            Right.SEE_INCIDENTS,
            Right.SEE_NUMBERS,
            Right.ACT_ON_INCIDENTS,
            Right.EDIT_ROSTER,
            Right.SET_WEBHOOKS,
            Right.REPORT_INCIDENTS,
            Right.SEE_RESTRICTED,
            Right.LOOK_NOW,
        }
    ),
    Role.COMMITTEE: _READ,
    Role.MACHINE: _READ
    | {
        Right.USE_API,
        Right.ACT_ON_INCIDENTS,
        Right.EDIT_ROSTER,
        Right.LOOK_NOW,
        Right.SET_WEBHOOKS,
    },
}
"""What each role may do. A carrier never closes its own incident: the department signs off (DESIGN.md, 8)."""


def rights_of(role: Role, party: str = "") -> frozenset[Right]:
    """Answer everything that ``role`` may do; a machine of a party may do what that party's people may, no more.

    It may open tickets of its party's own (TMF621), which a machine of nobody's may not: it could call out anybody.
    """
    if role is Role.MACHINE and party:
        own = RIGHTS[Role.MACHINE] | {Right.REPORT_INCIDENTS}
        return (own & RIGHTS[Role.CARRIER]) | {Right.USE_API}
    return RIGHTS[role]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who is signed in. ``person`` is their code in the roster, empty for a shared account.

    ``limits`` are the rights that a token carries: it never gives more than its account has, and keeps what it
    was given if the account later gets more.
    """

    name: str
    role: Role
    party: str = ""
    person: str = ""
    must_change_password: bool = False
    limits: frozenset[Right] | None = None

    def may(self, right: Right) -> bool:
        """Answer whether the actor holds ``right``."""
        return right in rights_of(self.role, self.party) and (self.limits is None or right in self.limits)

    @property
    def scope(self) -> str | None:
        """The only party whose incidents may be read, or None for all; a carrier without a party reads nothing."""
        return self.party if self.role.is_scoped or (self.role is Role.MACHINE and self.party) else None

    def sees_party(self, party: str) -> bool:
        """Answer whether what ``party`` answers for lies within the actor's scope."""
        return self.scope is None or (self.party == party and party != "")
