"""A scripted board: its time, its pins and wires with a PZEM-004T, its network, its flash.

`Hours` is virtual time for a program on asyncio: where all tasks sleep, the clock moves on to the first that wakes. It
stands still while `answers_due()` says (not None) that somebody outside, who lives in real time, still has to answer;
who does not is waited for once, until it says something else. `Machine`
and `Network` are the modules `machine` and `network` as a program on an ESP32 finds them. `Flash` is of NOR kind,
outside the heap, under MicroPython's own littlefs. One file with few names: they share the unit's 96 KiB.
"""

import struct
import time
from asyncio import core

import ffi
import uctypes
import vfs
from micropython import const

_TURN = const(1 << 30)  # MicroPython's counters wrap there
_LEAD = const(
    1 << 24
)  # asyncio's own C code asks the real counter: ours is ahead of it, by half a turn at most
_MOST_LEAD = const(1 << 28)
_PATIENCE_MS = const(200)
_LOOK_MS = const(
    5000
)  # polling a TLS socket takes this interpreter a whole real millisecond, so not at every turn
_BLOCK = const(4096)
_ERASE_MS = const(60)  # of a block of 4096 bytes: 45 typically, 400 at most (W25Q32JV)
_READ_WRITE = const(3)
_PRIVATE_ANONYMOUS = const(0x22)
_BLANK = b"\xff" * 256


class Hours:
    """The scripted `time` of a board whose calendar showed `calendar_ms` at its start, None for one that was never set.

    `now_ms` are the milliseconds since then. `first_tick` is what its counter shows at first. `epoch` 1970 or 2000.
    """

    def __init__(self, calendar_ms, first_tick=0, epoch=2000):
        self.now_ms = 0
        self.answers_due = lambda: None
        self._looked_ms, self._in_vain = 0, None
        self.look_ms, self.patience_ms = _LOOK_MS, _PATIENCE_MS
        self._first_tick = first_tick
        self._epoch_s = 946684800 if epoch == 2000 else 0
        self._calendar_ms = self._epoch_s * 1000 if calendar_ms is None else calendar_ms
        self._core_ticks = (time.ticks_ms() + _LEAD) % _TURN
        self._wait = core._io_queue.wait_io_event
        core.ticks = self._ticks
        core._io_queue.wait_io_event = self._wait_io_event

    # --- as the module `time` ---

    def ticks_ms(self):
        return (self._first_tick + self.now_ms) % _TURN

    def ticks_diff(self, a, b):
        return time.ticks_diff(a, b)

    def time_ns(self):
        return (self._calendar_ms + self.now_ms - self._epoch_s * 1000) * 1000000

    def gmtime(self, at_s):
        """Of seconds since the board's own epoch."""
        return time.gmtime(at_s + self._epoch_s)

    # --- moved by the bench ---

    def at_ms(self):
        return self._calendar_ms + self.now_ms

    def set_calendar(self, at_ms):
        self._calendar_ms = at_ms - self.now_ms

    def burn(self, ms):
        """The processor computes for so long: time passes, and nobody else comes to run."""
        self.now_ms += ms
        self._core_ticks = (self._core_ticks + ms) % _TURN

    def _ticks(self):
        return self._core_ticks

    def _wait_io_event(self, dt):
        due = self.answers_due()
        waits = due is not None and due != self._in_vain
        if core._io_queue.map and (waits or self.now_ms - self._looked_ms >= self.look_ms):
            self._looked_ms = self.now_ms
            self._wait(self.patience_ms if dt and waits else 0)
            first = core._task_queue.peek()
            if first and time.ticks_diff(first.ph_key, self._core_ticks) <= 0:
                return
            if dt and waits:
                self._in_vain = due
        if dt > 0:
            self.burn(dt)
            if time.ticks_diff(self._core_ticks, time.ticks_ms()) > _MOST_LEAD:
                self._fall_back()
        elif dt < 0:
            raise RuntimeError("nothing will ever happen again")

    def _fall_back(self):
        back = time.ticks_diff(self._core_ticks, time.ticks_ms()) - _LEAD
        self._core_ticks = time.ticks_add(self._core_ticks, -back)
        tasks = []
        while core._task_queue.peek():
            task = core._task_queue.pop()
            tasks.append((task, time.ticks_add(task.ph_key, -back)))
        for task, key in tasks:
            core._task_queue.push(task, key)


class RealTime:
    """The machine's own time from the start of the program, and a calendar that was never set."""

    def __init__(self):
        self._start = time.ticks_ms()

    @property
    def now_ms(self):
        return time.ticks_diff(time.ticks_ms(), self._start)

    def ticks_ms(self):
        return time.ticks_ms()

    def ticks_diff(self, a, b):
        return time.ticks_diff(a, b)

    def time_ns(self):
        return self.now_ms * 1000000

    def gmtime(self, at_s):
        return time.gmtime(at_s)

    def set_calendar(self, at_ms):
        pass

    def burn(self, ms):
        pass


