"""Opens what unit.toml describes: a meter on a wire, a plug on the broker, a recording, a bench.

This file knows which driver goes with which kind of port, and nothing of what is read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware.rpi import port_settings as kinds
from firmware.rpi.box import Box
from firmware.rpi.errors import UsageError
from firmware.rpi.port_settings import PortSettings
from firmware.rpi.settings import BoxSettings, Settings
from firmware.rpi.unit import Port
from hardware.drivers import gm65, pn532
from hardware.drivers.bl0942 import Bl0942
from hardware.drivers.ina226 import Ina226
from hardware.drivers.pzem004t_v3 import Pzem004tV3
from hardware.ports import PortError, rpi_pins
from hardware.ports.bench import ScenarioPort, read_scenario
from hardware.ports.meter import MeterPort, NoMeter
from hardware.ports.plug import Plug, esphome_plug, shelly_plug, tasmota_plug, zigbee_plug
from hardware.ports.rpi import I2cPort, SerialPort, i2c_bus
from hardware.ports.trace import TracePort, read_trace

Tell = Callable[[str], None]


def plug_of(port: PortSettings) -> Plug | None:
    """The shop plug that `port` describes, None where it describes no plug."""
    if port.kind == kinds.TASMOTA:
        return tasmota_plug(port.topic)
    if port.kind == kinds.SHELLY:
        return shelly_plug(port.topic, port.channel)
    if port.kind == kinds.ZIGBEE:
        return zigbee_plug(port.topic, port.base)
    return esphome_plug(port.topic, port.sensor) if port.kind == kinds.ESPHOME else None


def open_port(port: PortSettings, boot_ms: int, tell: Tell) -> Port:
    """The port that needs no broker. `boot_ms` is what the clock shows at this boot; `tell` hears what is odd.

    UsageError when it cannot be opened; a serial adapter that is not there is told, and opened when it comes.
    """
    try:
        if port.kind == kinds.BENCH:
            return ScenarioPort(read_scenario(port.scenario or Path()), boot_ms)
        if port.kind == kinds.NONE:
            return NoMeter()
        if port.kind == kinds.CSV:
            return TracePort(read_trace(port.file or Path()), boot_ms)
        return MeterPort(_meter(port, tell), port.every_ms, lambda odd: tell(f"电表 meter: {odd}"))
    except PortError as error:
        raise UsageError(error.zh, error.en) from error


def _meter(port: PortSettings, tell: Tell) -> Any:
    device = port.device or Path()
    if port.kind == kinds.INA226:
        return Ina226(I2cPort(i2c_bus(device, port.address)), port.shunt_uohm, port.step_ua)
    wire = open_serial(device, port.baud, tell)
    if port.kind == kinds.BL0942:
        return Bl0942(wire, port.address, port.shunt_uohm)
    return Pzem004tV3(wire, port.address)


def open_box(settings: Settings, tell: Tell) -> Box | None:
    """What staff can see and touch, None where nothing is fitted. UsageError when a pin or the key cannot be used."""
    fitted = settings.box
    if fitted is None:
        return None
    key = _tag_key(settings.tag_key) if settings.tag_key else None
    try:
        light = rpi_pins.Light(fitted.led, fitted.led_active == "high")
        buzzer = rpi_pins.Light(fitted.buzzer)
        case, button = (
            None if pin is None else rpi_pins.Contact(pin) for pin in (fitted.case, fitted.button)
        )
    except PortError as error:
        raise UsageError(error.zh, error.en) from error
    return Box(light, buzzer, case, button, _reader(fitted, tell), key, tell)


def _reader(fitted: BoxSettings, tell: Tell) -> Any:
    if fitted.reader is None:
        return None
    driver = gm65 if fitted.reader == "gm65" else pn532
    return driver.Reader(open_serial(fitted.reader_device or Path(), driver.BAUD, tell))


def _tag_key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        en = f"tag_key {path}: cannot be read as 64 hex digits: write the clinic's key there"
        raise UsageError(f"tag_key {path}：不是 64 位十六进制，请写入机构的标签密钥", en) from error
    if len(key) != 32:
        en = f"tag_key {path}: must be 64 hex digits, but has {2 * len(key)}"
        raise UsageError(f"tag_key {path}：应为 64 位十六进制，现有 {2 * len(key)} 位", en)
    return key


def open_serial(device: Path, baud: int, tell: Tell) -> SerialPort:
    """A serial port, open if it can be. One that is not there yet is told, and opened as soon as it is."""
    wire = SerialPort(device, baud)
    try:
        wire.open()
    except PortError as error:
        tell(str(error))
    return wire
