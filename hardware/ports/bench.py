"""The scripted port: readings as a scenario tells them, and a clock that can run faster than the sun.

A scenario is a JSON file:

    {"load": "tdp", "seed": 1, "every_s": 1,
     "from": "2026-03-02T07:50:00+08:00", "until": "2026-03-02T20:10:00+08:00",
     "on": [["2026-03-02T08:05:00+08:00", "2026-03-02T08:26:30+08:00", {"dimmer": 60}]],
     "silent": [["2026-03-02T12:00:00+08:00", "2026-03-02T12:10:00+08:00"]]}

`on`: from, until, and optionally `dimmer` (percent, or [[after_s, percent], ...]) and `thermostat` ([on_s, off_s]).
`silent`: the meter says nothing. A reading falls due every `every_s` seconds since `from`. A unit that starts in the
middle of the day reads from then on: without power nothing was read.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hardware.loads.model import LoadModel, SwitchedOn
from hardware.loads.profiles import load_profile
from hardware.ports import PortError

CHINA = timezone(timedelta(hours=8))
_FIELDS = {"load", "seed", "on", "silent", "from", "until", "every_s"}


class BenchClock:
    """Shows `shown_ms` at the real instant `real_ms` (both milliseconds since 1970 UTC), and runs `speed` times as fast.

    Processes that are given the same three numbers show the same time.
    """

    def __init__(self, real_ms: int, shown_ms: int, speed: int) -> None:
        self._real_ms, self._shown_ms, self.speed = real_ms, shown_ms, speed

    def at_ms(self) -> int:
        return self._shown_ms + (time.time_ns() // 1_000_000 - self._real_ms) * self.speed


class ScenarioPort:
    """Readings of `scenario` for a unit that boots at `boot_ms` (milliseconds since 1970 UTC). See ports/__init__.py."""

    def __init__(self, scenario: dict, boot_ms: int) -> None:
        described = _Described(scenario)
        self._model = LoadModel(load_profile(described.load).model, described.seed)
        self._on, self._silent = described.on, described.silent
        self._every_ms, self._until_ms = described.every_ms, described.until_ms
        self._boot_ms = boot_ms
        late_ms = max(0, boot_ms - described.from_ms)
        self._next_ms = described.from_ms + -(-late_ms // self._every_ms) * self._every_ms

    def take(self, mono_ms: int) -> list[tuple[int, int]]:
        taken = []
        last_ms = min(self._boot_ms + mono_ms, self._until_ms)
        while self._next_ms <= last_ms:
            if not _within(self._silent, self._next_ms):
                taken.append((self._next_ms - self._boot_ms, self._power_mw(self._next_ms)))
            self._next_ms += self._every_ms
        return taken

    def _power_mw(self, at_ms: int) -> int:
        while self._on and self._on[0].until_ms <= at_ms:
            self._on.pop(0)
        on = self._on[0] if self._on and self._on[0].from_ms <= at_ms else None
        return self._model.power_mw(at_ms, on)


def _within(spans: list[tuple[int, int]], at_ms: int) -> bool:
    return any(from_ms <= at_ms < until_ms for from_ms, until_ms in spans)


def read_scenario(path: Path) -> dict:
    """The scenario in a file; PortError says what is wrong with it."""
    try:
        scenario = json.loads(path.read_text("utf-8"))
    except OSError as error:
        en = f"{path}: cannot be read ({error.strerror}): name a scenario file"
        raise PortError(f"{path}：无法读取，请指明场景文件", en) from error
    except ValueError as error:
        raise PortError(
            f"{path}：不是 JSON，请改正", f"{path}: is no JSON ({error}): correct it there"
        ) from error
    if not isinstance(scenario, dict):
        raise PortError(f"{path}：应是一个 JSON 对象", f"{path}: must hold one JSON object")
    try:
        _Described(scenario)
    except PortError as error:
        raise error.within(path) from error
    return scenario


class _Described:
    """A scenario's fields, checked."""

    def __init__(self, scenario: dict) -> None:
        for field in scenario:
            if field not in _FIELDS:
                known = ", ".join(sorted(_FIELDS))
                raise PortError(f"没有字段 {field!r}，可用 {known}", f"field {field!r} is not among {known}")
        self.load = str(scenario.get("load", "tdp"))
        self.seed = _whole(scenario, "seed", 1, 0, 2**32 - 1)
        self.every_ms = _whole(scenario, "every_s", 1, 1, 3600) * 1000
        self.from_ms = instant_ms(scenario.get("from"), "from")
        self.until_ms = instant_ms(scenario["until"], "until") if "until" in scenario else 2**62
        self.silent = [_span(each, f"silent[{n}]") for n, each in enumerate(_list(scenario, "silent"))]
        on = [_switched_on(each, f"on[{n}]") for n, each in enumerate(_list(scenario, "on"))]
        load_profile(self.load)
        self.on = sorted(on, key=lambda each: each.from_ms)
        for earlier, later in zip(self.on, self.on[1:], strict=False):
            if later.from_ms < earlier.until_ms:
                en = "two times in 'on' overlap: a load is switched on once"
                raise PortError("'on' 中有两段时间重叠", en)


