"""Charts as vector pictures, drawn from facts alone: readable in black and white, each class with its own pattern.

SVG with presentation attributes only (a page may show it under a strict policy), coordinates to a tenth, so that the
same facts give the same bytes. Text is escaped; sizes are user units of a third of a millimetre.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from alerting.models import CauseClass
from dashboards.reports.document import Picture
from dashboards.reports.facts import Facts, FoldedOutage, Line
from dashboards.reports.record import Tile
from dashboards.reports.tongue import Tongue

__all__ = ["carrier_bars", "cause_bars", "tile_picture", "timeline"]

_UNITS_PER_MM = 3
_WIDE = 495
_INK = "#1d2327"
_FAINT = "#c9ced2"
_FONT = 'font-family="Tinos, Times New Roman, serif"'
_FILLS = {"down": "#8f2d2d", "mitigated": "url(#m)", "disputed": "url(#d)", "planned": "url(#p)"}
_PATTERNS = (
    '<defs><pattern id="m" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="#f3d9a4"/>'
    '<path d="M0 5L5 0" stroke="#9a6a12" stroke-width="1.2"/></pattern>'
    '<pattern id="d" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="#dfe3e8"/>'
    '<path d="M0 0L5 5M0 5L5 0" stroke="#4a5560" stroke-width="0.9"/></pattern>'
    '<pattern id="p" width="4" height="4" patternUnits="userSpaceOnUse"><rect width="4" height="4" fill="#ffffff"/>'
    '<circle cx="2" cy="2" r="0.8" fill="#4a5560"/></pattern>'
    '<pattern id="u" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#f2f2f0"/>'
    '<path d="M0 3H6" stroke="#9aa2a9" stroke-width="0.8"/></pattern></defs>'
)
_STEPS = 240


def _num(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _text(
    x: float, y: float, text: str, *, size: float = 10, anchor: str = "start", bold: bool = False
) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{_num(x)}" y="{_num(y)}" font-size="{_num(size)}" text-anchor="{anchor}" fill="{_INK}"'
        f" {_FONT}{weight}>{escape(text)}</text>"
    )


def _rect(x: float, y: float, width: float, height: float, fill: str, *, edge: str = "") -> str:
    stroke = f' stroke="{edge}" stroke-width="0.5"' if edge else ""
    return f'<rect x="{_num(x)}" y="{_num(y)}" width="{_num(width)}" height="{_num(height)}" fill="{fill}"{stroke}/>'


def _line(x1: float, y1: float, x2: float, y2: float, *, colour: str = _FAINT) -> str:
    return f'<line x1="{_num(x1)}" y1="{_num(y1)}" x2="{_num(x2)}" y2="{_num(y2)}" stroke="{colour}" stroke-width="0.6"/>'


def _svg(width: float, height: float, parts: Iterable[str], title: str) -> str:
    size = f'width="{_num(width / _UNITS_PER_MM)}mm" height="{_num(height / _UNITS_PER_MM)}mm"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_num(width)} {_num(height)}" role="img">'
        f"<title>{escape(title)}</title>{_PATTERNS}{''.join(parts)}</svg>"
    )


def _picture(name: str, title: str, *, parts: Sequence[str], height: float, alt: str) -> Picture:
    svg = _svg(_WIDE, height, parts, title)
    return Picture(name, title, svg, _WIDE / _UNITS_PER_MM, height / _UNITS_PER_MM, alt)


def _legend(tongue: Tongue, y: float, names: Sequence[str]) -> list[str]:
    words = {
        "down": tongue.say("gián đoạn", "down"),
        "mitigated": tongue.say("có liên lạc tạm", "temporary service"),
        "disputed": tongue.say("đang xem xét", "disputed"),
        "planned": tongue.say("có kế hoạch", "planned"),
    }
    found, x = [], 4.0
    for name in names:
        found += [_rect(x, y - 8, 12, 9, _FILLS[name], edge=_INK), _text(x + 16, y, words[name])]
        x += 30 + 5.2 * len(words[name])
    return found


def timeline(facts: Facts, tongue: Tongue) -> Picture:
    """Draw how many paths of each carrier were down at once over the window, one lane a carrier."""
    by_carrier: defaultdict[str, list[FoldedOutage]] = defaultdict(list)
    for outage in facts.outages:
        by_carrier[outage.carrier].append(outage)
    carriers = [line.key for line in facts.by_carrier]
    left, top, lane = 92.0, 16.0, 46.0
    width = _WIDE - left - 18
    parts: list[str] = []
    for place, carrier in enumerate(carriers):
        y = top + place * lane
        counts = _concurrent(by_carrier[carrier], facts)
        most = max(counts, default=0)
        parts += [
            _text(4, y + 18, _clip(tongue.name(carrier), 17), bold=True),
            _text(
                4,
                y + 30,
                tongue.say(f"cao nhất {tongue.count(most)}", f"at most {tongue.count(most)}"),
                size=9,
            ),
            _line(left, y + lane - 8, left + width, y + lane - 8, colour=_INK),
        ]
        if most:
            parts.append(_area(counts, left, y + lane - 8, width, lane - 14, most))
    bottom = top + len(carriers) * lane
    parts += _hours(facts, tongue, left, width, top, bottom)
    title = tongue.say("Số đường liên lạc gián đoạn theo thời gian", "Paths down over time")
    alt = tongue.say(
        f"{tongue.count(facts.whole.outages)} lần gián đoạn của {len(carriers)} doanh nghiệp.",
        f"{tongue.count(facts.whole.outages)} interruptions of {len(carriers)} carriers.",
    )
    return _picture("timeline", title, parts=parts, height=bottom + 22, alt=alt)


def _concurrent(outages: Sequence[FoldedOutage], facts: Facts) -> list[int]:
    """Count, for each step of the window, the outages that touch it."""
    changes = [0] * (_STEPS + 1)
    window = max(1, facts.window)
    for outage in outages:
        if not outage.times.lost:
            continue
        first = (outage.start - facts.since) * _STEPS // window
        last = min(_STEPS - 1, (max(outage.start, outage.end - 1) - facts.since) * _STEPS // window)
        changes[first] += 1
        changes[last + 1] -= 1
    counts, now = [], 0
    for change in changes[:_STEPS]:
        now += change
        counts.append(now)
    return counts


def _area(counts: Sequence[int], left: float, base: float, width: float, height: float, most: int) -> str:
    step = width / _STEPS
    points = [f"M{_num(left)} {_num(base)}"]
    for place, count in enumerate(counts):
        if place and counts[place - 1] == count:
            continue
        points += [f"H{_num(left + place * step)}", f"V{_num(base - height * count / most)}"]
    points += [f"H{_num(left + width)}", f"V{_num(base)}Z"]
    return f'<path d="{"".join(points)}" fill="{_FILLS["down"]}"/>'


def _hours(facts: Facts, tongue: Tongue, left: float, width: float, top: float, bottom: float) -> list[str]:
    """Mark the window's hours or days, at most a dozen."""
    window = max(1, facts.window)
    step = next(
        (each for each in (300, 900, 1800, 3600, 7200, 10800, 21600, 43200) if window / each <= 12), 86400
    )
    while window / step > 12:
        step += 86400
    offset = tongue.local(facts.since).utcoffset()
    shift = int(offset.total_seconds()) if offset else 0
    first = -(-(facts.since + shift) // step) * step - shift
    found = []
    for at in range(first, facts.until + 1, step):
        x = left + width * (at - facts.since) / window
        local = tongue.local(at)
        text = (
            f"{local:%H:%M}"
            if step < 86400 and not (local.hour == 0 and window > 86400)
            else f"{local:%d/%m}"
        )
        found += [_line(x, top - 6, x, bottom - 8), _text(x, bottom + 4, text, size=9, anchor="middle")]
    return found


def carrier_bars(facts: Facts, tongue: Tongue) -> Picture:
    """Draw lost and planned time of each carrier, cut into classes."""
    lines = [(tongue.name(line.key), line) for line in facts.by_carrier]
    names = ("down", "mitigated", "disputed", "planned")
    parts, height = _bars(lines, names, tongue)
    parts += _legend(tongue, height + 4, names)
    title = tongue.say("Thời gian gián đoạn theo doanh nghiệp", "Time lost by carrier")
    return _picture("carriers", title, parts=parts, height=height + 12, alt=_told(lines, tongue))


def cause_bars(facts: Facts, tongue: Tongue) -> Picture:
    """Draw lost time by cause, the gravest first."""
    ordered = sorted(
        (line for line in facts.by_cause if line.times.lost), key=lambda line: (-line.times.lost, line.key)
    )
    lines = [(tongue.label(CauseClass(line.key)), line) for line in ordered]
    names = ("down", "mitigated", "disputed")
    parts, height = _bars(lines, names, tongue)
    parts += _legend(tongue, height + 4, names)
    title = tongue.say("Thời gian gián đoạn theo nguyên nhân", "Time lost by cause")
    return _picture("causes", title, parts=parts, height=height + 12, alt=_told(lines, tongue))


def _told(lines: Sequence[tuple[str, Line]], tongue: Tongue) -> str:
    return "; ".join(f"{name}: {tongue.duration(line.times.lost)}" for name, line in lines)


def _bars(lines: Sequence[tuple[str, Line]], names: Sequence[str], tongue: Tongue) -> tuple[list[str], float]:
    left, top, step, room = 120.0, 4.0, 22.0, 300.0
    most = max((sum(getattr(line.times, name) for name in names) for _, line in lines), default=0) or 1
    parts: list[str] = []
    for place, (title, line) in enumerate(lines):
        y, x = top + place * step, left
        parts.append(_text(left - 6, y + 12, _clip(title, 24), anchor="end"))
        for name in names:
            width = room * getattr(line.times, name) / most
            if width:
                parts.append(_rect(x, y + 2, max(width, 0.6), step - 8, _FILLS[name], edge=_INK))
                x += width
        parts.append(_text(x + 5, y + 12, tongue.duration(line.times.lost), size=9.5))
    height = top + max(1, len(lines)) * step
    parts.append(_line(left, top, left, height - 2, colour=_INK))
    return parts, height + 10


def tile_picture(facts: Facts, tiles: Sequence[Tile], tongue: Tongue) -> Picture:
    """Draw one tile a commune, shaded by its lost time in four steps; a cross where a site was cut off."""
    lost: defaultdict[str, int] = defaultdict(int)
    for outage in facts.outages:
        lost[outage.commune] += outage.times.lost
    cut = {loss.commune for loss in facts.losses}
    columns = max((tile.col for tile in tiles), default=0) + 1
    size = min(19.0, (_WIDE - 8) / columns)
    left = (_WIDE - columns * size) / 2
    parts = [_tile(tile, left, size, lost, cut=tile.code in cut) for tile in tiles]
    height = (max((tile.row for tile in tiles), default=0) + 1) * size + 8
    parts += _steps_legend(tongue, height + 10)
    title = tongue.say("Thời gian gián đoạn theo xã, phường", "Time lost by commune")
    hit = sum(1 for tile in tiles if lost[tile.code])
    alt = tongue.say(
        f"{hit}/{len(tiles)} xã, phường, thị trấn có gián đoạn; {len(cut)} có điểm mất liên lạc hoàn toàn.",
        f"{hit} of {len(tiles)} communes had interruptions; in {len(cut)} a site was cut off.",
    )
    return _picture("map", title, parts=parts, height=height + 18, alt=alt)


_SHADES = ("#ffffff", "#f0cfc9", "#d18a80", "#8f2d2d")
_SHADE_FROM = (0, 1, 900, 3600)


def _tile(tile: Tile, left: float, size: float, lost: Mapping[str, int], *, cut: bool) -> str:
    x, y = left + tile.col * size, 4 + tile.row * size
    seconds = lost.get(tile.code, 0)
    shade = max(place for place, least in enumerate(_SHADE_FROM) if seconds >= least)
    found = _rect(x + 1, y + 1, size - 2, size - 2, _SHADES[shade], edge="#6d767d")
    if not cut:
        return found
    far, near = size - 6, 6
    cross = f"M{_num(x + near)} {_num(y + near)}L{_num(x + far)} {_num(y + far)}M{_num(x + far)} {_num(y + near)}L{_num(x + near)} {_num(y + far)}"
    halo = f'<path d="{cross}" stroke="#ffffff" stroke-width="3.4"/>'
    return f'{found}{halo}<path d="{cross}" stroke="{_INK}" stroke-width="1.6"/>'


def _steps_legend(tongue: Tongue, y: float) -> list[str]:
    texts = (
        tongue.say("không", "none"),
        tongue.say("dưới 15 phút", "under 15 min"),
        tongue.say("15 phút đến 1 giờ", "15 min to 1 h"),
        tongue.say("từ 1 giờ", "1 h and more"),
    )
    found, x = [], 4.0
    for shade, text in zip(_SHADES, texts, strict=True):
        found += [_rect(x, y - 8, 12, 9, shade, edge=_INK), _text(x + 16, y, text)]
        x += 30 + 5.2 * len(text)
    found.append(_text(x, y, tongue.say("× điểm mất liên lạc hoàn toàn", "× a site was cut off")))
    return found


def _clip(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
