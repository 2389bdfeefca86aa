"""One look as blackbox exporter's page of metrics, under the same names, and what only we know under ours. Pure.

A dashboard or a rule made for that exporter reads ``probe_success``, ``probe_duration_seconds``, the phases of its kind
and ``probe_ssl_earliest_cert_expiry`` as before. Beside them stand ``thongsuot_probe_…``: the outcome by its name, the
rank of the evidence, the phases as we measure them, and every figure of the look. What was not measured is absent: no
timeout ever shows as a time, but in ``probe_duration_seconds``, which is how long the question took.
"""

import ipaddress
import math
from collections.abc import Iterable, Iterator, Mapping

from inventory.models import ProbeKind
from probes.models import PHASES, Answer, Measure, Outcome
from probes.once import OnceSeen

__all__ = ["probe_page"]

Row = tuple[Mapping[str, str], float]

_PEER_PHASES: Mapping[ProbeKind, tuple[str, Mapping[str, str]]] = {
    ProbeKind.HTTP: (
        "probe_http_duration_seconds",
        {"connect": "connect", "tls": "tls", "first_byte": "processing", "transfer": "transfer"},
    ),
    ProbeKind.DNS: ("probe_dns_duration_seconds", {"connect": "connect", "first_byte": "request"}),
}
"""Where the exporter writes the phases of a kind, and what it calls ours."""
_PEER_MEASURES = {
    Measure.TLS_NOT_AFTER: (
        "probe_ssl_earliest_cert_expiry",
        "Earliest end of validity in the chain, Unix seconds.",
    ),
    Measure.SERIAL: ("probe_dns_serial", "Serial number of the zone."),
}


def probe_page(kind: ProbeKind, seen: OnceSeen) -> str:
    """Answer the page in the Prometheus text format 0.0.4."""
    return "".join(line for family in _families(kind, seen) for line in _lines(*family))


def _families(kind: ProbeKind, seen: OnceSeen) -> Iterator[tuple[str, str, Iterable[Row]]]:
    answer = seen.answer
    phases = _phases(answer)
    yield "probe_success", "Whether the look found what it should.", _one(float(answer.outcome is Outcome.OK))
    yield "probe_duration_seconds", "How long the question took, waits included.", _one(seen.whole)
    yield "probe_dns_lookup_time_seconds", "How long the name took to resolve.", _one(seen.resolve)
    if seen.address:
        version = ipaddress.ip_address(seen.address).version
        yield "probe_ip_protocol", "Version of IP that was spoken, 4 or 6.", _one(float(version))
    yield from _as_the_exporter(kind, answer, {"resolve": seen.resolve, **phases})
    outcome = [({"outcome": answer.outcome.name.lower()}, 1.0)]
    yield "thongsuot_probe_outcome", "What the look found, by its name.", outcome
    yield "thongsuot_probe_evidence", "Rank of what the look proves, 0 nothing.", _one(float(answer.evidence))
    rows = [({"phase": name}, value) for name, value in phases.items()]
    yield "thongsuot_probe_phase_seconds", "Phases of the look that were measured.", rows
    if not math.isnan(answer.rtt):
        yield "thongsuot_probe_rtt_seconds", "Round trip, or the sum of the phases.", _one(answer.rtt)
    if answer.code:
        yield "thongsuot_probe_code", "Code that the target answered with.", _one(float(answer.code))
    for name, value in _figures(answer):
        yield f"thongsuot_probe_{name.value}", "A figure of the look.", _one(value)


def _as_the_exporter(
    kind: ProbeKind, answer: Answer, phases: Mapping[str, float]
) -> Iterator[tuple[str, str, Iterable[Row]]]:
    """Answer what the exporter writes of a kind, besides what it writes of all."""
    if kind is ProbeKind.HTTP:
        yield "probe_http_status_code", "Status of the answer.", _one(float(answer.code))
        yield "probe_http_ssl", "Whether TLS was spoken.", _one(float("tls" in phases))
    if kind is ProbeKind.ICMP:
        rows = [({"phase": "resolve"}, phases["resolve"])]
        rows += [({"phase": "rtt"}, answer.rtt)] if not math.isnan(answer.rtt) else []
        yield "probe_icmp_duration_seconds", "Duration of the echo by phase.", rows
    if kind in _PEER_PHASES:
        name, called = _PEER_PHASES[kind]
        names = {"resolve": "resolve", **called}
        rows = [({"phase": names[phase]}, value) for phase, value in phases.items() if phase in names]
        yield name, "Duration of the look by phase.", rows
    for measure, value in _figures(answer):
        if measure in _PEER_MEASURES:
            yield *_PEER_MEASURES[measure], _one(value)


def _phases(answer: Answer) -> dict[str, float]:
    named = zip(PHASES, answer.phases, strict=False)
    return {name: value for name, value in named if not math.isnan(value)}


def _figures(answer: Answer) -> list[tuple[Measure, float]]:
    return [(name, value) for name, value in answer.measures.items() if not math.isnan(value)]


def _one(value: float) -> list[Row]:
    return [({}, value)]


def _lines(name: str, text: str, rows: Iterable[Row]) -> Iterator[str]:
    yield f"# HELP {name} {text}\n# TYPE {name} gauge\n"
    for labels, value in rows:
        named = ",".join(f'{label}="{word}"' for label, word in labels.items())
        yield f"{name}{{{named}}} {value!r}\n" if named else f"{name} {value!r}\n"
