"""``thongsuot probe TARGET``: one look, now, from here, with every phase and what it proves; for people and programs.

TARGET is ``kind:address[:port]``, or with ``--inventory`` a code: a target's own, or a path's, a link's or a site's, whose
targets are looked at one after another. A ping and its route go through icmplib, which is made for one-off use;
everything else goes through the very probes that the fleet is looked at with, so that what is printed is what would
be believed. Exit 0 if all is ok, 1 if not, 2 if it could not be asked.
"""

import argparse
import asyncio
import json
import math
import random
import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import icmplib

from inventory.loader import InventoryFaultsError
from inventory.models import ProbeKind
from monitor.cli.subject import KINDS, Subject, subjects_of
from probes.call_limits import CallLimits
from probes.catalogue import catalogue
from probes.models import PHASES, Answer, Measure, Outcome, Probe, Request
from probes.once import look_once
from probes.traceroute import Route, trace

__all__ = ["add"]

_SHOWN = {
    "outcome": "kết quả · outcome",
    "evidence": "chứng minh · evidence",
    "code": "mã · code",
    "detail": "chi tiết · detail",
    "rtt_ms": "thời gian · rtt ms",
    "route": "đường đi · route",
}


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("probe", help="đo một lần · look once")
    parser.add_argument(
        "target",
        metavar="TARGET",
        help=f"KIND:ADDRESS[:PORT], KIND one of {', '.join(KINDS)}; or a code, with --inventory",
    )
    parser.add_argument("--inventory", type=Path, help="inventory folder that TARGET is a code of")
    parser.add_argument(
        "--timeout", type=float, help="seconds until the look fails (default 2, 8 for a stream)"
    )
    parser.add_argument("--count", type=int, default=3, help="echo requests of an icmp look (default 3)")
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="as in targets.csv"
    )
    parser.add_argument("--extra-ca", type=Path, help="further certificate authority to trust")
    parser.add_argument("--trace", action="store_true", help="say where the path breaks, too (needs root)")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    try:
        subjects = subjects_of(chosen)
        found = [_looked(subject, chosen) for subject in subjects]
    except InventoryFaultsError as error:
        print("\n".join(map(str, error.faults)), file=sys.stderr)
        return 2
    except (icmplib.ICMPLibError, OSError, ValueError) as error:
        print(f"{chosen.target}: {error}", file=sys.stderr)
        return 2
    if chosen.json:
        print(json.dumps(found[0] if chosen.inventory is None else found, ensure_ascii=False))
    else:
        print("\n\n".join(_told(facts) for facts in found))
    return 0 if all(facts["outcome"] == "ok" for facts in found) else 1


def _looked(subject: Subject, chosen: argparse.Namespace) -> dict[str, Any]:
    facts = _ping(subject, chosen) if subject.kind is ProbeKind.ICMP else asyncio.run(_look(subject, chosen))
    if chosen.trace:
        facts |= _route(trace(facts["address"], monotonic=time.monotonic))
    return facts


def _ping(subject: Subject, chosen: argparse.Namespace) -> dict[str, Any]:
    def pinged(*, privileged: bool) -> icmplib.Host:
        return icmplib.ping(
            subject.host, count=chosen.count, interval=0.2, timeout=subject.timeout, privileged=privileged
        )

    try:
        host = pinged(privileged=True)
    except icmplib.SocketPermissionError:
        host = pinged(privileged=False)
    facts: dict[str, Any] = {
        "target": subject.name,
        "kind": subject.kind.value,
        "address": host.address,
        "outcome": "ok" if host.is_alive else "timeout",
        "sent": host.packets_sent,
        "received": host.packets_received,
    }
    if host.is_alive:
        facts |= {f"{name}_ms": getattr(host, f"{name}_rtt") for name in ("min", "avg", "max")}
        facts["jitter_ms"] = host.jitter
    return facts


async def _look(subject: Subject, chosen: argparse.Namespace) -> dict[str, Any]:
    probes = catalogue(
        monotonic=time.monotonic,
        wall_ns=time.time_ns,
        token=lambda: secrets.token_hex(8),
        extra_ca=chosen.extra_ca,
        rng=random.SystemRandom(),
        limits=CallLimits(monotonic=time.monotonic, clock=lambda: datetime.now(UTC), zone=subject.zone),
    )
    if subject.kind not in probes:
        raise ValueError(f"{subject.kind} is not looked at by hand")
    began = time.monotonic()
    found = await asyncio.get_running_loop().getaddrinfo(subject.host, None)
    resolve = time.monotonic() - began
    request = Request(0, str(found[0][4][0]), subject.port, subject.options, subject.timeout)
    answer = await _once(probes[subject.kind], request)
    return _facts(subject, request, answer, resolve)


async def _once(probe: Probe, request: Request) -> Answer:
    await probe.open()
    try:
        return await look_once(probe, request)
    finally:
        await probe.close()


def _facts(subject: Subject, request: Request, answer: Answer, resolve: float) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "target": subject.name,
        "kind": subject.kind.value,
        "address": request.address,
        "port": request.port,
        "outcome": Outcome(answer.outcome).name.lower(),
        "evidence": answer.evidence.name.lower(),
        "resolve_ms": round(resolve * 1000, 3),
    }
    for name, value in zip(PHASES[1:], tuple(answer.phases)[1:], strict=False):
        if not math.isnan(value):
            facts[f"{name}_ms"] = round(value * 1000, 3)
    if not math.isnan(answer.rtt):
        facts["rtt_ms"] = round(answer.rtt * 1000, 3)
    if answer.code:
        facts["code"] = answer.code
    if answer.detail:
        facts["detail"] = answer.detail
    facts |= {name.value: figure for name, figure in answer.measures.items() if not math.isnan(figure)}
    if Measure.TLS_NOT_AFTER in answer.measures:
        facts["tls_not_after"] = datetime.fromtimestamp(
            answer.measures[Measure.TLS_NOT_AFTER], UTC
        ).isoformat()
    return facts


def _route(route: Route) -> dict[str, Any]:
    return {
        "route": list(route.told()),
        "route_reached": route.is_reached,
        "hops": [
            {"distance": hop.distance, "address": hop.address, "rtt_ms": round(hop.rtt * 1000, 3)}
            for hop in route.hops
        ],
    }


def _told(facts: dict[str, Any]) -> str:
    lines = []
    for key, value in facts.items():
        if key == "hops":
            lines += [f"  {hop['distance']:2} {hop['address']:40} {hop['rtt_ms']:.3f} ms" for hop in value]
        elif key != "route_reached":
            shown = " · ".join(value) if isinstance(value, list) else value
            lines.append(f"{_SHOWN.get(key, key):34} {shown}")
    return "\n".join(lines)
