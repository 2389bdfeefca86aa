"""One session per agent, one question at a time in each, a bounded number of sockets for all.

An agent is a small computer with a small receive buffer: a burst of questions loses answers (ECOSYSTEM.md, finding
2), and forty-eight looks at the ports of one switch come together. So each agent is asked one thing at a time, and
what waits meanwhile is asked for together in the next question. A timeout never holds anybody else's slot: agents do
not share one. Sessions are kept; beyond the bound the one idle for longest makes room, and what it knew of the
agent's engine is remembered.

An agent that is silent while others' questions wait is silent to them too: they time out with it. Whoever could not
be asked for reasons of ours ends as ERROR, which says nothing about the agent.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol

from probes.deadlines import Deadlines
from probes.models import Outcome
from probes.snmp_client import Reply, SnmpClient
from probes.snmp_plan import Credentials, Version

__all__ = ["AgentKey", "Agents", "Clients", "Question"]

_MOST_OIDS: Final = 40
"""In one question: the answer stays below 1,500 octets, which every agent can send."""
_MOST_AGENTS: Final = 65_536

AgentKey = tuple[str, int, Credentials]
"""Address, port, and as whom."""


class Clients(Protocol):
    """Makes clients."""

    def __call__(self, key: AgentKey, engine_id: bytes) -> SnmpClient:
        """Open a session; OSError where there is no descriptor left."""


@dataclass(slots=True, eq=False)
class Question:
    """What one look wants to know; ``done`` is called exactly once."""

    oids: Sequence[str]
    seconds: float
    retries: int
    done: Callable[[Reply], None]
    begun: float = 0.0
    is_open: bool = True
    deadline: float = 0.0


@dataclass(slots=True, eq=False)
class _Agent:
    key: AgentKey
    client: SnmpClient | None = None
    waiting: deque[Question] = field(default_factory=deque)
    asked: list[Question] = field(default_factory=list)
    engine_id: bytes = b""
    is_merging: bool = True
    is_joint: bool = False
    heard_at: float = float("-inf")


class Agents:
    """All agents of a probe."""

    def __init__(
        self,
        *,
        clients: Clients,
        monotonic: Callable[[], float],
        drain: Callable[[], None],
        most_sockets: int,
    ) -> None:
        self._clients = clients
        self._monotonic = monotonic
        self._drain = drain
        self._most_sockets = most_sockets
        self._agents: OrderedDict[AgentKey, _Agent] = OrderedDict()
        self._idle: OrderedDict[AgentKey, _Agent] = OrderedDict()
        self._starved: deque[_Agent] = deque()
        self._sockets = 0
        self._deadlines: Deadlines[tuple[_Agent, Question]] = Deadlines(
            monotonic=monotonic, on_due=self._on_due, is_over=lambda entry: not entry[1].is_open
        )

    @property
    def sockets(self) -> int:
        """Sessions open now."""
        return self._sockets

    def ask(self, key: AgentKey, question: Question) -> None:
        """Ask as soon as the agent's session is free; ends the question by itself when its time is over."""
        now = self._monotonic()
        question.begun, question.deadline = now, now + question.seconds
        agent = self._agent(key)
        agent.waiting.append(question)
        self._deadlines.set(now, question.seconds / (question.retries + 1), (agent, question))
        if not agent.asked:
            self._ask_next(agent)

    def close(self) -> None:
        """End what is under way as ERROR and close every session."""
        self._deadlines.close()
        for agent in self._agents.values():
            for question in (*agent.asked, *agent.waiting):
                _end(question, Reply(Outcome.ERROR, detail="closed"))
            self._shut(agent)
        self._agents.clear()
        self._idle.clear()
        self._starved.clear()

    def _agent(self, key: AgentKey) -> _Agent:
        agent = self._agents.get(key)
        if agent is None:
            agent = self._agents[key] = _Agent(key, is_merging=key[2].version is not Version.V1)
            if len(self._agents) > _MOST_AGENTS:
                self._forget_oldest()
        else:
            self._agents.move_to_end(key)
        return agent

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._agents.values()))
        if not oldest.asked and not oldest.waiting:
            self._shut(oldest)
            self._idle.pop(oldest.key, None)
            del self._agents[oldest.key]

    def _ask_next(self, agent: _Agent) -> None:
        while agent.waiting and not agent.waiting[0].is_open:
            agent.waiting.popleft()
        if not agent.waiting:
            self._rest(agent)
            return
        try:
            client = self._client(agent)
        except (OSError, ValueError) as error:
            self._refuse(agent, error)
            return
        if client is None:
            self._starved.append(agent)
            return
        agent.asked = self._next_questions(agent)
        self._send(agent, client)

    def _next_questions(self, agent: _Agent) -> list[Question]:
        chosen: list[Question] = []
        oids: set[str] = set()
        while agent.waiting:
            if not agent.waiting[0].is_open:
                agent.waiting.popleft()
                continue
            together = oids.union(agent.waiting[0].oids)
            if chosen and (not agent.is_merging or len(together) > _MOST_OIDS):
                break
            oids = together
            chosen.append(agent.waiting.popleft())
        return chosen

    def _send(self, agent: _Agent, client: SnmpClient) -> None:
        asked = agent.asked
        agent.is_joint = len(asked) > 1
        oids = dict.fromkeys(oid for question in asked for oid in question.oids)
        try:
            client.ask(list(oids), partial(self._on_reply, agent, asked))
        except (OSError, ValueError) as error:
            self._refuse(agent, error)

    def _on_reply(self, agent: _Agent, asked: list[Question], reply: Reply) -> None:
        if agent.asked is not asked:
            return
        agent.heard_at = self._monotonic()
        agent.asked = []
        if agent.is_joint and not reply.values and reply.outcome in {Outcome.OK, Outcome.MISMATCH}:
            # One object that it cannot stand, or too much for it: from now on each look asks alone.
            agent.is_merging = False
            agent.waiting.extendleft(reversed(asked))
        else:
            for question in asked:
                _end(question, _part(reply, question) if agent.is_joint else reply)
        if not agent.asked:  # whoever was called may have asked again
            self._ask_next(agent)

    def _refuse(self, agent: _Agent, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        refused, agent.asked = [*agent.asked, *agent.waiting], []
        agent.waiting.clear()
        self._rest(agent)
        for question in refused:
            # Later: whoever asks is not told from within its own call.
            asyncio.get_running_loop().call_soon(
                _end, question, Reply(Outcome.ERROR, detail=f"not asked: {reason}")
            )

    def _client(self, agent: _Agent) -> SnmpClient | None:
        """Answer the agent's session, opened where there is room for it."""
        self._idle.pop(agent.key, None)
        if agent.client is None:
            if self._sockets >= self._most_sockets and not self._make_room():
                return None
            agent.client = self._clients(agent.key, agent.engine_id)
            self._sockets += 1
        return agent.client

    def _make_room(self) -> bool:
        if not self._idle:
            return False
        _, longest = self._idle.popitem(last=False)
        self._shut(longest)
        return True

    def _shut(self, agent: _Agent) -> None:
        if agent.client is not None:
            agent.engine_id = agent.client.engine_id
            agent.client.close()
            agent.client = None
            self._sockets -= 1

    def _rest(self, agent: _Agent) -> None:
        if agent.client is not None:
            self._idle[agent.key] = agent
        while self._starved:
            hungry = self._starved.popleft()
            if hungry.waiting and not hungry.asked:
                self._ask_next(hungry)
                return

    def _on_due(self, due: list[tuple[_Agent, Question]]) -> None:
        self._drain()  # what arrived while the loop was busy elsewhere is an answer, not a loss
        now = self._monotonic()
        for agent, question in due:
            if question.is_open:
                self._take_due(agent, question, now)

    def _take_due(self, agent: _Agent, question: Question, now: float) -> None:
        step = question.seconds / (question.retries + 1)
        is_asked = question in agent.asked
        if now + step / 2 < question.deadline:
            self._deadlines.set(now, step, (agent, question))
            if is_asked and agent.client is not None and question is agent.asked[0]:
                self._send(agent, agent.client)
            return
        if not is_asked:
            _end(question, self._unasked(agent, question))
            return
        agent.asked.remove(question)
        silence = agent.client.forget() if agent.client is not None and not agent.asked else "no answer"
        _end(question, Reply(Outcome.TIMEOUT, detail=silence))
        if not agent.asked:
            self._ask_next(agent)

    def _unasked(self, agent: _Agent, question: Question) -> Reply:
        if agent.client is None:
            return Reply(Outcome.ERROR, detail=f"not asked: all {self._most_sockets} sockets are in use")
        if agent.heard_at > question.begun:
            return Reply(Outcome.ERROR, detail="not asked: the agent is slower than its looks come")
        return Reply(Outcome.TIMEOUT, detail="no answer")


def _part(reply: Reply, question: Question) -> Reply:
    return replace(reply, values={oid: reply.values[oid] for oid in question.oids if oid in reply.values})


def _end(question: Question, reply: Reply) -> None:
    if question.is_open:
        question.is_open = False
        question.done(reply)
