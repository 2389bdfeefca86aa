"""A real hub and a real leaf node of NATS on loopback, to kill and to start again."""

import signal
import subprocess
from pathlib import Path

from tests.support.servers import connects, free_port, needs_program, until

__all__ = ["DOMAIN", "Node", "a_hub", "a_leaf"]

DOMAIN = "d001"


class Node:
    """One nats-server; ``kill`` is a crash."""

    def __init__(self, file: Path, port: int) -> None:
        self.url = f"nats://127.0.0.1:{port}"
        self._file, self._port = file, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Node":
        needs_program("nats-server")
        log = self._file.with_suffix(".log").open("ab")
        self._process = subprocess.Popen(
            ["/usr/sbin/nats-server", "-c", str(self._file)], stdout=log, stderr=log
        )
        log.close()
        until(lambda: connects(self._port), what="nats-server listening")
        return self

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(5)
            self._process = None


def a_hub(directory: Path) -> tuple[Node, int]:
    """Answer a hub and the port for its leaf nodes."""
    port, leaves = free_port(), free_port()
    file = directory / "hub.conf"
    file.write_text(
        f'server_name: hub\nlisten: 127.0.0.1:{port}\njetstream {{store_dir: "{directory}/hub", domain: hub}}\n'
        f"leafnodes {{listen: 127.0.0.1:{leaves}}}\n"
    )
    return Node(file, port), leaves


def a_leaf(directory: Path, leaves: int) -> Node:
    """Answer a leaf node that stores for itself and goes on to the hub."""
    port = free_port()
    file = directory / "leaf.conf"
    file.write_text(
        f'server_name: leaf\nlisten: 127.0.0.1:{port}\njetstream {{store_dir: "{directory}/leaf", domain: {DOMAIN}}}\n'
        f'leafnodes {{reconnect: 1, remotes: [{{url: "nats-leaf://127.0.0.1:{leaves}"}}]}}\n'
    )
    return Node(file, port)
