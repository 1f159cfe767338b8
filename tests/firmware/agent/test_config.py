"""What a unit can be told about itself, and how it refuses the rest."""

from __future__ import annotations

import pytest

from firmware.agent.config import Config, ConfigError
from firmware.agent.detector import DARK, STATES, TRANSITIONS
from tests.firmware.agent.rig import LAMP, METER, config

WHOLE = {"unit": "U1", "version": "1", "meter": METER, "profile": LAMP}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit": "U 1"}, "unit must be letters, digits, '-', '_' or '.', but is 'U 1'"),
        ({"unit": 1}, "unit must be 1 to 64 characters, but is 1"),
        ({"meter": None}, "meter must be a table, but is None"),
        ({"meter": {**METER, "serial": ""}}, "meter.serial must be 1 to 64 characters, but is ''"),
        ({"profile": {**LAMP, "on_mw": -1}}, "on_mw must be a whole number from 1 to 25000000, but is -1"),
        (
            {"profile": {**LAMP, "on_mw": 40.5}},
            "on_mw must be a whole number from 1 to 25000000, but is 40.5",
        ),
        ({"profile": {**LAMP, "off_mw": 50_000}}, "off_mw must not be above on_mw 40000, but is 50000"),
        (
            {"profile": {**LAMP, "least_mw": 9, "most_mw": 8}},
            "most_mw must not be below least_mw 9, but is 8",
        ),
        ({"profile": {"on_mw": 5}}, "off_mw must be a whole number from 1 to 25000000, but is None"),
        ({"checkpoint_s": 61}, "checkpoint_s must be a whole number from 1 to 60, but is 61"),
        ({"alive_s": 601}, "alive_s must be a whole number from 10 to 600, but is 601"),
        ({"stations": True}, "stations must be a whole number from 1 to 16, but is True"),
    ],
)
def test_what_cannot_be_is_refused_by_field_rule_and_value(change, said):
    with pytest.raises(ConfigError) as refused:
        Config({**WHOLE, **change})
    assert str(refused.value) == said


def test_a_word_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(ConfigError, match="on_watts is not among debounce_s"):
        config({"on_watts": 40})
    with pytest.raises(ConfigError, match="alive is not among alive_s"):
        Config({**WHOLE, "alive": 600})


def test_what_is_not_said_has_a_default():
    told = Config(WHOLE)
    assert (told.alive_s, told.checkpoint_s, told.stations, told.profile.thermostat_s) == (600, 50, 1, 0)


def test_every_state_of_the_detector_is_reached_and_answers_a_silence():
    assert {state for state, _ in TRANSITIONS} == set(STATES)
    assert {after for after, _ in TRANSITIONS.values()} == set(STATES)
    assert all(TRANSITIONS[state, "silence"][0] == DARK for state in STATES)
    for state in STATES:
        assert {"low", "between", "high"} <= {what for each, what in TRANSITIONS if each == state}
