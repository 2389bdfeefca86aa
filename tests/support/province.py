"""A whole province as processes of its own: the lab and the service, started and killed as an operator would."""

import fcntl
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx2

PASSWORD = "mật khẩu thử nghiệm 2021"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def moment(text):
    """A stored time, as SQLite keeps it, as a zoned one."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Province:
    """The lab and the service over one inventory folder and one state folder."""

    def __init__(self, inventory: Path, state: Path) -> None:
        self.inventory = inventory
        self.state = state
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._lab = None
        self._service = None
        self._facts = {}
        self._log = (state / "service.log").open("ab")
        self._turn = (Path(tempfile.gettempdir()) / "thongsuot-province.lock").open("w")

    def start(self):
        # The lab serves the addresses and ports of the inventory itself, so one machine holds one province at a time.
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        self.start_lab()
        self.start_service()

    def start_lab(self):
        self._lab = self._spawn("lab", "serve", "--inventory", str(self.inventory), stdout=subprocess.PIPE)
        self._facts = json.loads(self._lab.stdout.readline())

    def start_service(self):
        today = datetime.now(UTC).astimezone().date().isoformat()
        self._service = self._spawn(
            "serve",
            *("--inventory", str(self.inventory), "--day", today, "--port", str(self.port)),
            environment={
                "THONGSUOT_EMAIL__HOST": "127.0.0.1",
                "THONGSUOT_EMAIL__PORT": str(self._facts["smtp_port"]),
                "THONGSUOT_SMS__URL": f"http://127.0.0.1:{self._facts['sms_port']}/sendsms",
                "THONGSUOT_EMAIL__SENDER": "truc-ban@thongsuot.invalid",
                "THONGSUOT_PAGES__PUBLIC_URL": self.url,
                "THONGSUOT_EXTRA_CA": self._facts["ca_file"],
                "THONGSUOT_ADMINISTRATOR_PASSWORD": PASSWORD,
            },
            stdout=self._log,
        )
        self.wait_for(self.is_ready, "the service is ready", seconds=60)

    def kill_service(self):
        """As a power cut would: no chance to tidy up."""
        self._service.send_signal(signal.SIGKILL)
        self._service.wait(60)
        self._service.stdin.close()

    def stop(self):
        for process in (self._service, self._lab):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (self._service, self._lab):
            if process is not None:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                for stream in (process.stdin, process.stdout):
                    if stream is not None:
                        stream.close()
        self._log.close()
        self._turn.close()

    def reload_by_signal(self):
        """As systemd does it."""
        before = self.log_tail().count("event='reloaded'")
        self._service.send_signal(signal.SIGHUP)
        self.wait_for(
            lambda: self.log_tail().count("event='reloaded'") > before, "it was reloaded", seconds=60
        )

    def stop_service_in(self):
        """Ask the service to end as Ctrl-C does; answer the seconds it took and its exit code."""
        began = time.monotonic()
        self._service.send_signal(signal.SIGINT)
        code = self._service.wait(60)
        return time.monotonic() - began, code

    def lab(self, *arguments):
        answer = subprocess.run(
            [sys.executable, "-m", "monitor", "lab", *arguments, "--state", str(self.state), "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr + answer.stdout
        return json.loads(answer.stdout)

    def rows(self, query, *values):
        """Read the database as an auditor would: from outside, read only."""
        connection = sqlite3.connect(f"file:{self.state / 'thongsuot.db'}?mode=ro", uri=True, timeout=60)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query, values)]
        finally:
            connection.close()

    def mails(self):
        """What was mailed, but for the reports that the calendar sends whenever a slot falls within the test."""
        return [mail for mail in self._letters() if not mail["subject"].startswith("[BC]")]

    def _letters(self):
        path = self.state / "mail.jsonl"
        return (
            [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            if path.exists()
            else []
        )

    def texts(self):
        path = self.state / "sms.jsonl"
        return (
            [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            if path.exists()
            else []
        )

    def get(self, path):
        return httpx2.get(self.url + path, timeout=60, trust_env=False)

    def is_ready(self):
        if self._service is None or self._service.poll() is not None:
            raise AssertionError(f"the service ended:\n{self.log_tail()}")
        try:
            return self.get("/-/ready").status_code == 200
        except httpx2.TransportError:
            return False

    def log_tail(self):
        return (self.state / "service.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def wait_for(self, predicate, sentence, *, seconds):
        """Wait until ``predicate`` answers something true, and answer it; say what did not come about."""
        deadline = time.monotonic() + seconds
        while True:
            found = predicate()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"within {seconds} s it did not come about that {sentence}\n{self.log_tail()}"
                )
            time.sleep(0.05)

    def _spawn(self, *arguments, stdout=None, environment=None):
        return subprocess.Popen(
            [sys.executable, "-m", "monitor", *arguments, "--state", str(self.state), "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=self._log,
            text=stdout == subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
