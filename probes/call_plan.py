"""What a test call is to do, made of a target's options. No socket, no clock.

Options of ``sip_call`` targets:

* ``test_line=yes``: set from the path's own ``test_line`` and by nothing else; without it nothing is ever sent.
* ``user``: the number to call; ``domain`` (the address by default); ``caller``: who calls (``thongsuot``).
* ``username``, ``password``: answer to a Digest challenge.
* ``hours``: when calls may be made, ``07:00-21:00``, in the province's zone.
* ``listen_seconds``: how long to listen once answered (3; at most 60; 0: hang up at once).
* ``media=no``: an answered line that stays silent is good too.
* ``codec``: ``plain`` (the default: what is lost is heard as a gap) or ``concealed`` (G.711, appendix I).
* ``buffer_ms``: how long the phone there waits before it plays what has come (60).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probes.call_limits import Spans, parse_hours
from probes.emodel import G711, G711_CONCEALED, Codec
from probes.sip_address import host_text
from probes.sip_digest import Credentials
from probes.sip_plan import credentials_of

__all__ = ["CALL_OPTIONS", "CallPlan", "call_plan"]

CALL_OPTIONS: Final = frozenset(
    {
        "buffer_ms", "caller", "codec", "domain", "hours", "listen_seconds", "media", "password", "test_line", "user",
        "username",
    }
)  # fmt: skip

_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/%-]+")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")
_CODECS = {"plain": G711, "concealed": G711_CONCEALED}


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One test call. ``uri`` is whom to call, ``caller`` the part of our own address before the @."""

    uri: str
    caller: str
    credentials: Credentials | None
    hours: Spans
    listen_seconds: float
    needs_media: bool
    codec: Codec
    buffer_seconds: float


def call_plan(address: str, port: int, options: Mapping[str, str]) -> CallPlan:
    """Read a target's options; ValueError, saying which, where they cannot be meant."""
    user, caller = options.get("user", ""), options.get("caller", "thongsuot")
    for name, text in (("user", user), ("caller", caller)):
        if not _USER.fullmatch(text):
            raise ValueError(f"{name} cannot stand in a SIP address: {text!r}")
    domain = options.get("domain", "")
    if domain and not _DOMAIN.fullmatch(domain):
        raise ValueError(f"domain cannot stand in a SIP address: {domain!r}")
    codec = options.get("codec", "plain")
    if codec not in _CODECS:
        raise ValueError(f"codec is plain or concealed: {codec!r}")
    media = options.get("media", "yes")
    if media not in {"yes", "no"}:
        raise ValueError(f"media is yes or no: {media!r}")
    return CallPlan(
        uri=f"sip:{user}@{domain or f'{host_text(address)}:{port}'}",
        caller=caller,
        credentials=credentials_of(options),
        hours=parse_hours(options["hours"]) if "hours" in options else (),
        listen_seconds=_number(options, "listen_seconds", default=3.0, most=60.0),
        needs_media=media == "yes",
        codec=_CODECS[codec],
        buffer_seconds=_number(options, "buffer_ms", default=60.0, most=1000.0) / 1000,
    )


def _number(options: Mapping[str, str], name: str, *, default: float, most: float) -> float:
    text = options.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(f"{name} is a number: {text!r}") from error
    if not 0 <= number <= most:
        raise ValueError(f"{name} is 0 to {most:g}: {text!r}")
    return number
