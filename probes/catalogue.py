"""Which probe looks at which kind: the one list for the service, for a vantage elsewhere and for a look by hand."""

from collections.abc import Callable
from pathlib import Path
from random import Random  # noqa: TID251 - the type only; the source itself is an argument

from inventory.models import ProbeKind
from probes.call_limits import CallLimits
from probes.dns import DnsProbe
from probes.health import read_clock
from probes.http import HttpProbe
from probes.models import Probe
from probes.sip import SipProbe
from probes.sip_call import SipCallProbe
from probes.snmp import SnmpProbe
from probes.stamp import StampProbe
from probes.stream import StreamProbe
from probes.tcp import TcpProbe
from probes.tls import TlsProbe

__all__ = ["catalogue", "clock_error"]


def catalogue(
    *,
    monotonic: Callable[[], float],
    wall_ns: Callable[[], int],
    token: Callable[[], str],
    rng: Random,
    limits: CallLimits,
    extra_ca: Path | None = None,
) -> dict[ProbeKind, Probe]:
    """Make a fresh set of probes, not yet opened; ICMP has its engine, and a heartbeat needs the book of the web.

    ``rng`` chooses identifiers that nobody may guess; calls are made only within ``limits``.
    """
    return {
        ProbeKind.TCP: TcpProbe(monotonic=monotonic),
        ProbeKind.HTTP: HttpProbe(monotonic=monotonic, wall_ns=wall_ns, extra_ca=extra_ca),
        ProbeKind.TLS: TlsProbe(monotonic=monotonic, wall_ns=wall_ns, extra_ca=extra_ca),
        ProbeKind.DNS: DnsProbe(monotonic=monotonic, wall_ns=wall_ns, rng=rng, extra_ca=extra_ca),
        ProbeKind.SIP_OPTIONS: SipProbe(monotonic=monotonic, wall_ns=wall_ns, token=token, extra_ca=extra_ca),
        ProbeKind.SIP_CALL: SipCallProbe(monotonic=monotonic, wall_ns=wall_ns, token=token, limits=limits),
        ProbeKind.SNMP: SnmpProbe(monotonic=monotonic, wall_ns=wall_ns),
        ProbeKind.STAMP: StampProbe(monotonic=monotonic, wall_ns=wall_ns, clock_error=clock_error),
        ProbeKind.STREAM: StreamProbe(monotonic=monotonic, wall_ns=wall_ns, extra_ca=extra_ca),
    }


def clock_error() -> float | None:
    """Answer by how many seconds this machine's clock may err from UTC; None where nobody knows."""
    state = read_clock()
    return state.max_error_seconds if state is not None and state.is_synchronised else None
