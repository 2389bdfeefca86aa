"""``thongsuot lab``: the province on loopback, and the faults that are put into it.

``lab serve`` runs it; ``cut``, ``loss``, ``slow``, ``fill``, ``restore``, ``status`` and ``log`` speak to the one that runs in
the same state folder. Every fault is written to ``faults.jsonl`` after it took effect: that is ground truth.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inventory.loader import InventoryFaultsError, load
from inventory.models import Inventory
from inventory.samples import sample
from monitor.cli.parent import watch_parent
from probes.lab.control import ControlServer, LabControl, LabNotRunningError
from probes.lab.faults import Selector
from probes.lab.lab import Lab
from probes.lab.sinks import Sinks
from probes.lab.timeline import TimelineEvent, parse_timeline, replay

__all__ = ["add"]

_SELECTORS = tuple(field.name for field in fields(Selector))
_HELP = {
    "cut": "cắt · cut what is selected",
    "loss": "làm mất gói · lose a share of the packets",
    "slow": "làm chậm · answer later",
    "fill": "làm đầy tuyến · fill the links selected up to a share of their capacity",
    "restore": "nối lại · end the faults of what is selected; of everything with no selector",
}


def add(commands: Any) -> None:
    """Declare the subcommand and its verbs."""
    parser = commands.add_parser("lab", help="tỉnh thử nghiệm · the province on loopback, and its faults")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    serve = verbs.add_parser("serve", help="chạy phòng thử · run the lab")
    serve.add_argument(
        "--inventory", type=Path, default=None, help="inventory folder (default: soc-trang-2021)"
    )
    serve.add_argument(
        "--timeline", type=Path, default=None, help="YAML list of `- {at: 10s, do: cut, carrier: VNPT}`"
    )
    serve.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    serve.set_defaults(run=_serve)
    for name, text in _HELP.items():
        verb = verbs.add_parser(name, help=text)
        for selector in _SELECTORS:
            verb.add_argument(f"--{selector}", default="", metavar="CODE")
        verb.set_defaults(run=_command, do=name)
        if name == "loss":
            verb.add_argument("--ratio", type=float, default=0.3, help="share lost, 0 to 1 (default 0.3)")
        if name == "fill":
            verb.add_argument("--ratio", type=float, default=0.95, help="share used, 0 to 1 (default 0.95)")
        if name == "slow":
            verb.add_argument("--ms", type=float, default=300.0, help="milliseconds (default 300)")
        if name == "restore":
            verb.add_argument("--fault", type=int, default=0, help="end this one fault")
    status = verbs.add_parser("status", help="đang hỏng gì · what is wrong now")
    status.set_defaults(run=_command, do="status")
    entries = verbs.add_parser("log", help="nhật ký lỗi · the faults' log, ground truth")
    entries.add_argument("--last", type=int, default=50)
    entries.set_defaults(run=_command, do="log")
    for verb in verbs.choices.values():
        verb.add_argument("--state", type=Path, default=Path("var"), help="state folder (default: var)")
        verb.add_argument("--json", action="store_true", help="print facts as JSON")


def _serve(chosen: argparse.Namespace) -> int:
    try:
        inventory = load(chosen.inventory or sample("soc-trang-2021"))
        timeline = parse_timeline(chosen.timeline.read_text(encoding="utf-8")) if chosen.timeline else ()
        chosen.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        asyncio.run(_live(inventory, chosen, timeline))
    except InventoryFaultsError as error:
        print("\n".join(map(str, error.faults)), file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"phòng thử không chạy được · the lab cannot run: {error}", file=sys.stderr)
        return 1
    return 0


async def _live(
    inventory: Inventory, chosen: argparse.Namespace, timeline: tuple[TimelineEvent, ...]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if chosen.with_parent:
        watch_parent(lambda: loop.call_soon_threadsafe(stop.set))
    lab = Lab(inventory, directory=chosen.state, clock=_now, rng=random.Random())  # noqa: S311 - chance of a drill
    sinks = Sinks(directory=chosen.state, clock=_now)
    control = ControlServer(lab, directory=chosen.state)
    await lab.start()
    try:
        await sinks.start()
        await control.start()
        print(json.dumps(_facts(lab, sinks)), flush=True)
        playing = asyncio.create_task(replay(lab, timeline, stop=stop))
        await stop.wait()
        await playing
    finally:
        await control.stop()
        await sinks.stop()
        await lab.stop()


def _facts(lab: Lab, sinks: Sinks) -> dict[str, Any]:
    return {
        "smtp_port": sinks.smtp_port,
        "sms_port": sinks.http_port,
        "ca_file": str(lab.certificate.ca.absolute()) if lab.certificate else "",
        "targets": lab.status().served,
        "enforcement": lab.status().enforcement,
    }


def _now() -> datetime:
    return datetime.now(UTC)


def _command(chosen: argparse.Namespace) -> int:
    asked: dict[str, Any] = {"do": chosen.do}
    asked |= {name: getattr(chosen, name) for name in _SELECTORS if getattr(chosen, name, "")}
    asked |= {name: getattr(chosen, name) for name in ("ratio", "ms", "last") if hasattr(chosen, name)}
    if getattr(chosen, "fault", 0):
        asked["fault"] = chosen.fault
    try:
        answer = asyncio.run(LabControl(chosen.state).ask(asked))
    except LabNotRunningError as error:
        print(error, file=sys.stderr)
        return 1
    if not answer.pop("ok", False):
        print(" · ".join(answer["error"].values()), file=sys.stderr)
        return 1
    print(json.dumps(answer, ensure_ascii=False) if chosen.json else _SHOWN.get(chosen.do, _change)(answer))
    return 0


def _change(answer: dict[str, Any]) -> str:
    text = f"{answer['at']}  {answer['action']}: {answer['targets']} đích · targets"
    if answer["unenforced"]:
        text += (
            f", {answer['unenforced']} không thực hiện được ở đây · not enforceable here (ICMP without root)"
        )
    return text


def _status(answer: dict[str, Any]) -> str:
    head = f"{answer['served']} đích · targets, {answer['enforcement']}; " + ", ".join(
        f"{answer[name]} {name}" for name in ("cut", "lossy", "slow")
    )
    return "\n".join([head, *(_fault(fault) for fault in answer["faults"])])


def _fault(fault: dict[str, Any]) -> str:
    selector = " ".join(f"--{name} {code}" for name, code in fault["selector"].items())
    amount = f" {fault['amount']:g}" if fault["amount"] else ""
    return f"  #{fault['fault']} {fault['action']}{amount} {selector or 'everything'}: {fault['targets']}"


def _log(answer: dict[str, Any]) -> str:
    return "\n".join(json.dumps(entry, ensure_ascii=False) for entry in answer["entries"])


_SHOWN: dict[str, Callable[[dict[str, Any]], str]] = {"status": _status, "log": _log}
