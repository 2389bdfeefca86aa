"""Opens sessions with agents, by the library that a target's options ask for, and holds what these sessions share."""

from collections.abc import Callable

from probes.snmp_agents import AgentKey
from probes.snmp_client import SnmpClient, SnmpClientStatistics
from probes.snmp_gufo import GufoClient, GufoSurroundings
from probes.snmp_keys import Keyring
from probes.snmp_plan import Engine
from probes.snmp_pysnmp import PysnmpClient, PysnmpEngines
from probes.snmp_sockets import SocketViews

__all__ = ["SnmpClients"]


class SnmpClients:
    """A maker of clients; open on a running loop."""

    def __init__(self, *, monotonic: Callable[[], float], wall_ns: Callable[[], int]) -> None:
        self.statistics = SnmpClientStatistics()
        self._monotonic = monotonic
        self._views = SocketViews()
        self._engines = PysnmpEngines()
        self._around = GufoSurroundings(self._views, Keyring(), monotonic, wall_ns, self.statistics)

    def open(self) -> None:
        """Start on the running loop."""
        self._views.start()

    def close(self) -> None:
        """Stop; the clients are their owners' to close before."""
        self._engines.close()
        self._views.stop()

    def drain(self) -> None:
        """Handle every answer that has arrived."""
        self._views.drain()

    def __call__(self, key: AgentKey, engine_id: bytes) -> SnmpClient:
        """Open a session; OSError where no descriptor is left, ValueError for what the library cannot."""
        address, port, credentials = key
        if credentials.engine is Engine.GUFO:
            return GufoClient(address, port, credentials, self._around, engine_id=engine_id)
        return PysnmpClient(
            address,
            port,
            credentials,
            engines=self._engines,
            monotonic=self._monotonic,
            statistics=self.statistics,
        )
