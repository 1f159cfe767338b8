"""Pins of a Raspberry Pi through gpiozero: lights that are set, contacts that are asked. Numbers are BCM numbers.

gpiozero finds its own back end: lgpio where it is installed (every model), RPi.GPIO else (up to a Pi 4; rpi-lgpio takes
its place on a Pi 5). Contacts are asked and raise no events, because RPi.GPIO has none on newer kernels.
"""

from __future__ import annotations

import warnings
from typing import Any

from hardware.ports import PortError


class Light:
    """A light or an active buzzer at a pin; without a pin nothing happens."""

    def __init__(self, pin: int | None, active_high: bool = True) -> None:
        self._device = None if pin is None else _device("DigitalOutputDevice", pin, active_high=active_high)

    def set(self, on: bool) -> None:
        if self._device is not None:
            self._device.value = on


class Contact:
    """A contact between a pin and ground; the pin's pull-up is on, so a cut wire is an open contact."""

    def __init__(self, pin: int) -> None:
        self._device = _device("InputDevice", pin, pull_up=True)

    def closed(self) -> bool:
        return bool(self._device.value)


def _device(kind: str, pin: int, **options: Any) -> Any:
    try:
        import gpiozero
    except ImportError as error:
        en = f"pin {pin} needs gpiozero: install the group rpi of this project"
        raise PortError(f"引脚 {pin} 需要 gpiozero：请安装本项目的 rpi 组", en) from error
    try:
        with warnings.catch_warnings():  # which back ends it tried is of no use unless all failed
            warnings.simplefilter("ignore", gpiozero.PinFactoryFallback)
            return getattr(gpiozero, kind)(pin, **options)
    except (gpiozero.GPIOZeroError, OSError, RuntimeError) as error:
        en = f"pin {pin} cannot be used ({error}): is this a Raspberry Pi, with lgpio, and the pin free?"
        zh = f"引脚 {pin} 无法使用（{error}）：这是装有 lgpio 的树莓派吗？引脚空着吗？"
        raise PortError(zh, en) from error
