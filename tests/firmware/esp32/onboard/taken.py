"""Days of a unit that may take a program over the air; its partition and the note in NVS are files of the host."""

# ruff: noqa: I001
import json
import os

from protocol import p256  # noqa: F401 (first: the host's stack bears no deeper chain of imports)
from firmware.esp32.slots import Slots
from tests.firmware.esp32.onboard.board import Machine
from tests.firmware.esp32.onboard.days import Days


class Partition:
    """A file of 256 KiB."""

    def __init__(self, path):
        self._file = open(path, "r+b")  # noqa: SIM115
        self.erased = 0

    def readblocks(self, block, into, offset):
        self._file.seek(block * 4096 + offset)
        self._file.readinto(into)

    def writeblocks(self, block, octets, offset):
        self._file.seek(block * 4096 + offset)
        self._file.write(octets)
        self._file.flush()
        Machine.hours.burn(1)

    def ioctl(self, what, block):
        if what == 4:
            return 64
        self._file.seek(block * 4096)
        self._file.write(b"\xff" * 4096)
        self.erased += 1
        Machine.hours.burn(60)
        return 0


class Kept:
    """esp32.NVS with one number, in a file."""

    def __init__(self, path):
        self._path = path

    def get_i32(self, name):
        with open(self._path) as file:
            return int(file.read())

    def set_i32(self, name, number):
        self._coming = number

    def commit(self):
        with open(self._path + ".new", "w") as file:
            file.write(str(self._coming))
        os.rename(self._path + ".new", self._path)


class Taken(Days):
    """`rom`, `kept`: the files; `running`: the half that runs."""

    def __init__(self, told):
        super().__init__(told)
        self.was_reset = False
        self._hurried = None
        self.world.slots = self._slots
        Machine.reset = self._reset

    def answers_due(self):
        """As ever; and nobody here waits 40 ms for an acknowledgement of TCP's."""
        link = None if self.unit is None else self.unit._link.connection
        if link is not None and link is not self._hurried:
            self._hurried = link
            link._stream.s.setsockopt(6, 1, 1)  # TCP_NODELAY
        return Days.answers_due(self)

    def _slots(self, running):
        return Slots(Partition(self.told["rom"]), Kept(self.told["kept"]), self.told["running"])

    def _reset(self):
        self.report()
        print('{"reset_at_s": %d}' % (self.hours.now_ms // 1000))
        raise KeyboardInterrupt


def main(text):
    Taken(json.loads(text)).run()
