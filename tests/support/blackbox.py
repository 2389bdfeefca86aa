"""The field's own tool: prometheus-blackbox-exporter on loopback, asked for one look at a time."""

import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.support.servers import connects, free_port, needs_program, started

__all__ = ["Blackbox", "blackbox"]

_SAMPLE = re.compile(r"^(probe_\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


class Blackbox:
    """Asks the exporter; ``pid`` is the process that does the looking."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid

    def look(self, module: str, target: str) -> Mapping[str, float]:
        """Answer the samples of one look by name (the last of several labels wins)."""
        query = urlencode({"module": module, "target": target})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/probe?{query}", timeout=10) as answer:
            text = answer.read().decode()
        return {name: float(value) for name, value in _SAMPLE.findall(text)}


@contextmanager
def blackbox(directory: Path, modules: str) -> Iterator[Blackbox]:
    """Run the exporter with the given modules (YAML below ``modules:``)."""
    needs_program("prometheus-blackbox-exporter")
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "blackbox.yml"
    configuration.write_text(f"modules:\n{modules}")
    port = free_port()
    command = (
        "prometheus-blackbox-exporter", f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )  # fmt: skip
    with started(*command, log=directory / "blackbox.log", is_ready=lambda: connects(port)) as process:
        yield Blackbox(port, process.pid)
