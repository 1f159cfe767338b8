"""A recording of power as a picture for people: for a terminal, and as SVG. The scale is logarithmic, because a load's
idle and its on lie far apart, and the thresholds between them. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

from firmware.rpi.playback import iso

Rows = list[tuple[int, int]]
Lines = list[tuple[int, str]]  # (power in mW, what it is)

_FLOOR_MW = 500
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 1000, 360, 60, 150, 30, 40
_STYLE = (
    "text{font:12px sans-serif;fill:#222}.power{fill:none;stroke:#1f5fa8;stroke-width:1}"
    ".line{stroke:#b03a2e;stroke-dasharray:6 4}.on{fill:#f6d98b;opacity:.6}.axis{stroke:#888}"
)


def text_picture(rows: Rows, lines: Lines, width: int = 72, height: int = 12) -> str:
    """Columns as high as the most power in them; `lines` are drawn through, and named at the right."""
    share = _scale(rows, lines)
    columns = [share(high_mw) for _, _, high_mw in _columns(rows, width)]
    text = []
    for level in range(height, 0, -1):
        named = [label for power_mw, label in lines if _level(share(power_mw), height) == level]
        empty = "┈" if named else " "
        bars = "".join("█" if _level(each, height) >= level else empty for each in columns)
        text.append(f"{bars} {' · '.join(named)}".rstrip())
    first, last = iso(rows[0][0])[:16], iso(rows[-1][0])[:16]
    return "\n".join([*text, "─" * width, first + last.rjust(width - len(first))])


def svg_picture(rows: Rows, lines: Lines, spans: list[tuple[int, int]], title: str) -> str:
    """The same with more detail, and `spans` (from_ms, until_ms) shaded."""
    share, from_ms, until_ms = _scale(rows, lines), rows[0][0], rows[-1][0]

    def x(at_ms: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (at_ms - from_ms) / max(1, until_ms - from_ms)

    def y(power_mw: int) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share(power_mw)

    drawn = [f'<text x="{_LEFT}" y="18">{escape(title)}</text>']
    drawn += [_box(x(start_ms), x(end_ms)) for start_ms, end_ms in spans]
    points = [
        f"{x(at_ms):.1f},{y(power_mw):.1f}"
        for at_ms, low_mw, high_mw in _columns(rows, _WIDTH - _LEFT - _RIGHT)
        for power_mw in (low_mw, high_mw)
    ]
    drawn.append(f'<polyline class="power" points="{" ".join(points)}"/>')
    drawn += [_line(y(power_mw), label) for power_mw, label in lines]
    drawn += [_tick(y(power_mw), power_mw) for power_mw in _ticks(rows)]
    drawn += [
        f'<text x="{_LEFT}" y="{_HEIGHT - 12}">{iso(from_ms)}</text>',
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 12}" text-anchor="end">{iso(until_ms)}</text>',
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"><style>{_STYLE}</style>'
    return "\n".join([head, *drawn, "</svg>", ""])


def _box(from_x: float, until_x: float) -> str:
    high = _HEIGHT - _TOP - _BOTTOM
    return f'<rect class="on" x="{from_x:.1f}" y="{_TOP}" width="{max(1.0, until_x - from_x):.1f}" height="{high}"/>'


def _line(at_y: float, label: str) -> str:
    right = _WIDTH - _RIGHT
    return (
        f'<line class="line" x1="{_LEFT}" x2="{right}" y1="{at_y:.1f}" y2="{at_y:.1f}"/>'
        f'<text x="{right + 6}" y="{at_y + 4:.1f}">{escape(label)}</text>'
    )


def _tick(at_y: float, power_mw: int) -> str:
    return (
        f'<line class="axis" x1="{_LEFT - 5}" x2="{_LEFT}" y1="{at_y:.1f}" y2="{at_y:.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{at_y + 4:.1f}" text-anchor="end">{power_mw / 1000:g} W</text>'
    )


def _ticks(rows: Rows) -> list[int]:
    """Round powers within the picture: 1, 10, 100 W ..."""
    most_mw = max(power_mw for _, power_mw in rows)
    return [10**digits for digits in range(3, 8) if 10**digits <= max(most_mw, 1000)]


def _scale(rows: Rows, lines: Lines) -> Callable[[int], float]:
    """From a power to its height, 0 to 1."""
    most_mw = max([power_mw for _, power_mw in rows] + [power_mw for power_mw, _ in lines] + [2 * _FLOOR_MW])
    whole = math.log(most_mw / _FLOOR_MW)
    return lambda power_mw: math.log(max(power_mw, _FLOOR_MW) / _FLOOR_MW) / whole


def _level(share: float, height: int) -> int:
    """The row of the terminal, 0 for nothing, `height` for the most."""
    return min(height, math.ceil(share * height))


def _columns(rows: Rows, count: int) -> list[tuple[int, int, int]]:
    """(at_ms, least, most) of each part of the time; a part without readings is nothing drawn."""
    from_ms, whole_ms = rows[0][0], rows[-1][0] - rows[0][0] + 1
    found: dict[int, tuple[int, int]] = {}
    for at_ms, power_mw in rows:
        column = (at_ms - from_ms) * count // whole_ms
        low_mw, high_mw = found.get(column, (power_mw, power_mw))
        found[column] = (min(low_mw, power_mw), max(high_mw, power_mw))
    columns = range(count) if count <= 200 else sorted(found)
    return [(from_ms + each * whole_ms // count, *found.get(each, (0, 0))) for each in columns]
