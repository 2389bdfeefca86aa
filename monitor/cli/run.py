"""``thongsuot run``: the sample province in the lab, and the service that watches it; one command, nothing to set up.

This process only keeps two others: the lab and the service. The service may be killed and comes back by itself, as
it would under systemd; the lab, and with it the fault, stays. Ctrl-C ends both within three seconds.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

from inventory.loader import examine
from inventory.samples import sample

__all__ = ["add"]

_READY_SECONDS = 60.0
_STOP_SECONDS = 2.5
_POLL_SECONDS = 0.1


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("run", help="chạy tỉnh mẫu · run the sample province and the service")
    parser.add_argument(
        "--inventory", type=Path, default=None, help="inventory folder (default: soc-trang-2021)"
    )
    parser.add_argument("--state", type=Path, default=Path("var"), help="folder for the database, mail, logs")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument(
        "--day",
        default="today",
        type=_day,
        help="election day of the run: today, or YYYY-MM-DD (default: today)",
    )
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    directory = chosen.inventory or sample("soc-trang-2021")
    examination = examine(directory)
    if examination.inventory is None:
        print("\n".join(map(str, examination.faults)), file=sys.stderr)
        return 1
    chosen.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    zone = examination.inventory.election.zone
    day = chosen.day or datetime.now(zone).date()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    keeper = _Keeper(chosen, directory, day)
    try:
        keeper.start()
        _banner(chosen, examination.inventory.election.name, day)
        return keeper.watch()
    except KeyboardInterrupt:
        print("\nđang dừng · stopping …", flush=True)
        return 0
    finally:
        keeper.stop()


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _day(text: str) -> date | None:
    """Read ``--day``; None: today, wherever that is."""
    try:
        return None if text == "today" else date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"today, or YYYY-MM-DD, not {text!r}") from None


class _Keeper:
    """Keeps the lab and the service alive, each in a process group of its own."""

    def __init__(self, chosen: argparse.Namespace, directory: Path, day: date) -> None:
        self._chosen = chosen
        self._directory = directory
        self._day = day
        self._lab: subprocess.Popen[str] | None = None
        self._service: subprocess.Popen[str] | None = None
        self._facts: dict[str, Any] = {}

    def start(self) -> None:
        """Start the lab, then the service, and wait until the service says that it is ready."""
        self._lab = self._spawn("lab", "serve", "--inventory", str(self._directory), stdout=subprocess.PIPE)
        self._facts = _first_fact(self._lab.stdout) if self._lab.stdout else {}
        if not self._facts:
            raise SystemExit("the lab did not start; its message stands above")
        self._service = self._start_service()
        self._await_ready()

    def watch(self) -> int:
        """Bring the service back when it dies; end when the lab does."""
        while self._lab is not None and self._lab.poll() is None:
            if self._service is not None and self._service.poll() is not None:
                print(
                    f"dịch vụ dừng ({self._service.returncode}), khởi động lại · service ended, restarting",
                    flush=True,
                )
                self._service = self._start_service()
                self._await_ready()
            time.sleep(_POLL_SECONDS)
        print("the lab ended", file=sys.stderr)
        return 1

    def stop(self) -> None:
        """End the service, then the lab (which takes its faults out of the kernel)."""
        deadline = time.monotonic() + _STOP_SECONDS
        for process in (self._service, self._lab):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (self._service, self._lab):
            if process is None:
                continue
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start_service(self) -> subprocess.Popen[str]:
        service = self._spawn(
            "serve",
            *("--inventory", str(self._directory), "--day", self._day.isoformat()),
            *("--host", self._chosen.host, "--port", str(self._chosen.port)),
            environment={
                "THONGSUOT_EMAIL__HOST": "127.0.0.1",
                "THONGSUOT_EMAIL__PORT": str(self._facts["smtp_port"]),
                "THONGSUOT_SMS__URL": f"http://127.0.0.1:{self._facts['sms_port']}/sendsms",
                "THONGSUOT_EMAIL__SENDER": "truc-ban@thongsuot.invalid",
                "THONGSUOT_PAGES__PUBLIC_URL": f"http://{self._chosen.host}:{self._chosen.port}",
                **({"THONGSUOT_EXTRA_CA": self._facts["ca_file"]} if self._facts["ca_file"] else {}),
            },
        )
        (self._chosen.state / "service.pid").write_text(f"{service.pid}\n", encoding="utf-8")
        return service

    def _spawn(
        self, *arguments: str, stdout: int | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        # Their standard input is a pipe that we hold: when we die by force, they read its end and stop too.
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "monitor",
                *arguments,
                "--state",
                str(self._chosen.state),
                "--with-parent",
            ],
            stdin=subprocess.PIPE,
            stdout=stdout,
            text=True,
            process_group=0,
            env={**os.environ, **(environment or {})},
        )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self._service is None or self._service.poll() is not None:
                raise SystemExit("the service did not start; its message stands above")
            if _is_ready(self._chosen.host, self._chosen.port):
                return
            time.sleep(_POLL_SECONDS)
        raise SystemExit(f"the service was not ready within {_READY_SECONDS:.0f} s")


def _first_fact(stream: IO[str]) -> dict[str, Any]:
    """Read the lab's first line, a JSON object with its ports; pass on whatever it says later."""
    line = stream.readline()
    if not line:
        return {}
    threading.Thread(target=lambda: [print(text, end="", flush=True) for text in stream], daemon=True).start()
    facts: dict[str, Any] = json.loads(line)
    return facts


def _is_ready(host: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/-/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _banner(chosen: argparse.Namespace, election: str, day: date) -> None:
    state = chosen.state
    command = (
        "thongsuot lab"
        if "VIRTUAL_ENV" in os.environ
        else f"{_shown(Path(sys.executable).parent)}/thongsuot lab"
    )
    at = "" if str(state) == "var" else f" --state {state}"
    print(
        f"""
  {election}
  Ngày bầu cử mẫu được dời sang {day:%d/%m/%Y} · the sample's day D is moved to {day.isoformat()}

  Bảng trực ban · board      http://{chosen.host}:{chosen.port}/
  Thử · try, in another terminal:
    {command} cut --carrier VNPT --area 947{at}
                               cắt VNPT ở huyện Mỹ Xuyên · cut VNPT in one district
    {command} restore{at}
                               nối lại · bring it back
    {command} status{at}
                               đang cắt gì · what is cut now
  Thư, tin nhắn đã gửi · mail and SMS sent    {state / "mail"}, {state / "sms.jsonl"}
  Chỉ số · metrics           http://{chosen.host}:{chosen.port}/metrics and /metrics/targets
  Dừng · stop                Ctrl-C
""",
        flush=True,
    )


def _shown(folder: Path) -> Path:
    """Answer a path as a person here would type it."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
