"""Captures written by hand, octet by octet, for tshark to read: an oracle that nobody here wrote."""

import json
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.support.servers import needs_program

__all__ = ["dissected", "rtp_streams", "write_capture"]

_LINK_RAW = 101


def write_capture(file: Path, datagrams: Iterable[tuple[float, int, int, bytes]]) -> Path:
    """Write (time, source port, destination port, payload) as IPv4 and UDP on loopback, in the pcap format."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65_535, _LINK_RAW)]  # nanosecond stamps
    for at, source, destination, payload in datagrams:
        udp = struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload
        ip = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1"
        )
        seconds, nanoseconds = divmod(round(at * 1e9), 1_000_000_000)
        out.append(
            struct.pack("<IIII", seconds, nanoseconds, len(ip) + len(udp), len(ip) + len(udp)) + ip + udp
        )
    file.write_bytes(b"".join(out))
    return file


def dissected(file: Path, *, port: int, protocol: str) -> list[dict[str, object]]:
    """Answer the layer of each packet that tshark reads as ``protocol``, its fields by name."""
    needs_program("tshark")
    command = [
        "tshark",
        "-r",
        str(file),
        "-d",
        f"udp.port=={port},{protocol}",
        "-T",
        "json",
        "--no-duplicate-keys",
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def rtp_streams(file: Path, *, port: int) -> dict[str, float]:
    """Answer tshark's account of the one RTP stream in a capture; jitter in milliseconds."""
    needs_program("tshark")
    command = ["tshark", "-r", str(file), "-d", f"udp.port=={port},rtp", "-q", "-z", "rtp,streams"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True)
    [row] = [line.split() for line in done.stdout.splitlines() if " 0x" in line]
    names = ("received", "lost", "", "", "", "", "min_jitter", "mean_jitter", "max_jitter")
    values = row[8:17]
    return {name: float(value) for name, value in zip(names, values, strict=True) if name}
