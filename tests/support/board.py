"""A board at the end of a cable: real MicroPython and littlefs behind a pty, whose power can be cut and comes back."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import termios
import threading
import tty
from pathlib import Path

from tests.support.tools import CHECKOUT, tool

_RESET = 75  # how the process ends when the board resets itself
_STARTED = b"on a pty"  # what it says when it can be interrupted
_SERVER = CHECKOUT / "tests/support/raw_repl.py"


class PtyBoard:
    """`port` is what a program opens. `rom_kb` 0: a board without ROM and journal partitions; `window` 0: without raw-paste mode.

    After `cut_after` bytes from the program, if not None, the power fails. `heard` counts those bytes, `said` is all that
    the board answered, `resets` counts what it did itself.
    """

    def __init__(self, folder: Path, rom_kb: int = 256, window: int = 256) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._files = [_flash(folder / "flash", 1024), _flash(folder / "rom", rom_kb) if rom_kb else "-"]
        self._journal = _flash(folder / "journal", 1024) if rom_kb else "-"
        self._window = str(window)
        self._inside, self._terminal = pty.openpty()  # the board's own end
        self._outside, self._socket = pty.openpty()  # what programs open
        for end in (self._terminal, self._socket):
            tty.setraw(end)
        self.port, self._name = os.ttyname(self._socket), os.ttyname(self._terminal)
        self.heard = self.resets = 0
        self.said = bytearray()
        self.cut_after: int | None = None
        self._ended = False
        self._cable = threading.Thread(target=self._carry, daemon=True)
        self._cable.start()
        self.power()

    def power(self) -> None:
        """The power comes back."""
        self._powered = True
        self._start()
        threading.Thread(target=self._start_again_after_reset, daemon=True).start()

    def cut(self) -> None:
        """The power fails now."""
        self._powered = False
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Power off, and the cable is put away."""
        self.cut()
        self._ended = True
        self._cable.join(5)
        for end in (self._inside, self._terminal, self._outside, self._socket):
            os.close(end)

    def _start(self) -> None:
        before, self._terminal = self._terminal, os.open(self._name, os.O_RDWR | os.O_NOCTTY)
        os.close(before)  # a process that ended has hung it up
        tty.setraw(self._inside)  # a board that starts is not interrupted
        # as the leader of a session it gets the terminal that it opens first: Ctrl-C will interrupt it
        shell = ["/bin/sh", "-c", 'exec "$@" <>"$0" >&0 2>&1', self._name]
        command = [str(tool("micropython")), "-X", "heapsize=2m", str(_SERVER), *self._files, self._window]
        command.append(self._journal)
        self._process = subprocess.Popen(
            [*shell, *command],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"MICROPYPATH": ".frozen"},  # nothing of the checkout: only what was copied
            start_new_session=True,
        )

    def _start_again_after_reset(self) -> None:
        while self._process.wait() == _RESET and self._powered:
            self.resets += 1
            self._start()

    def _carry(self) -> None:
        while not self._ended:
            ready, _, _ = select.select([self._inside, self._outside], [], [], 0.05)
            for end in ready:
                with contextlib.suppress(OSError):
                    data = os.read(end, 4096)
                    if end == self._outside:
                        data = self._count(data)
                    else:
                        self._note(data)
                    os.write(self._inside if end == self._outside else self._outside, data)

    def _note(self, data: bytes) -> None:
        self.said += data
        if _STARTED in self.said[-len(data) - len(_STARTED) :]:
            _let_interrupt(self._inside)

    def _count(self, data: bytes) -> bytes:
        """What still arrives; with the last byte of it the power is gone."""
        self.heard += len(data)
        if self.cut_after is not None and self.heard >= self.cut_after:
            self.cut_after = None
            self.cut()
            return b""
        return data


def _flash(path: Path, size_kb: int) -> str:
    if not path.exists():
        path.write_bytes(b"\xff" * (size_kb << 10))
    return str(path)


def _let_interrupt(terminal: int) -> None:
    """Ctrl-C interrupts, as on a board, and takes nothing else with it."""
    settings = termios.tcgetattr(terminal)
    settings[3] |= termios.ISIG | termios.NOFLSH
    settings[6][termios.VINTR] = b"\x03"
    settings[6][termios.VQUIT] = settings[6][termios.VSUSP] = b"\x00"
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
