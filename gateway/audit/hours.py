"""The clinic's days and opening hours, as spans of milliseconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property, lru_cache

from gateway.audit.spans import Span
from gateway.config import Config
from gateway.instants import midnight_ms

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER_MS = 15 * 60 * 1000  # no zone's midnight lies between two quarters of an hour since 1970


@dataclass(frozen=True)
class Hours:
    """Local days, and when the clinic of this configuration is open."""

    config: Config

    @cached_property
    def zone(self) -> tzinfo:
        """The clinic's time zone."""
        return self.config.zone

    def local(self, at_ms: int) -> datetime:
        """The instant in the clinic's zone."""
        return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(self.zone)

    def day_of(self, at_ms: int) -> date:
        """The local day that holds the instant."""
        return _day(self.zone, at_ms // QUARTER_MS)

    def calendar_day(self, day: date) -> Span:
        """The whole local day, up to where the next begins."""
        return _calendar_day(self.zone, day)

    def opening(self, day: date) -> list[Span]:
        """The opening hours of that day; none where the clinic was closed."""
        hours = self.config.opening_ms(day)
        return [hours] if hours else []


@lru_cache(1 << 16)
def _day(zone: tzinfo, quarter: int) -> date:
    return (_EPOCH + timedelta(milliseconds=quarter * QUARTER_MS)).astimezone(zone).date()


@lru_cache(1 << 12)
def _calendar_day(zone: tzinfo, day: date) -> Span:
    return midnight_ms(day, zone), midnight_ms(day + timedelta(days=1), zone)


def days(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)
