"""Lanes: things that would overlap on one row are put beside one another. Whole pixels; nothing else is known here."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush


def lanes(spans: Iterable[tuple[int, int]]) -> tuple[list[int], int]:
    """The lane (0, 1 ...) of each span (from, until), given in order of `from`, and how many lanes there are.

    Spans of one lane do not overlap, and there are as few lanes as that allows: each takes the lowest that is free.
    """
    places: list[int] = []
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    count = 0
    for start, end in spans:
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        if not free:
            heappush(free, count)
            count += 1
        lane = heappop(free)
        heappush(busy, (max(end, start + 1), lane))
        places.append(lane)
    return places, count
