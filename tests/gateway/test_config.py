"""wattwitness.toml: what is written can be read, and every mistake is named with its field, its value and its rule."""

from __future__ import annotations

from datetime import date

import pytest

from gateway import config, config_text
from gateway.bootstrap import open_book
from gateway.clock import Clock, real_ms
from gateway.errors import UsageError
from gateway.instants import iso, read_day, read_instant

PLAIN = config.Config("C001", '示范 "中医" 诊所', closed=(date(2026, 5, 1),))


def check(**changes: object) -> config.Config:
    return config.check({"clinic": "C001", "name": "x", **changes})


def test_what_init_writes_is_read_back_as_it_was(tmp_path):
    for role in (config.CLINIC, config.DISTRICT):
        written = config.Config("C001", PLAIN.name, role, "07:30", "24:00", PLAIN.closed, "Asia/Urumqi")
        (tmp_path / config.FILE).write_text(config_text.text(written), encoding="utf-8")
        assert config.read(tmp_path) == written


def test_opening_hours_are_those_of_the_clinics_zone_and_none_on_closed_days():
    start_ms, end_ms = PLAIN.opening_ms(date(2026, 3, 2)) or (0, 0)
    assert iso(start_ms, PLAIN.zone) == "2026-03-02T08:00:00+08:00"
    assert (end_ms - start_ms) == 12 * 3600 * 1000
    assert PLAIN.opening_ms(date(2026, 5, 1)) is None


def test_the_whole_configuration_is_read():
    found = check(
        mqtt={"host": "broker", "port": 8883, "user": "g", "password": "p", "tls": True, "ca": "ca.pem"},
        serve={"host": "0.0.0.0", "port": 80, "names": ["WW.clinic.example"]},
        forward={"url": "https://district.example/", "token": "t" * 16},
        clock={"real_ms": 1, "shown_ms": 2, "speed": 1.5},
        district={"tokens": {"C001": "t" * 16}},
    )
    assert found.mqtt == config.Mqtt("broker", 8883, "g", "p", True, "ca.pem")
    assert found.forward == config.Forward("https://district.example", "t" * 16)
    assert found.serve.names == ("ww.clinic.example",)
    assert found.tokens == {"C001": "t" * 16}


def test_a_district_knows_the_hours_of_each_of_its_clinics():
    district = check(
        role="district", clinics={"C001": {"name": "一", "opens": "09:00", "closed": ["2026-05-01"]}}
    )
    assert district.of_clinic("C001").opens == "09:00" and district.of_clinic("C001").name == "一"
    assert district.of_clinic("C001").opening_ms(date(2026, 5, 1)) is None
    assert check().of_clinic(check().clinic) == check()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"clinik": "C1"}, "clinik"),
        ({"name": 5}, "name"),
        ({"opens": "25:00"}, "opens"),
        ({"closed": "2026-05-01"}, "closed"),
        ({"closed": [5]}, "closed"),
        ({"mqtt": {"port": "1883"}}, "mqtt.port"),
        ({"mqtt": {"port": True}}, "mqtt.port"),
        ({"mqtt": {"hots": "x"}}, "mqtt.hots"),
        ({"mqtt": 5}, "mqtt"),
        ({"serve": {"port": 70000}}, "serve.port"),
        ({"serve": {"names": "ww.clinic.example"}}, "serve.names"),
        ({"serve": {"names": ["ww.clinic.example:443"]}}, "serve.names"),
        ({"forward": {"url": "district", "token": "t" * 16}}, "forward.url"),
        ({"forward": {"url": "http://district.example", "token": "t" * 16}}, "forward.url"),
        ({"forward": {"url": "http://127.0.0.1.example", "token": "t" * 16}}, "forward.url"),
        ({"forward": {"url": "https://d", "token": "short"}}, "forward.token"),
        ({"forward": {"url": "http://127.0.0.1:80"}}, "forward.token"),
        ({"clock": {"real_ms": 1, "shown_ms": 1, "speed": 0}}, "clock.speed"),
        ({"clock": {"real_ms": 1}}, "clock.shown_ms, clock.speed"),
        ({"district": {"tokens": {"C/1": "t" * 16}}}, "district.tokens"),
        ({"district": {"token": {}}}, "district.token"),
        ({"clinics": 5}, "clinics"),
        ({"clinics": {"C/1": {"name": "x"}}}, "clinics"),
        ({"clinics": {"C1": 5}}, "clinics.C1"),
        ({"clinics": {"C1": {}}}, "clinics.C1.name"),
        ({"clinics": {"C1": {"name": "x", "opens": "8"}}}, "clinics.C1.opens"),
        ({"clinics": {"C1": {"name": "x", "opens": "21:00"}}}, "clinics.C1.closes"),
    ],
)
def test_a_mistake_is_named(changes, field):
    with pytest.raises(UsageError) as error:
        check(**changes)
    assert field in error.value.zh and field in error.value.en
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("broken", [b"clinic = ", b"\xff\xfe", b"clinic = 1\nclinic = 2"])
def test_a_file_that_is_no_toml_is_named(tmp_path, broken):
    (tmp_path / config.FILE).write_bytes(broken)
    with pytest.raises(UsageError, match=config.FILE):
        open_book(tmp_path)


def test_a_clock_runs_as_fast_as_it_is_told():
    now_ms = real_ms()
    clock = Clock(now_ms - 1000, 5_000_000, 60)
    assert 5_060_000 <= clock.now_ms() < 5_120_000
    assert clock.real_s(60) == 1
    assert abs(Clock().now_ms() - real_ms()) < 1000


def test_instants_are_read_in_the_clinics_zone_unless_they_carry_one():
    zone = PLAIN.zone
    midnight_ms = read_instant("2026-03-02", zone)
    assert read_instant("2026-03-01T16:00:00Z", zone) == midnight_ms == read_instant("2026-03-02T00:00", zone)
    assert read_day("2026-03-02") == date(2026, 3, 2)
    for text in ("yesterday", "2026-02-30", ""):
        with pytest.raises(UsageError):
            read_instant(text, zone)
