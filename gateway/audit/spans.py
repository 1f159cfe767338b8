"""Sets of instants as sorted, disjoint spans (from_ms, until_ms), half open."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


def union(spans: Iterable[Span]) -> list[Span]:
    """The same instants as sorted, disjoint spans that do not touch; empty and reversed spans vanish."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def subtract(spans: Iterable[Span], away: Iterable[Span]) -> list[Span]:
    """The instants of `spans` that are in none of `away`."""
    left: list[Span] = []
    cuts = union(away)
    for start, end in union(spans):
        for cut_start, cut_end in cuts:
            if cut_end <= start or cut_start >= end:
                continue
            if start < cut_start:
                left.append((start, cut_start))
            start = cut_end
        if start < end:
            left.append((start, end))
    return left


def intersect(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """The instants that are in both."""
    others = union(others)
    both = [(max(a, c), min(b, d)) for a, b in union(spans) for c, d in others]
    return union(both)


def length_ms(spans: Iterable[Span]) -> int:
    """How long disjoint spans are together."""
    return sum(end - start for start, end in spans)
