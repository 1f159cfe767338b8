"""What a unit is doing now, as far as its own records tell. Pure; the clock is an argument.

A unit speaks at least every ten minutes: after that nobody knows what its device does, and it is not said to be off.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.audit.facts import Settled
from gateway.ledger.live import Place, Said

QUIET_MS = 11 * 60 * 1000  # coverage's own bound: ten minutes, and one for the way

SET_MS = 946_684_800_000  # 2000: no unit was in use before
AHEAD_MS = 120_000  # what a clock may be ahead of ours

State = Literal["running", "idle", "meter_silent", "unheard", "never"]


@dataclass(frozen=True, slots=True)
class Live:
    """A unit now. `since_ms` is when its state began, as far as known. `minutes` run so far and
    `required` for one treatment are whole minutes, None where nothing runs or the class is not judged. `waiting`
    treatments of its class were charged for today and have no device time yet."""

    place: Place
    state: State
    since_ms: int | None
    minutes: int | None
    required: int | None
    waiting: int


def live(place: Place, said: Sequence[Said], waiting: Mapping[str, tuple[int, int]], now_ms: int) -> Live:
    """`said` are the unit's records, newest first; `waiting` tells of a class how many treatments wait, and the seconds
    that one takes."""
    state, since_ms = _state(place, said, now_ms)
    count, required_s = waiting.get(place.load, (0, 0))
    runs = state == "running" and since_ms is not None
    minutes = max(0, now_ms - (since_ms or 0)) // 60_000 if runs else None
    return Live(place, state, since_ms, minutes, -(-required_s // 60) or None, count)


def _state(place: Place, said: Sequence[Said], now_ms: int) -> tuple[State, int | None]:
    if not said:
        return "never", None
    heard_ms = max(place.heard_ms, said[0].received_ms)
    if now_ms - heard_ms > QUIET_MS:
        return "unheard", heard_ms
    for each in said:
        if each.kind in ("OPEN", "SESSION", "GAP", "BOOT"):
            return ("running" if each.kind == "OPEN" else "idle"), _instant(each)
        if each.kind == "FAULT" and '"UR":"METER_SILENT"' in each.line:
            return "meter_silent", _instant(each)
    return "idle", None


def _instant(said: Said) -> int:
    """When it was said; by our own clock where the unit's cannot be right."""
    return said.at_ms if SET_MS <= said.at_ms <= said.received_ms + AHEAD_MS else said.received_ms


def waiting(settled: Sequence[Settled], lines: Container[str]) -> dict[str, tuple[int, int]]:
    """Class -> how many treatments of these lines have no device time yet, and the seconds that one takes."""
    return {
        each.load: (
            sum(
                said.line in lines and said.code not in ("supported", "reversed")
                for said in each.judgement.verdicts
            ),
            each.case.required_s,
        )
        for each in settled
    }
