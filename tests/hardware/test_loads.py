"""How a modelled load draws power, and what every profile must hold."""

from __future__ import annotations

import pytest

from firmware.agent.config import Profile
from hardware.loads.model import LoadModel, Parameters, SwitchedOn, noise_permille
from hardware.loads.profiles import load_profile, names
from hardware.ports import PortError

QUIET = Parameters(2000, 250_000, 1600, 2000, 1100, 480_000, 0, 1)
FULL = SwitchedOn(0, 10_000_000, [(0, 100)], (0, 0))


def drawn(seconds: int, on: SwitchedOn | None = FULL, parameters: Parameters = QUIET) -> int:
    return LoadModel(parameters, 1).power_mw(seconds * 1000, on)


def test_switched_off_it_draws_its_idle_power():
    assert drawn(100, None) == 2000


def test_it_begins_with_an_inrush_and_then_preheats_down_to_its_plateau():
    assert drawn(0) == drawn(1) == 2000 + 400_000
    assert drawn(2) > drawn(240) > drawn(470) > drawn(480) == 252_000
    assert drawn(240) == 2000 + 250_000 * 1050 // 1000


def test_a_dimmer_scales_it_from_the_instant_it_is_turned():
    dimmed = SwitchedOn(0, 10_000_000, [(0, 100), (600_000, 60)], (0, 0))
    assert (drawn(599, dimmed), drawn(600, dimmed)) == (252_000, 152_000)


def test_a_thermostat_lets_it_rest_after_preheating():
    cycling = SwitchedOn(0, 10_000_000, [(0, 100)], (90, 30))
    rests = [second for second in range(480, 840) if drawn(second, cycling) == 2000]
    assert rests == [*range(570, 600), *range(690, 720), *range(810, 840)]


def test_noise_stays_in_its_bounds_and_is_the_same_whenever_one_asks():
    values = [noise_permille(7, second, 8) for second in range(5000)]
    assert set(values) == set(range(-8, 9))
    assert abs(sum(values)) < 1000
    assert values == [noise_permille(7, second, 8) for second in range(5000)]
    assert values != [noise_permille(8, second, 8) for second in range(5000)]


def test_a_meters_resolution_rounds_it():
    steps = Parameters(1900, 250_000, 1000, 0, 1000, 0, 9, 2100)
    assert all(drawn(second, parameters=steps) % 2100 == 0 for second in range(100))


@pytest.mark.parametrize("name", ["ionto", "stim", "tdp"])
def test_each_profile_sees_its_own_load_and_not_its_idle_power(name):
    profile = load_profile(name)
    detector = Profile(profile.detector)
    model = LoadModel(profile.model, 3)
    idle = [model.power_mw(second * 1000, None) for second in range(2000)]
    on = [model.power_mw(second * 1000, FULL) for second in range(2000)]
    assert max(idle) < detector.off_mw and min(on) > detector.on_mw
    assert detector.least_mw <= sum(on) // len(on) <= detector.most_mw
    assert profile.model.inrush_ms < detector.debounce_s * 1000


def test_there_are_three_profiles_and_another_is_refused_by_name():
    assert names() == ["ionto", "stim", "tdp"]
    with pytest.raises(PortError, match="no load profile 'oven': use one of ionto, stim, tdp"):
        load_profile("oven")
