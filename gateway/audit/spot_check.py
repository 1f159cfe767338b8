"""What a spot check (现场检查) goes round with: every device by room, and what the ledger says of it at one instant. Pure.

The blanks are for what only eyes can see. This file does not know whether it is printed or shown on a page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from gateway.audit.live import Live, State
from gateway.ledger.units import Device

Word = State | Literal["blind"]
"""What is said of a device: as of its unit, or `blind` where no unit watches it."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A device to look at. `since_ms` is when its state began and `minutes` how long it has run, None where nobody knows;
    `can_run_unseen`: even with a unit the device may run without it (dry cells)."""

    device: str
    load: str
    room: str
    bed: str
    stations: int
    unit: str | None
    can_run_unseen: bool
    state: Word
    since_ms: int | None
    minutes: int | None


@dataclass(frozen=True, slots=True)
class Room:
    """A room and its devices, by bed and name."""

    room: str
    spots: Sequence[Spot]


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """The whole round. `counted` says of each class how many devices the inventory has."""

    at_ms: int
    rooms: Sequence[Room]
    counted: dict[str, int]

    @property
    def spots(self) -> list[Spot]:
        """All devices, in the order of the round."""
        return [spot for room in self.rooms for spot in room.spots]


def spot_check(devices: Iterable[Device], units: Iterable[Live], at_ms: int) -> SpotCheck:
    """The round over the devices that stand in the inventory at an instant; `units` are those that are on devices then."""
    on = {each.place.device: each for each in units}
    standing = [
        each for each in devices if each.from_ms <= at_ms and (each.until_ms is None or each.until_ms > at_ms)
    ]
    spots = sorted(
        (_spot(each, on.get(each.device)) for each in standing),
        key=lambda spot: (spot.room, spot.bed, spot.device),
    )
    rooms = [Room(name, list(group)) for name, group in groupby(spots, key=lambda spot: spot.room)]
    return SpotCheck(at_ms, rooms, dict(sorted(Counter(each.load for each in spots).items())))


def _spot(device: Device, unit: Live | None) -> Spot:
    place = (device.device, device.load, device.room, device.bed, device.stations)
    if unit is None:
        return Spot(*place, None, True, "blind", None, None)
    return Spot(*place, unit.place.unit, device.blind, unit.state, unit.since_ms, unit.minutes)
