"""What a recording of power tells about a load, and the profile that follows from it. Pure, and of readings alone.

Two levels are looked for, idle and on, as far apart as the recording has them; the thresholds go between. What a
recording cannot tell is whether a pause is the device's own (a thermostat) or a person's: that somebody declares.
Powers are milliwatts, instants milliseconds since 1970 UTC.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from firmware.agent.config import PROFILE, Profile
from firmware.agent.detector import BEGAN, Detector, Session
from firmware.agent.register import Register

Rows = list[tuple[int, int]]

FLOOR_MW = 500  # below this a meter tells noise
_LEAST_APART = 1.5  # idle and on differ at least by this factor
_HELD_MS = 10_000  # a level was held if the readings at it add up to this
_MOST_PAUSE_MS = 60_000  # a reading stands for no longer than this
_INRUSH_MS, _STANDS_OUT = 15_000, 110  # percent
_CYCLE_MS = 900_000  # no thermostat rests for longer
_FEW_CYCLES = 3
_ALIKE = 3  # the longest of a cycle's pauses is at most so many times the shortest


class NoLevels(Exception):
    """The recording does not show the load both off and on. `zh` and `en` say what was seen."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.zh, self.en = zh, en


@dataclass(frozen=True)
class Level:
    """A level of power: 1 in 100 readings below `low_mw`, half below `mid_mw`, 1 in 100 above `high_mw`; for how long."""

    low_mw: int
    mid_mw: int
    high_mw: int
    held_s: int


@dataclass(frozen=True)
class Cycling:
    """Pauses that came back: how many, the shortest and longest, and the time from one to the next in the middle."""

    pauses: int
    shortest_s: int
    longest_s: int
    period_s: int


@dataclass(frozen=True)
class Inrush:
    """The most that was drawn when switching on, over the level after it, and how long that took."""

    peak_mw: int
    lasts_ms: int


@dataclass(frozen=True)
class Found:
    """What was seen, the profile that is proposed, and the sessions that it would find: (from_ms, until_ms, active_s)."""

    idle: Level
    on: Level
    inrush: Inrush | None
    cycling: Cycling | None
    pace_ms: int
    profile: dict[str, int]
    sessions: list[tuple[int, int, int]]


