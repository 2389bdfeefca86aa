"""Real servers on loopback for tests: nginx, kamailio, SIPp, started on free ports and ended by their own pid."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = [
    "free_port",
    "kamailio",
    "needs_program",
    "nginx",
    "sipp_answering",
    "started",
    "until",
]

READY_SECONDS = 60.0
STOP_SECONDS = 5.0


def needs_program(*names: str) -> None:
    """Leave the test out, saying which program of Debian it needs."""
    missing = [name for name in names if shutil.which(name) is None and not Path("/usr/sbin", name).exists()]
    if missing:
        pytest.skip(f"left out: {', '.join(missing)} is not installed")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Answer a port that nobody holds on any loopback address right now, outside the ephemeral range."""
    low = 20_000 + (id(object()) // 16 + time.monotonic_ns() // 1_000) % 12_000
    for port in (20_000 + (low - 20_000 + step) % 12_000 for step in range(12_000)):
        with socket.socket(socket.AF_INET, kind) as trial:
            try:
                trial.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def until(condition: Callable[[], bool], *, what: str, seconds: float = READY_SECONDS) -> None:
    """Wait for a condition; fail with its name when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come about within {seconds} s")
        time.sleep(0.01)


@contextmanager
def started(*command: str, log: Path, is_ready: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; what it printed is in ``log``."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:

        def ready() -> bool:
            if server.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {server.returncode}: {log.read_text()[-2000:]}")
            return is_ready()

        until(ready, what=f"{command[0]} being ready")
        yield server
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(STOP_SECONDS)


def connects(port: int, address: str = "127.0.0.1") -> bool:
    """Whether somebody listens."""
    with socket.socket() as trial:
        trial.settimeout(1.0)
        return trial.connect_ex((address, port)) == 0


def answers_sip(port: int, address: str = "127.0.0.1") -> bool:
    """Whether a SIP element answers an OPTIONS written by hand."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.settimeout(0.3)
        trial.connect((address, port))
        own = trial.getsockname()[1]
        lines = [
            f"OPTIONS sip:{address}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bKready{own};rport",
            "Max-Forwards: 70",
            f"From: <sip:ready@127.0.0.1>;tag=ready{own}",
            f"To: <sip:{address}:{port}>",
            f"Call-ID: ready{own}@127.0.0.1",
            "CSeq: 1 OPTIONS",
            "Content-Length: 0",
        ]
        try:
            trial.send("\r\n".join([*lines, "", ""]).encode())
            return trial.recv(4096).startswith(b"SIP/2.0 ")
        except OSError:
            return False


@contextmanager
def nginx(directory: Path, servers: str, *, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run nginx with the given ``server`` blocks; ``port`` is one that it listens on."""
    needs_program("nginx")
    directory.mkdir(parents=True, exist_ok=True)
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = directory / "nginx.conf"
    configuration.write_text(
        f"{'user root; ' if os.geteuid() == 0 else ''}daemon off; pid {directory}/pid; error_log stderr; worker_processes 1;\n"
        f"events {{ worker_connections 1024; }}\n"
        f"http {{ access_log off;\n{temporary}{servers}\n}}\n"
    )
    command = ("nginx", "-p", str(directory), "-e", "stderr", "-c", str(configuration))
    with started(*command, log=directory / "nginx.log", is_ready=lambda: connects(port)) as server:
        yield server


@contextmanager
def kamailio(directory: Path, *, port: int, route: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run kamailio on UDP with the given body of ``request_route``; it must answer OPTIONS without a user."""
    needs_program("kamailio")
    directory.mkdir(parents=True, exist_ok=True)
    modules = next(Path("/usr/lib").glob("*/kamailio/modules"))
    configuration = directory / "kamailio.cfg"
    configuration.write_text(
        "#!KAMAILIO\n"
        "debug=2\nlog_stderror=yes\nfork=no\nchildren=1\nauto_aliases=no\n"
        f"listen=udp:127.0.0.1:{port}\n"
        f'mpath="{modules}/"\n'
        'loadmodule "pv.so"\nloadmodule "sl.so"\nloadmodule "textops.so"\n'
        'loadmodule "siputils.so"\nloadmodule "sanity.so"\n'
        f"request_route {{\n{route}\n}}\n"
    )
    command = (
        "kamailio", "-DD", "-E", "-f", str(configuration), "-P", str(directory / "pid"), "-Y", str(directory),
    )  # fmt: skip
    with started(*command, log=directory / "kamailio.log", is_ready=lambda: answers_sip(port)) as server:
        yield server


@contextmanager
def sipp_answering(
    directory: Path, *, port: int, status: str, first: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """Run SIPp answering every OPTIONS with ``status`` ("486 Busy Here"), after ``first`` where one is given."""
    needs_program("sipp")
    directory.mkdir(parents=True, exist_ok=True)
    scenario = directory / "uas.xml"
    answers = "".join(_sipp_response(text) for text in (first, status) if text)
    scenario.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="options">\n'
        f' <recv request="OPTIONS" crlf="true"/>\n{answers}</scenario>\n'
    )
    command = (
        "sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-trace_err",
        "-error_file", str(directory / "errors.log"),
    )  # fmt: skip
    with started(*command, log=directory / "sipp.log", is_ready=lambda: answers_sip(port)) as server:
        yield server


def _sipp_response(status: str) -> str:
    return (
        f" <send><![CDATA[\n\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n"
        "[last_To:];tag=[pid]SIPpTag01[call_number]\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n\n]]></send>\n"
    )
