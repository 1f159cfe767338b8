"""Sets of instants as sorted, disjoint spans (from_ms, until_ms), half open."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]

FOREVER = 1 << 62
"""Later than any instant: the end of what has not ended."""


def union(spans: Iterable[Span]) -> list[Span]:
    """The same instants as sorted, disjoint spans that do not touch; empty and reversed spans vanish."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def intersect(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """The instants that are in both."""
    both: list[Span] = []
    ones, others = union(spans), union(others)
    one = other = 0
    while one < len(ones) and other < len(others):
        start, end = max(ones[one][0], others[other][0]), min(ones[one][1], others[other][1])
        if start < end:
            both.append((start, end))
        if ones[one][1] <= others[other][1]:
            one += 1
        else:
            other += 1
    return both


def subtract(spans: Iterable[Span], away: Iterable[Span]) -> list[Span]:
    """The instants of `spans` that are in none of `away`."""
    cuts = union(away)
    starts = [-FOREVER, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), FOREVER]
    return intersect(spans, zip(starts, ends, strict=True))


def whole_seconds(spans: Iterable[Span]) -> list[Span]:
    """The least whole seconds that hold all of `spans`."""
    return union((start // 1000 * 1000, -(-end // 1000) * 1000) for start, end in spans)


def length_ms(spans: Iterable[Span]) -> int:
    """How long disjoint spans are together."""
    return sum(end - start for start, end in spans)
