"""What the demo does at an instant of its day."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that is done at an instant, and may bring about others later. Without words nothing is said of it."""

    at: datetime
    do: Callable[[], Iterable[Happening] | None]
    zh: str = ""
    en: str = ""


class Agenda:
    """Happenings by time; those of one instant in the order in which they came."""

    def __init__(self, planned: Iterable[Happening]):
        self._heap: list[tuple[datetime, int, Happening]] = []
        self._count = 0
        self.add(planned)

    def add(self, more: Iterable[Happening]) -> None:
        """These as well."""
        for each in more:
            heapq.heappush(self._heap, (each.at, self._count, each))
            self._count += 1

    def next_until(self, last: datetime) -> Happening | None:
        """The next that is due by then; None where there is no more."""
        if not self._heap or self._heap[0][0] > last:
            return None
        return heapq.heappop(self._heap)[2]


def nothing() -> None:
    """For what is only said."""
