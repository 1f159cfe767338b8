"""A recording as a port: readings from a CSV file with the columns `time` and `power_w`.

`time` is ISO 8601, the clinic's local time (+08:00) unless it carries a zone; `power_w` a decimal number. Rows may repeat a time, pause
for hours and be unevenly spaced, but never go back. Other columns are ignored.
"""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hardware.ports import PortError
from hardware.ports.bench import instant_ms

_MOST_W = 25000  # 100 A at 250 V


def read_trace(path: Path) -> list[tuple[int, int]]:
    """(at_ms since 1970 UTC, power_mw) of every row; PortError names the row, the column, the value and what to do."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return _rows(csv.reader(file))
    except OSError as error:
        raise PortError(
            f"{path}：无法读取，请指明 CSV 文件",
            f"{path}: cannot be read ({error.strerror}): name a CSV file",
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        en = f"{path}: is no CSV in UTF-8 ({error}): save it as CSV UTF-8"
        raise PortError(f"{path}：不是 UTF-8 编码的 CSV，请另存为 CSV UTF-8", en) from error
    except PortError as error:
        raise error.within(path) from error


def _rows(rows: Any) -> list[tuple[int, int]]:
    header = [each.strip().lower() for each in next(rows, [])]
    for column in ("time", "power_w"):
        if column not in header:
            en = f"row 1 has no column {column!r}: the header must name time and power_w"
            raise PortError(f"第 1 行没有列 {column!r}：表头须有 time 和 power_w", en)
    columns = header.index("time"), header.index("power_w")
    found: list[tuple[int, int]] = []
    for row in rows:
        if any(row):
            found.append(_reading(row, columns, rows.line_num, found[-1][0] if found else None))
    if not found:
        en = "holds no readings: at least one row is needed below the header"
        raise PortError("没有读数：表头下至少要有一行", en)
    return found


def _reading(row: list[str], columns: tuple[int, int], number: int, before_ms: int | None) -> tuple[int, int]:
    if len(row) <= max(columns):
        en = f"row {number} has {len(row)} columns: complete or delete it"
        raise PortError(f"第 {number} 行只有 {len(row)} 列：请补全或删去", en)
    time, power = row[columns[0]].strip(), row[columns[1]].strip()
    try:
        at_ms = instant_ms(time, "time")
    except PortError:
        raise _refused(
            number,
            "time",
            time,
            "不是时刻，请写作 2026-03-02T08:05:00",
            "is no instant: write it as 2026-03-02T08:05:00",
        ) from None
    if before_ms is not None and at_ms < before_ms:
        raise _refused(
            number,
            "time",
            time,
            "早于上一行，请按时间排序",
            "is earlier than the row before: sort the rows by time",
        )
    return at_ms, _power_mw(power, number)


def _power_mw(text: str, number: int) -> int:
    try:
        power_w = Decimal(text)
        possible = 0 <= power_w <= _MOST_W  # NaN raises InvalidOperation
    except InvalidOperation:
        raise _refused(
            number,
            "power_w",
            text,
            "不是瓦数，请改正或删去该行",
            "is no number of watts: correct or delete the row",
        ) from None
    if not possible:
        raise _refused(
            number,
            "power_w",
            text,
            f"不在 0 至 {_MOST_W} 瓦之间，请改正或删去该行",
            f"is not from 0 to {_MOST_W} W: correct or delete the row",
        )
    return int((power_w * 1000).to_integral_value())


def _refused(number: int, column: str, value: str, zh: str, en: str) -> PortError:
    return PortError(
        f"第 {number} 行 {column} 列的值 {value!r} {zh}",
        f"row {number}, column {column}, value {value!r} {en}",
    )


class TracePort:
    """A recording's readings for a unit that boots at `boot_ms`. See ports/__init__.py."""

    def __init__(self, rows: list[tuple[int, int]], boot_ms: int) -> None:
        self._rows = [(at_ms - boot_ms, power_mw) for at_ms, power_mw in rows if at_ms >= boot_ms]
        self._next = 0

    def take(self, mono_ms: int) -> list[tuple[int, int]]:
        start = self._next
        while self._next < len(self._rows) and self._rows[self._next][0] <= mono_ms:
            self._next += 1
        return self._rows[start : self._next]
