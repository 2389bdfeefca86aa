"""Which number a name has, and when it must be asked again."""

import asyncio

from probes import snmp_mib as mib
from probes.models import Outcome
from probes.snmp_client import Reply, SnmpWalkError
from probes.snmp_names import InterfaceNames
from probes.snmp_plan import snmp_plan

KEY = ("192.0.2.1", 161, snmp_plan({}).credentials)
FAULT = Reply(Outcome.REFUSED, detail="ECONNREFUSED")


class Agent:
    """Numbers its interfaces anew at every start, slowly if told to; stands for its clients too."""

    def __init__(self):
        self.names = {1: b"lo", 2: b"up"}
        self.walks = 0
        self.has_answered = False
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.is_refusing = False

    def __call__(self, key, engine_id):
        return self

    def close(self):
        pass

    async def walk(self, root):
        if self.is_refusing:
            raise SnmpWalkError(FAULT)
        if root == mib.IF_NAME:
            self.walks += 1
            for index, name in sorted(self.names.items()):
                self.has_answered = True
                await self.may_go_on.wait()
                yield f"{root}.{index}", name


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


async def told(names, name):
    answer = asyncio.get_running_loop().create_future()
    names.tell(KEY, name, lambda number, why: answer.set_result((number, why)))
    return await asyncio.wait_for(answer, 60)


async def test_a_table_is_read_once_for_all_who_wait_for_it():
    agent = Agent()
    names = InterfaceNames(clients=agent, monotonic=Clock())
    found = await asyncio.gather(told(names, "lo"), told(names, "up"), told(names, "lo"))
    assert [number for number, _ in found] == [1, 2, 1]
    assert agent.walks == 1
    assert names.known(KEY, "up") == 2


async def test_an_agent_that_began_after_its_names_were_read_is_read_again():
    agent, clock = Agent(), Clock()
    names = InterfaceNames(clients=agent, monotonic=clock)
    await told(names, "up")
    clock.now += 60.0
    assert not names.outlived(KEY, begun_at=500.0), "it has been up all the time"
    agent.names = {1: b"lo", 7: b"up"}
    assert names.outlived(KEY, begun_at=1050.0)
    assert names.known(KEY, "up") == 0
    assert (await told(names, "up"))[0] == 7
    assert not names.outlived(KEY, begun_at=1060.0), "it was read just now"


async def test_a_name_that_is_missing_is_looked_for_again_after_a_minute_only():
    agent, clock = Agent(), Clock()
    names = InterfaceNames(clients=agent, monotonic=clock)
    number, why = await told(names, "new")
    assert (number, why.outcome) == (0, Outcome.MISMATCH)
    agent.names[3] = b"new"
    assert (await told(names, "new"))[0] == 0
    assert agent.walks == 1
    clock.now += 61.0
    assert (await told(names, "new"))[0] == 3


async def test_whoever_waits_is_told_why_an_agent_could_not_be_read():
    agent = Agent()
    agent.is_refusing = True
    names = InterfaceNames(clients=agent, monotonic=Clock())
    assert await told(names, "lo") == (0, FAULT)
    agent.is_refusing = False
    assert (await told(names, "lo"))[0] == 1


async def test_an_agent_whose_long_table_is_being_read_is_not_silent():
    agent = Agent()
    names = InterfaceNames(clients=agent, monotonic=Clock())
    assert names.while_reading(KEY).outcome is Outcome.TIMEOUT
    agent.may_go_on.clear()
    names.tell(KEY, "lo", lambda *_: None)
    while not agent.has_answered:
        await asyncio.sleep(0)
    assert names.while_reading(KEY).outcome is Outcome.ERROR
    names.close()
