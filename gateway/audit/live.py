"""What a unit is doing now, as far as its own records tell. Pure; the clock is an argument.

A unit speaks at least every ten minutes: after that nobody knows what its device does, and it is not said to be off.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.audit.facts import Settled
from gateway.ledger.live import Place, Said

QUIET_MS = 11 * 60 * 1000  # coverage's own bound: ten minutes, and one for the way

SET_MS = 946_684_800_000  # 2000: no unit was in use before
AHEAD_MS = 120_000  # what a clock may be ahead of ours

FAULTS_MS = 24 * 60 * 60 * 1000  # how long a fault that passes by itself is shown

State = Literal[
    "running", "idle", "meter_silent", "full", "unheard", "never", "incomplete", "forked", "blind"
]
"""`full`: its memory is, and it records nothing. `incomplete`: a later record came, but not all before it. `forked`: two
histories contradict each other. `blind`: the device may run without its unit seeing it."""

DARK = ("meter_silent", "full", "unheard", "never", "incomplete", "forked", "blind")
"""States in which nobody knows whether the device runs. They are never shown as off."""

_UNREAD: Mapping[str, State] = {"METER_SILENT": "meter_silent", "STORAGE": "full"}
_CAUSE = re.compile(r'"UR":"([A-Z_]+)"')


@dataclass(frozen=True, slots=True)
class Live:
    """A unit now. `since_ms` is when its state began, as far as known. `minutes` run so far and
    `required` for one treatment are whole minutes, None where nothing runs or the class is not judged. `waiting`
    treatments of its class were charged for today and have no device time yet. `faults` are causes told within a day and
    when, the newest of each."""

    place: Place
    state: State
    since_ms: int | None
    minutes: int | None
    required: int | None
    waiting: int
    faults: tuple[tuple[str, int], ...] = ()

    @property
    def is_dark(self) -> bool:
        """Whether nobody knows what its device does."""
        return self.state in DARK

    @property
    def is_reached(self) -> bool:
        """Whether it has run for as long as one treatment takes."""
        return self.minutes is not None and self.required is not None and self.minutes >= self.required


@dataclass(frozen=True, slots=True)
class Seen:
    """All units and unwatched devices of a clinic at one instant. `linked`: of units that tell it, whether they have a
    connection; None where the gateway itself has none."""

    at_ms: int
    units: tuple[Live, ...]
    linked: Mapping[str, bool] | None = None


def live(place: Place, said: Sequence[Said], waiting: Mapping[str, tuple[int, int]], now_ms: int) -> Live:
    """`said` are the unit's records, newest first; `waiting` tells of a class how many treatments wait, and the seconds
    that one takes."""
    state, since_ms = _state(place, said, now_ms)
    count, required_s = waiting.get(place.load, (0, 0))
    runs = state == "running" and since_ms is not None
    minutes = max(0, now_ms - (since_ms or 0)) // 60_000 if runs else None
    return Live(place, state, since_ms, minutes, -(-required_s // 60) or None, count, _faults(said, now_ms))


def _state(place: Place, said: Sequence[Said], now_ms: int) -> tuple[State, int | None]:
    if not place.unit:
        return "blind", None
    if not said:
        return "never", None
    heard_ms = max(place.heard_ms, said[0].received_ms)
    if place.is_forked:
        return "forked", None
    if now_ms - heard_ms > QUIET_MS:
        return "unheard", heard_ms
    if place.missing:
        return "incomplete", _instant(said[0])
    state, since_ms = _told(said)
    return ("blind", None) if place.is_blind and state == "idle" else (state, since_ms)


def _told(said: Sequence[Said]) -> tuple[State, int | None]:
    """What the newest record says that tells of load or meter."""
    for each in said:
        if each.kind in ("OPEN", "SESSION", "GAP", "BOOT"):
            return ("running" if each.kind == "OPEN" else "idle"), _instant(each)
        state = _UNREAD.get(_cause(each))
        if state is not None:
            return state, _instant(each)
    return "idle", None


def _faults(said: Sequence[Said], now_ms: int) -> tuple[tuple[str, int], ...]:
    """Those of which a person should know, and that say nothing of whether the unit watches."""
    newest: dict[str, int] = {}
    for each in said:
        cause, at_ms = _cause(each), _instant(each)
        if cause and cause not in _UNREAD and now_ms - at_ms < FAULTS_MS:
            newest.setdefault(cause, at_ms)
    return tuple(newest.items())


def _cause(said: Said) -> str:
    """The cause of a FAULT; empty for all other records."""
    found = _CAUSE.search(said.line) if said.kind == "FAULT" else None
    return found[1] if found else ""


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
