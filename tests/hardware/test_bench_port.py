"""The scripted port and the clock that runs faster than the sun."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from hardware.ports import PortError
from hardware.ports.bench import BenchClock, ScenarioPort, instant_ms, read_scenario

DAY: dict[str, Any] = {
    "load": "tdp",
    "seed": 1,
    "every_s": 10,
    "from": "2026-03-02T08:00:00+08:00",
    "until": "2026-03-02T09:00:00+08:00",
    "on": [["2026-03-02T08:05:00+08:00", "2026-03-02T08:26:30+08:00"]],
    "silent": [["2026-03-02T08:40:00+08:00", "2026-03-02T08:50:00+08:00"]],
}
FROM_MS = instant_ms(DAY["from"], "from")


def test_readings_fall_due_at_the_scenarios_pace():
    port = ScenarioPort(DAY, FROM_MS)
    assert [mono_ms for mono_ms, _ in port.take(35_000)] == [0, 10_000, 20_000, 30_000]
    assert port.take(35_000) == []
    assert [mono_ms for mono_ms, _ in port.take(40_000)] == [40_000]


def test_the_load_is_on_when_the_scenario_says_so():
    readings = ScenarioPort(DAY, FROM_MS).take(3_600_000)
    on = [mono_ms for mono_ms, power_mw in readings if power_mw > 100_000]
    assert (on[0], on[-1]) == (300_000, 1_580_000)


def test_a_silent_meter_and_the_time_outside_the_scenario_give_no_readings():
    taken = {mono_ms for mono_ms, _ in ScenarioPort(DAY, FROM_MS - 60_000).take(10_000_000)}
    assert taken == {60_000 + ms for ms in range(0, 3_600_001, 10_000) if not 2_400_000 <= ms < 3_000_000}


def test_a_unit_that_starts_in_the_middle_reads_the_present_and_nothing_before():
    early, late = ScenarioPort(DAY, FROM_MS), ScenarioPort(DAY, FROM_MS + 604_000)
    whole = dict(early.take(3_600_000))
    assert late.take(0) == []
    assert late.take(6_000) == [(6_000, whole[610_000])]
    rest = late.take(3_600_000)
    assert rest and all(power_mw == whole[mono_ms + 604_000] for mono_ms, power_mw in rest)


def test_the_bench_clock_shows_the_same_in_every_process_and_runs_as_fast_as_told():
    real_ms = time.time_ns() // 1_000_000 - 5_000
    shown_ms = BenchClock(real_ms, FROM_MS, 1000).at_ms()
    assert 5_000_000 <= shown_ms - FROM_MS < 3_600_000_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"load": "oven"}, "no load profile 'oven'"),
        ({"every_s": 0}, "field 'every_s' must be a whole number from 1 to 3600, but is 0"),
        ({"from": "morning"}, "from must be an instant such as 2026-03-02T08:05:00+08:00, but is 'morning'"),
        ({"from": None}, "from must be an instant such as 2026-03-02T08:05:00+08:00, but is None"),
        ({"dimmer": 3}, "field 'dimmer' is not among every_s, from, load, on, seed, silent, until"),
        ({"on": [["2026-03-02T08:05:00", "2026-03-02T08:05:00"]]}, "on[0] must end after it begins"),
        ({"on": [["2026-03-02T08:05:00"]]}, "on[0] must be [from, until]"),
        ({"on": [[*DAY["on"][0], {"dim": 1}]]}, "on[0]: options are dimmer and thermostat"),
        ({"on": [[*DAY["on"][0], {"dimmer": 101}]]}, "on[0]: dimmer is a percentage"),
        ({"on": [DAY["on"][0], DAY["on"][0]]}, "two times in 'on' overlap"),
        ({"silent": "lunch"}, "field 'silent' must be a list, but is 'lunch'"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused_with_its_place(tmp_path: Path, change, said):
    file = tmp_path / "day.json"
    file.write_text(json.dumps({**DAY, **change}))
    with pytest.raises(PortError) as refused:
        read_scenario(file)
    assert said in str(refused.value)


def test_a_scenario_file_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(PortError, match=r"cannot be read .*: name a scenario file"):
        read_scenario(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(PortError, match="is no JSON"):
        read_scenario(tmp_path / "bad.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(PortError, match="must hold one JSON object"):
        read_scenario(tmp_path / "list.json")


def test_an_instant_without_a_zone_is_chinas():
    assert instant_ms("2026-03-02T08:00:00", "x") == instant_ms("2026-03-02T00:00:00Z", "x") == FROM_MS
