"""NOR flash whose power can fail at every operation, and a place apart that can fail with it. Runs under MicroPython."""

BLOCK = 4096
_ONES = b"\xff" * 256


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


def program(image, at: int, octets):
    """Clear bits, as flash does; what was not erased before would show as damage."""
    length = len(octets)
    if length <= len(_ONES) and image[at : at + length] == memoryview(_ONES)[:length]:
        image[at : at + length] = octets
        return
    for offset, octet in enumerate(octets):
        image[at + offset] &= octet


def erase(image, at: int, length: int):
    for start in range(at, at + length, len(_ONES)):
        image[start : start + len(_ONES)] = _ONES


def torn_programs(at: int, octets: bytes) -> list:
    """Ways in which a program can be left: not begun, half, all but the last octet, weak bits, all of it."""
    half = len(octets) // 2
    weak = bytes([each | (0x5A if place % 7 == 3 else 0) for place, each in enumerate(octets)])
    return [
        lambda image: None,
        lambda image: program(image, at, octets[:half]),
        lambda image: program(image, at, octets[:-1]),
        lambda image: program(image, at, weak),
        lambda image: program(image, at, octets),
    ]


def torn_erases(at: int) -> list:
    """Ways in which an erase can be left: not begun, its first half, its second half, ones and zeros mixed, all of it."""
    half = BLOCK // 2

    def mixed(image):
        for place in range(at, at + BLOCK, 5):
            image[place] = place * 7 & 0xFF

    return [
        lambda image: None,
        lambda image: erase(image, at, half),
        lambda image: erase(image, at + half, half),
        mixed,
        lambda image: erase(image, at, BLOCK),
    ]


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
