"""Whether a target's options can be meant, before it is looked at: by the same plans that its probe reads them with."""

from collections.abc import Callable, Mapping
from typing import Final

from inventory.models import Inventory, ProbeKind, Target
from inventory.reasons import Reason, suggestion
from probes.call_plan import CALL_OPTIONS, call_plan
from probes.dns_plan import DNS_OPTIONS, dns_plan
from probes.fleet import DEFAULT_PORTS
from probes.heartbeat import HEARTBEAT_OPTIONS, heartbeat_plan
from probes.http_plan import HTTP_OPTIONS, http_plan
from probes.sip_plan import SIP_OPTIONS, sip_plan
from probes.snmp_plan import SNMP_OPTIONS, snmp_plan
from probes.stamp_plan import STAMP_OPTIONS, stamp_plan
from probes.starttls import STARTTLS_OPTION, starttls_of
from probes.stream_plan import STREAM_OPTIONS, stream_plan
from probes.tls_plan import TLS_OPTIONS, tls_plan

__all__ = ["option_reasons"]

_SCHEDULED: Final = frozenset({"cadence", "timeout"})
"""What the schedule reads, whatever the kind (:mod:`probes.fleet`)."""

_Plan = Callable[[str, int, Mapping[str, str]], object]


def _tls(address: str, _port: int, options: Mapping[str, str]) -> object:
    return tls_plan(options, name=address), starttls_of(options)


_PLANS: Final[Mapping[ProbeKind, tuple[frozenset[str], _Plan]]] = {
    ProbeKind.ICMP: (frozenset(), lambda *_: None),
    ProbeKind.TCP: (frozenset(), lambda *_: None),
    ProbeKind.HTTP: (HTTP_OPTIONS, http_plan),
    ProbeKind.TLS: (TLS_OPTIONS | {STARTTLS_OPTION}, _tls),
    ProbeKind.DNS: (DNS_OPTIONS, lambda address, _port, options: dns_plan(address, options)),
    ProbeKind.SIP_OPTIONS: (SIP_OPTIONS, sip_plan),
    ProbeKind.SIP_CALL: (CALL_OPTIONS - {"test_line"}, call_plan),
    ProbeKind.SNMP: (SNMP_OPTIONS, lambda _address, _port, options: snmp_plan(options)),
    ProbeKind.STAMP: (STAMP_OPTIONS, lambda _address, _port, options: stamp_plan(options)),
    ProbeKind.STREAM: (STREAM_OPTIONS, stream_plan),
    ProbeKind.HEARTBEAT: (HEARTBEAT_OPTIONS, lambda _address, _port, options: heartbeat_plan(options)),
}


def option_reasons(target: Target, inventory: Inventory) -> list[Reason]:
    """Answer why a target can never be looked at as it stands, and what to write instead; nothing if it can."""
    known = _PLANS.get(target.kind)
    if known is None:
        return []
    names, plan = known
    reasons = [_unknown(name, names) for name in target.options if name not in names | _SCHEDULED]
    port = target.port if target.port is not None else DEFAULT_PORTS[target.kind]
    try:
        plan(target.address, port, target.options)
    except ValueError as error:
        reasons.append(Reason(f"tuỳ chọn không dùng được: {error}", f"the option cannot be meant: {error}"))
    if target.kind is ProbeKind.SIP_CALL:
        path = inventory.paths.get(target.of)
        if path is None or not path.test_line:
            reasons.append(
                Reason(
                    f"sẽ không bao giờ gọi: đường {target.of} không được đánh dấu test_line trong paths.csv",
                    f"will never be called: path {target.of} is not marked test_line in paths.csv",
                )
            )
    return reasons


def _unknown(name: str, names: frozenset[str]) -> Reason:
    if name == "test_line":
        return Reason(
            "test_line thuộc về đường, hãy ghi ở paths.csv",
            "test_line belongs to the path: set it in paths.csv",
        )
    hint = suggestion(name, names | _SCHEDULED)
    listed = " ".join(sorted(names | _SCHEDULED))
    return Reason(
        f"loại này không có tuỳ chọn {name}{hint.vi or f'; dùng được: {listed}'}",
        f"this kind has no option {name}{hint.en or f'; there are: {listed}'}",
    )
