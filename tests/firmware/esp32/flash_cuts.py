"""The power fails at every operation of a story, in every way: what does the next boot find? Runs under MicroPython.

Prints LINE <record> for what may have left, CUT <operation> <way> <last that may have left> and NEW <record> for what the
next boot says, so that others can judge the chain; asserts what only the unit knows.
"""

import gc

import vfs

from firmware.esp32.flash import JournalFlash
from tests.firmware.esp32 import flash_story
from tests.firmware.esp32.flash_device import Apart, Nor
from tests.firmware.esp32.flash_torn import BLOCK
from tests.firmware.esp32.flash_unit import CHECKPOINT_S, PAUSE_S, START_MS, Unit, config, quick_sign


class Cutter:
    """Plays the story once; at each operation of its share it plays what would come after a cut, on a copy."""

    def __init__(self, share: int, shares: int, every_way: bool):
        self.share, self.shares, self.every_way = share, shares, every_way
        device = Nor(flash_story.BLOCKS)
        vfs.VfsLfs2.mkfs(device)
        self.habits = config(alive_s=60)
        self.unit = Unit(device, Apart(), flash_story.LIMIT, self.habits, quick_sign)
        self.copy = bytearray(flash_story.BLOCKS * BLOCK)
        self.operations = self.cuts = self.told = self.open = 0

    def run(self):
        self.unit.device.meter = self.unit.apart.meter = self.meter
        flash_story.play(self.unit)
        print("OPERATIONS", self.operations, "CUTS", self.cuts, "OPEN", self.open)

    def meter(self, tears):
        self.operations += 1
        if self.operations % self.shares != self.share:
            return
        self.tell_left()
        for way, tear in enumerate(tears):
            if self.every_way or (self.operations // self.shares + way) % 2 == 0:
                self.cut(way, tear)

    def tell_left(self):
        while self.told < self.unit.left:
            self.told += 1
            print("LINE " + self.unit.lines[self.told])

    def cut(self, way: int, tear):
        self.cuts += 1
        self.copy[:] = self.unit.device.image
        octets = self.unit.apart.octets
        if tear is None:
            octets = self.unit.apart.coming
        else:
            tear(self.copy)
        device = Nor(flash_story.BLOCKS, self.copy)
        after = Unit(device, Apart(octets), flash_story.LIMIT, self.habits, quick_sign, "/c")
        after.now_s, after.boots = self.unit.now_s, self.unit.boots
        print("CUT", self.operations, way, self.unit.left)
        try:
            after.boot(off_s=30)
            self.judge(after)
            for line in after.files.lines(self.unit.left + 1, after.left):
                print("NEW " + line.decode())
            if self.cuts % 4 == 0:
                self.look_again(after)
        finally:
            vfs.umount("/c")
        gc.collect()

    def look_again(self, after):
        """What the boot after a cut said is there at the next one."""
        vfs.umount("/c")
        vfs.mount(vfs.VfsLfs2(after.device), "/c")
        again = JournalFlash("/c/journal", flash_story.LIMIT, after.apart)
        assert (again.memory.us, again.damaged) == (max(after.left, after.files.memory.us), False)

    def judge(self, after):
        """What only the unit knows: nothing that left or was not acknowledged is missing, and of a session one interval."""
        woken, files, story = after.files.memory, after.files, self.unit
        given = max(story.lines) if story.lines else 0
        assert story.left <= woken.us <= given, (story.left, woken.us, given)
        assert not files.damaged and files.lost == 0
        assert files.first <= self.acked() + 1, (files.first, self.acked())
        start = files.first if self.operations % 16 == 0 else max(files.first, woken.us - 3)
        kept = [line.decode() for line in files.lines(start, woken.us)]
        assert kept == [story.lines[us] for us in range(start, woken.us + 1)], (start, woken.us, len(kept))
        session = story.agent and story.agent._detector.session
        if session is not None and story.mono_ms() - session.begin_ms > (CHECKPOINT_S + 2 * PAUSE_S) * 1000:
            missing_ms = session.end_ms + story.boot_s * 1000 + START_MS - woken.session.end_ms
            assert missing_ms <= (CHECKPOINT_S + PAUSE_S + 5) * 1000, missing_ms
            self.open += 1

    def acked(self) -> int:
        """What the story's unit may have forgotten up to."""
        story = self.unit
        if story.agent is not None:
            return story.agent._delivery.acked
        return story.files.memory.acked if story.left else 0
