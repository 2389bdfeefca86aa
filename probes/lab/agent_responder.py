"""What answers on the lab's SNMP ports: an agent with one interface, whose counters run as a link of its size would.

A link is used by a third at night and by up to the half in the evening, each a little otherwise; ``lab fill`` makes
selected links as full as is asked. Version 2c, GET (RFC 3416), with the messages of pysnmp.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import cos, pi
from typing import Any
from zlib import crc32

from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pysnmp.proto.api import v2c
from typing_extensions import override

from probes import snmp_mib as mib
from probes.lab.datagram_responder import DatagramResponder, Source
from probes.lab.endpoints import Endpoint

__all__ = ["INTERFACE", "AgentResponder", "usual_load"]

INTERFACE = 1
_MEGABIT = 1_000_000
_WRAP = 2**64
_BUSIEST_HOUR, _HOURS = 20, 24
_BEFORE = 3600.0
"""The counters began so many seconds before anybody asked."""


@dataclass(slots=True)
class _Meter:
    """Octets carried inwards since the agent began, up to ``at``."""

    octets: float
    at: float


def usual_load(target: str, hour: float) -> float:
    """Answer the share of its capacity that a link carries at an hour of the day, 0 to 24, when nothing is wrong."""
    own = (crc32(target.encode()) % 1000) / 1000
    return 0.2 + 0.15 * own + 0.1 * (1 + cos((hour - _BUSIEST_HOUR) / _HOURS * 2 * pi))


class AgentResponder(DatagramResponder):
    """An agent behind every address; ``full`` answers how full a fault makes a target's link, or None."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        *,
        delay: Callable[[str], float],
        full: Callable[[str], float | None],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(endpoints, delay=delay)
        self._full = full
        self._clock = clock
        self._began: float | None = None
        self._meters: dict[str, _Meter] = {}

    @override
    def answer(self, endpoint: Endpoint, data: bytes, source: Source) -> bytes | None:
        try:
            message, rest = decoder.decode(data, asn1Spec=v2c.Message())
            pdu = v2c.apiMessage.get_pdu(message)
            if rest or not isinstance(pdu, v2c.GetRequestPDU):
                return None
            asked = [str(name) for name, _ in v2c.apiPDU.get_varbinds(pdu)]
        except (PyAsn1Error, v2c.error.ProtocolError):
            return None
        self._count(endpoint)
        values = self._values(endpoint)
        answer, told = v2c.apiMessage.get_response(message), v2c.GetResponsePDU()
        v2c.apiPDU.set_defaults(told)
        v2c.apiPDU.set_request_id(told, v2c.apiPDU.get_request_id(pdu))
        v2c.apiPDU.set_varbinds(
            told, [(v2c.ObjectIdentifier(oid), values.get(oid, v2c.NoSuchInstance(""))) for oid in asked]
        )
        v2c.apiMessage.set_pdu(answer, told)
        encoded: bytes = encoder.encode(answer)
        return encoded

    def _count(self, endpoint: Endpoint) -> None:
        """Let what was carried since the last question run into the counters."""
        now = self._clock()
        at = now.timestamp()
        if self._began is None:
            self._began = at - _BEFORE
        meter = self._meters.setdefault(endpoint.target, _Meter(0.0, self._began))
        full = self._full(endpoint.target)
        load = usual_load(endpoint.target, now.hour + now.minute / 60) if full is None else full
        meter.octets += max(0.0, at - meter.at) * load * endpoint.capacity_mbps * _MEGABIT / 8
        meter.at = at

    def _values(self, endpoint: Endpoint) -> Mapping[str, Any]:
        meter = self._meters[endpoint.target]
        octets = int(meter.octets)
        return {
            mib.SYS_UP_TIME: v2c.TimeTicks(int((meter.at - (self._began or meter.at)) * 100) % 2**32),
            f"{mib.IF_OPER_STATUS}.{INTERFACE}": v2c.Integer(mib.PortStatus.UP),
            f"{mib.IF_ADMIN_STATUS}.{INTERFACE}": v2c.Integer(mib.PortStatus.UP),
            f"{mib.IF_LAST_CHANGE}.{INTERFACE}": v2c.TimeTicks(0),
            f"{mib.IF_IN_ERRORS}.{INTERFACE}": v2c.Counter32(0),
            f"{mib.IF_HC_IN_OCTETS}.{INTERFACE}": v2c.Counter64(octets % _WRAP),
            f"{mib.IF_HC_OUT_OCTETS}.{INTERFACE}": v2c.Counter64(octets // 2 % _WRAP),
            f"{mib.IF_HIGH_SPEED}.{INTERFACE}": v2c.Gauge32(int(endpoint.capacity_mbps)),
            f"{mib.IF_DISCONTINUITY}.{INTERFACE}": v2c.TimeTicks(0),
        }
