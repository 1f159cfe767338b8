"""Sets of record numbers as runs of consecutive ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Run = tuple[int, int]
"""The first and the last number of a run, both included."""


def runs(numbers: Iterable[int]) -> list[Run]:
    """The numbers as runs, in order."""
    found: list[Run] = []
    for each in sorted(set(numbers)):
        if found and found[-1][1] == each - 1:
            found[-1] = (found[-1][0], each)
        else:
            found.append((each, each))
    return found


def without(these: Sequence[Run], those: Sequence[Run]) -> list[Run]:
    """What is in these and not in those; both in order and without overlaps."""
    found = []
    for first, last in these:
        for start, end in those:
            if end < first or start > last:
                continue
            if start > first:
                found.append((first, start - 1))
            first = end + 1
            if first > last:
                break
        if first <= last:
            found.append((first, last))
    return found
