"""Real SNMP agents and the field's own tools for tests: snmpd, snmpget, snmptrap, snmpinform."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from probes.snmp import SnmpProbe
from tests.support.servers import needs_program, started
from tests.support.snmp_agent import oid_bytes, tlv

__all__ = ["USER", "USER_ARGUMENTS", "a_snmp_probe", "net_snmp", "snmp_tool", "snmpd"]

USER = {"user": "v3user", "auth_key": "authpass123", "priv_key": "privpass123"}
USER_ARGUMENTS = ("-v3", "-u", "v3user", "-l", "authPriv", "-a", "SHA-256", "-A", "authpass123", "-x", "AES", "-X", "privpass123")  # fmt: skip
CONFIGURATION = """
agentAddress udp:127.0.0.1:{port}
rocommunity monitor 127.0.0.1
rwcommunity writer 127.0.0.1
createUser v3user SHA-256 "authpass123" AES "privpass123"
rouser v3user authPriv
createUser old SHA "authpass123" DES "privpass123"
rouser old authPriv
createUser plain
rouser plain noauth
createUser outsider SHA-256 "authpass123" AES "privpass123"
"""


def a_snmp_probe(**given) -> SnmpProbe:
    return SnmpProbe(monotonic=time.monotonic, wall_ns=time.time_ns, **given)


@contextmanager
def snmpd(directory: Path, *, port: int, more: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run snmpd on a port of 127.0.0.1; ``more`` is configuration, such as ``override OID type value``."""
    needs_program("snmpd")
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "snmpd.conf"
    configuration.write_text(CONFIGURATION.format(port=port) + more)
    command = ("env", f"SNMP_PERSISTENT_DIR={directory}", "MIBS=", "/usr/sbin/snmpd", "-f", "-Lo", "-C", "-c", str(configuration), "-I", "-smux")  # fmt: skip
    with started(*command, log=directory / "snmpd.log", is_ready=lambda: answers_snmp(port)) as server:
        yield server


def answers_snmp(port: int) -> bool:
    """Whether an agent answers a GET of its uptime written by hand."""
    row = tlv(0x30, oid_bytes("1.3.6.1.2.1.1.3.0") + b"\x05\x00")
    pdu = tlv(0xA0, b"\x02\x01\x07\x02\x01\x00\x02\x01\x00" + tlv(0x30, row))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.settimeout(0.3)
        trial.connect(("127.0.0.1", port))
        try:
            trial.send(tlv(0x30, b"\x02\x01\x01" + tlv(0x04, b"monitor") + pdu))
            return bool(trial.recv(4096))
        except OSError:
            return False


def snmp_tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of net-snmp's, without MIB files, to its end."""
    needs_program(name)
    environment = {**os.environ, "MIBS": ""}
    return subprocess.run(
        (name, *arguments), capture_output=True, text=True, timeout=20, env=environment, check=False
    )


def net_snmp(port: int, *oids: str, arguments: tuple[str, ...] = ("-v2c", "-c", "monitor")) -> list[str]:
    """Answer what snmpget prints for the objects, values only."""
    done = snmp_tool("snmpget", *arguments, "-Oqvt", "-t", "2", "-r", "1", f"127.0.0.1:{port}", *oids)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
