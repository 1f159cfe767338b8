"""A scripted board from its reset on: a stock start-up, then /main.py and whatever program its flash holds.

The flash is a file of the host that outlives this process, mapped and shared, so that a program runs in place in it. Nothing
of ours but the board comes from elsewhere. The process ends as the power or the program wants it, see `_end`.
"""

import gc
import json
import struct
import sys

import ffi
import uctypes
import vfs
from micropython import const

from tests.firmware.esp32.onboard.board import Hours, Machine, Network, Pzem, Wdt

_BLOCK = const(4096)
_SLOT = const(3072)  # of the NVS: a name, a length, octets
_ERASE, _PROGRAM, _NOTE = const(0), const(1), const(2)
_POWER, _RESET, _WATCHDOG, _WAITS = const(70), const(71), const(72), const(73)

_c = ffi.open("libc.so.6")
_write = _c.func("i", "write", "iPi")
_exit = _c.func("v", "_exit", "i")
_ONES = b"\xff" * 256
_TABLE: dict = {}  # partition: (at, size)


class Module:
    """Stands for one that only an ESP32 has."""


class Chip:
    """The flash of NOR kind. Each operation is written to `log`, if there is one, before it is done."""

    octets = b""
    log = -1
    worn = (0, 0)  # from and until: no longer takes anything
    held = 0  # of the heap by the board itself, before its program comes

    def operation(self, kind, at, octets=b""):
        if self.log >= 0:
            head = struct.pack("<BII", kind, at, len(octets))
            _write(self.log, head, len(head))
            if octets:
                _write(self.log, octets, len(octets))

    def erase(self, at):
        if self.worn[0] <= at < self.worn[1]:
            raise OSError(5)
        self.operation(_ERASE, at)
        for start in range(at, at + _BLOCK, len(_ONES)):
            self.octets[start : start + len(_ONES)] = _ONES

    def program(self, at, octets):
        if self.worn[0] <= at < self.worn[1]:
            raise OSError(5)
        self.operation(_PROGRAM, at, octets)
        length = len(octets)
        if self.octets[at : at + length] == memoryview(_ONES)[:length] and length <= len(_ONES):
            self.octets[at : at + length] = octets
            return
        for offset in range(length):
            self.octets[at + offset] &= octets[offset]

    def note(self, at, octets):
        """What ESP-IDF's NVS does in one go: the old octets or the new ones."""
        self.operation(_NOTE, at, octets)
        self.octets[at : at + len(octets)] = octets


CHIP = Chip()


class Partition:
    """esp32.Partition."""

    TYPE_DATA = 1

    def __init__(self, name):
        self.at, self.size = _TABLE[name]

    @staticmethod
    def find(kind, label):
        return [Partition(label)] if label in _TABLE else []

    def readblocks(self, block, into, offset=0):
        at = self.at + block * _BLOCK + offset
        into[:] = CHIP.octets[at : at + len(into)]

    def writeblocks(self, block, octets, offset=None):
        if offset is None:
            CHIP.erase(self.at + block * _BLOCK)
        CHIP.program(self.at + block * _BLOCK + (offset or 0), octets)

    def ioctl(self, what, block):
        if what == 4:
            return self.size // _BLOCK
        if what == 5:
            return _BLOCK
        if what == 6:
            CHIP.erase(self.at + block * _BLOCK)
        return 0


class Nvs:
    """esp32.NVS: what was committed is there."""

    def __init__(self, room):
        self._coming: dict = {}

    def set_i32(self, name, number):
        self._coming[name] = struct.pack("<i", number)

    def set_blob(self, name, octets):
        self._coming[name] = bytes(octets)

    def get_i32(self, name):
        return struct.unpack("<i", self._read(name))[0]

    def get_blob(self, name, into):
        octets = self._read(name)
        into[: len(octets)] = octets
        return len(octets)

    def commit(self):
        for name in self._coming:
            octets = self._coming[name]
            CHIP.note(self._slot(name, True), struct.pack("<16sH", name.encode(), len(octets)) + octets)
        self._coming = {}

    def _read(self, name):
        at = self._slot(name, False)
        (length,) = struct.unpack("<H", CHIP.octets[at + 16 : at + 18])
        return bytes(CHIP.octets[at + 18 : at + 18 + length])

    def _slot(self, name, make):
        start, size = _TABLE["nvs"]
        wanted = struct.pack("<16s", name.encode())
        for at in range(start, start + size - _SLOT + 1, _SLOT):
            there = bytes(CHIP.octets[at : at + 16])
            if there == wanted or (make and there == b"\xff" * 16):
                return at
        raise OSError(-0x1102)


class Power(Hours):
    """Time until the power fails at `until_ms`."""

    until_ms = 0
    unit = hurried = None

    reads: list = []  # (when in seconds, what is held to the reader)

    def burn(self, ms):
        Hours.burn(self, ms)
        while self.reads and self.now_ms >= self.reads[0][0] * 1000:
            Machine.uarts[1].say(self.reads.pop(0)[1].encode() + b"\r")
        if self.now_ms >= self.until_ms:
            _end(_POWER)

    def due(self):
        """What somebody outside still has to answer."""
        if self.unit is None:
            return None
        update, agent, link = self.unit.update, self.unit._agent, self.unit._link.connection
        if link is not None and link is not self.hurried:
            self.hurried = link
            link._stream.s.setsockopt(6, 1, 1)  # TCP_NODELAY: nobody here waits 40 ms for an acknowledgement
        if update is not None and update._number >= 0:
            return update._number, update._piece
        if link is None:
            return agent.unsent, -1, id(agent)
        return None if link.waits == 0 and agent.unsent == 0 else (agent.unsent, link.waits, link.heard)


