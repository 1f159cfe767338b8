"""Where a journal lives on the flash: a folder with what the agent knows and a reserve, and the next one if it breaks.

    <folder>/log       the segments
    <folder>/state     overwritten at every sync; under 128 octets littlefs keeps it beside its name and spends no block
    <folder>/reserve   room for the last words of a unit whose flash is full
    <folder>-2 ...     the folder after one that broke; what broke is left as it is

A folder gets its name when all of it is there: so where there is a folder, something was known. This file does not know
records.
"""

import binascii
import errno
import os

from micropython import const

from firmware.agent import memory
from firmware.agent.octets import Octets

FOLDERS = 9
_SPARE = const(40)  # blocks

_MARK = b"W1"
_CHUNK = const(512)


def frame(known: memory.Memory) -> bytes:
    """What the agent knows, as octets that show when they are damaged."""
    raw = _MARK + memory.pack(known)
    return raw + binascii.crc32(raw).to_bytes(4, "big")


def read(raw: bytes):
    """The memory that `frame` wrote; None for any other octets."""
    if raw[:2] != _MARK or binascii.crc32(raw[:-4]) != int.from_bytes(raw[-4:], "big"):
        return None
    try:
        return memory.unpack(Octets(raw, 2))
    except (ValueError, IndexError):
        return None


class Place:
    """The newest folder, if it can be used: `path`, else None until `make`. OSError where there can be no folder.

    `is_new`: none was ever made. `states`: what could be read in any of them. `damaged`: something could not be.
    """

    def __init__(self, folder: str):
        self._names = [folder] + ["%s-%d" % (folder, number) for number in range(2, FOLDERS + 1)]
        self._parent = folder.rpartition("/")[0] or "/"
        there = os.listdir(self._parent)
        found = [at for at, name in enumerate(self._names) if name.rpartition("/")[2] in there]
        self._next = found[-1] + 1 if found else 0
        self.is_new, self.damaged, self.path = not found, False, None
        states = [self._read_state(name) for name in self._names[: self._next]]
        self.states = [each for each in states if each is not None]
        if found:
            self._try_last()

    def room(self) -> int:
        """Octets of the whole file system, but for what it needs for itself and its configuration."""
        told = os.statvfs(self._parent)
        return (told[2] - min(_SPARE, told[2] // 4)) * told[1]

    def make(self, known: memory.Memory):
        """Begin the next folder, with what is known."""
        if self._next == FOLDERS:
            raise OSError(errno.EIO)
        path = self._names[self._next]
        _make(path + ".new")
        _make(path + ".new/log")
        self._write(path + ".new/state", frame(known))
        os.rename(path + ".new", path)
        self.path = path

    def write_state(self, raw: bytes):
        self._write(self.path + "/state", raw)

    def take_reserve(self, size: int) -> bool:
        """Whether `size` octets of flash are set aside: before, or now where there is room for as many again."""
        path = self.path + "/reserve"
        try:
            if "reserve" not in os.listdir(self.path) or os.stat(path)[6] < size:
                told = os.statvfs(self._parent)
                if told[3] * told[1] < 2 * size:
                    return False
                with open(path, "wb") as file:
                    for _ in range(0, size, _CHUNK):
                        file.write(b"\xff" * _CHUNK)
        except OSError:
            self.spend_reserve()
            return False
        return True

    def spend_reserve(self) -> bool:
        """Give the reserve to whoever writes next; False if it was spent."""
        try:
            os.remove(self.path + "/reserve")
        except OSError:
            return False
        return True

    def _try_last(self):
        path = self._names[self._next - 1]
        try:
            os.listdir(path)
            os.listdir(path + "/log")
            self.path = path
        except OSError:
            self.damaged = True

    def _read_state(self, name: str):
        try:
            with open(name + "/state", "rb") as file:
                known = read(file.read(2048))
        except OSError:
            known = None
        self.damaged = self.damaged or known is None
        return known

    def _write(self, path: str, raw: bytes):
        with open(path, "wb") as file:
            file.write(raw)


def _make(folder: str):
    try:
        os.mkdir(folder)
    except OSError:
        os.listdir(folder)
