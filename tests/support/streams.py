"""Radio for tests: Icecast with a source that sends at a pace, and servers that lie in each way a stream can."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import connects, free_port, needs_program, started

__all__ = ["Source", "icecast", "lying_server"]

PIECE_SECONDS = 0.05
READY_SECONDS = 60.0


class Source:
    """Sends bytes to a mount at so many kilobits a second until stopped; a pause keeps the connection open."""

    def __init__(self, port: int, mount: str, *, kbps: float, content_type: str = "audio/mpeg") -> None:
        self._piece = bytes(range(256)) * (int(kbps * 125 * PIECE_SECONDS) // 256 + 1)
        self._piece = self._piece[: int(kbps * 125 * PIECE_SECONDS)]
        self._stop = threading.Event()
        self._playing = threading.Event()
        self._playing.set()
        self._stream = socket.create_connection(("127.0.0.1", port), timeout=READY_SECONDS)
        self._stream.sendall(
            (
                f"PUT {mount} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Basic c291cmNlOnM=\r\n"
                f"Content-Type: {content_type}\r\nIce-Public: 0\r\nIce-Name: Xa Mot\r\nExpect: 100-continue\r\n\r\n"
            ).encode()
        )
        answer = self._stream.recv(1024)
        if b" 100 " not in answer and b" 200 " not in answer:
            raise RuntimeError(f"icecast refused the source: {answer!r}")
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def pause(self) -> None:
        """Keep the connection and send nothing."""
        self._playing.clear()

    def stop(self) -> None:
        """Hang up."""
        self._stop.set()
        self._playing.set()
        self._thread.join()
        self._stream.close()

    def _send(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            self._playing.wait()
            try:
                self._stream.sendall(self._piece)
            except OSError:
                return
            due = max(due + PIECE_SECONDS, time.monotonic() - 1.0)
            self._stop.wait(max(0.0, due - time.monotonic()))


@contextmanager
def icecast(directory: Path, *, burst: int = 16_384) -> Iterator[int]:
    """Run Icecast on a free port, which it answers; sources give the password ``s``."""
    needs_program("icecast2")
    directory.mkdir(parents=True, exist_ok=True)
    logs = directory / "logs"
    logs.mkdir(exist_ok=True)
    logs.chmod(0o777)  # it drops its privileges and then wants to write here
    port = free_port()
    owner = (
        "<changeowner><user>nobody</user><group>nogroup</group></changeowner>" if os.geteuid() == 0 else ""
    )
    web = "/usr/share/icecast2"
    configuration = directory / "ice.xml"
    configuration.write_text(
        f"""<icecast>
<limits><clients>50</clients><sources>8</sources><burst-on-connect>1</burst-on-connect><burst-size>{burst}</burst-size>
<source-timeout>30</source-timeout></limits>
<authentication><source-password>s</source-password><relay-password>r</relay-password>
<admin-user>admin</admin-user><admin-password>a</admin-password></authentication>
<hostname>localhost</hostname>
<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><basedir>{web}</basedir><logdir>{logs}</logdir><webroot>{web}/web</webroot><adminroot>{web}/admin</adminroot></paths>
<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
<security><chroot>0</chroot>{owner}</security></icecast>"""
    )
    for parent in (directory, *directory.parents):
        if parent.stat().st_uid == os.getuid() and len(parent.parts) > 2:
            parent.chmod(parent.stat().st_mode | 0o011)
    with started(
        "icecast2", "-c", str(configuration), log=directory / "out", is_ready=lambda: connects(port)
    ):
        yield port


@contextmanager
def lying_server(head: bytes, *, then: bytes = b"", hold: bool = True) -> Iterator[int]:
    """Answer every connection with ``head`` and ``then``, and either hold it open in silence or hang up."""
    done = threading.Event()
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def serve() -> None:
            while not done.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                connection.settimeout(1.0)
                connection.recv(4096)
                connection.sendall(head + then)
                if hold:
                    held.append(connection)
                else:
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            done.set()
            thread.join()
            for connection in held:
                connection.close()
