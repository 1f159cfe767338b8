"""What the unit's program takes of a board, and its flash of a clinic's days: measured under real MicroPython."""

from __future__ import annotations

from tests.bench.figures import Figure
from tests.firmware.esp32 import figures as unit


def figures(scale: float) -> list[Figure]:
    """`scale` 1 is a simulated month, which takes minutes."""
    days = max(1, round(30 * scale))
    return [_figure(row) for row in unit.measured(days)]


def _figure(row: unit.Row) -> Figure:
    """Of several numbers the first is the value."""
    return Figure(row.name, row.zh, row.en, float(row.value.split(" ")[0]), row.per, shown=row.value)
