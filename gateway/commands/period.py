"""The days that `--from` and `--to` name."""

from __future__ import annotations

from datetime import date

from gateway.errors import UsageError
from gateway.instants import read_day

_YEARS = range(2000, 2100)


def read_period(from_day: str, to_day: str) -> tuple[date, date]:
    """First and last day. UsageError where they are none, in the wrong order or out of all reason."""
    first, last = read_day(from_day), read_day(to_day)
    if last < first:
        raise UsageError(
            f"--to {last} 早于 --from {first}：请对调", f"--to {last} is before --from {first}: swap them"
        )
    for day in (first, last):
        if day.year not in _YEARS:
            raise UsageError(
                f"{day} 不在 2000 至 2099 年之间：请检查日期", f"{day} is not in 2000 to 2099: check it"
            )
    return first, last
