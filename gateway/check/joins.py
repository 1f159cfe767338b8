"""Which sessions and unwatched times belong together, told anew for `check`.

A session touches dark time of its device within 2 s of its start or end; one that was broken off also the next dark
time within 11 minutes, unless the device was seen on again before. What touches is one group, and could have been one
treatment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.check.reread import Session, Span

TOUCH_MS = 2_000
NEXT_TO_MS = 660_000

Dark = tuple[str, int, int]
"""(device, from, until)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Dark times of one device, and the sessions that they join."""

    device: str
    darks: tuple[Dark, ...]
    sessions: tuple[Session, ...]

    @property
    def from_ms(self) -> int:
        """When a treatment in it can have begun at the earliest."""
        return min([dark[1] for dark in self.darks] + [each.start_ms for each in self.sessions])

    @property
    def until_ms(self) -> int:
        """When it must have ended."""
        return max([dark[2] for dark in self.darks] + [each.end_ms for each in self.sessions])

    def meets(self, required_s: int, window: Span) -> bool:
        """Whether a treatment of that window could have begun in it."""
        return max(self.from_ms, window[0]) <= min(self.until_ms - required_s * 1000, window[1])

    def extra(self, required_s: int, stations: int) -> int:
        """How many treatments fit beyond those that its sessions hold by themselves."""
        on_s = (
            sum(each.active_s for each in self.sessions)
            + sum(end - start for _, start, end in self.darks) // 1000
        )
        own = sum(each.active_s // required_s for each in self.sessions)
        return (on_s // required_s - own) * stations


def groups_of(sessions: Sequence[Session], darks: Sequence[Dark]) -> list[Group]:
    """Every dark time stands in one group."""
    groups: list[Group] = []
    for dark in sorted(set(darks)):
        touching = [each for each in sessions if _touches(each, dark, sessions, darks)]
        group = Group(dark[0], (dark,), tuple(touching))
        for other in [each for each in groups if _meet(each, group)]:
            groups.remove(other)
            group = _joined(other, group)
        groups.append(group)
    return groups


def _meet(one: Group, other: Group) -> bool:
    if one.device != other.device:
        return False
    near = any(a[1] <= b[2] + TOUCH_MS and b[1] <= a[2] + TOUCH_MS for a in one.darks for b in other.darks)
    return near or bool(set(one.sessions) & set(other.sessions))


def _joined(one: Group, other: Group) -> Group:
    sessions = {each.key: each for each in (*one.sessions, *other.sessions)}
    return Group(one.device, (*one.darks, *other.darks), tuple(sessions.values()))


def _touches(session: Session, dark: Dark, sessions: Sequence[Session], darks: Sequence[Dark]) -> bool:
    if session.device != dark[0]:
        return False
    if _near(session.start_ms, dark) or _near(session.end_ms, dark):
        return True
    if not session.broken_off:
        return False
    beside = [each for each in darks if each[0] == session.device]
    if any(_near(session.end_ms, each) for each in beside):
        return False
    following = min((each[1] for each in beside if each[1] >= session.end_ms), default=None)
    seen_again = any(each.device == dark[0] and session.end_ms < each.start_ms < dark[1] for each in sessions)
    return dark[1] == following and dark[1] - session.end_ms <= NEXT_TO_MS and not seen_again


def _near(at_ms: int, dark: Dark) -> bool:
    return dark[1] - TOUCH_MS <= at_ms <= dark[2] + TOUCH_MS
