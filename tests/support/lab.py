"""A small province for the lab: two districts, three communes, two carriers, every kind of responder.

Codes say where they hang: ``C1-SIP`` is the SIP gateway of commune C1 (VNPT, behind ring RING-D1), ``C1-WEB`` its
web page and ``C1-ECHO`` its router on VNPT's fibre, ``C1-PORT`` a port and ``C1-AIR`` an echo on Viettel's mobile
line, ``RING-D1.edge`` an echo of the ring itself. Addresses lie apart from all other tests', by process.
"""

import asyncio
import itertools
import os
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from inventory.models import (
    Agency,
    Area,
    AreaKind,
    Deadlines,
    Election,
    Inventory,
    Medium,
    Party,
    PartyKind,
    Path,
    Policy,
    Priority,
    ProbeKind,
    Risk,
    RiskKind,
    Site,
    SiteKind,
    Target,
)
from probes.lab.lab import EnforcedBy, Lab
from probes.models import Outcome, Request
from tests.support.looks import a_sip_probe, a_tcp_probe, an_http_probe, looks, opened
from tests.support.servers import free_port, needs_program

COMMUNES = {"C1": "D1", "C2": "D1", "C3": "D2"}

_numbers = itertools.count()


def a_province(*, extra=()):
    """The province described above, on ports and addresses that nobody else uses now."""
    ports = {
        "web": free_port(),
        "secure": free_port(),
        "port": free_port(),
        "sip": free_port(socket.SOCK_DGRAM),
    }
    net = f"127.{200 + os.getpid() % 50}.{next(_numbers) % 250}"
    hosts = (f"{net}.{number}" for number in range(1, 250))
    paths, targets = {}, {}
    for commune, district in COMMUNES.items():
        wire, air = (f"RING-{district}",), ()
        for name, carrier, risks in (
            ("FIXED", "VNPT", wire),
            ("FIBRE", "VNPT", wire),
            ("MOBILE", "VIETTEL", air),
        ):
            code = f"{commune}-{name}"
            paths[code] = Path(code, f"S-{commune}", Medium.FIBRE, carrier, risks=risks)
        for name, path, kind, port, options in (
            ("SIP", "FIXED", ProbeKind.SIP_OPTIONS, "sip", {}),
            ("WEB", "FIBRE", ProbeKind.HTTP, "web", {"expect": "san-sang"}),
            ("SECURE", "FIBRE", ProbeKind.HTTP, "secure", {"scheme": "https"}),
            ("ECHO", "FIBRE", ProbeKind.ICMP, "", {}),
            ("PORT", "MOBILE", ProbeKind.TCP, "port", {}),
            ("AIR", "MOBILE", ProbeKind.ICMP, "", {}),
        ):
            code = f"{commune}-{name}"
            targets[code] = Target(code, f"{commune}-{path}", kind, next(hosts), ports.get(port), options)
    for district in ("D1", "D2"):
        code = f"RING-{district}.edge"
        targets[code] = Target(code, f"RING-{district}", ProbeKind.ICMP, next(hosts))
    targets |= {target.code: target for target in extra}
    return _inventory(paths, targets)


def _inventory(paths, targets):
    hour = timedelta(hours=1)
    return Inventory(
        election=Election("E", "Bầu cử", "Election", date(2021, 5, 23), ZoneInfo("Asia/Ho_Chi_Minh"), Agency("Sở", "Dept", "S"), ()),
        policy=Policy({}, None, {}, Deadlines(hour, hour, hour), {}, hour),
        parties={code: Party(code, PartyKind.CARRIER, code) for code in ("VNPT", "VIETTEL")},
        vantages={},
        areas={
            "P": Area("P", None, AreaKind.PROVINCE, "Tỉnh"),
            **{code: Area(code, "P", AreaKind.RURAL_DISTRICT, code) for code in ("D1", "D2")},
            **{code: Area(code, parent, AreaKind.COMMUNE, code) for code, parent in COMMUNES.items()},
        },
        sites={
            f"S-{code}": Site(f"S-{code}", code, SiteKind.COMMUNE_COMMITTEE, f"UBBC {code}", Priority.B)
            for code in COMMUNES
        },
        paths=paths,
        risks={
            **{f"RING-{code}": Risk(f"RING-{code}", RiskKind.RING, code, "VNPT", code, "CORE") for code in ("D1", "D2")},
            "CORE": Risk("CORE", RiskKind.CORE, "Mạng lõi", "VNPT", "P"),
        },
        links={},
        targets=targets,
        people={},
        shifts=(),
        digest="lab",
    )  # fmt: skip


def the_time():
    return datetime.now(UTC)


@asynccontextmanager
async def a_lab(inventory, directory, *, enforced_by=EnforcedBy.SOCKETS):
    """A lab that runs; its table has a name of its own, and is gone afterwards whatever happened."""
    table = f"ts_test_{os.getpid()}_{next(_numbers)}"
    lab = Lab(
        inventory, directory=directory, clock=the_time, rng=Random(7), table=table, enforced_by=enforced_by
    )
    await lab.start()
    lab.table = table
    try:
        yield lab
    finally:
        await lab.stop()


async def seen_from_outside(lab, inventory, *, timeout=0.5):
    """Look once at every target that is no ICMP; answer the outcomes by code."""
    kinds = {
        ProbeKind.TCP: a_tcp_probe(),
        ProbeKind.HTTP: an_http_probe(extra_ca=lab.certificate.ca),
        ProbeKind.SIP_OPTIONS: a_sip_probe(),
    }
    found = {}
    for kind, probe in kinds.items():
        chosen = [target for target in inventory.targets.values() if target.kind is kind]
        requests = [
            Request(n, target.address, target.port, target.options, timeout)
            for n, target in enumerate(chosen)
        ]
        async with opened(probe):
            answers = await looks(probe, requests)
        found |= {target.code: answer for target, answer in zip(chosen, answers, strict=True)}
    return found


def down(found):
    """Codes of the targets that did not answer as they should."""
    return {code for code, answer in found.items() if answer.outcome is not Outcome.OK}


async def echoes(inventory, *, count=1, timeout=0.4):
    """Ping every ICMP target by fping, which knows nothing of us; answer the round trips in ms by code."""
    needs_program("fping")
    chosen = {
        target.address: code for code, target in inventory.targets.items() if target.kind is ProbeKind.ICMP
    }
    fping = await asyncio.create_subprocess_exec(
        *("fping", "-C", str(count), "-q", "-p", "20", "-i", "1", "-t", str(round(timeout * 1000)), *chosen),
        stderr=subprocess.PIPE,
    )
    _, told = await fping.communicate()
    lines = (line.split(" : ") for line in told.decode().splitlines() if " : " in line)
    return {
        chosen[address.strip()]: [float(rtt) for rtt in trips.split() if rtt != "-"]
        for address, trips in lines
    }


async def eventually(condition, *, seconds=60.0):
    """Wait until a condition holds; fail when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.01)