class Dog(Wdt):
    """The watchdog. The first that the program itself sets tells us of its unit, just before it boots."""

    def __init__(self, timeout):
        Wdt.__init__(self, timeout)
        start = sys.modules.get("firmware.esp32.start")
        if start is not None and hasattr(start, "work"):
            start.work = _watched(start.work)


def _watched(work):
    async def watched(world, unit, besides):
        Machine.hours.unit = unit
        await work(world, unit, besides)

    return watched


def _end(code):
    """70 the power fails, 71 the program resets the board, 72 its watchdog does, 73 it waits for a person."""
    gc.collect()
    said = (code, gc.mem_free(), CHIP.held, Machine.hours.now_ms // 1000)
    print('{"end": %d, "free": %d, "held": %d, "at_s": %d}' % said)
    _exit(code)


def _opened(path):
    read_write, append = 2, 1025
    return _c.func("i", "open", "si")(path, read_write if path[-4:] == ".bin" else append)


def _map(path, size):
    read_and_write, shared = 3, 1
    mmap = _c.func("p", "mmap", "piiiii")
    return memoryview(uctypes.bytearray_at(mmap(0, size, read_and_write, shared, _opened(path), 0), size))


def _modules():
    """What a board has and this interpreter lacks."""
    board = Module()
    board.VfsLfs2, board.VfsRom, board.mount, board.umount = vfs.VfsLfs2, vfs.VfsRom, vfs.mount, vfs.umount
    board.rom_ioctl = _rom
    esp32, flashbdev = Module(), Module()
    esp32.NVS, esp32.Partition = Nvs, Partition
    flashbdev.bdev = Partition("vfs")
    Machine.WDT, Machine.reset, Machine.RTC.memory = Dog, lambda: _end(_RESET), _forgets
    found = {"vfs": board, "esp32": esp32, "flashbdev": flashbdev, "machine": Machine, "network": Network}
    for name in found:
        sys.modules[name] = found[name]
    sys.modules["time"] = Machine.hours


def _forgets(self, octets=None):
    return b""


def _rom(what, segment=0):
    """On a board the partition is a block device and its octets at once."""
    if what == 1:
        return 1
    at, size = _TABLE["romfs"]
    return Partition("romfs") if "firmware" in sys.modules else CHIP.octets[at : at + size]


def _start_up(own):
    """What MicroPython's ESP32 port does before /main.py: its C code, `_boot.py` and `inisetup.py`, in our words.

    `own`: with our `_boot.py`, as it is.
    """
    vfs.umount("/")
    try:
        vfs.mount(vfs.VfsRom(_rom(2)), "/rom")
    except OSError:
        pass
    sys.path[:] = ["", ".frozen", "/rom", "/rom/lib", "/lib"]
    device = Partition("vfs")
    if own:
        sys.path.insert(0, "/board/frozen")
        __import__("_boot")
        sys.path.pop(0)
        return
    try:
        vfs.mount(device, "/")
    except OSError:
        block = bytearray(_BLOCK)
        device.readblocks(0, block)
        if block != b"\xff" * _BLOCK:
            _end(_WAITS)  # it says so every three seconds, for ever
        vfs.VfsLfs2.mkfs(device)
        vfs.mount(vfs.VfsLfs2(device), "/")


def _provision(files):
    """Before the unit is a unit: octets of the host's files onto the file system."""
    for name in files:
        with open(name, "wb") as file:
            file.write(bytes(files[name], "utf-8") if isinstance(files[name], str) else bytes(files[name]))
    _end(_POWER)


def main(text):
    told = json.loads(text)
    _TABLE.update(told["table"])
    hours = Power(told.get("calendar_ms"))
    hours.until_ms, hours.answers_due = told["until_s"] * 1000, hours.due
    hours.patience_ms = told.get("patience_ms", 2000)
    Machine.hours, Machine.cause = hours, told.get("cause", Machine.PWRON_RESET)
    hours.reads = told.get("reads", [])
    Machine.slaves[2] = Pzem(lambda now_ms: 250 if now_ms < told.get("on_s", 0) * 1000 else 0)
    CHIP.octets = _map(told["chip"], told["size"])
    CHIP.worn = told.get("worn", CHIP.worn)
    if "log" in told:
        CHIP.log = _opened(told["log"])
    _modules()
    _start_up(told.get("own", False))
    if "files" in told:
        _provision(told["files"])
    try:
        with open("/main.py") as file:
            program = file.read()
        gc.collect()
        CHIP.held = gc.mem_alloc()
        exec(program, {"__name__": "__main__"})
    except Exception as why:  # the prompt
        sys.print_exception(why)
    _end(_WATCHDOG if Machine.watchdogs else _WAITS)
