"""The checks of ``thongsuot doctor``: one function a fact of this machine, each answering one finding.

They look and never change anything; what is sent goes to this machine or to its own resolvers.
"""

import math
import platform
import resource
import shutil
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import dns.exception
import dns.message
import dns.query
import dns.resolver

from monitor.cli.findings import Finding, Level
from probes.health import clock_age, read_clock

__all__ = [
    "buffers",
    "clock",
    "descriptors",
    "disk",
    "echo_sockets",
    "filters",
    "interpreter",
    "raised_buffers",
    "resolvers",
]

_SO_RCVBUFFORCE: Final = 33  # asm-generic/socket.h; python's socket module does not name it
_WANTED_BUFFER: Final = 8 << 20
_FEW_DESCRIPTORS: Final = 1_024
_ENOUGH_DESCRIPTORS: Final = 16_384
_RESOLVER_SECONDS: Final = 2.0
_CLOCK_SECONDS: Final = 1.0
_LOW_BYTES: Final = 200 << 20
_ENOUGH_BYTES: Final = 2 << 30


def interpreter() -> Finding:
    """Which Python runs, and on what."""
    value = f"Python {platform.python_version()} · Linux {platform.release()}"
    if sys.platform != "linux":
        return Finding(
            "python", Level.BAD, value, "chỉ chạy trên Linux", "only Linux is supported",
            "dùng máy Linux", "use a machine with Linux",
        )  # fmt: skip
    return Finding("python", Level.OK, value, "đủ mới", "recent enough")


def echo_sockets() -> Finding:
    """Whether ICMP echo may be sent, by raw sockets or by the kernel's datagram kind."""
    if _opens(socket.SOCK_RAW):
        return Finding(
            "icmp", Level.OK, "raw", "gửi được ICMP, nhanh nhất", "ICMP may be sent, the fastest way"
        )
    span = _text(Path("/proc/sys/net/ipv4/ping_group_range"))
    if _opens(socket.SOCK_DGRAM):
        return Finding(
            "icmp", Level.WARN, f"datagram (ping_group_range {span})",
            "gửi được ICMP qua nhân, không dò được đường", "ICMP goes through the kernel; routes cannot be traced",
            "cho CAP_NET_RAW: AmbientCapabilities=CAP_NET_RAW trong systemd",
            "grant CAP_NET_RAW: AmbientCapabilities=CAP_NET_RAW in the systemd unit",
        )  # fmt: skip
    return Finding(
        "icmp", Level.BAD, f"none (ping_group_range {span})",
        "không gửi được ICMP: mọi đích icmp sẽ báo lỗi của ta", "ICMP may not be sent: every icmp target reads as an error of ours",
        "cho CAP_NET_RAW, hoặc: sysctl -w net.ipv4.ping_group_range='0 2147483647'",
        "grant CAP_NET_RAW, or: sysctl -w net.ipv4.ping_group_range='0 2147483647'",
    )  # fmt: skip


def raised_buffers() -> Finding:
    """Whether receive buffers may be raised past the system's limit (CAP_NET_ADMIN)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _WANTED_BUFFER)
        except OSError:
            return Finding(
                "net_admin", Level.WARN, "no CAP_NET_ADMIN",
                "bộ đệm nhận bị giới hạn bởi rmem_max", "receive buffers are bounded by rmem_max",
                "cho CAP_NET_ADMIN, hoặc tăng rmem_max", "grant CAP_NET_ADMIN, or raise rmem_max",
            )  # fmt: skip
    return Finding(
        "net_admin", Level.OK, "SO_RCVBUFFORCE", "tăng được bộ đệm nhận", "receive buffers may be raised"
    )


def buffers() -> Finding:
    """How large a receive buffer the system grants to anybody."""
    text = _text(Path("/proc/sys/net/core/rmem_max"))
    granted = int(text) if text.isdecimal() else 0
    value = f"rmem_max {granted}"
    if granted >= _WANTED_BUFFER:
        return Finding("rmem_max", Level.OK, value, "đủ cho một quốc gia", "enough for a nation")
    return Finding(
        "rmem_max", Level.WARN, value,
        "khi nhiều trả lời đến cùng lúc, nhân có thể bỏ bớt (không cần nếu có CAP_NET_ADMIN)",
        "when many answers come at once the kernel may drop some (no matter with CAP_NET_ADMIN)",
        f"sysctl -w net.core.rmem_max={_WANTED_BUFFER}", f"sysctl -w net.core.rmem_max={_WANTED_BUFFER}",
    )  # fmt: skip


def descriptors() -> Finding:
    """How many sockets may be open at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    level = Level.OK if soft >= _ENOUGH_DESCRIPTORS else Level.WARN if soft > _FEW_DESCRIPTORS else Level.BAD
    if level is Level.OK:
        return Finding("descriptors", level, f"{soft} (hard {hard})", "đủ", "enough")
    return Finding(
        "descriptors", level, f"{soft} (hard {hard})",
        "nhiều đích TCP, HTTP cùng không trả lời sẽ hết chỗ", "many silent TCP and HTTP targets at once would use them up",
        "LimitNOFILE=65536 trong systemd, hoặc: ulimit -n 65536", "LimitNOFILE=65536 in the systemd unit, or: ulimit -n 65536",
    )  # fmt: skip


