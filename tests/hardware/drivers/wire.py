"""Wires for the drivers: a scripted one, and a pty with a slave of raw bytes behind it.

The slaves are written here byte by byte, from the data sheets and not from the drivers, so that both could not be
wrong alike; rtu.py has one that we did not write.
"""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import serial

ANSWER = bytes.fromhex("01041408D1006C000000F400000026000001F4006400005134")  # 225.7 V, 24.4 W
REQUEST = bytes.fromhex("01040000000A700D")


class ScriptedWire:
    """Answers each question with the next of `answers`, after `stale` that already lay on the wire."""

    def __init__(self, *answers: bytes, stale: bytes = b"") -> None:
        self.asked: list[bytes] = []
        self._answers, self._waiting = list(answers), stale

    def write(self, data: bytes) -> None:
        self.asked.append(data)
        self._waiting += self._answers.pop(0) if self._answers else b""

    def read(self, size: int, timeout_ms: int) -> bytes:
        given, self._waiting = self._waiting[:size], self._waiting[size:]
        return given


class SerialWire:
    """A real serial port through pyserial, with the face that drivers ask for."""

    def __init__(self, path: str) -> None:
        self._serial = serial.Serial(path, 9600, timeout=0)

    def write(self, data: bytes) -> None:
        self._serial.write(data)

    def read(self, size: int, timeout_ms: int) -> bytes:
        self._serial.timeout = timeout_ms / 1000
        return self._serial.read(size)

    def close(self) -> None:
        self._serial.close()


@contextmanager
def slave(question: bytes, answer: Callable[[int], list[bytes]]) -> Iterator[str]:
    """The path of a pty behind which somebody answers `question`, the n-th time (from 0) with the pieces of `answer(n)`."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    stop, stopping = os.pipe()
    thread = threading.Thread(target=_serve, args=(ours, stop, question, answer))
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        os.write(stopping, b".")
        thread.join()
        for each in (ours, theirs, stop, stopping):
            os.close(each)


def _serve(wire: int, stop: int, question: bytes, answer: Callable[[int], list[bytes]]) -> None:
    heard, times = b"", 0
    while stop not in (ready := select.select([wire, stop], [], [])[0]):
        heard += os.read(ready[0], 256)
        if heard.endswith(question):
            heard = b""
            for piece in answer(times):
                os.write(wire, piece)
            times += 1


# The same wire for MicroPython, which has no pyserial: a file, and poll.
MICROPYTHON_WIRE = """
import select
class Wire:
    def __init__(self, path):
        self._file = open(path, "r+b", buffering=0)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
    def write(self, data):
        self._file.write(data)
    def read(self, size, timeout_ms):
        heard = b""
        while len(heard) < size and self._poll.poll(timeout_ms):
            heard += self._file.read(1)
        return heard
"""
