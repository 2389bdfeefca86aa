"""A vantage apart from the service, as processes: the line is cut, the service dies, and no batch is lost or doubled."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from inventory import generate
from tests.support.servers import connects, free_port, started, until

ROOT = Path(__file__).parents[2]
TOKEN = "a-worker-s-token"
VANTAGE = "NATION-1"


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inventory") / "nation"
    generate.nation(folder, targets=400)
    policy = folder / "policy.yml"
    policy.write_text(
        policy.read_text()
        .replace("cadence: 10s, timeout: 1s", "cadence: 1s, timeout: 400ms")
        .replace("cadence: 5s", "cadence: 1s")
    )
    return folder


@contextmanager
def receiver(port, ledger, folder):
    command = (
        sys.executable, "-m", "tests.support.receiver", str(port), str(ledger), VANTAGE,
        sha256(TOKEN.encode()).hexdigest(),
    )  # fmt: skip
    with started(*command, log=folder / "receiver.log", is_ready=lambda: connects(port)) as process:
        yield process


@contextmanager
def worker(inventory, folder, port, *, spool="spool"):
    command = (
        sys.executable, "-m", "monitor", "worker", "--inventory", str(inventory), "--vantage", VANTAGE,
        "--to", f"http://127.0.0.1:{port}", "--spool", str(folder / spool),
    )  # fmt: skip
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "THONGSUOT_WORKER_TOKEN": TOKEN}
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(15)


def batches(ledger):
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def sequences(ledger):
    return [sequence for _, _, sequence, _, _ in batches(ledger)]


def test_a_service_that_is_killed_and_comes_back_gets_every_batch_once_and_in_order(inventory, tmp_path):
    port, ledger = free_port(), tmp_path / "ledger.jsonl"
    with worker(inventory, tmp_path, port) as vantage:
        with receiver(port, ledger, tmp_path) as service:
            until(lambda: len(batches(ledger)) >= 10, what="ten batches", seconds=30)
            service.kill()
            service.wait()
        heard = len(batches(ledger))
        until(lambda: any((tmp_path / "spool").glob("*.batches")), what="a spool", seconds=20)
        assert vantage.poll() is None
        with receiver(port, ledger, tmp_path):
            until(lambda: len(batches(ledger)) >= heard + 20, what="the replay", seconds=30)
            until(lambda: not any((tmp_path / "spool").glob("*.batches")), what="an empty spool", seconds=30)
            vantage.terminate()
            assert vantage.wait(15) == 0
    found = sequences(ledger)
    assert found == list(range(1, len(found) + 1))
    assert len({epoch for _, epoch, *_ in batches(ledger)}) == 1
    assert not any(replayed for *_, replayed in batches(ledger))


def test_a_vantage_that_ends_during_a_cut_leaves_its_batches_to_its_next_life(inventory, tmp_path):
    port, ledger = free_port(), tmp_path / "ledger.jsonl"
    with worker(inventory, tmp_path, port) as vantage:
        until(lambda: any((tmp_path / "spool").glob("*.batches")), what="a spool", seconds=30)
        vantage.terminate()
        assert vantage.wait(15) == 0
    assert not ledger.exists()
    with receiver(port, ledger, tmp_path), worker(inventory, tmp_path, port):
        until(lambda: len({epoch for _, epoch, *_ in batches(ledger)}) == 2, what="both lives", seconds=30)
    found = [(epoch, sequence) for _, epoch, sequence, *_ in batches(ledger)]
    assert found == sorted(set(found))
    for epoch in {epoch for epoch, _ in found}:
        own = [sequence for each, sequence in found if each == epoch]
        assert own == list(range(1, len(own) + 1))


@pytest.mark.parametrize(
    ("arguments", "token", "message"),
    [
        (("--vantage", VANTAGE), "", "token is missing"),
        (("--vantage", "NOWHERE"), TOKEN, "there are NATION-1"),
        (("--vantage", VANTAGE, "--to", "ftp://x"), TOKEN, "http(s)://"),
        (("--vantage", VANTAGE, "--token-file", "/nonexistent"), TOKEN, "/nonexistent"),
    ],
)
def test_a_wrong_command_says_what_is_wrong_and_ends_with_2(inventory, tmp_path, arguments, token, message):
    command = [
        sys.executable,
        "-m",
        "monitor",
        "worker",
        "--inventory",
        str(inventory),
        "--to",
        "http://127.0.0.1:9",
    ]
    done = subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        env={**os.environ, "THONGSUOT_WORKER_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_an_inventory_with_faults_ends_with_1_and_lists_them(inventory, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(inventory, folder)
    with (folder / "targets.csv").open("a") as file:
        file.write("X,NOTHING,ping,1.2.3,,,\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "monitor",
            "worker",
            "--inventory",
            str(folder),
            "--vantage",
            VANTAGE,
            "--to",
            "http://x",
        ],
        cwd=ROOT,
        env={**os.environ, "THONGSUOT_WORKER_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "targets.csv" in done.stderr
