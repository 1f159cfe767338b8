"""Which days an address asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from gateway.errors import UsageError
from gateway.instants import read_day

MOST_DAYS = 366


class Misasked(UsageError):
    """An address or form asks for what cannot be; nothing was changed."""


def period_asked(asked: Mapping[str, str], today: date, usual_days: int = 31) -> tuple[date, date]:
    """`from` and `to`, YYYY-MM-DD; the last `usual_days` where they are left out. Misasked for no date, or too many."""
    try:
        last = read_day(asked["to"]) if asked.get("to") else today
        first = read_day(asked["from"]) if asked.get("from") else last - timedelta(days=usual_days - 1)
    except UsageError as error:
        raise Misasked(error.zh, error.en) from None
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Misasked(
            f"{first} 到 {last}：应为 1 到 {MOST_DAYS} 天",
            f"{first} to {last}: ask for 1 to {MOST_DAYS} days",
        )
    return first, last
