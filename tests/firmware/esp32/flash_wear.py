"""Clinic days on flash, and what they cost: operations, octets, heap. Runs under MicroPython; prints one JSON line."""

import gc
import json

import vfs

from tests.firmware.esp32.flash_device import Apart, Nor, outside
from tests.firmware.esp32.flash_torn import BLOCK
from tests.firmware.esp32.flash_unit import Unit, config, quick_sign

DAY_S, OPEN_S = 86400, 43200
EVERY_S = 50  # between two readings; checkpoints fall due as often, so nothing is written less than with one a second


def days(
    name: str, count: int, blocks: int, limit: int, sessions: int = 0, tags: bool = False, acked: bool = True
):
    """Live `count` days, powered day and night, with `sessions` of 20 minutes in the 12 opening hours of each."""
    device = Nor(blocks, outside(blocks * BLOCK))
    vfs.VfsLfs2.mkfs(device)
    unit = Unit(device, Apart(), limit, config(), quick_sign)
    unit.remembers = False
    unit.boot()
    device.erases = device.programs = device.written = 0
    most = Most(unit)
    for _ in range(count):
        day(unit, sessions, tags, acked)
    gc.collect()
    before = gc.mem_free()
    unit.files = None
    gc.collect()
    held = gc.mem_free() - before
    unit.fail()
    unit.boot()
    files = unit.files
    told = {"name": name, "days": count, "records": unit.left, "first": files.first, "full": files.full}
    told.update({"erases": device.erases, "programs": device.programs, "written": device.written})
    told.update(
        {"worn_most": max(device.worn), "blocks": blocks, "apart": unit.apart.writes, "heap_held": held}
    )
    told.update({"most_erases": most.erases, "most_programs": most.programs, "octets": octets(unit)})
    told["lines"] = 0
    for _ in files.lines(files.first, 0 if acked else unit.left):
        told["lines"] += 1
    print(json.dumps(told))


class Most:
    """The most operations that one sync took."""

    def __init__(self, unit):
        self.unit, self.erases, self.programs = unit, 0, 0
        self._settle = unit.settle
        unit.settle = self.settle

    def settle(self):
        device = self.unit.device
        erases, programs = device.erases, device.programs
        self._settle()
        self.erases = max(self.erases, device.erases - erases)
        self.programs = max(self.programs, device.programs - programs)


def day(unit, sessions: int, tags: bool, acked: bool):
    each_s = OPEN_S // sessions if sessions else 0
    begun_s = unit.now_s
    for number in range(sessions):
        hear(unit, acked)
        unit.watch(250, 300, EVERY_S)
        if tags:
            unit.tag("%x" % (number % 16))
        unit.watch(250, 900, EVERY_S)
        unit.watch(2, each_s - 1200, EVERY_S)
    while unit.now_s < begun_s + DAY_S:
        hear(unit, acked)
        unit.watch(2, 600, EVERY_S)


def hear(unit, acked: bool):
    """The gateway's time with a district's checkpoint that is new each time, and its acknowledgement."""
    unit.time(0, f"{unit.now_s}:{unit.now_s * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF:016x}")
    if acked:
        unit.ack(unit.left)


def octets(unit) -> int:
    """Octets of all segments."""
    import os

    folder = unit.point + "/journal/log"
    return sum([os.stat(folder + "/" + name)[6] for name in os.listdir(folder)])
