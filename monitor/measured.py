"""Figures that looks yield beside their outcome: certificates' ends, voice quality, utilisation, answers by code.

The newest of each is kept by target, in memory only: they are Prometheus' to keep long. Rendered as plain text in the
exposition format 0.0.4 behind the fleet's page, few and small beside it.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from inventory.models import Inventory, Link, ProbeKind
from inventory.topology import Topology
from monitor.load import Direction, LoadMeter
from probes.models import Flag, Measure, SampleBatch

__all__ = ["MeasureBook", "load_of"]

_SIP = frozenset({ProbeKind.SIP_OPTIONS, ProbeKind.SIP_CALL})

_LOADS: Mapping[Direction, tuple[Measure, Measure]] = {
    Direction.IN: (Measure.RATE_IN_BITS, Measure.UTILISATION_IN_RATIO),
    Direction.OUT: (Measure.RATE_OUT_BITS, Measure.UTILISATION_OUT_RATIO),
}
_MEGABIT = 1e6

_SERIES: Mapping[Measure, tuple[str, str, str]] = {
    Measure.TLS_NOT_AFTER: ("tls_not_after_timestamp_seconds", "", "Earliest end of validity in the chain."),
    Measure.MOS: ("voice_mos", "", "Estimated voice quality, ITU-T G.107."),
    Measure.POST_DIAL_SECONDS: ("sip_post_dial_seconds", "", "From INVITE to ringing."),
    Measure.UTILISATION_IN_RATIO: ("link_utilisation_ratio", ',direction="in"', "Use of a link's capacity."),
    Measure.UTILISATION_OUT_RATIO: (
        "link_utilisation_ratio",
        ',direction="out"',
        "Use of a link's capacity.",
    ),
    Measure.RATE_IN_BITS: ("link_rate_bits_per_second", ',direction="in"', "Traffic of an interface."),
    Measure.RATE_OUT_BITS: ("link_rate_bits_per_second", ',direction="out"', "Traffic of an interface."),
    Measure.JITTER_SECONDS: ("voice_jitter_seconds", "", "Interarrival jitter, RFC 3550."),
    Measure.LOSS_RATIO: ("voice_loss_ratio", "", "Packets of a stream that were lost."),
    Measure.BATTERY_RATIO: ("battery_ratio", "", "Charge of a power supply."),
    Measure.ON_BATTERY: ("on_battery", "", "Whether a power supply runs on battery."),
    Measure.BITRATE: ("stream_bits_per_second", "", "What a radio stream carries."),
    Measure.SERIAL: ("dns_serial", "", "Serial of a zone."),
}


def load_of(link: Link, direction: Direction, figures: Mapping[Measure, float]) -> float | None:
    """Answer what share of a link's capacity was used: of that on record, else of what its interface tells."""
    bits, share = (figures.get(measure) for measure in _LOADS[direction])
    if bits is not None and link.capacity_mbps:
        return bits / (link.capacity_mbps * _MEGABIT)
    return share


class MeasureBook:
    """The newest figures of one fleet; :meth:`swap` keeps those of targets that are still there.

    What a target measured of the link that it speaks for goes on to :attr:`loads`, as a share of the link's capacity.
    """

    def __init__(self, inventory: Inventory) -> None:
        self.loads = LoadMeter()
        self._newest: dict[str, dict[Measure, float]] = {}
        self._sip_codes: Counter[tuple[str, int]] = Counter()
        self.swap(inventory)

    def swap(self, inventory: Inventory) -> None:
        """Keep figures for this inventory from now on."""
        self._codes = Topology.of(inventory).codes
        self._digest = inventory.digest
        self._is_sip = np.array([target.kind in _SIP for target in inventory.targets.values()], bool)
        self._newest = {code: kept for code, kept in self._newest.items() if code in inventory.targets}
        self._links = {
            code: inventory.links[target.of]
            for code, target in inventory.targets.items()
            if target.kind is ProbeKind.SNMP and target.of in inventory.links
        }

    def take(self, batch: SampleBatch) -> None:
        """Note the figures of a batch; one of another fleet than ours is passed over."""
        if batch.fleet != self._digest:
            return
        for row, figures in batch.measures.items():
            target = int(batch.target[row])
            if not batch.flags[row] & np.uint8(Flag.CANARY) and target < len(self._codes):
                code = self._codes[target]
                self._newest.setdefault(code, {}).update(figures)
                self._measure(code, int(batch.at_ns[row]), figures)
        answered = np.flatnonzero((batch.code > 0) & ((batch.flags & np.uint8(Flag.CANARY)) == 0))
        known = answered[batch.target[answered] < len(self._codes)]
        for code in batch.code[known[self._is_sip[batch.target[known]]]].tolist():
            self._sip_codes[batch.vantage, code] += 1

    def _measure(self, target: str, at_ns: int, figures: Mapping[Measure, float]) -> None:
        if (link := self._links.get(target)) is None:
            return
        for direction in Direction:
            if (load := load_of(link, direction, figures)) is not None:
                self.loads.take(link.code, target, direction, at_ns=at_ns, load=load)

    def links(self) -> frozenset[str]:
        """Answer the links that something measures."""
        return frozenset(link.code for link in self._links.values())

    def of(self, target: str) -> Mapping[Measure, float]:
        """Answer the newest figures of one target."""
        return self._newest.get(target, {})

    def render(self) -> bytes:
        """Write every figure as text."""
        lines: dict[str, list[str]] = {}
        texts = {name: text for name, _, text in _SERIES.values()}
        for code, figures in list(self._newest.items()):
            for measure, value in list(figures.items()):
                if measure in _SERIES:
                    name, more, _ = _SERIES[measure]
                    lines.setdefault(name, []).append(
                        f'thongsuot_{name}{{target="{code}"{more}}} {value:.9g}'
                    )
        parts = [
            f"# HELP thongsuot_{name} {texts[name]}\n# TYPE thongsuot_{name} gauge\n" + "\n".join(rows) + "\n"
            for name, rows in lines.items()
        ]
        if self._sip_codes:
            head = "# HELP thongsuot_sip_responses_total Final SIP answers.\n# TYPE thongsuot_sip_responses_total counter\n"
            rows = [
                f'thongsuot_sip_responses_total{{vantage="{vantage}",code="{code}"}} {count}'
                for (vantage, code), count in sorted(self._sip_codes.items())
            ]
            parts.append(head + "\n".join(rows) + "\n")
        return "".join(parts).encode()
