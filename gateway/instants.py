"""Instants as people and scripts write them, at the edges of the program; inside they are milliseconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from gateway.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER_MS = 15 * 60_000


def read_instant(text: str, zone: tzinfo) -> int:
    """Milliseconds since 1970 UTC of an ISO 8601 instant, or of the beginning of a date.

    What carries no zone of its own is in `zone`. UsageError for any other text.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"时间 {text!r} 无法识别：请写成 2026-03-02 或 2026-03-02T08:00:00+08:00",
            f"{text!r} is no instant: write 2026-03-02 or 2026-03-02T08:00:00+08:00",
        ) from None
    return (at.replace(tzinfo=at.tzinfo or zone) - _EPOCH) // timedelta(milliseconds=1)


def read_day(text: str) -> date:
    """The date that `text` writes as YYYY-MM-DD; UsageError for any other text."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"日期 {text!r} 无法识别：请写成 2026-03-02", f"{text!r} is no date: write 2026-03-02"
        ) from None


def iso(at_ms: int, zone: tzinfo) -> str:
    """ISO 8601 with zone, to the second: `2026-03-02T08:00:00+08:00`."""
    quarter, ms = divmod(at_ms, _QUARTER_MS)
    minutes, after = _quarter(quarter, zone)
    if not minutes:
        return _iso(at_ms, zone)
    minute, ms = divmod(ms, 60_000)
    return f"{minutes[minute]}{ms // 1000:02d}{after}"


@lru_cache(1 << 14)
def _quarter(quarter: int, zone: tzinfo) -> tuple[tuple[str, ...], str]:
    """What stands before the seconds in each minute of a quarter of an hour since 1970 UTC, and after them; empty where the
    zone's own quarter is another, as it was before time was set by the hour."""
    first, last = (_iso(quarter * _QUARTER_MS + ms, zone) for ms in (0, _QUARTER_MS - 1))
    hour, minute, after = first[:14], int(first[14:16]), first[19:]
    if first[16:19] != ":00" or last != f"{hour}{minute + 14:02d}:59{after}":
        return (), ""
    return tuple(f"{hour}{minute + each:02d}:" for each in range(15)), after


def _iso(at_ms: int, zone: tzinfo) -> str:
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).isoformat(timespec="seconds")


def midnight_ms(day: date, zone: tzinfo) -> int:
    """Milliseconds since 1970 UTC at which `day` begins in `zone`."""
    return (datetime.combine(day, time(), zone) - _EPOCH) // timedelta(milliseconds=1)


def local_day(at_ms: int, zone: tzinfo) -> date:
    """The day in `zone` that holds an instant."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).date()
