"""The few figures of a pack that its page and its sheet show: coverage first, then verdicts and money of each source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.audit.verdicts import CODES
from gateway.ledger.units import Device
from gateway.pack.contents import Contents

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Watched:
    """How long a device was to be watched in the period, and was; `units` are those that were on it."""

    device: Device
    units: Sequence[str]
    open_s: int
    watched_s: int
    days: Sequence[Row]

    @property
    def dark_s(self) -> int:
        """For how long nobody watched."""
        return self.open_s - self.watched_s


@dataclass(frozen=True, slots=True)
class Count:
    """How many treatments got a verdict, and what they cost in yuan."""

    code: str
    treatments: int
    amount: Decimal


def watched(held: Contents) -> list[Watched]:
    """Every device that was there in the period, by room, the days with dark time in `days`. All sources tell the same."""
    devices = {each.device: each for each in held.devices}
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in next(iter(held.judged.values())).coverage:
        rows[row["device"]].append(row)
    found = [_watched(devices[name], told) for name, told in rows.items()]
    return sorted(found, key=lambda each: (each.device.room, each.device.bed, each.device.device))


def _watched(device: Device, rows: Sequence[Row]) -> Watched:
    units = dict.fromkeys(row["unit"] for row in rows if row["unit"])
    open_s, watched_s = sum(row["open_s"] for row in rows), sum(row["watched_s"] for row in rows)
    return Watched(
        device, list(units), open_s, watched_s, [row for row in rows if row["watched_s"] < row["open_s"]]
    )


def share(part_s: int, whole_s: int) -> str:
    """In per cent, rounded down, so that a hundred is all of it."""
    return f"{part_s * 1000 // whole_s / 10:.1f} %" if whole_s else "–"


def hours(seconds: int) -> str:
    """Hours and minutes, rounded down."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}"


def counts(said: Row) -> list[Count]:
    """Each verdict of a reconciliation, in their order."""
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for each in said["treatments"]:
        amounts[each["verdict"]] += Decimal(each["amount"])
    return [Count(code, said["summary"][code], amounts[code]) for code in CODES]


def money(yuan: Decimal) -> str:
    """Yuan with two digits."""
    return f"{yuan:,.2f}"
