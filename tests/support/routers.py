"""A line of routers in namespaces of one's own: here, first, second, target; with a way to cut it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from tests.support.netns import own_network

__all__ = ["TARGET", "Line", "a_line_of_routers"]

TARGET = "10.98.3.2"


class Line:
    """The routers' own addresses, nearest first; :meth:`cut` takes the last link away."""

    routers = ("10.98.1.2", "10.98.2.2")

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def cut(self) -> None:
        """Take the target off its link; the last router still answers for itself."""
        run("ip", "-n", self.names[2], "link", "set", "left", "down")


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def a_line_of_routers(tag: str) -> Iterator[Line]:
    """here 10.98.1.1 - first - second - target 10.98.3.2, all gone when the block ends."""
    names = [f"ts-{tag}-{number}" for number in range(3)]
    with own_network():
        try:
            for name in names:
                run("ip", "netns", "add", name)
                run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "link", "add", "out", "type", "veth", "peer", "name", "left", "netns", names[0])
            for near, far in pairwise(names):
                run(
                    "ip",
                    "-n",
                    near,
                    "link",
                    "add",
                    "right",
                    "type",
                    "veth",
                    "peer",
                    "name",
                    "left",
                    "netns",
                    far,
                )
            run("ip", "address", "add", "10.98.1.1/24", "dev", "out")
            run("ip", "link", "set", "out", "up")
            for number, name in enumerate(names):
                run("ip", "-n", name, "address", "add", f"10.98.{number + 1}.2/24", "dev", "left")
                run("ip", "-n", name, "link", "set", "left", "up")
                if number < 2:
                    run("ip", "-n", name, "address", "add", f"10.98.{number + 2}.1/24", "dev", "right")
                    run("ip", "-n", name, "link", "set", "right", "up")
                    run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.ip_forward=1")
                if number:
                    run("ip", "-n", name, "route", "add", "default", "via", f"10.98.{number + 1}.1")
            run("ip", "route", "add", "10.98.0.0/16", "via", "10.98.1.2")
            run("ip", "-n", names[0], "route", "add", "10.98.3.0/24", "via", "10.98.2.2")
            yield Line(names)
        finally:
            for name in names:
                subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
