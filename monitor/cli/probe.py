"""``thongsuot probe KIND:ADDRESS[:PORT]``: one look, now, from here, with its phases; for a person at a terminal.

A ping and its route go through icmplib, which is made for one-off use; everything else goes through the very
probes that the fleet is looked at with, so that what is printed is what would be believed.
"""

import argparse
import asyncio
import json
import math
import secrets
import sys
import time
from typing import Any

import icmplib

from inventory.models import ProbeKind
from probes.http import HttpProbe
from probes.models import PHASES, Answer, Outcome, Probe, Request
from probes.sip import SipProbe
from probes.tcp import TcpProbe

__all__ = ["add"]

_PORTS = {ProbeKind.TCP: 80, ProbeKind.HTTP: 80, ProbeKind.SIP_OPTIONS: 5060}
_KINDS = ("icmp", "tcp", "http", "https", "sip")


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("probe", help="đo một lần · look once")
    parser.add_argument("target", metavar="KIND:ADDRESS[:PORT]", help=f"KIND is one of {', '.join(_KINDS)}")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds until the look fails (default 2)")
    parser.add_argument("--count", type=int, default=3, help="echo requests of an icmp look (default 3)")
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="as in targets.csv"
    )
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    kind, _, rest = chosen.target.partition(":")
    if kind not in _KINDS or not rest:
        print(
            f"{chosen.target!r}: say KIND:ADDRESS, where KIND is one of {', '.join(_KINDS)}", file=sys.stderr
        )
        return 2
    try:
        facts = _ping(rest, chosen) if kind == "icmp" else asyncio.run(_look(kind, rest, chosen))
    except (icmplib.ICMPLibError, OSError, ValueError) as error:
        print(f"{chosen.target}: {error}", file=sys.stderr)
        return 2
    if chosen.json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        print("\n".join(f"{key:14} {value}" for key, value in facts.items()))
    return 0 if facts["outcome"] == "ok" else 1


def _ping(address: str, chosen: argparse.Namespace) -> dict[str, Any]:
    try:
        host = icmplib.ping(
            address, count=chosen.count, interval=0.2, timeout=chosen.timeout, privileged=True
        )
    except icmplib.SocketPermissionError:
        host = icmplib.ping(
            address, count=chosen.count, interval=0.2, timeout=chosen.timeout, privileged=False
        )
    facts: dict[str, Any] = {
        "target": f"icmp:{host.address}",
        "outcome": "ok" if host.is_alive else "timeout",
        "sent": host.packets_sent,
        "received": host.packets_received,
    }
    if host.is_alive:
        facts |= {f"{name}_ms": getattr(host, f"{name}_rtt") for name in ("min", "avg", "max")}
        facts["jitter_ms"] = host.jitter
    return facts


async def _look(kind: str, rest: str, chosen: argparse.Namespace) -> dict[str, Any]:
    options = dict(option.partition("=")[::2] for option in chosen.option)
    look = {"tcp": ProbeKind.TCP, "sip": ProbeKind.SIP_OPTIONS}.get(kind, ProbeKind.HTTP)
    if kind == "https":
        options.setdefault("scheme", "https")
    name, _, port = rest.rpartition(":") if rest.rpartition(":")[2].isdigit() else (rest, "", "")
    began = time.monotonic()
    found = await asyncio.get_running_loop().getaddrinfo(name.strip("[]"), None)
    resolve = time.monotonic() - began
    default = 443 if kind == "https" else _PORTS[look]
    request = Request(0, str(found[0][4][0]), int(port or default), options, chosen.timeout)
    answer = await _once(_probe_of(look), request)
    return _facts(kind, request, answer, resolve)


def _probe_of(kind: ProbeKind) -> Probe:
    if kind is ProbeKind.TCP:
        return TcpProbe(monotonic=time.monotonic)
    if kind is ProbeKind.HTTP:
        return HttpProbe(monotonic=time.monotonic)
    return SipProbe(monotonic=time.monotonic, wall_ns=time.time_ns, token=lambda: secrets.token_hex(8))


async def _once(probe: Probe, request: Request) -> Answer:
    done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    await probe.open()
    probe.begin(request, lambda _request, answer: None if done.done() else done.set_result(answer))
    try:
        return await done
    finally:
        await probe.close()


def _facts(kind: str, request: Request, answer: Answer, resolve: float) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "target": f"{kind}:{request.address}:{request.port}",
        "outcome": Outcome(answer.outcome).name.lower(),
        "evidence": answer.evidence.name.lower(),
        "resolve_ms": round(resolve * 1000, 3),
    }
    if answer.code:
        facts["code"] = answer.code
    for name, value in zip(PHASES[1:], tuple(answer.phases)[1:], strict=False):
        if not math.isnan(value):
            facts[f"{name}_ms"] = round(value * 1000, 3)
    if not math.isnan(answer.rtt):
        facts["rtt_ms"] = round(answer.rtt * 1000, 3)
    if answer.detail:
        facts["detail"] = answer.detail
    return facts
