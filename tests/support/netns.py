"""A network of one's own: the calling thread moves into a fresh network namespace and comes back."""

import codecs
import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000
SYS_SETRESUID = {"x86_64": 117, "aarch64": 147}

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def own_network() -> Iterator[None]:
    """Give this thread, its later threads and its children a network with nothing but a loopback that is up."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _checked(_libc.unshare(CLONE_NEWNET))
    except PermissionError:
        os.close(home)
        pytest.skip("this root may not make network namespaces")
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        _checked(_libc.setns(home, CLONE_NEWNET))
        os.close(home)


@contextmanager
def without_capabilities() -> Iterator[None]:
    """Let this thread be nobody for a while; the raw system call, unlike libc's, leaves other threads alone."""
    # Nobody may not read an interpreter that lies in root's home; a codec first looked for now would stay unknown for good.
    codecs.lookup("ascii")
    number = SYS_SETRESUID[os.uname().machine]
    _checked(_libc.syscall(number, -1, 65534, -1))
    try:
        yield
    finally:
        _checked(_libc.syscall(number, -1, 0, -1))


def allow_datagram_icmp() -> None:
    """Let every group open datagram ICMP sockets in this thread's network."""
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")


def nft(rules: str) -> None:
    """Feed rules to nftables in this thread's network."""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
