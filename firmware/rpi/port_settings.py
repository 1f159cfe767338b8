"""`[port]` of unit.toml: what is read, and how it is named in the records. Which kinds there are stands in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.rpi.errors import UsageError
from firmware.rpi.tables import Table
from hardware.drivers import ina226
from protocol.record import PLUG

BENCH, CSV = "bench", "csv"
NONE = "none"  # a unit that only reads tags
PZEM, BL0942, INA226 = "pzem004t_v3", "bl0942", "ina226"
TASMOTA, SHELLY, ZIGBEE, ESPHOME = "tasmota", "shelly_gen2", "zigbee2mqtt", "esphome"

# kind: the keys that it takes besides `kind`
KINDS = {
    BENCH: {"scenario"},
    CSV: {"file"},
    NONE: set(),
    PZEM: {"device", "address", "every_ms", "serial"},
    BL0942: {"device", "baud", "address", "shunt_uohm", "every_ms", "serial"},
    INA226: {"device", "address", "shunt_uohm", "step_ua", "every_ms", "serial"},
    TASMOTA: {"topic", "poll_s"},
    SHELLY: {"topic", "channel", "poll_s"},
    ZIGBEE: {"topic", "base", "poll_s"},
    ESPHOME: {"topic", "sensor"},
}
METERS = (PZEM, BL0942, INA226)
PLUGS = (TASMOTA, SHELLY, ZIGBEE, ESPHOME)

_MAKERS = {
    PZEM: ("Peacefair", "PZEM-004T", "3.0"),
    BL0942: ("Belling", "BL0942", "1"),
    INA226: ("Texas Instruments", "INA226", "1"),
}
_ADDRESSES = {PZEM: (1, 1, 247), BL0942: (0, 0, 3), INA226: (0x40, 0x40, 0x4F)}  # default, least, most
_SHUNTS_UOHM = {BL0942: 10_000, INA226: 100_000}


@dataclass(frozen=True)
class PortSettings:
    """What is read. Of the fields, a kind has those of `KINDS`; the others keep their defaults and mean nothing."""

    kind: str
    scenario: Path | None = None
    file: Path | None = None
    device: Path | None = None
    baud: int = 9600  # what a PZEM speaks
    address: int = 1
    shunt_uohm: int = 0
    step_ua: int = 50
    every_ms: int = 1000
    serial: str = "unknown"
    topic: str = ""
    channel: int = 0
    base: str = "zigbee2mqtt"
    sensor: str = "power"
    poll_s: int = 10

    @property
    def pause_ms(self) -> int:
        """The longest pause between two readings that is to be expected; 0 where the port decides by itself."""
        if self.kind in METERS:
            return self.every_ms
        return self.poll_s * 1000 if "poll_s" in KINDS[self.kind] else 0

    def meter(self, unit: str) -> dict[str, str]:
        """Who measured, as the records of `unit` say it."""
        if self.kind in PLUGS:
            return {"maker": PLUG, "model": self.kind, "serial": self.topic, "version": "1"}
        maker, model, version = _MAKERS.get(self.kind, ("bench", self.kind, "1"))
        serial = self.serial if self.kind in METERS else unit
        return {"maker": maker, "model": model, "serial": serial, "version": version}


def read_port(table: Table) -> PortSettings:
    """The port that a table describes; UsageError names the key, the rule and the value."""
    kind = table.one_of("kind", tuple(KINDS), None)
    table.refuse_all_but({"kind", *KINDS[kind]})
    return PortSettings(kind, **{key: _READERS[key](table, kind) for key in KINDS[kind]})


def _device(table: Table, kind: str) -> Path:
    return table.path("device", "/dev/i2c-1") if kind == INA226 else table.path("device")


def _topic(table: Table, kind: str) -> str:
    return table.name("topic") if kind == TASMOTA else table.topic("topic")


def _shunt_uohm(table: Table, kind: str) -> int:
    return table.whole("shunt_uohm", _SHUNTS_UOHM[kind], 100, 10_000_000)


def _step_ua(table: Table, kind: str) -> int:
    """A step that fits the shunt: the chip's calibration is a number of 15 bits."""
    step_ua = table.whole("step_ua", 50, 1, 10_000)
    try:
        ina226.calibration(_shunt_uohm(table, kind), step_ua)
    except ValueError as error:
        en = f"port.step_ua must fit port.shunt_uohm, but is {step_ua}: {error}"
        raise UsageError(f"port.step_ua 与 port.shunt_uohm 不相配，现为 {step_ua}", en) from error
    return step_ua


_READERS: dict[str, Callable[[Table, str], Any]] = {
    "scenario": lambda table, kind: table.path("scenario"),
    "file": lambda table, kind: table.path("file"),
    "device": _device,
    "baud": lambda table, kind: table.one_of("baud", (4800, 9600), 4800),
    "address": lambda table, kind: table.whole("address", *_ADDRESSES[kind]),
    "shunt_uohm": _shunt_uohm,
    "step_ua": _step_ua,
    "every_ms": lambda table, kind: table.whole("every_ms", 1000, 200, 60_000),
    "serial": lambda table, kind: table.text("serial", "unknown"),
    "topic": _topic,
    "channel": lambda table, kind: table.whole("channel", 0, 0, 7),
    "base": lambda table, kind: table.topic("base", "zigbee2mqtt"),
    "sensor": lambda table, kind: table.topic("sensor", "power"),
    "poll_s": lambda table, kind: table.whole("poll_s", 10, 0, 300),
}
