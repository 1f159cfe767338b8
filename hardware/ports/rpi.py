"""Serial ports and I2C of a Raspberry Pi, or any Linux, behind the faces that drivers ask for. Pins: rpi_pins.py.

A USB adapter goes away when somebody pulls it, and comes back under the same name if that name is one of
/dev/serial/by-id. Until then the wire is silent: nothing is raised, nothing is made up, and nothing waits.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import termios
import time
from pathlib import Path
from typing import Protocol

import serial

from hardware.ports import PortError

_I2C_RETRIES, _I2C_TIMEOUT, _I2C_SLAVE = 0x0701, 0x0702, 0x0703  # linux/i2c-dev.h
_TIMEOUT_10_MS = 5  # a chip that holds the clock for longer is no chip
_AWAY = (OSError, termios.error)  # pyserial's own error is an OSError


class SerialPort:
    """A serial port, 8N1, that is opened when first used and anew when it went away. See drivers/serial_meter.py.

    It never waits but for the timeout of `read`. `is_open` says how it stands.
    """

    def __init__(self, path: str | Path, baud: int) -> None:
        self._path, self._baud = str(path), baud
        self._serial: serial.Serial | None = None

    @property
    def is_open(self) -> bool:
        return self._serial is not None

    def open(self) -> None:
        """Open it, if it is not; PortError says why that cannot be."""
        if self._serial is None:
            try:
                self._serial = serial.Serial(self._path, self._baud, timeout=0, exclusive=True)
            except _AWAY as error:
                raise _not_opened(self._path, error) from error

    def write(self, data: bytes) -> None:
        """Send `data`, or lose it where the wire is gone or takes nothing more."""
        with contextlib.suppress(PortError):
            self.open()
        if self._serial is None:
            return
        try:
            os.write(self._serial.fileno(), data)  # pyserial's own write spins while the wire is full
        except BlockingIOError:
            self._serial.reset_output_buffer()  # old questions are worth nothing
        except _AWAY:
            self.close()

    def read(self, size: int, timeout_ms: int) -> bytes:
        """What came within the timeout, `size` bytes at most; b"" is silence, and a wire that is gone."""
        with contextlib.suppress(PortError):
            self.open()
        if self._serial is None:
            return b""
        try:
            return _heard(self._serial.fileno(), size, time.monotonic() + timeout_ms / 1000)
        except _AWAY:
            self.close()
            return b""

    def close(self) -> None:
        """Without waiting for what was not sent yet."""
        if self._serial is not None:
            with contextlib.suppress(*_AWAY):
                self._serial.reset_output_buffer()
            with contextlib.suppress(*_AWAY):
                self._serial.close()
            self._serial = None


def _heard(wire: int, size: int, until_s: float) -> bytes:
    """What came until then; OSError when the wire is gone, which then has something to read that is nothing."""
    heard = b""
    while len(heard) < size and select.select([wire], [], [], max(0.0, until_s - time.monotonic()))[0]:
        more = os.read(wire, size - len(heard))
        if not more:
            raise OSError(errno.EIO, "gone")
        heard += more
    return heard


class Bus(Protocol):
    """One address of an I2C bus, as bytes. Both raise OSError when nobody answers."""

    def write(self, data: bytes) -> object: ...

    def read(self, size: int) -> bytes | None: ...


class I2cPort:
    """A chip with 16-bit registers, high byte first, on `bus`. See drivers/ina226.py."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def read(self, register: int) -> int:
        self._bus.write(bytes((register,)))
        word = self._bus.read(2) or b""
        if len(word) != 2:
            raise OSError(errno.EIO, "half a register")
        return word[0] << 8 | word[1]

    def write(self, register: int, value: int) -> None:
        self._bus.write(bytes((register, value >> 8, value & 0xFF)))


def i2c_bus(path: str | Path, address: int) -> Bus:
    """The chip at `address` (7 bits) on a bus of the kernel, such as /dev/i2c-1. PortError when there is no such bus.

    A chip that does not answer costs 50 ms, once a question.
    """
    try:
        bus = open(path, "r+b", buffering=0)  # noqa: SIM115 - it stays open
        try:
            fcntl.ioctl(bus, _I2C_SLAVE, address)
            fcntl.ioctl(bus, _I2C_TIMEOUT, _TIMEOUT_10_MS)
            fcntl.ioctl(bus, _I2C_RETRIES, 0)
        except OSError:
            bus.close()
            raise
    except OSError as error:
        raise _not_opened(str(path), error) from error
    return bus


def _not_opened(path: str, error: Exception) -> PortError:
    """What to do depends on why: not there, not allowed, used by somebody else, or no such device at all."""
    number = getattr(error, "errno", None)
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        zh, en = "没有这个设备：请接好，或改正路径", "is not there: plug it in, or correct the path"
    elif number in (errno.EACCES, errno.EPERM):
        zh = "没有权限：请把用户加入 dialout 或 i2c 组"
        en = "must not be opened: add the user to the group dialout or i2c"
    elif number in (errno.EAGAIN, errno.EBUSY):
        zh, en = "正被另一个程序使用：请先停掉它", "is used by another program: stop that first"
    else:
        zh, en = f"无法打开（{error}）", f"cannot be opened ({error}): name the device itself"
    return PortError(f"{path}：{zh}", f"{path}: {en}")