def crc16(data):
    """CRC-16/MODBUS, of the slave's own: the driver's must agree with it."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc


class Pzem:
    """A meter that answers after `takes_ms`; `watts(now_ms)` is what it measures, None where it has no mains."""

    def __init__(self, watts, takes_ms=30):
        self.watts, self.takes_ms = watts, takes_ms
        self.asked = 0
        self.spoils = None  # what a bad wire makes of an answer

    def hear(self, data, now_ms):
        """(when, what) it answers to a question; None for none."""
        watts = self.watts(now_ms)
        if watts is None or len(data) != 8:
            return None
        self.asked += 1
        current_ma = watts * 1000 // 220
        words = (
            2200,
            current_ma & 0xFFFF,
            current_ma >> 16,
            watts * 10 & 0xFFFF,
            watts * 10 >> 16,
            0,
            0,
            500,
            100,
            0,
        )
        body = b"\x01\x04\x14" + struct.pack(">10H", *words)
        answer = body + struct.pack("<H", crc16(body))
        return now_ms + self.takes_ms, answer if self.spoils is None else self.spoils(answer)


class Pin:
    """One pin; `Machine.pins` has them by number, and a test moves `level`."""

    IN, OUT, PULL_UP, IRQ_RISING, IRQ_FALLING = 0, 1, 2, 1, 2
    moves: dict = {}  # how often a program changed each

    def __init__(self, number, mode=None, pull=None, value=None):
        self.number, self._handler = number, None
        self.level = Machine.levels.get(number, 1 if pull else 0) if value is None else value
        Machine.pins[number] = self

    def value(self, level=None):
        if level is None:
            return self.level
        if level != self.level:
            self.moves[self.number] = self.moves.get(self.number, 0) + 1
        self.level = level

    def irq(self, handler, trigger):
        self._handler = handler

    def move(self, level):
        """Somebody outside does it."""
        self.level = level
        if self._handler is not None:
            self._handler(self)


class Uart:
    """A port with a slave at its other end, who answers in the board's own time."""

    def __init__(self, number, baudrate, tx, rx, rxbuf, timeout):
        self._slave = Machine.slaves.get(number)
        self._coming: list = []  # (when, what)
        Machine.uarts[number] = self

    def write(self, data):
        answer = self._slave.hear(data, Machine.hours.now_ms) if self._slave else None
        if answer is not None:
            self._coming.append(answer)

    def say(self, data):
        """The slave speaks without being asked."""
        self._coming.append((Machine.hours.now_ms, data))

    def read(self, size):
        if not self._coming or self._coming[0][0] > Machine.hours.now_ms:
            return None
        when, data = self._coming.pop(0)
        if len(data) > size:
            self._coming.insert(0, (when, data[size:]))
        return data[:size]


class Wdt:
    """A watchdog that never bites, and remembers the longest that it was not fed."""

    worst_ms = 0

    def __init__(self, timeout):
        Machine.watchdogs.append(self)
        self.timeout, self._fed_ms = timeout, Machine.hours.now_ms

    def feed(self):
        now_ms = Machine.hours.now_ms
        Wdt.worst_ms, self._fed_ms = max(Wdt.worst_ms, now_ms - self._fed_ms), now_ms


class Rtc:
    """The board's calendar."""

    def datetime(self, fields):
        from protocol.payload import _days

        year, month, day, _, hour, minute, second, us = fields
        at_s = ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
        Machine.hours.set_calendar(at_s * 1000 + us // 1000)


class Machine:
    """The module `machine`."""

    hours = None
    pins: dict = {}
    levels: dict = {33: 0}  # the case is closed
    slaves: dict = {}
    uarts: dict = {}
    watchdogs: list = []
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
    cause = PWRON_RESET
    Pin, UART, WDT, RTC = Pin, Uart, Wdt, Rtc

    @staticmethod
    def reset_cause():
        return Machine.cause


class Station:
    """A network that can be taken away."""

    up = True

    def __init__(self, kind):
        self._joined = False

    def active(self, on):
        pass

    def isconnected(self):
        return self._joined and Station.up

    def connect(self, ssid, password):
        self._joined = True

    def disconnect(self):
        self._joined = False

    def ifconfig(self):
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")


class Network:
    """The module `network`."""

    STA_IF = 0
    WLAN = Station


class World:
    """What firmware/esp32/start.py is handed."""

    machine, network = Machine, Network

    def __init__(self, hours, folder, tell):
        self.time = hours
        self.folder, self.tell = folder, tell
        self.journal = folder.rstrip("/") + "/journal"

    def apart(self, public_hex):
        return None

    def mend(self, names):
        pass

    def copy(self, names):
        pass

    def copied(self, name):
        return b""

    def begin(self, why):
        raise why

    def slots(self, running):
        return None


class Flash:
    """`blocks` erase blocks of 4096 bytes."""

    def __init__(self, blocks):
        mmap = ffi.open("libc.so.6").func("p", "mmap", "piiiii")
        self._blocks = blocks
        size = blocks * _BLOCK
        self._bytes = memoryview(
            uctypes.bytearray_at(mmap(0, size, _READ_WRITE, _PRIVATE_ANONYMOUS, -1, 0), size)
        )
        self.programmed = self.erased = 0
        for block in range(blocks):
            self._erase(block)

    def readblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        buffer[:] = self._bytes[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        self._bytes[start : start + len(buffer)] = buffer
        self.programmed += len(buffer)
        Machine.hours.burn(1)  # nothing else runs meanwhile

    def _erase(self, block):
        for at in range(block * _BLOCK, (block + 1) * _BLOCK, len(_BLANK)):
            self._bytes[at : at + len(_BLANK)] = _BLANK

    def ruin(self):
        """Every block is noise."""
        for at in range(0, len(self._bytes), 64):
            self._bytes[at] = at >> 6 & 0x7F

    def ioctl(self, operation, block):
        if operation == 4:
            return self._blocks
        if operation == 5:
            return _BLOCK
        if operation == 6:
            self._erase(block)
            self.erased += 1
            Machine.hours.burn(_ERASE_MS)
        return 0


def mounted(blocks, at):
    """A new littlefs of so many blocks at a folder."""
    flash = Flash(blocks)
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), at)
    return flash
