"""What must answer for each target: the service, its address and its port. Pure.

Only targets on 127.0.0.0/8 are served: the lab never pretends to be something that exists elsewhere. What it does
not serve (other addresses, kinds that have no responder yet) is named, not silently absent.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from inventory.models import Inventory, ProbeKind, Target
from probes.http_plan import http_plan

__all__ = ["Endpoint", "Service", "Transport", "endpoints_of", "names_of"]

SNMP_PORT = 161
_USUAL_MBPS = 1000.0
"""Capacity of a link whose own is not written down."""
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class Transport(StrEnum):
    """What carries a service; names as nftables writes them."""

    ICMP = "icmp"
    TCP = "tcp"
    UDP = "udp"


class Service(StrEnum):
    """What answers."""

    ECHO = "echo"
    PORT = "port"
    WEB = "web"
    SECURE_WEB = "secure_web"
    SIP = "sip"
    AGENT = "agent"

    @property
    def transport(self) -> Transport:
        """What carries it."""
        return _CARRIED_BY[self]


_CARRIED_BY: Final = {
    Service.ECHO: Transport.ICMP,
    Service.PORT: Transport.TCP,
    Service.WEB: Transport.TCP,
    Service.SECURE_WEB: Transport.TCP,
    Service.SIP: Transport.UDP,
    Service.AGENT: Transport.UDP,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One target's responder. ``port`` is 0 for ICMP; ``status`` and ``text`` are what a web look expects.

    ``capacity_mbps`` is that of the link which an agent speaks for.
    """

    target: str
    service: Service
    address: str
    port: int = 0
    status: int = 200
    text: bytes = b""
    name: str = ""
    capacity_mbps: float = 0.0

    @property
    def key(self) -> tuple[Transport, str, int]:
        """What tells its packets from all others'."""
        return self.service.transport, self.address, self.port


def endpoints_of(inventory: Inventory) -> tuple[tuple[Endpoint, ...], tuple[str, ...]]:
    """Answer what is to be served, and the codes of the targets that are not."""
    served, unserved = [], []
    for target in inventory.targets.values():
        endpoint = _endpoint(target, inventory) if _is_loopback(target.address) else None
        if endpoint is None:
            unserved.append(target.code)
        else:
            served.append(endpoint)
    return tuple(served), tuple(unserved)


def names_of(endpoints: Iterable[Endpoint]) -> list[str]:
    """Answer the names and addresses that the certificate must hold."""
    secure = [endpoint for endpoint in endpoints if endpoint.service is Service.SECURE_WEB]
    return list(dict.fromkeys(name for e in secure for name in (e.address, e.name) if name))


def _endpoint(target: Target, inventory: Inventory) -> Endpoint | None:
    if target.kind is ProbeKind.ICMP:
        return Endpoint(target.code, Service.ECHO, target.address)
    if target.kind is ProbeKind.SNMP:
        return _agent(target, inventory)
    if target.port is None:
        return None
    if target.kind is ProbeKind.HTTP:
        return _web(target, target.port)
    service = {
        ProbeKind.TCP: Service.PORT,
        ProbeKind.TLS: Service.SECURE_WEB,
        ProbeKind.SIP_OPTIONS: Service.SIP,
    }.get(target.kind)
    if service is None:
        return None
    return Endpoint(target.code, service, target.address, target.port, name=target.options.get("sni", ""))


def _agent(target: Target, inventory: Inventory) -> Endpoint | None:
    """Answer the agent of a link; those of other things are for somebody else to serve."""
    link = inventory.links.get(target.of)
    if link is None:
        return None
    port = target.port or SNMP_PORT
    return Endpoint(
        target.code, Service.AGENT, target.address, port, capacity_mbps=link.capacity_mbps or _USUAL_MBPS
    )


def _web(target: Target, port: int) -> Endpoint | None:
    try:
        plan = http_plan(target.address, port, target.options)
    except ValueError:
        return None
    status = 200 if plan.is_right(200) else plan.statuses[0].start
    return Endpoint(
        target.code,
        Service.SECURE_WEB if plan.is_tls else Service.WEB,
        target.address,
        port,
        status=status,
        text=plan.expect,
        name=plan.tls.server_name if plan.tls.server_name != target.address else "",
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in _LOOPBACK
    except ValueError:
        return False
