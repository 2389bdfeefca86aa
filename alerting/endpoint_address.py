"""Which addresses may be called because a party wrote them down: what keeps the service from being turned inward.

Whoever sets an address could else make the service ask what only the service reaches: itself, its neighbours, a
cloud's store of secrets. So an address is looked at when it is set and again at every call: the name is resolved, every
address that it leads to must be a public one (or lie in a network that the operator named), and the call goes to the
very address that was looked at, since a name may lead elsewhere the next moment. Redirects are not followed.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

from alerting.endpoints import EndpointFault
from alerting.errors import RefusedEndpointError
from alerting.settings import Network

__all__ = ["LONGEST_URL", "Address", "Reach", "resolved"]

LONGEST_URL = 200
_NAME = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)
_LITTERED = re.compile(r"[^\x21-\x7e]|[\\<>\"]")
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address, which is where the call would end."""

_Ip = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Address:
    """A looked-at address: call ``url``, whose host is the number; ``host`` and ``name`` are what was written."""

    url: str
    host: str
    name: str


async def resolved(name: str, port: int) -> Sequence[str]:
    """Answer the addresses that ``name`` leads to, as the machine's own resolver says; raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


class Reach:
    """What may be called. ``networks`` may be though they are not public, and over plain http too."""

    def __init__(
        self,
        networks: Sequence[Network] = (),
        *,
        resolve: Callable[[str, int], Awaitable[Sequence[str]]] = resolved,
    ) -> None:
        self._networks = tuple(networks)
        self._resolve = resolve

    async def look(self, url: str) -> Address:
        """Answer where ``url`` may be called now; raises :class:`RefusedEndpointError`."""
        parts = _parts(url)
        name, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = await self._resolve(name, port)
            numbers = [_number(each) for each in found]
        except (OSError, ValueError) as unknown:
            raise RefusedEndpointError(EndpointFault.UNKNOWN_NAME) from unknown
        if not numbers:
            raise RefusedEndpointError(EndpointFault.UNKNOWN_NAME)
        for number in numbers:
            self._check(number, is_plain=parts.scheme == "http")
        host = f"[{numbers[0]}]" if numbers[0].version == 6 else str(numbers[0])
        pinned = parts._replace(netloc=f"{host}:{port}", fragment="")
        return Address(urlunsplit(pinned), parts.netloc, name)

    def _check(self, number: _Ip, *, is_plain: bool) -> None:
        named = any(number in network for network in self._networks)
        if is_plain and not named:
            raise RefusedEndpointError(EndpointFault.PLAIN_HTTP)
        if not named and (not number.is_global or number.is_multicast):
            raise RefusedEndpointError(EndpointFault.FORBIDDEN_NETWORK)


def _parts(url: str) -> SplitResult:
    """Take ``url`` apart, or say why it is none."""
    if len(url) > LONGEST_URL or _LITTERED.search(url):
        raise RefusedEndpointError(EndpointFault.NO_ADDRESS)
    try:
        parts = urlsplit(url)
        name, _ = parts.hostname or "", parts.port
        if ":" in name:
            _number(name)
    except ValueError as wrong:
        raise RefusedEndpointError(EndpointFault.NO_ADDRESS) from wrong
    if parts.scheme not in {"http", "https"} or not name or parts.fragment:
        raise RefusedEndpointError(EndpointFault.NO_ADDRESS)
    if "@" in parts.netloc:
        raise RefusedEndpointError(EndpointFault.CREDENTIALS)
    if ":" not in name and not _NAME.fullmatch(name):
        raise RefusedEndpointError(EndpointFault.NO_ADDRESS)
    return parts


def _number(text: str) -> _Ip:
    """Read an address as the one at which a call to it ends: an IPv4 address inside an IPv6 one counts as itself."""
    number = ip_address(text.partition("%")[0])
    if isinstance(number, IPv6Address):
        if number.ipv4_mapped is not None:
            return number.ipv4_mapped
        if number in _TRANSLATED:
            return IPv4Address(int(number) & 0xFFFFFFFF)
        if number.sixtofour is not None:
            return number.sixtofour
    return number
