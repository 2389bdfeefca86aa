"""Prometheus, its blackbox exporter and Alertmanager (Debian's), set to look at the same targets at the same cadence.

As documented practice has it: one job a module over file discovery, ``probe_success == 0`` for ten seconds, pages by
webhook. Whatever waits without need is turned off (``group_wait: 0s``), so that what is measured is the method.
"""

import json
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import yaml

from inventory.models import ProbeKind
from tests.support.province import free_port

__all__ = ["PROGRAMS", "Pager", "is_installed", "prometheus_on"]

PROGRAMS = ("prometheus", "prometheus-blackbox-exporter", "prometheus-alertmanager")
MODULES = {ProbeKind.ICMP: "icmp", ProbeKind.TCP: "tcp", ProbeKind.HTTP: "http"}


def is_installed():
    return all(shutil.which(program) for program in PROGRAMS)


class Pager:
    """The telephone that Alertmanager rings: when, and about which targets."""

    def __init__(self):
        self.rung = []
        pager = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                firing = {a["labels"]["target"] for a in body["alerts"] if a["status"] == "firing"}
                pager.rung.append((time.time(), firing))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments):
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def first(self, targets, since, until):
        """When it first rang about one of the targets in that time; ``None`` if it did not."""
        wanted = set(targets)
        return min((at for at, firing in self.rung if since <= at <= until and firing & wanted), default=None)

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextmanager
def prometheus_on(folder, inventory, *, cadence=5):
    """Run the three over the targets that blackbox can look at; gives the pager once all have been scraped."""
    folder.mkdir(parents=True, exist_ok=True)
    pager = Pager()
    ports = {program: free_port() for program in PROGRAMS}
    seen = _configure(folder, inventory, ports, pager.port, cadence)
    log = (folder / "peers.log").open("ab")
    processes = [
        subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) for command in _commands(folder, ports)
    ]
    try:
        _wait_for_scrapes(ports["prometheus"], seen)
        yield pager
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)
        log.close()
        pager.stop()


def _configure(folder, inventory, ports, hook, cadence):
    modules = {
        "icmp": {"prober": "icmp", "timeout": "1s", "icmp": {"preferred_ip_protocol": "ip4"}},
        "tcp": {"prober": "tcp", "timeout": "1s", "tcp": {"preferred_ip_protocol": "ip4"}},
        "http": {
            "prober": "http",
            "timeout": "1s",
            # The lab's certificates are its own; their worth is not what is compared here.
            "http": {"preferred_ip_protocol": "ip4", "tls_config": {"insecure_skip_verify": True}},
        },
    }
    _write(folder / "blackbox.yml", {"modules": modules})
    seen = 0
    for kind, module in MODULES.items():
        groups = [
            {"targets": [_address(target)], "labels": {"target": target.code}}
            for target in inventory.targets.values()
            if target.kind is kind and not target.options.get("tls")
        ]
        seen += len(groups)
        (folder / f"{module}.json").write_text(json.dumps(groups), encoding="utf-8")
    alertmanager = f"127.0.0.1:{ports[PROGRAMS[2]]}"
    every = f"{cadence}s"
    _write(
        folder / "prometheus.yml",
        {
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": ["rules.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
            "scrape_configs": [
                _job(module, f"127.0.0.1:{ports[PROGRAMS[1]]}") for module in MODULES.values()
            ],
        },
    )
    rule = {"alert": "TargetDown", "expr": "probe_success == 0", "for": "10s"}
    _write(folder / "rules.yml", {"groups": [{"name": "reachability", "rules": [rule]}]})
    _write(folder / "alertmanager.yml", _routes(hook))
    return seen


def _job(module, blackbox):
    return {
        "job_name": module,
        "metrics_path": "/probe",
        "params": {"module": [module]},
        "scrape_timeout": "2s",
        "file_sd_configs": [{"files": [f"{module}.json"]}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": blackbox},
        ],
    }


def _routes(hook):
    to_pager = {"url": f"http://127.0.0.1:{hook}/", "send_resolved": False}
    return {
        "route": {
            "receiver": "pager",
            "group_by": ["target"],
            "group_wait": "0s",
            "group_interval": "5s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "pager", "webhook_configs": [to_pager]}],
    }


def _commands(folder, ports):
    prometheus, blackbox, alertmanager = PROGRAMS
    return (
        (
            blackbox,
            f"--config.file={folder}/blackbox.yml",
            f"--web.listen-address=127.0.0.1:{ports[blackbox]}",
        ),
        (
            alertmanager,
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alertmanager",
            "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{ports[alertmanager]}",
        ),
        (
            prometheus,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/series",
            f"--web.listen-address=127.0.0.1:{ports[prometheus]}",
        ),
    )


def _wait_for_scrapes(port, seen):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = httpx2.get(
                f"http://127.0.0.1:{port}/api/v1/query",
                params={"query": "sum(probe_success)"},
                timeout=5,
                trust_env=False,
            ).json()
            if [float(row["value"][1]) for row in answer["data"]["result"]] == [float(seen)]:
                return
        except (httpx2.TransportError, ValueError, KeyError):
            pass
        time.sleep(0.5)
    raise RuntimeError("Prometheus did not see every target answer within 60 s")


def _address(target):
    if target.kind is ProbeKind.HTTP:
        scheme, path = target.options.get("scheme", "http"), target.options.get("path", "/")
        return f"{scheme}://{target.address}:{target.port or 80}{path}"
    return f"{target.address}:{target.port}" if target.kind is ProbeKind.TCP else target.address


def _write(path, content):
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
