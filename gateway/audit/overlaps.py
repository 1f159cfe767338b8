"""Sessions of one unit that lie over each other: one meter cannot have seen two power-on periods at one time. Pure.

Instants of one unit are good to two minutes, because its clock may be set by so much without a finding: what overlaps by no
more is the clock's doing, and both sessions count whole. What overlaps by more becomes one session over the time of both, on
for the seconds of both together but never for longer than that time: no second counts twice, and none is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.audit.coverage import STEP_MS, Attested, Doubt, Seen


def without_overlaps(attested: Attested) -> Attested:
    """The same, with each set of overlapping sessions made one, under the number of its first record; and a doubt (`clock`)
    for each record that went into another."""
    sessions: list[Seen] = []
    doubts: list[Doubt] = []
    latest = 0  # the place of the session that ends last so far: who overlaps any before overlaps that most
    for each in sorted(attested.sessions, key=lambda seen: (seen.start_ms, seen.end_ms, seen.us)):
        before = sessions[latest] if sessions else None
        if before is None or _overlap_ms(before, each) <= STEP_MS:
            sessions.append(each)
            if before is None or each.end_ms >= before.end_ms:
                latest = len(sessions) - 1
        else:
            doubts.append(_doubt(before, each))
            sessions[latest] = _one(before, each)
    in_order = sorted(sessions, key=lambda seen: seen.us)
    return replace(attested, sessions=in_order, doubts=[*attested.doubts, *doubts])


def _overlap_ms(before: Seen, after: Seen) -> int:
    return min(before.end_ms, after.end_ms) - after.start_ms


def _one(before: Seen, after: Seen) -> Seen:
    first, last = min(before, after, key=_us), max(before, after, key=lambda seen: seen.end_ms)
    start_ms, end_ms = before.start_ms, last.end_ms
    powers = list(zip(before.power_mw, after.power_mw, strict=True))
    longest = max(before, after, key=lambda seen: seen.active_s)
    return replace(
        first,
        start_ms=start_ms,
        end_ms=end_ms,
        active_s=min(before.active_s + after.active_s, (end_ms - start_ms) // 1000),
        power_mw=(min(powers[0]), longest.power_mw[1], max(powers[2])),
        interruptions=before.interruptions + after.interruptions,
        end_code=last.end_code,
        plug=before.plug or after.plug,
        tags=tuple(dict.fromkeys((*before.tags, *after.tags))),
        energy_mwh=_sum((before.energy_mwh, after.energy_mwh)),
    )


def _us(seen: Seen) -> int:
    return seen.us


def _sum(values: Iterable[int | None]) -> int | None:
    known = [each for each in values if each is not None]
    return sum(known) if known else None


def _doubt(before: Seen, after: Seen) -> Doubt:
    one, other = sorted((before.us, after.us))
    seconds = _overlap_ms(before, after) // 1000
    return Doubt(
        "clock",
        other,
        after.start_ms,
        f"记录 {one} 与 {other} 的通电重叠 {seconds} 秒：一个单元不能同时有两段通电，合为一段，重叠只算一次",
        f"the sessions of records {one} and {other} overlap by {seconds} s: no unit has two at one time, so they count as one"
        " and the overlap once",
    )