def calibrate(rows: Rows, profile: dict[str, int], own_cycling: bool) -> Found:
    """What `rows` tell about a load whose profile was `profile` so far; NoLevels when they do not show it off and on.

    `own_cycling`: somebody declares that short pauses which come back are the device's own.
    """
    held = _held(rows)
    split_mw = _split(held)
    idle, on = (
        _level([each for each in held if each[0] < split_mw]),
        _level([each for each in held if each[0] >= split_mw]),
    )
    on_mw, off_mw = _thresholds(idle, on)
    runs = _runs(rows, on_mw, off_mw)
    cycling, inrush, pace_ms = _cycling(rows, runs), _inrush(rows, runs, on), _pace(rows)
    changes = {"on_mw": on_mw, "off_mw": off_mw, "least_mw": 0, "most_mw": PROFILE["most_mw"][2]}
    changes["debounce_s"] = _debounce_s(profile["debounce_s"], inrush)
    changes["merge_s"] = max(profile["merge_s"], math.ceil(3 * pace_ms / 1000))
    changes["thermostat_s"] = _thermostat_s(cycling) if cycling and own_cycling else profile["thermostat_s"]
    proposed = {**profile, **changes}
    sessions = _sessions(rows, Profile(proposed))
    proposed["least_mw"], proposed["most_mw"] = _envelope([each.power_mw[1] for each in sessions], on)
    told = [(each.begin_ms, each.end_ms, each.active_ms // 1000) for each in sessions]
    return Found(idle, on, inrush, cycling, pace_ms, proposed, told)


# --- two levels -----------------------------------------------------------------------------------------------------


def _held(rows: Rows) -> list[tuple[int, int]]:
    """(power, for how many milliseconds), in order of power."""
    spans = [
        (power_mw, min(until_ms - at_ms, _MOST_PAUSE_MS))
        for (at_ms, power_mw), (until_ms, _) in pairwise(rows)
    ]
    return sorted([*spans, (rows[-1][1], 1000)])


def _split(held: list[tuple[int, int]]) -> int:
    """A power between the lowest and the highest level that was held: their geometric mean."""
    low_mw, high_mw = _reached(held), _reached(held[::-1])
    if high_mw < max(low_mw, FLOOR_MW) * _LEAST_APART:
        zh = f"这段记录里功率只有 {_w(low_mw)} 至 {_w(high_mw)} 瓦，分不出开和关：请从关机录起，开机至少几分钟，再关机"
        en = (
            f"this recording has only {_w(low_mw)} to {_w(high_mw)} W, which shows no off and on: record it switched off, "
            "then on for some minutes, then off again"
        )
        raise NoLevels(zh, en)
    return round(math.sqrt(max(low_mw, FLOOR_MW) * high_mw))


def _reached(held: list[tuple[int, int]]) -> int:
    """The first power by which the readings so far add up to a level that was held."""
    total_ms = 0
    for power_mw, ms in held:
        total_ms += ms
        if total_ms >= _HELD_MS:
            return power_mw
    return held[-1][0]


def _level(held: list[tuple[int, int]]) -> Level:
    whole_ms = sum(ms for _, ms in held)
    found, total_ms = [], 0
    shares = [whole_ms // 100, whole_ms // 2, whole_ms - whole_ms // 100]
    for power_mw, ms in held:
        total_ms += ms
        while shares and total_ms >= shares[0]:
            found.append(power_mw)
            shares.pop(0)
    return Level(found[0], found[1], found[2], whole_ms // 1000)


def _thresholds(idle: Level, on: Level) -> tuple[int, int]:
    """On in the middle of the ratio between what idles most and what is least while on; off nearer to idle."""
    high_mw = max(idle.high_mw, FLOOR_MW)
    on_mw = round(math.sqrt(high_mw * max(on.low_mw, high_mw)))
    return _rounded(on_mw), _rounded(high_mw + (on_mw - high_mw) * 6 // 10)


def _rounded(power_mw: int) -> int:
    """Two digits: nobody measured more."""
    step = 10 ** max(0, len(str(power_mw)) - 2)
    return max(1, (power_mw + step // 2) // step * step)


# --- what happened between them -------------------------------------------------------------------------------------


def _runs(rows: Rows, on_mw: int, off_mw: int) -> list[tuple[int, int]]:
    """(first, after the last) row of each time on, by the two thresholds and nothing else."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for number, (_, power_mw) in enumerate(rows):
        if start is None and power_mw >= on_mw:
            start = number
        elif start is not None and power_mw < off_mw:
            runs.append((start, number))
            start = None
    return runs if start is None else [*runs, (start, len(rows))]


def _cycling(rows: Rows, runs: list[tuple[int, int]]) -> Cycling | None:
    """The longest row of pauses that are alike and no longer than a thermostat's."""
    spans = [(rows[first][0], rows[after - 1][0]) for first, after in runs]
    best: list[tuple[int, int]] = []
    here: list[tuple[int, int]] = []  # (when the pause began, how long it was)
    for (_, ended_ms), (began_ms, _) in pairwise(spans):
        pause = (ended_ms, began_ms - ended_ms)
        alike = [each for _, each in [*here, pause]]
        if pause[1] > _CYCLE_MS or max(alike) > _ALIKE * min(alike):
            here = []
        if pause[1] <= _CYCLE_MS:
            here = [*here, pause]
        best = max(best, here, key=len)
    if len(best) < _FEW_CYCLES:
        return None
    pauses_ms = [ms for _, ms in best]
    period_ms = median(later - earlier for (earlier, _), (later, _) in pairwise(best))
    return Cycling(len(best), min(pauses_ms) // 1000, -(-max(pauses_ms) // 1000), round(period_ms / 1000))


def _thermostat_s(cycling: Cycling) -> int:
    """The longest pause, and half as much again."""
    return min(cycling.longest_s * 3 // 2 + 1, PROFILE["thermostat_s"][2])


def _inrush(rows: Rows, runs: list[tuple[int, int]], on: Level) -> Inrush | None:
    """The highest start, where it stands out by a tenth from all that is drawn later."""
    found: Inrush | None = None
    for first, after in runs:
        start_ms = rows[first][0]
        high = [
            (at_ms - start_ms, power_mw)
            for at_ms, power_mw in rows[first:after]
            if at_ms - start_ms <= _INRUSH_MS and power_mw * 100 > on.high_mw * _STANDS_OUT
        ]
        peak_mw = max((power_mw for _, power_mw in high), default=0)
        if high and (found is None or peak_mw > found.peak_mw):
            found = Inrush(peak_mw, high[-1][0])
    return found


def _debounce_s(before_s: int, inrush: Inrush | None) -> int:
    """Longer than an inrush: somebody who only seats a plug makes one too."""
    return max(before_s, min(10, inrush.lasts_ms // 1000 + 2)) if inrush else before_s


def _pace(rows: Rows) -> int:
    """The pause between readings that 99 in 100 do not exceed, leaving out where the recorder stopped."""
    pauses_ms = sorted(until_ms - at_ms for (at_ms, _), (until_ms, _) in pairwise(rows))
    going = [each for each in pauses_ms if each <= _MOST_PAUSE_MS] or [1000]
    return going[len(going) * 99 // 100]


def _sessions(rows: Rows, profile: Profile) -> list[Session]:
    """What a unit with that profile would have called a session; the last one is cut by the recording's end."""
    detector, register = Detector(profile), Register(0, profile.silence_s * 1000)
    found: list[Session] = []
    before_ms = rows[0][0]
    for at_ms, power_mw in rows:
        ended = detector.silence() if at_ms - before_ms >= profile.silence_s * 1000 else []
        ended += detector.feed(at_ms, power_mw, register.feed(at_ms, power_mw))
        found += [session for what, session in ended if what != BEGAN]
        before_ms = at_ms
    return found + [session for _, session in detector.silence()]


def _envelope(means_mw: list[int], on: Level) -> tuple[int, int]:
    """Around the means of what was seen, and wide enough for a whole treatment at the lowest or highest setting."""
    means = means_mw or [on.mid_mw]
    least_mw, most_mw = min(min(means) * 6, on.low_mw * 9) // 10, max(max(means) * 14, on.high_mw * 12) // 10
    return _rounded(least_mw), _rounded(most_mw)


def _w(power_mw: int) -> str:
    return f"{power_mw / 1000:g}"
