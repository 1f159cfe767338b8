"""How much of each device's opening hours was watched over a period, least first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.audit.sums import Watched


@dataclass(frozen=True, slots=True)
class DeviceWatched:
    """A device over some days: seconds of opening hours, seconds that were watched, and days on which some were not."""

    device: str
    room: str
    load: str
    open_s: int
    watched_s: int
    dark_days: int

    @property
    def dark_s(self) -> int:
        """Seconds of opening hours of which nobody knows."""
        return self.open_s - self.watched_s


def by_device(days: Iterable[Watched]) -> list[DeviceWatched]:
    """Each device once, the one with the most unwatched time first."""
    found: dict[str, DeviceWatched] = {}
    for each in days:
        before = found.get(each.device, DeviceWatched(each.device, each.room, each.load, 0, 0, 0))
        found[each.device] = DeviceWatched(
            each.device,
            each.room,
            each.load,
            before.open_s + each.open_s,
            before.watched_s + each.watched_s,
            before.dark_days + (each.watched_s < each.open_s),
        )
    return sorted(found.values(), key=lambda each: (-each.dark_s, each.device))
