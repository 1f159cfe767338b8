"""MicroPython at the end of a cable: its raw REPL, through which a program runs and answers.

Source: MicroPython documentation, "The MicroPython Interactive Interpreter Mode (aka REPL)", raw mode and raw-paste mode.
This file does not know what is run. mpremote's own client announces that it will change, and prints; so this is ours.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Protocol

from firmware.rpi.errors import SurroundingsError

PATIENCE_S, RESET_S = 10, 3  # without a byte from the board
_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
_PASTE = b"\x05A\x01"
_ATTEMPTS = 3
_BANNER_S = 2  # for a board that is there to say so
_PIECE = 256  # bytes at once where the board cannot say how much it can take
_PAUSE_S = 0.01  # between two of these


class Wire(Protocol):
    """An open serial port as pyserial has it: `read` gives what came within its short timeout, b"" for nothing."""

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int = 1) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...


class NoAnswer(SurroundingsError):
    """Nothing at the other end speaks MicroPython's raw REPL."""


class Gone(SurroundingsError):
    """The port itself is no longer there."""


class BoardError(SurroundingsError):
    """What was run on the board raised; `said` is its traceback."""

    def __init__(self, said: str) -> None:
        self.said = said
        last = said.strip().splitlines()[-1:] or ["?"]
        super().__init__(f"板上的程序出错：{last[0]}", f"the board's program failed: {last[0]}")


class Repl:
    """A board's raw REPL over `wire`. NoAnswer when the board falls silent."""

    def __init__(self, wire: Wire) -> None:
        self._wire, self._patience_s = wire, PATIENCE_S
        self._heard = bytearray()

    def enter(self) -> None:
        """Interrupt whatever runs, and begin afresh without the board's own program."""
        for _ in range(_ATTEMPTS):
            self._tell(b"\r\x03\x03")
            self._drain()
            self._tell(b"\r\x01")
            try:
                self._until(_BANNER, _BANNER_S)
                self.restart()
                return
            except NoAnswer:
                continue
        raise _silent()

    def restart(self) -> None:
        """A soft reset: what was imported is forgotten; in raw mode the board's main.py is not started."""
        self._heard.clear()
        self._tell(b"\x04")
        self._until(b"soft reboot\r\n", self._patience_s)
        self._until(_BANNER, self._patience_s)

    def leave(self) -> None:
        """Back to the REPL for people."""
        self._tell(b"\r\x02")

    def run(self, program: str, patience_s: float | None = None) -> str:
        """What `program` prints; BoardError if it raises, NoAnswer after so long without a byte."""
        patience_s = patience_s or self._patience_s
        self._send(program.encode())
        printed = self._until(b"\x04", patience_s)
        raised = self._until(b"\x04", patience_s)
        self._until(b">", patience_s)
        if raised:
            raise BoardError(raised.decode("utf-8", "replace"))
        return printed.decode("utf-8", "replace").replace("\r\n", "\n")

    def reset(self) -> None:
        """As when the power comes back. Waits for the prompt that a board without a program shows, or a while."""
        with contextlib.suppress(NoAnswer, Gone):
            self._send(b"import machine\nmachine.reset()")
            self._until(b">>> ", RESET_S)
        self._heard.clear()

    # --- bytes ------------------------------------------------------------------------------------------------------

    def _tell(self, data: bytes) -> None:
        with _plugged_in():
            self._wire.write(data)

    def _waiting(self) -> int:
        with _plugged_in():
            return self._wire.in_waiting

    def _send(self, program: bytes) -> None:
        self._tell(_PASTE)
        answer = self._take(2)
        if answer == b"R\x01":
            self._paste(program)
            return
        if answer != b"R\x00":  # an old board shows its banner again
            self._until(b">", self._patience_s)
        for start in range(0, len(program), _PIECE):
            self._tell(program[start : start + _PIECE])
            time.sleep(_PAUSE_S)
        self._tell(b"\x04")
        self._until(b"OK", self._patience_s)

    def _paste(self, program: bytes) -> None:
        """The board says how many bytes it takes, and 0x01 when it takes as many again; 0x04 when it gives up."""
        window = room = int.from_bytes(self._take(2), "little")
        at = 0
        while at < len(program):
            while room == 0 or self._heard or self._waiting():
                said = self._take(1)
                if said == b"\x04":
                    self._tell(b"\x04")
                    return
                room += window
            self._tell(program[at : at + room])
            at, room = at + room, max(0, room - (len(program) - at))
        self._tell(b"\x04")
        self._until(b"\x04", self._patience_s)

    def _drain(self) -> None:
        """Whatever the interrupted program still says, until it is quiet."""
        deadline = time.monotonic() + 2
        with _plugged_in():
            while self._wire.read(4096) and time.monotonic() < deadline:
                pass
        self._heard.clear()

    def _take(self, size: int) -> bytes:
        deadline = time.monotonic() + self._patience_s
        while len(self._heard) < size:
            self._hear(deadline)
        taken = bytes(self._heard[:size])
        del self._heard[:size]
        return taken

    def _until(self, ending: bytes, patience_s: float) -> bytes:
        """What came before `ending`, which is taken too. The patience begins anew with each byte."""
        deadline = time.monotonic() + patience_s
        looked = 0
        while (found := self._heard.find(ending, max(0, looked - len(ending)))) < 0:
            looked = len(self._heard)
            if self._hear(deadline):
                deadline = time.monotonic() + patience_s
        before = bytes(self._heard[:found])
        del self._heard[: found + len(ending)]
        return before

    def _hear(self, deadline: float) -> bool:
        with _plugged_in():
            came = self._wire.read(max(1, self._wire.in_waiting))
        self._heard += came
        if not came and time.monotonic() > deadline:
            raise _silent()
        return bool(came)


@contextlib.contextmanager
def _plugged_in() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Gone(
            f"端口不见了（{error}）：请插好线缆，再运行同一条命令",
            f"the port is gone ({error}): put the cable in again, and run the same command",
        ) from error


def _silent() -> NoAnswer:
    return NoAnswer(
        "板子没有应答：请检查线缆和端口，确认已烧录 MicroPython（provision --dry-run 说明怎样烧录），再运行同一条命令",
        "no board answers: check cable and port, that MicroPython is on it (provision --dry-run shows how), and run this again",
    )
