"""NOR flash whose power can fail at every operation, and a place apart that can fail with it. Runs under MicroPython."""

from tests.firmware.esp32.flash_torn import BLOCK, erase, program, torn_erases, torn_programs


class PowerCut(Exception):
    """The power failed in the middle of an operation."""


class Nor:
    """Flash in memory: an erase sets a block's bits, a program only clears some.

    `meter` is told of each operation before it is done: `meter(tears)`, where `tears` are functions of an image
    (bytearray) that leave in it what a power cut in this operation could leave. `erases`, `programs` and `written` count.
    """

    def __init__(self, blocks: int, image=None):
        self.blocks = blocks
        self.image = bytearray(b"\xff" * (blocks * BLOCK)) if image is None else image
        self.meter = None
        self.erases = self.programs = self.written = 0
        self.worn = [0] * blocks

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = memoryview(self.image)[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        if offset is None:
            self.ioctl(6, block)
            offset = 0
        at = block * BLOCK + offset
        if self.meter is not None:
            self.meter(torn_programs(at, bytes(buffer)))
        self.programs += 1
        self.written += len(buffer)
        program(self.image, at, buffer)

    def ioctl(self, what, block):
        if what == 4:
            return self.blocks
        if what == 5:
            return BLOCK
        if what == 6:
            if self.meter is not None:
                self.meter(torn_erases(block * BLOCK))
            self.erases += 1
            self.worn[block] += 1
            erase(self.image, block * BLOCK, BLOCK)
        return 0


class Apart:
    """What stands outside the file system: the old octets or the new ones, whenever the power fails."""

    def __init__(self, octets: bytes = b"", meter=None):
        self.octets = self.coming = octets
        self.meter = meter
        self.writes = 0

    def read(self) -> bytes:
        return self.octets

    def write(self, octets: bytes):
        self.coming = octets
        if self.meter is not None:
            self.meter([lambda image: None, None])  # None: the power fails right after
        self.writes += 1
        self.octets = octets


def outside(size: int):
    """`size` octets outside MicroPython's heap, so that the heap holds only what a unit's would."""
    import ffi
    import uctypes

    mmap = ffi.open("libc.so.6").func("p", "mmap", "piiiii")
    read_and_write, private_and_anonymous = 3, 0x22
    image = uctypes.bytearray_at(mmap(0, size, read_and_write, private_and_anonymous, -1, 0), size)
    erase(image, 0, size)
    return image
