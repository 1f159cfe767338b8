"""A board whose file system is destroyed between two boots. Prints JSON: what it said, and whether its files came back."""

import json
import os
import sys

import vfs

from firmware.esp32.start import read_told
from tests.firmware.esp32.onboard.board import Flash, Hours, Machine, Network


class Module:
    """Stands for one that only an ESP32 has."""


class Nvs:
    """esp32.NVS: a value is there when it was committed."""

    values: dict = {}

    def __init__(self, room):
        self._written: dict = {}

    def set_blob(self, name, raw):
        self._written[name] = bytes(raw)

    def get_blob(self, name, raw):
        if name not in self.values:
            raise OSError(-0x1102)
        raw[: len(self.values[name])] = self.values[name]
        return len(self.values[name])

    def commit(self):
        self.values.update(self._written)


class Partition:
    """esp32.Partition of a board whose table is not ours."""

    TYPE_DATA = 1

    @staticmethod
    def find(kind, label):
        return []


class Memory:
    """machine.RTC, as far as its few octets that outlive a reset."""

    kept = b""

    def memory(self, octets=None):
        if octets is None:
            return Memory.kept
        Memory.kept = bytes(octets)


def boot(said):
    from firmware.esp32.world import World

    World.tell = lambda _, text: said.append(text)
    return World()


def main(text):
    told, said = json.loads(text), []
    Machine.hours, Machine.RTC = Hours(None), Memory
    flash = Flash(100)
    vfs.umount("/")
    for name in ("esp32", "flashbdev"):
        sys.modules[name] = Module()
    sys.modules["machine"], sys.modules["network"] = Machine, Network
    sys.modules["esp32"].NVS, sys.modules["flashbdev"].bdev = Nvs, flash
    sys.modules["esp32"].Partition = Partition
    boot(said)
    with open("/unit.json", "w") as file:
        file.write(told["unit_json"])
    with open("/key.bin", "wb") as file:
        file.write(bytes([7] * 32))
    vfs.umount("/")
    before = read_told(boot(said))[1:]
    vfs.umount("/")
    flash.ruin()
    after = read_told(boot(said))[1:]
    print(json.dumps({"said": said, "same": before == after, "files": sorted(os.listdir("/"))}))
