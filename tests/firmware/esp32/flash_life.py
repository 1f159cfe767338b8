"""Days of a unit whose power fails at any operation, again and again, on the same flash. Runs under MicroPython.

Prints LINE <record> for all that may have left, ON <from> <until> for when the lamp was on and the unit alive (seconds),
and how often it was cut.
"""

import vfs

from protocol import p256
from tests.firmware.esp32.flash_device import Apart, Nor, PowerCut
from tests.firmware.esp32.flash_unit import Unit, config

SECRET = bytes(range(1, 33))
LIMIT, BLOCKS = 16 * 2048, 40


class Fate:
    """Decides when the power fails, and how what it interrupts is left. The same `seed`, the same life."""

    def __init__(self, seed: int, device, apart):
        self.state, self.device, self.apart = seed, device, apart
        self.cuts = 0
        device.meter = apart.meter = self.meter
        self.left = self.below(300)

    def below(self, most: int) -> int:
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % most

    def meter(self, tears):
        self.left -= 1
        if self.left > 0:
            return
        tear = tears[self.below(len(tears))]
        if tear is None:
            self.apart.octets = self.apart.coming
        else:
            tear(self.device.image)
        self.cuts += 1
        self.left = 1 + self.below(600)
        raise PowerCut()


def live(days: int, seed: int):
    """Half an hour on, half an hour off from eight to eight; acknowledged now and then."""
    device, apart = Nor(BLOCKS), Apart()
    vfs.VfsLfs2.mkfs(device)
    fate = Fate(seed, device, apart)
    unit = Unit(device, apart, LIMIT, config(), lambda message: p256.sign(SECRET, message))
    start(unit, fate)
    while unit.now_s < days * 86400:
        on = unit.now_s % 86400 < 43200 and unit.now_s % 3600 < 1800
        try:
            unit.watch(250 if on else 2, 600)
            unit.ack(unit.left - unit.left % 7)
        except PowerCut:
            unit.fail()
            start(unit, fate)
    for us in range(1, unit.left + 1):
        print("LINE " + unit.lines[us])
    print("CUTS", fate.cuts, "FIRST", unit.files.first, "SAID", unit.left)


def start(unit, fate):
    while True:
        try:
            unit.boot(off_s=20 + fate.below(300))
            return
        except PowerCut:
            unit.fail()
