"""The clinic's days and opening hours, as spans of milliseconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.audit.spans import Span


@dataclass(frozen=True, slots=True)
class Hours:
    """When the clinic is open: every day from `opens` to `closes` local time, but for the `closed` days."""

    opens: time
    closes: time
    closed: frozenset[date]
    zone: ZoneInfo

    def day_of(self, at_ms: int) -> date:
        """The local day that holds the instant."""
        return self.local(at_ms).date()

    def local(self, at_ms: int) -> datetime:
        """The instant in the clinic's zone."""
        return datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000).astimezone(self.zone)

    def calendar_day(self, day: date) -> Span:
        """The whole local day; the second of its two instants is the first of the next day."""
        return self._ms(day, time()), self._ms(day + timedelta(days=1), time())

    def opening(self, day: date) -> list[Span]:
        """The opening hours of that day; none where the clinic was closed."""
        return [] if day in self.closed else [(self._ms(day, self.opens), self._ms(day, self.closes))]

    def _ms(self, day: date, clock: time) -> int:
        return round(datetime.combine(day, clock, self.zone).timestamp() * 1000)


def days(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)
