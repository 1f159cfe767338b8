"""unit.toml: what it may say, and how the rest is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.rpi import settings as module
from firmware.rpi.errors import UsageError
from firmware.rpi.settings import read_settings

SMALL = """
unit = "U1"
clinic = "C1"
key = "u1.pem"
load = "tdp"
[mqtt]
[port]
kind = "bench"
scenario = "u1.json"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "unit.toml"
    path.write_text(text, "utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as error:
        read_settings(written(folder, text))
    return str(error.value)


def test_the_example_in_the_modules_own_words_is_valid(tmp_path: Path):
    _, _, example = (module.__doc__ or "").partition("\n\n")
    read = read_settings(written(tmp_path, example))
    assert (read.agent.unit, read.clinic, read.key) == ("U1", "C1", tmp_path / "u1.pem")
    assert read.agent.profile.on_mw == 30_000 and read.clock is not None and read.clock.speed == 1000


def test_what_is_not_said_has_a_default(tmp_path: Path):
    read = read_settings(written(tmp_path, SMALL))
    assert (read.mqtt.host, read.mqtt.port, read.mqtt.reconnect_most_ms) == ("127.0.0.1", 1883, 30_000)
    assert read.journal == tmp_path / "journal" and read.clock is None
    assert (read.agent.resend_s, read.agent.profile.on_mw) == (30, 40_000)


def test_with_a_certificate_authority_the_port_is_that_of_tls(tmp_path: Path):
    read = read_settings(written(tmp_path, SMALL.replace("[mqtt]", '[mqtt]\nca = "ca.pem"')))
    assert (read.mqtt.port, read.mqtt.ca) == (8883, tmp_path / "ca.pem")


def test_waits_for_an_acknowledgement_grow_with_the_speed_of_the_clock(tmp_path: Path):
    clock = SMALL + "[clock]\nreal_ms = 1\nshown_ms = 1\nspeed = 500\n"
    assert read_settings(written(tmp_path, clock)).agent.resend_s == 15_000


def test_a_plug_is_named_as_the_meter_that_it_is(tmp_path: Path):
    plug = SMALL.split("[port]")[0] + '[port]\nkind = "tasmota"\ntopic = "tasmota_5014E2"\n'
    identity = read_settings(written(tmp_path, plug)).agent.identity
    assert (identity.maker, identity.model, identity.serial) == ("plug", "tasmota", "tasmota_5014E2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('unit = "U1"', ""), "unit is missing: it must be text"),
        (('unit = "U1"', "unit = 1"), "unit must be text, but is 1"),
        (('"U1"', '"U 1"'), "unit must be letters, digits, '-', '_' or '.', but is 'U 1'"),
        (('"C1"', '"C/1"'), "'C/1' cannot be a name"),
        (('"tdp"', '"oven"'), "no load profile 'oven': use one of ionto, stim, tdp"),
        (("[mqtt]", "[profile]\non_watts = 3\n[mqtt]"), "on_watts is not among debounce_s"),
        (
            ("[mqtt]", "[profile]\noff_mw = 60000\n[mqtt]"),
            "off_mw must not be above on_mw 40000, but is 60000",
        ),
        (("[mqtt]", "[mqtt]\nhots = 'x'"), "mqtt.hots is not a key: use ca, cert, host"),
        (("[mqtt]", "[mqtt]\nport = 99999"), "mqtt.port must be from 1 to 65535, but is 99999"),
        (("[mqtt]", ""), "mqtt is missing: it must be a table"),
        (('"bench"', '"pzem"'), "port.kind must be bench, csv or tasmota, but is 'pzem'"),
        (("scenario =", "file ="), "port.file is not a key: use kind, scenario"),
        (("[mqtt]", "stations = 1.5\n[mqtt]"), "stations must be a whole number, but is 1.5"),
        (("[mqtt]", "[clock]\nreal_ms = 1\n[mqtt]"), "clock.shown_ms is missing: it must be a whole number"),
        (("[mqtt]", "[mqtt"), "is no TOML"),
    ],
)
def test_what_cannot_be_is_refused_by_key_rule_and_value(tmp_path: Path, change, said):
    assert said in refused(tmp_path, SMALL.replace(*change))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"cannot be read .*: name a unit\.toml"):
        read_settings(tmp_path / "unit.toml")
