"""Mounts a unit's littlefs, whatever it looks like: once mounted, mended, or made anew, but never tried for ever.

The stock start-up waits for a person when the file system is damaged, and a unit on a lamp has none. This one is for a
firmware into which our modules are frozen (manifest.py): only then is there a program left that could go on. A file
system that cannot be mounted is formatted: what it held is lost, which the caller learns, and the journal tells
(STORAGE). This file does not know what is stored.
"""

import os

import vfs
from micropython import const

MOUNTED = "MOUNTED"
MADE = "MADE"  # the flash was blank
LOST = "LOST"  # what was there could not be mounted

HUNG = 3

_ATTEMPTS = const(3)
_BLOCK = const(4)
_SIZE = const(5)
_MOST_NAMES = const(1000)


class Tries:
    """How many boots in a row were ended by the watchdog before the file system was in use.

    `memory` reads and writes a few octets which a reset leaves and a power failure does not, as `machine.RTC().memory`
    does: a file system is never formatted because somebody plays with the mains.
    """

    def __init__(self, memory):
        self._memory = memory
        octets = memory()
        self.count = octets[1] if len(octets) == 2 and octets[:1] == b"M" else 0

    def begin(self):
        self._memory(bytes((77, min(self.count + 1, 255))))

    def succeed(self):
        self._memory(b"M\x00")


def mount(device, point: str, hung: int = 0) -> str:
    """Mount `device` (MicroPython's block device) at `point`: MOUNTED, MADE or LOST. OSError if it cannot even be formatted.

    `hung`: how many boots in a row never came back from here; from HUNG on, the file system is not tried again.
    """
    for _ in range(_ATTEMPTS if hung < HUNG else 0):
        if _is_mounted(device, point):
            return MOUNTED
    blank = is_blank(device)
    vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device), point)
    return MADE if blank else LOST


def _is_mounted(device, point: str) -> bool:
    try:
        vfs.mount(vfs.VfsLfs2(device), point)
    except OSError:
        return False
    try:
        for count, _ in enumerate(os.ilistdir(point)):
            if count == _MOST_NAMES:
                raise OSError
    except OSError:
        vfs.umount(point)
        return False
    return True


def is_blank(device) -> bool:
    """Whether nothing was ever written where a file system begins."""
    block = bytearray(device.ioctl(_SIZE, 0))
    for number in range(min(2, device.ioctl(_BLOCK, 0))):
        device.readblocks(number, block)
        if block != b"\xff" * len(block):
            return False
    return True