def clock() -> Finding:
    """Whether anything keeps the clock right, and by how much it may be wrong."""
    state = read_clock()
    if state is None:
        return Finding("clock", Level.WARN, "not known", "không hỏi được nhân", "the kernel cannot be asked")
    age = clock_age(time.time)
    shown = "" if math.isnan(age) else f", {age:.0f} s"
    value = f"±{state.max_error_seconds * 1000:.1f} ms{shown}"
    if state.is_synchronised and state.max_error_seconds < _CLOCK_SECONDS:
        return Finding("clock", Level.OK, value, "đồng hồ được đồng bộ", "the clock is synchronised")
    return Finding(
        "clock", Level.WARN, value,
        "giờ trong báo cáo có thể sai; độ trễ vẫn đúng", "times in reports may be wrong; durations stay right",
        "bật chrony hoặc systemd-timesyncd", "run chrony or systemd-timesyncd",
    )  # fmt: skip


def resolvers() -> Finding:
    """Whether every resolver of this machine answers."""
    try:
        listed = [str(server) for server in dns.resolver.Resolver().nameservers]
    except dns.exception.DNSException:
        listed = []
    if not listed:
        return Finding(
            "resolvers", Level.WARN, "none", "không có máy chủ tên miền: chỉ dùng được địa chỉ số",
            "no resolver: only numeric addresses can be looked at", "khai báo trong /etc/resolv.conf", "name one in /etc/resolv.conf",
        )  # fmt: skip
    with ThreadPoolExecutor(len(listed)) as pool:
        answers = dict(zip(listed, pool.map(_resolves, listed), strict=True))
    dead = [server for server, answered in answers.items() if not answered]
    value = " ".join(f"{server}{'' if answered else ' (silent)'}" for server, answered in answers.items())
    if not dead:
        return Finding("resolvers", Level.OK, value, "đều trả lời", "all answer")
    return Finding(
        "resolvers", Level.WARN, value,
        "tên miền không phân giải được giữ địa chỉ cũ", "names that do not resolve keep the address they had",
        f"kiểm tra {' '.join(dead)}", f"look after {' '.join(dead)}",
    )  # fmt: skip


def filters() -> Finding:
    """Whether the lab can cut by the packet filter."""
    found = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if found:
        return Finding("nft", Level.OK, found, "phòng thử cắt được mọi thứ", "the lab can cut everything")
    return Finding(
        "nft", Level.WARN, "none", "phòng thử không cắt được ICMP (dịch vụ không cần)", "the lab cannot cut ICMP (the service needs none of it)",
        "apt-get install nftables", "apt-get install nftables",
    )  # fmt: skip


def disk(state: Path) -> Finding:
    """How much room there is for the database and the spool."""
    place = next(folder for folder in (state.absolute(), *state.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    level = Level.OK if free >= _ENOUGH_BYTES else Level.WARN if free >= _LOW_BYTES else Level.BAD
    value = f"{free / (1 << 30):.1f} GiB · {place}"
    if level is Level.OK:
        return Finding("disk", level, value, "đủ chỗ", "room enough")
    return Finding(
        "disk", level, value, "sắp hết chỗ: sổ sách sẽ ngừng ghi", "little room: the record would stop",
        "dọn ổ đĩa, hoặc đặt --state nơi khác", "make room, or put --state elsewhere",
    )  # fmt: skip


def _opens(kind: socket.SocketKind) -> bool:
    try:
        socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


def _resolves(server: str) -> bool:
    try:
        dns.query.udp(dns.message.make_query(".", "NS"), server, timeout=_RESOLVER_SECONDS)
    except (OSError, ValueError, dns.exception.DNSException):
        return False
    return True


def _text(path: Path) -> str:
    try:
        return " ".join(path.read_text(encoding="ascii").split())
    except OSError:
        return ""