def _whole(scenario: dict, field: str, default: int, least: int, most: int) -> int:
    value = scenario.get(field, default)
    if type(value) is not int or not least <= value <= most:
        en = f"field {field!r} must be a whole number from {least} to {most}, but is {value!r}"
        raise PortError(f"字段 {field!r} 应为 {least} 至 {most} 的整数，现为 {value!r}", en)
    return value


def _list(scenario: dict, field: str) -> list:
    value = scenario.get(field, [])
    if not isinstance(value, list):
        raise PortError(
            f"字段 {field!r} 应为列表，现为 {value!r}", f"field {field!r} must be a list, but is {value!r}"
        )
    return value


def _span(value: object, where: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) < 2:
        raise PortError(
            f"{where} 应为 [起, 止]，现为 {value!r}", f"{where} must be [from, until], but is {value!r}"
        )
    from_ms, until_ms = instant_ms(value[0], where), instant_ms(value[1], where)
    if until_ms <= from_ms:
        raise PortError(
            f"{where} 的止应晚于起，现为 {value!r}", f"{where} must end after it begins, but is {value!r}"
        )
    return from_ms, until_ms


def _switched_on(value: object, where: str) -> SwitchedOn:
    from_ms, until_ms = _span(value, where)
    options = value[2] if isinstance(value, list) and len(value) > 2 else {}
    if not isinstance(options, dict) or not set(options) <= {"dimmer", "thermostat"}:
        en = f"{where}: options are dimmer and thermostat, but are {options!r}"
        raise PortError(f"{where} 的选项只有 dimmer 和 thermostat，现为 {options!r}", en)
    dimmer = options.get("dimmer", 100)
    steps = [[0, dimmer]] if isinstance(dimmer, int) else dimmer
    cycle = options.get("thermostat", [0, 0])
    if not _pairs(steps) or not _pairs([cycle]) or any(not 0 <= percent <= 100 for _, percent in steps):
        en = f"{where}: dimmer is a percentage or [[after_s, percent], ...], thermostat [on_s, off_s]"
        raise PortError(f"{where}：dimmer 是百分数或 [[秒后, 百分数], ...]，thermostat 是 [开秒, 关秒]", en)
    return SwitchedOn(
        from_ms, until_ms, [(after_s * 1000, percent) for after_s, percent in steps], tuple(cycle)
    )


def _pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(each) is int and each >= 0 for each in pair)
        for pair in value
    )


def instant_ms(text: object, where: str) -> int:
    """Milliseconds since 1970 UTC of an ISO 8601 text; without a zone it is China's. PortError names `where`."""
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError as error:
        en = f"{where} must be an instant such as 2026-03-02T08:05:00+08:00, but is {text!r}"
        raise PortError(f"{where} 应为时刻，如 2026-03-02T08:05:00+08:00，现为 {text!r}", en) from error
    zoned = read if read.tzinfo else read.replace(tzinfo=CHINA)
    return (zoned - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
