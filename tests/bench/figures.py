"""One figure of the bench: what was measured, beside the baseline of the same run and the target it is held against.

Nothing here passes or fails: machines differ, so a figure is told, never asserted.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `baseline` are in `per`; `shown` is what is told where one number does not say it. `ratio` is value to
    baseline, None where there is no baseline. `met` says whether the target was reached, None where none is set."""

    name: str
    zh: str
    en: str
    value: float
    per: str
    baseline: float | None = None
    against: str = ""
    target: str = ""
    met: bool | None = None
    shown: str = ""

    @property
    def ratio(self) -> float | None:
        return None if not self.baseline else self.value / self.baseline

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio}


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternating(rounds: int, *works: Callable[[], float]) -> list[float]:
    """The median of each measurement over so many rounds, one after the other in each, so that a machine that slows down
    slows down all of them."""
    told: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for place, work in enumerate(works):
            told[place].append(work())
    return [statistics.median(each) for each in told]


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def table(figures: list[Figure]) -> str:
    """For people, Chinese first."""
    rows = []
    for each in figures:
        ratio = "" if each.ratio is None else f"{each.ratio:.2f} x {each.against}"
        mark = {True: "达到 · met", False: "未达到 · not met", None: ""}[each.met]
        rows.append(
            (
                f"{each.zh} · {each.en}",
                f"{each.shown or _short(each.value)} {each.per}",
                ratio,
                each.target,
                mark,
            )
        )
    widths = [max((_width(row[place]) for row in rows), default=0) for place in range(5)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _width(text: str) -> int:
    """Columns on a terminal: Chinese takes two."""
    return sum(2 if ord(each) > 0x2E7F else 1 for each in text)
