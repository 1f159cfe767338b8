"""A unit without radio on flash in memory: the real agent and journal, time moved by hand. Runs under MicroPython."""

import hashlib

import vfs

from firmware.agent import events
from firmware.agent.agent import Agent
from firmware.agent.config import Config
from firmware.esp32.flash import JournalFlash
from protocol import seal
from protocol.p256 import N

START_MS = 1772409600000  # 2026-03-02T08:00:00+08:00
METER = {"maker": "bench", "model": "flash", "serial": "U1", "version": "1"}
PROFILE = {"on_mw": 40000, "off_mw": 25000}
CHECKPOINT_S, PAUSE_S = 50, 10


def quick_sign(message: bytes):
    """(r, s) of the right form that no key has made: for runs in which only the chain is judged."""
    r = int.from_bytes(hashlib.sha256(message).digest(), "big") >> 1
    return r, (r * 3 + 1) % (N // 2) + 1


def config(**habits):
    fields = {"unit": "U1", "version": "0.1.0", "meter": METER, "profile": PROFILE}
    fields["checkpoint_s"] = CHECKPOINT_S
    fields.update(habits)
    return Config(fields)


class Unit:
    """Boots from `device` (mounted at `point`) and `apart`. `now_s` is the world's time.

    `lines`: what it said, by number, unless it does not remember; `left`: the last one that may have left.
    """

    def __init__(self, device, apart, limit: int, settings, sign, point: str = "/f"):
        self.device, self.apart, self.limit, self.settings, self.sign = device, apart, limit, settings, sign
        self.point = point
        self.now_s = self.boots = self.left = self.boot_s = 0
        self.lines = {}
        self.remembers = True
        self.agent = None

    def boot(self, off_s: int = 0):
        """Power on, `off_s` seconds after it failed."""
        self.now_s += off_s
        self.boot_s, self.boots, self.agent = self.now_s, self.boots + 1, None
        vfs.mount(vfs.VfsLfs2(self.device), self.point)
        self.files = JournalFlash(self.point + "/journal", self.limit, self.apart)
        woken = self.files.memory
        assert woken.us >= self.left, (woken.us, self.left)
        self.lines = {
            us: self.lines[us] for us in self.lines if us <= woken.us
        }  # what never left may be said anew
        self.agent = Agent(self.settings, self.files.memory)
        boot = "%016x" % (self.boots * 1000003 + self.now_s)
        at_ms = START_MS + self.now_s * 1000
        self.feed(events.Booted(0, boot, "POWER_ON", at_ms, True, not self.files.full))
        self.settle()

    def fail(self):
        """The power fails between two operations."""
        vfs.umount(self.point)

    def watch(self, watts: int, seconds: int, every_s: int = PAUSE_S):
        """A reading every `every_s` seconds, made durable in its turn."""
        for _ in range(0, seconds, every_s):
            self.feed(events.Reading(self.mono_ms(), watts * 1000))
            self.settle()
            self.now_s += every_s

    def tag(self, digit: str):
        self.feed(events.Tagged(self.mono_ms(), digit * 64))
        self.settle()

    def time(self, off_ms: int, checkpoint):
        self.feed(events.Time(self.mono_ms(), START_MS + self.now_s * 1000 + off_ms, True, checkpoint))
        self.settle()

    def ack(self, us: int):
        own = self.files.digest(us)
        self.feed(events.AckHeard(self.mono_ms(), us, own, own))
        self.settle()

    def mono_ms(self) -> int:
        return (self.now_s - self.boot_s) * 1000

    def feed(self, event):
        for action in self.agent.feed(event):
            if type(action) is events.Emit:
                line = seal.seal(action.payload, self.sign)
                self.lines[action.us] = line
                self.files.keep(action.us, action.memory, line)
            elif type(action) is events.Checkpoint:
                self.files.checkpoint(action.memory)
            elif type(action) is events.Acked:
                self.files.acknowledge(action.us)

    def settle(self):
        """As a unit's loop: durable first, then it may leave."""
        was_full = self.files.full
        self.files.sync()
        if self.files.full and not was_full:
            self.feed(events.StorageFull(self.mono_ms()))
            self.files.sync()
        elif was_full and self.files.free():
            self.feed(events.StorageFreed(self.mono_ms()))
            self.files.sync()
        if self.lines:
            self.left = max(self.lines)
            self.feed(events.Kept(self.mono_ms(), self.left))
        if not self.remembers:
            self.lines = {}
