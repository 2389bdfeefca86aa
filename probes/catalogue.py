"""Which probe looks at which kind: the one list for the service, for a vantage elsewhere and for a look by hand."""

from collections.abc import Callable
from pathlib import Path

from inventory.models import ProbeKind
from probes.http import HttpProbe
from probes.models import Probe
from probes.sip import SipProbe
from probes.snmp import SnmpProbe
from probes.stream import StreamProbe
from probes.tcp import TcpProbe
from probes.tls import TlsProbe

__all__ = ["catalogue"]


def catalogue(
    *,
    monotonic: Callable[[], float],
    wall_ns: Callable[[], int],
    token: Callable[[], str],
    extra_ca: Path | None = None,
) -> dict[ProbeKind, Probe]:
    """Make a fresh set of probes, not yet opened; ICMP has its engine, and a heartbeat needs the book of the web."""
    return {
        ProbeKind.TCP: TcpProbe(monotonic=monotonic),
        ProbeKind.HTTP: HttpProbe(monotonic=monotonic, wall_ns=wall_ns, extra_ca=extra_ca),
        ProbeKind.TLS: TlsProbe(monotonic=monotonic, wall_ns=wall_ns, extra_ca=extra_ca),
        ProbeKind.SIP_OPTIONS: SipProbe(monotonic=monotonic, wall_ns=wall_ns, token=token),
        ProbeKind.SNMP: SnmpProbe(monotonic=monotonic, wall_ns=wall_ns),
        ProbeKind.SNMP: SnmpProbe(monotonic=monotonic, wall_ns=wall_ns),
        ProbeKind.STREAM: StreamProbe(monotonic=monotonic, wall_ns=wall_ns, extra_ca=extra_ca),
    }
