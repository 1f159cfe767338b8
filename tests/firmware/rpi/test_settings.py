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


def with_port(text: str) -> str:
    return SMALL.split("[port]")[0] + "[port]\n" + text


@pytest.mark.parametrize(
    ("text", "named", "read"),
    [
        (
            'kind = "pzem004t_v3"\ndevice = "/dev/ttyUSB0"\nserial = "0042"',
            ("Peacefair", "PZEM-004T", "0042"),
            {"device": Path("/dev/ttyUSB0"), "baud": 9600, "address": 1, "every_ms": 1000},
        ),
        (
            'kind = "bl0942"\ndevice = "tty"\nbaud = 9600\nshunt_uohm = 1000',
            ("Belling", "BL0942", "unknown"),
            {"baud": 9600, "address": 0, "shunt_uohm": 1000},
        ),
        (
            'kind = "ina226"\naddress = 0x45\nevery_ms = 500',
            ("Texas Instruments", "INA226", "unknown"),
            {
                "device": Path("/dev/i2c-1"),
                "address": 0x45,
                "shunt_uohm": 100_000,
                "step_ua": 50,
                "pause_ms": 500,
            },
        ),
        (
            'kind = "shelly_gen2"\ntopic = "shellies/lamp"\nchannel = 1',
            ("plug", "shelly_gen2", "shellies/lamp"),
            {"channel": 1, "poll_s": 10, "pause_ms": 10_000},
        ),
        (
            'kind = "zigbee2mqtt"\ntopic = "理疗 一"\nbase = "z2m"\npoll_s = 0',
            ("plug", "zigbee2mqtt", "理疗 一"),
            {"base": "z2m", "pause_ms": 0},
        ),
        (
            'kind = "esphome"\ntopic = "lamp"\nsensor = "leistung"',
            ("plug", "esphome", "lamp"),
            {"sensor": "leistung", "pause_ms": 0},
        ),
    ],
)
def test_each_kind_of_port_has_its_keys_and_names_the_meter_that_it_is(tmp_path: Path, text, named, read):
    settings = read_settings(written(tmp_path, with_port(text)))
    identity = settings.agent.identity
    assert (identity.maker, identity.model, identity.serial) == named
    expected = {key: tmp_path / "tty" if value == Path("tty") else value for key, value in read.items()}
    assert {key: getattr(settings.port, key) for key in read} == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "pzem004t_v3"', "port.device is missing: it must be text"),
        (
            'kind = "pzem004t_v3"\ndevice = "x"\naddress = 248',
            "port.address must be from 1 to 247, but is 248",
        ),
        (
            'kind = "pzem004t_v3"\ndevice = "x"\nbaud = 9600',
            "port.baud is not a key: use address, device, every_ms",
        ),
        (
            'kind = "bl0942"\ndevice = "x"\nbaud = 115200',
            "port.baud must be one of 4800, 9600, but is 115200",
        ),
        ('kind = "ina226"\nshunt_uohm = 100\nstep_ua = 1', "port.step_ua must fit port.shunt_uohm, but is 1"),
        ('kind = "ina226"\nevery_ms = 90000', "port.every_ms must be from 200 to 60000, but is 90000"),
        (
            'kind = "shelly_gen2"\ntopic = "a/#"',
            "port.topic must be a topic of 1 to 64 characters without +, #",
        ),
        ('kind = "zigbee2mqtt"\ntopic = ""', "port.topic must be a topic of 1 to 64 characters"),
        (
            'kind = "esphome"\ntopic = "lamp"\npoll_s = 10',
            "port.poll_s is not a key: use kind, sensor, topic",
        ),
        ('kind = "tasmota"\ntopic = "a/b"', "'a/b' cannot be a name"),
        (
            'kind = "tasmota"\ntopic = "a"\npoll_s = 90',
            "port.poll_s must be at most half of profile.silence_s, 120 s",
        ),
        ('kind = "pzem004t_v3"\ndevice = "x"\nserial = ""', "meter.serial must be 1 to 64 characters"),
    ],
)
def test_what_a_port_cannot_be_is_refused_by_key_rule_and_value(tmp_path: Path, text, said):
    assert said in refused(tmp_path, with_port(text))


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
        (("[mqtt]", "[mqtt]\ncert = 'a'\nkey = 'b'"), "go together and with mqtt.ca, but given is cert, key"),
        (("[mqtt]", "[mqtt]\nca = 'a'\ncert = 'b'"), "go together and with mqtt.ca, but given is ca, cert"),
        (("[mqtt]", ""), "mqtt is missing: it must be a table"),
        (('"bench"', '"pzem"'), "port.kind must be one of bench, csv, none, pzem004t_v3, bl0942"),
        (("scenario =", "file ="), "port.file is not a key: use kind, scenario"),
        (("[mqtt]", "stations = 1.5\n[mqtt]"), "stations must be a whole number, but is 1.5"),
        (("[mqtt]", "[clock]\nreal_ms = 1\n[mqtt]"), "clock.shown_ms is missing: it must be a whole number"),
        (("[mqtt]", "[mqtt"), "is no TOML"),
        (("[mqtt]", "required_s = -1\n[mqtt]"), "required_s must be from 0 to 86400, but is -1"),
        (("[mqtt]", "[box]\nled = 28\n[mqtt]"), "box.led must be from 0 to 27, but is 28"),
        (
            ("[mqtt]", "[box]\nled = 4\ncase = 4\n[mqtt]"),
            "box.case must be another pin than box.led, but is 4",
        ),
        (("[mqtt]", "[box]\nlamp = 4\n[mqtt]"), "box.lamp is not a key: use button, buzzer, case, led"),
        (
            ("[mqtt]", "[box]\nreader = 'rc522'\n[mqtt]"),
            "box.reader must be one of gm65, pn532, but is 'rc522'",
        ),
        (("[mqtt]", "[box]\nreader = 'gm65'\n[mqtt]"), "box.reader_device is missing: it must be text"),
        (
            ("[mqtt]", "[box]\nreader = 'gm65'\nreader_device = 'x'\n[mqtt]"),
            "tag_key is missing: it must be text",
        ),
        (
            ("[mqtt]", "[box]\nled_active = 'on'\n[mqtt]"),
            "box.led_active must be one of high, low, but is 'on'",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_key_rule_and_value(tmp_path: Path, change, said):
    assert said in refused(tmp_path, SMALL.replace(*change))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"cannot be read .*: name a unit\.toml"):
        read_settings(tmp_path / "unit.toml")
