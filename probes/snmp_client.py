"""What a look needs of an SNMP library: one agent, one question at a time, an answer by callback.

Two libraries stand behind it: :mod:`probes.snmp_gufo` for the fleet, :mod:`probes.snmp_pysnmp` for what gufo cannot.
Whoever holds a client keeps the deadlines; a client never gives up by itself.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from probes.models import Outcome
from probes.snmp_mib import Value

__all__ = ["AUTHENTICATION", "Reply", "SnmpClient", "SnmpClientStatistics", "SnmpWalkError"]

AUTHENTICATION: Final = "authentication"
"""How the detail of a MISMATCH begins where the agent does not accept us."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a question. ``values`` lacks objects that the agent does not have.

    ``rtt`` is seconds, ``at`` the monotonic time at which the answer came; NaN where there was none.
    """

    outcome: Outcome
    values: Mapping[str, Value] = field(default_factory=dict)
    rtt: float = float("nan")
    detail: str = ""
    at: float = float("nan")


class SnmpWalkError(Exception):
    """A walk could not go on; ``reply`` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.detail or reply.outcome.name)
        self.reply = reply


@dataclass(slots=True)
class SnmpClientStatistics:
    """Counters that all clients of a probe share."""

    sent: int = 0
    answered: int = 0
    met: int = 0
    """Version 3: how often an agent's engine was discovered."""
    refreshed: int = 0
    late: int = 0
    malformed: int = 0
    icmp_errors: int = 0
    rejected: int = 0


class SnmpClient(Protocol):
    """One agent, asked as one user."""

    @property
    def engine_id(self) -> bytes:
        """What to remember of the agent for the next client; empty where there is nothing."""

    @property
    def has_answered(self) -> bool:
        """Whether the agent ever answered a question of this client's."""

    def ask(self, oids: Sequence[str], done: Callable[[Reply], None]) -> None:
        """Ask, or ask again; ``done`` is called at most once, from the loop. Raises OSError where it cannot be sent."""

    def forget(self) -> str:
        """No longer wait; answers what is known of the silence."""

    def walk(self, root: str) -> AsyncGenerator[tuple[str, Value], None]:
        """Go through what lies below ``root``, in order, until its end; the one who iterates sets the bounds."""

    def close(self) -> None:
        """Let go of the socket."""
