"""``thongsuot worker``: a vantage apart from the service, which looks from where it stands and posts what it saw.

It holds the inventory and nothing of belief. While the service cannot be reached, batches lie in the spool; nobody
who watches the board is fooled meanwhile, because the service knows since when it has not heard of this vantage.
"""

import argparse
import os
import secrets
import signal
import ssl
import sys
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog

from inventory.loader import InventoryFaultsError, load
from inventory.models import Inventory
from inventory.rebase import rebased
from monitor.cli.parent import watch_parent
from probes.bus_http import HttpPublisher
from probes.bus_nats import NatsPublisher
from probes.bus_spooled import SpoolingPublisher
from probes.call_limits import CallLimits
from probes.catalogue import catalogue
from probes.health import clock_age
from probes.spool import Spool
from probes.worker import Clocks, VantageWorker

__all__ = ["add"]

log = structlog.get_logger()

_HOOK = "/hooks/batches"
_TOKEN = "THONGSUOT_WORKER_TOKEN"  # noqa: S105 - the name of a setting
_LOOK_SECONDS = 0.2


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "worker",
        help="điểm quan sát từ xa · look from elsewhere, for a service",
        description=f"Looks from one vantage and posts to the service. The token stands in the environment ({_TOKEN}) "
        "or in a file, never on the command line; the service holds its SHA-256.",
    )
    parser.add_argument(
        "--inventory", type=Path, required=True, help="inventory folder, the same as the service's"
    )
    parser.add_argument(
        "--vantage", required=True, metavar="CODE", help="which vantage of vantages.yml this is"
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--to", metavar="URL", help="the service: https://board.example")
    way.add_argument(
        "--bus", metavar="URL", help="or NATS JetStream, best a leaf node here: nats://127.0.0.1"
    )
    parser.add_argument("--token-file", type=Path, help=f"file with the token (or the environment: {_TOKEN})")
    parser.add_argument(
        "--spool", type=Path, default=Path("var/spool"), help="folder for what cannot be delivered"
    )
    parser.add_argument("--spool-mib", type=int, default=256, help="most that the spool holds (default 256)")
    parser.add_argument("--ca", type=Path, help="certificate authority of the service")
    parser.add_argument("--extra-ca", type=Path, help="further certificate authority for HTTPS targets")
    parser.add_argument("--day", type=date.fromisoformat, help="hold the election on this day (YYYY-MM-DD)")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    problem = ""
    try:
        token = "" if chosen.bus else _token(chosen)
        inventory = _inventory(chosen)
        if chosen.vantage not in inventory.vantages:
            problem = f"--vantage {chosen.vantage!r}: there are {', '.join(inventory.vantages)}"
        else:
            problem = _address_problem(chosen)
    except InventoryFaultsError as error:
        print("\n".join(map(str, error.faults)), file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        problem = str(error)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    return _live(chosen, inventory, token)


def _live(chosen: argparse.Namespace, inventory: Inventory, token: str) -> int:
    publisher = _publisher(chosen, token)
    vantage = VantageWorker(
        inventory=inventory,
        vantage=chosen.vantage,
        publisher=publisher,
        clocks=_clocks(),
        probes=lambda: catalogue(
            monotonic=time.monotonic,
            wall_ns=time.time_ns,
            token=lambda: secrets.token_hex(8),
            rng=secrets.SystemRandom(),
            limits=CallLimits(
                monotonic=time.monotonic, clock=lambda: datetime.now(UTC), zone=inventory.election.zone
            ),
            extra_ca=chosen.extra_ca,
        ),
        nonce=secrets.randbits(64),
        epoch=_epoch(chosen.spool),
    )
    stop, reload = threading.Event(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: reload.set())
    if chosen.with_parent:
        watch_parent(stop.set)
    publisher.start()
    vantage.start()
    log.info("worker started", vantage=chosen.vantage, to=_shown(chosen), digest=inventory.digest[:12])
    while vantage.is_alive() and not stop.wait(_LOOK_SECONDS):
        if reload.is_set():
            reload.clear()
            _reload(chosen, vantage)
    ended_itself = not stop.is_set()
    vantage.stop()
    publisher.stop()
    log.info("worker stopped", sent=publisher.statistics.sent, spooled_bytes=publisher.spooled_bytes)
    return 1 if ended_itself else 0


def _publisher(chosen: argparse.Namespace, token: str) -> SpoolingPublisher:
    spool = Spool(chosen.spool, most_bytes=chosen.spool_mib << 20)
    if chosen.bus:
        return NatsPublisher(
            url=chosen.bus,
            vantage=chosen.vantage,
            spool=spool,
            monotonic=time.monotonic,
            wall_ns=time.time_ns,
        )
    return HttpPublisher(
        url=chosen.to.rstrip("/") + _HOOK,
        token=token,
        spool=spool,
        monotonic=time.monotonic,
        wall_ns=time.time_ns,
        tls=ssl.create_default_context(cafile=chosen.ca) if chosen.ca else None,
    )


def _address_problem(chosen: argparse.Namespace) -> str:
    option, url, schemes = (
        ("--bus", chosen.bus, {"nats", "tls"}) if chosen.bus else ("--to", chosen.to, {"http", "https"})
    )
    asked = urlsplit(url)
    if asked.scheme in schemes and asked.netloc:
        return ""
    return f"{option} {url!r}: say {'nats' if chosen.bus else 'http(s)'}://host[:port]"


def _shown(chosen: argparse.Namespace) -> str:
    """Answer where batches go, without what may stand before an @."""
    return str(urlsplit(chosen.bus or chosen.to).netloc).rpartition("@")[2]


def _reload(chosen: argparse.Namespace, vantage: VantageWorker) -> None:
    try:
        inventory = _inventory(chosen)
    except InventoryFaultsError as error:
        log.error("reload refused", faults=len(error.faults), first=str(error.faults[0]))  # noqa: TRY400 - no trace
        return
    if chosen.vantage not in inventory.vantages:
        log.error("reload refused", reason=f"no vantage {chosen.vantage}")
        return
    vantage.swap(inventory)
    log.info("reloaded", digest=inventory.digest[:12])


def _inventory(chosen: argparse.Namespace) -> Inventory:
    inventory = load(chosen.inventory)
    return rebased(inventory, chosen.day) if chosen.day else inventory


def _token(chosen: argparse.Namespace) -> str:
    token = (
        chosen.token_file.read_text(encoding="ascii") if chosen.token_file else os.environ.get(_TOKEN, "")
    ).strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ValueError(f"the token is missing: set {_TOKEN}, or name a file by --token-file")
    return token


def _epoch(folder: Path) -> int:
    """Answer a number above that of every life before, also where the clock went back: the service goes by it."""
    mark = folder / "epoch"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = mark.read_text(encoding="ascii").strip() if mark.exists() else ""
    epoch = max(time.time_ns(), int(before) + 1 if before.isdecimal() else 0)
    mark.write_text(f"{epoch}\n", encoding="ascii")
    return epoch


def _clocks() -> Clocks:
    return Clocks(
        now=lambda: datetime.now(UTC),
        wall_ns=time.time_ns,
        monotonic_ns=time.monotonic_ns,
        age=lambda: clock_age(time.time),
    )
