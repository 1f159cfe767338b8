"""Sessions of one unit that lie over each other by more than its clock may be off count as one: no second counts twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.check.reread import Session

APART_MS = 120 * 1000


def made_one(sessions: Iterable[Session]) -> list[Session]:
    """The sessions of a unit, each set of overlapping ones as one, under the number of its first record: over the time of
    all, on for the seconds of all together, but not for longer than that time."""
    found: list[Session] = []
    last = 0  # the place of the one that ends last
    for each in sorted(sessions, key=lambda one: (one.start_ms, one.end_ms, _us(one))):
        before = found[last] if found else None
        if before is not None and min(before.end_ms, each.end_ms) - each.start_ms > APART_MS:
            found[last] = _one(before, each)
            continue
        found.append(each)
        if before is None or before.end_ms <= each.end_ms:
            last = len(found) - 1
    return found


def _one(before: Session, after: Session) -> Session:
    last = max(before, after, key=lambda one: one.end_ms)
    known = (before.known_ms, after.known_ms)
    return replace(
        min(before, after, key=_us),
        start_ms=before.start_ms,
        end_ms=last.end_ms,
        active_s=min(before.active_s + after.active_s, (last.end_ms - before.start_ms) // 1000),
        broken_off=last.broken_off,
        plug=before.plug or after.plug,
        known_ms=None if None in known else max(each for each in known if each is not None),
        visits=tuple(dict.fromkeys((*before.visits, *after.visits))),
    )


def _us(session: Session) -> int:
    return int(session.key.rpartition(":")[2])
