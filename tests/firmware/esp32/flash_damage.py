"""Damage to a flash, and flash without room, on littlefs. Runs under MicroPython; each function asserts, and prints."""

import gc
import os

import vfs

from firmware.esp32 import mount
from tests.firmware.esp32.flash_device import Apart, Nor
from tests.firmware.esp32.flash_torn import BLOCK
from tests.firmware.esp32.flash_unit import Unit, config, quick_sign

LIMIT, BLOCKS = 16 * 1500, 40
HABITS = config(alive_s=60)


class Chance:
    """Numbers that look random; the same `seed`, the same numbers."""

    def __init__(self, seed: int):
        self.state = seed

    def below(self, most: int) -> int:
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % most


def lived(limit: int = LIMIT):
    """A unit with an hour behind it and a session open, without power."""
    device = Nor(BLOCKS)
    vfs.VfsLfs2.mkfs(device)
    unit = Unit(device, Apart(), limit, HABITS, quick_sign)
    unit.boot()
    unit.watch(250, 600)
    unit.watch(2, 600)
    unit.ack(unit.left - 3)
    unit.watch(2, 1200)
    unit.watch(250, 90)
    unit.fail()
    return unit


def damages(image, chance, flips: int):
    """(block, what breaks it) for every block that is used: wiped, never written, rubbish, single bits."""
    for block in range(BLOCKS):
        at = block * BLOCK
        if image[at : at + BLOCK] == b"\xff" * BLOCK:
            continue
        for octets in (b"\x00" * BLOCK, b"\xff" * BLOCK, bytes([chance.below(256) for _ in range(BLOCK)])):
            yield block, [(at, octets)]
        for _ in range(flips):
            place = at + chance.below(BLOCK if chance.below(2) else 600)
            yield block, [(place, bytes((image[place] ^ 1 << chance.below(8),)))]
    for _ in range(flips):
        places = [chance.below(len(image)) for _ in range(20)]
        yield None, [(place, bytes((chance.below(256),))) for place in places]


def survive(seed: int, flips: int):
    """Whatever breaks on the flash, the unit boots, says what it had to, and gives no number twice."""
    unit, chance = lived(), Chance(seed)
    counts = {}
    copy = bytearray(len(unit.device.image))
    for _, broken in damages(unit.device.image, chance, flips):
        copy[:] = unit.device.image
        for at, octets in broken:
            copy[at : at + len(octets)] = octets
        found = wake(unit, copy)
        counts[found] = counts.get(found, 0) + 1
        gc.collect()
    for found in sorted(counts):
        print(found, counts[found])


def wake(unit, image) -> str:
    device = Nor(BLOCKS, image)
    how = mount.mount(device, "/c")
    vfs.umount("/c")
    after = Unit(device, Apart(unit.apart.octets), LIMIT, HABITS, quick_sign, "/c")
    after.lines, after.left, after.now_s, after.boots = dict(unit.lines), unit.left, unit.now_s, 9
    try:
        after.boot(off_s=60)
        after.watch(2, 120)
        assert after.files.memory.us == unit.left and after.left > unit.left
        for line in after.files.lines(1, after.left):
            us = int(line.decode().split('"US":')[1].split(",")[0])
            assert line.decode() == after.lines[us], us
        after.watch(2, 120)
        told = [us for us in after.lines if us > unit.left and '"UR":"STORAGE"' in after.lines[us]]
        assert bool(told) == after.files.damaged, (told, after.files.damaged)
        assert how == mount.MOUNTED or told
    finally:
        vfs.umount("/c")
    return how + (" STORAGE" if told else "")


def fill(path: str):
    """Write until the file system has no room."""
    with open(path, "wb") as file:
        try:
            while True:
                file.write(b"x" * 512)
                file.flush()
        except OSError as error:
            assert error.errno == 28


def full():
    """With the file system full of other things, the last words go into the reserve; then nothing; then a GAP."""
    unit = lived(limit=1 << 20)
    unit.boot()
    fill("/f/other")
    unit.watch(250, 3600)
    assert (
        unit.files.full and "STORAGE" in unit.lines[unit.left] and "reserve" not in os.listdir("/f/journal")
    )
    said = unit.left
    unit.watch(2, 1200)
    assert unit.left == said and not unit.files.free()
    unit.fail()
    unit.boot()
    assert unit.left == said and unit.files.full
    os.remove("/f/other")
    unit.watch(2, 3000)
    assert not unit.files.full and unit.left > said
    for line in unit.files.lines(1, unit.left):
        us = int(line.decode().split('"US":')[1].split(",")[0])
        assert line.decode() == unit.lines[us]
    kinds = [unit.lines[us].split('"UK":"')[1].split('"')[0] for us in range(said - 1, unit.left + 1)]
    print(" ".join(kinds))


def starved():
    """Where even the reserve is gone, sync fails, nothing may leave, and what was said is kept when there is room again."""
    unit = lived(limit=1 << 20)
    unit.boot()
    os.remove("/f/journal/reserve")
    fill("/f/other")
    left, failed = unit.left, 0
    for _ in range(400):
        try:
            unit.watch(2, 10)
        except OSError as error:
            assert error.errno == 28 and unit.files.full and unit.files.unsynced > 0
            failed += 1
            break
    assert failed, "there was room after all"
    said = max(unit.lines)
    assert said > unit.left >= left
    os.remove("/f/other")
    unit.settle()
    assert unit.files.unsynced == 0
    kept = [line.decode() for line in unit.files.lines(1, said)]
    assert kept == [unit.lines[us] for us in range(1, said + 1)]
    print("kept", said)


def crowded():
    """Other things keep most of the flash for ever: what is acknowledged makes room, awake and after a boot."""
    unit = lived(limit=1 << 20)
    unit.boot()
    with open("/f/other", "wb") as file:
        for _ in range(20):
            file.write(b"x" * BLOCK)
    for _ in range(2):
        while not unit.files.full:
            unit.watch(250, 600)
        said = unit.left
        unit.ack(said)
        unit.watch(2, 120)
        assert not unit.files.full and unit.left > said, (said, unit.left)
    unit.fail()
    unit.limit = 16 * 512  # somebody allows it less
    unit.boot()
    assert not unit.files.full and unit.files.first > 1
    print("goes on", unit.left > said)
