"""Wires and pins of a MicroPython board behind the faces that drivers ask for. MicroPython only.

Every class is handed `machine`, the module or a scripted one with the same names. Nothing here waits, but for
`SerialPort.read` with a timeout. This file does not know which board it is on: pins are numbers that it is told.
"""

import time

from micropython import const

_RX_BYTES = const(512)  # what a meter or reader may say while the flash is being erased
_I2C_HZ = const(100000)


class SerialPort:
    """A UART: `write(data)`, and `read(size, timeout_ms)` which gives what came, b"" for silence."""

    def __init__(self, machine, number: int, tx: int, rx: int, baud: int):
        self._uart = machine.UART(
            number, baudrate=baud, tx=machine.Pin(tx), rx=machine.Pin(rx), rxbuf=_RX_BYTES, timeout=0
        )

    def write(self, data: bytes):
        self._uart.write(data)

    def read(self, size: int, timeout_ms: int) -> bytes:
        heard = self._uart.read(size) or b""
        start = time.ticks_ms()
        while len(heard) < size and time.ticks_diff(time.ticks_ms(), start) < timeout_ms:
            time.sleep_ms(1)
            heard += self._uart.read(size - len(heard)) or b""
        return heard


class I2cPort:
    """A chip on I2C with 16-bit registers, high byte first; OSError when it does not answer."""

    def __init__(self, machine, number: int, sda: int, scl: int, address: int):
        self._wire = machine.I2C(number, sda=machine.Pin(sda), scl=machine.Pin(scl), freq=_I2C_HZ)
        self._address = address

    def read(self, register: int) -> int:
        return int.from_bytes(self._wire.readfrom_mem(self._address, register, 2), "big")

    def write(self, register: int, value: int):
        self._wire.writeto_mem(self._address, register, value.to_bytes(2, "big"))


class Light:
    """Something that is on or off: an LED, a buzzer. `number` None: there is none, and nothing happens."""

    def __init__(self, machine, number, active: int = 1):
        self._active = active
        self._pin = None if number is None else machine.Pin(number, machine.Pin.OUT, value=1 - active)

    def set(self, on: bool):
        if self._pin is not None:
            self._pin.value(self._active if on else 1 - self._active)


class Contact:
    """A switch to GND with an internal pull-up. `number` None: there is none, and it stays closed."""

    def __init__(self, machine, number):
        self._pin = None if number is None else machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)

    def closed(self) -> bool:
        """What the pin says now, chatter and all."""
        return self._pin is None or self._pin.value() == 0


class Button:
    """A button to GND with an internal pull-up, noted by an interrupt. `number` None: there is none."""

    def __init__(self, machine, number):
        self._noted = False
        if number is not None:
            pin = machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)
            pin.irq(self._note, machine.Pin.IRQ_FALLING)

    def pressed(self) -> bool:
        """Whether it was pressed since the last look, however short."""
        noted, self._noted = self._noted, False
        return noted

    def _note(self, pin):
        self._noted = True
