"""Real DNS servers on loopback: unbound, BIND's named, and dig to agree with."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import free_port, needs_program, started

__all__ = ["DigAnswer", "bind", "dig", "unbound"]

ZONE = """\
$TTL 60
@ IN SOA ns root 2026112201 60 60 60 60
@ IN NS ns
@ IN MX 10 thu
ns IN A 127.0.0.1
thu IN A 127.0.0.7
www IN A 127.0.0.8
www IN A 127.0.0.9
www IN AAAA ::8
cu IN CNAME www
_sip._udp IN SRV 0 5 5060 ns
@ IN NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp
chu IN TXT "v=spf1 -all"
"""


@dataclass(frozen=True)
class DigAnswer:
    """What dig printed: the status, and the answers' values."""

    status: str
    values: tuple[str, ...]


def dig(port: int, name: str, kind: str, *further: str) -> DigAnswer:
    """Ask by dig."""
    needs_program("dig")
    command = ["dig", "@127.0.0.1", "-p", str(port), name, kind, "+tries=1", "+time=3", *further]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    status = re.search(r"status: (\w+)", text)
    answers = re.search(r";; ANSWER SECTION:\n(.*?)\n\n", text, re.DOTALL)
    lines = answers[1].splitlines() if answers else []
    of_kind = [line.split(None, 4) for line in lines]
    values = tuple(sorted(parts[4] for parts in of_kind if parts[3] == kind))
    return DigAnswer(status[1] if status else "", values)


def answers_dns(port: int) -> bool:
    return bool(dig(port, "localhost", "A", "+time=1").status)


@contextmanager
def bind(directory: Path) -> Iterator[int]:
    """Run named as the authority for lab.test, whose record ``dai`` does not fit into a datagram.

    It never had the zone hong.test from its primary, and so says SERVFAIL.
    """
    needs_program("named")
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    long = "".join(f'dai IN TXT "{n:03} {"x" * 200}"\n' for n in range(20))
    (directory / "lab.zone").write_text(ZONE + long)
    (directory / "named.conf").write_text(
        f'options {{ directory "{directory}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n'
        f' pid-file "{directory}/named.pid"; session-keyfile "{directory}/session.key"; recursion no;\n'
        " dnssec-validation no; minimal-responses yes; };\ncontrols { };\n"
        'zone "lab.test" { type primary; file "lab.zone"; };\n'
        'zone "hong.test" { type secondary; primaries { 127.0.0.1 port 9; }; file "absent"; };\n'
    )
    command = ("/usr/sbin/named", "-g", "-n", "1", "-c", str(directory / "named.conf"))
    with started(*command, log=directory / "named.log", is_ready=lambda: answers_dns(port)):
        yield port


@contextmanager
def unbound(directory: Path, *, further: str = "", authority: int = 0, tls: str = "") -> Iterator[int]:
    """Run unbound, knowing lab.test by itself or, with ``authority``, from a server at that port; answer the port."""
    needs_program("unbound")
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    known = (
        f'server: do-not-query-localhost: no\nserver: local-zone: "test." nodefault\n'
        f'stub-zone:\n name: "lab.test."\n stub-addr: 127.0.0.1@{authority}\n'
        if authority
        else 'server: local-zone: "lab.test." static\nserver: local-data: "lab.test. 60 IN SOA ns root 7 60 60 60 60"\n'
        'server: local-data: "cs.lab.test. 60 IN A 127.0.0.9"\n'
    )
    (directory / "unbound.conf").write_text(
        f'server:\n interface: 127.0.0.1@{port}\n port: {port}\n do-daemonize: no\n username: ""\n chroot: ""\n'
        f' directory: "{directory}"\n pidfile: "{directory}/unbound.pid"\n use-syslog: no\n logfile: ""\n'
        f" access-control: 127.0.0.0/8 allow\n num-threads: 1\n{further}{tls}remote-control: control-enable: no\n{known}"
    )
    command = ("/usr/sbin/unbound", "-d", "-c", str(directory / "unbound.conf"))
    with started(*command, log=directory / "unbound.log", is_ready=lambda: answers_dns(port)):
        yield port
