"""Which target of the inventory ``/probe?target=…&module=…`` means: one of them, or none. Pure.

``target`` is a target's code; or, as in a Prometheus job that asks the blackbox exporter, what that job has always called
it: ``address``, ``address:port`` or a URL. ``module`` is a kind, or a blackbox module's name that begins with one
(``icmp``, ``tcp_connect``, ``http_2xx``, ``dns_udp``). Whatever the words, nothing is looked at but what stands in the
inventory, and in the way that stands there: the port, path and expectations are the target's own.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property

from inventory.models import Inventory, ProbeKind, Target
from probes.fleet import DEFAULT_PORTS
from probes.http_plan import DEFAULT_PORT, http_plan

__all__ = ["AskedError", "AskedTargets", "NotAsked", "not_asked"]

_ALIASES = {"https": ProbeKind.HTTP, "sip": ProbeKind.SIP_OPTIONS, "ping": ProbeKind.ICMP}
_NEVER_ASKED = frozenset({ProbeKind.HEARTBEAT, ProbeKind.ROLLCALL, ProbeKind.SIP_CALL})
"""Answers that come to us, and calls, which ring a telephone: they have their own hours and limits."""
_SLASHES_OF_BARE = 3
_KINDS = {**{kind.value: kind for kind in ProbeKind}, **_ALIASES}
_ASKED = tuple(name for name, kind in _KINDS.items() if kind not in _NEVER_ASKED)


class AskedError(ValueError):
    """The words mean no target, or more than one; the sentence says which and how to mend it."""


class NotAsked(StrEnum):
    """Why nobody looks at a target by hand from here."""

    RINGS = "rings"
    """A test call: it rings a telephone, and has its own hours and limits."""
    COMES_TO_US = "comes_to_us"
    """A heartbeat or a roll call: its answer comes, it is not fetched."""
    FROM_ELSEWHERE = "from_elsewhere"
    """Other vantages look at it, this one does not."""
    TOO_MANY = "too_many"
    """More stands here than is looked at in one go."""


def not_asked(target: Target, vantage: str) -> NotAsked | None:
    """Answer why ``target`` is not looked at by hand from ``vantage``; None: it may be."""
    if target.kind is ProbeKind.SIP_CALL:
        return NotAsked.RINGS
    if target.kind in _NEVER_ASKED:
        return NotAsked.COMES_TO_US
    if target.vantages and vantage not in target.vantages:
        return NotAsked.FROM_ELSEWHERE
    return None


class AskedTargets:
    """Finds what is asked for among what ``vantage`` looks at; made anew for another inventory."""

    def __init__(self, inventory: Inventory, vantage: str) -> None:
        self._inventory = inventory
        self._vantage = vantage

    def find(self, target: str, module: str = "") -> Target:
        """Answer the one target that the words mean; raises :class:`AskedError`."""
        kind = _kind_of(module)
        named = self._inventory.targets.get(target)
        called = [named] if named is not None else self._places.get(target, [])
        found = [each for each in called if kind in {None, each.kind}]
        if not called:
            raise AskedError(
                f"no target of the inventory has the code or the address {target!r}; nothing else is looked at"
            )
        if not found:
            kinds = ", ".join(sorted({each.kind.value for each in called}))
            raise AskedError(f"{target!r} is looked at by {kinds}, not by module {module!r}")
        if len(found) > 1:
            codes = ", ".join(each.code for each in found[:5])
            raise AskedError(
                f"{target!r} is the address of several targets: ask for one by its code ({codes})"
            )
        if found[0].kind in _NEVER_ASKED:
            raise AskedError(f"{target!r} is a {found[0].kind.value}, which nobody looks at by hand")
        if found[0].vantages and self._vantage not in found[0].vantages:
            raise AskedError(f"{target!r} is looked at from {' '.join(found[0].vantages)}, not from here")
        return found[0]

    @cached_property
    def _places(self) -> dict[str, list[Target]]:
        # Built when the first question calls a target by its place: a job that uses codes need not pay for it.
        places: dict[str, list[Target]] = {}
        for target in self._inventory.targets.values():
            for place in dict.fromkeys(_called(target)):
                places.setdefault(place, []).append(target)
        return places


def _kind_of(module: str) -> ProbeKind | None:
    """Answer the kind that a module's name begins with; None without a module."""
    if not module:
        return None
    kind = _KINDS.get(module) or _KINDS.get(module.partition("_")[0])
    if kind is None:
        raise AskedError(f"module {module!r} begins with no kind: {', '.join(_ASKED)}")
    return kind


def _called(target: Target) -> Iterator[str]:
    """Everything that a job may call a target by, besides its code."""
    if target.kind not in DEFAULT_PORTS:
        return
    address = f"[{target.address}]" if ":" in target.address else target.address
    yield target.address
    if target.kind is ProbeKind.ICMP:
        return
    port = target.port if target.port is not None else DEFAULT_PORTS[target.kind]
    yield f"{address}:{port}"
    if target.kind is ProbeKind.HTTP:
        yield from _urls(target, port)


def _urls(target: Target, port: int) -> Iterator[str]:
    """Spell the URLs of a web target, by its own name and by its address; a bare one also without its last slash."""
    options = {name: value for name, value in target.options.items() if name != "host"}
    for chosen in (target.options, options):
        url = http_plan(target.address, port, chosen).url
        scheme, _, _ = url.partition(":")
        for spelt in (url, url.replace(f":{DEFAULT_PORT[scheme]}/", "/", 1)):
            yield spelt
            if spelt.count("/") == _SLASHES_OF_BARE:
                yield spelt.removesuffix("/")
