"""Mounting whatever is on the flash, and what stands apart from it. Runs under MicroPython; each function asserts."""

import os
import sys

import vfs

from firmware.esp32 import mount
from tests.firmware.esp32.flash_device import Nor
from tests.firmware.esp32.flash_torn import BLOCK

VALUES: dict = {}


class Nvs:
    """esp32.NVS as its documentation has it: VALUES outlive a boot, what was not committed does not."""

    def __init__(self, room):
        self.room, self.set = room, {}

    def set_blob(self, name, octets):
        assert len(name) <= 15 and len(octets) <= 4000
        self.set[(self.room, name)] = bytes(octets)

    def get_blob(self, name, buffer):
        if (self.room, name) not in VALUES:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        octets = VALUES[(self.room, name)]
        buffer[: len(octets)] = octets
        return len(octets)

    def erase_key(self, name):
        if VALUES.pop((self.room, name), None) is None:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")

    def commit(self):
        VALUES.update(self.set)


class Esp32:
    NVS = Nvs


class Broken(Nor):
    """Flash that no longer answers; `asked` counts how often it was."""

    asked = 0

    def readblocks(self, block, buffer, offset=0):
        self.asked += 1
        raise OSError(5)


def mounts():
    """Blank flash is made, a sound file system mounted, a broken one replaced; what was on the others is untouched."""
    device = Nor(16)
    assert mount.mount(device, "/m") == mount.MADE
    write("/m/a", b"x" * 9000)
    vfs.umount("/m")
    assert mount.mount(device, "/m") == mount.MOUNTED and os.stat("/m/a")[6] == 9000
    vfs.umount("/m")
    for block in (0, 1):
        device.image[block * BLOCK : block * BLOCK + BLOCK] = bytes(BLOCK)
    assert mount.mount(device, "/m") == mount.LOST and os.listdir("/m") == []
    vfs.umount("/m")
    print("mounted")


def hangs():
    """After three boots that the watchdog ended in here, the file system is not tried again; a power failure forgets them."""
    memory = [b""]

    def octets(new=None):
        if new is None:
            return memory[0]
        memory[0] = new

    device = Nor(16)
    mount.mount(device, "/m")
    write("/m/a", b"x")
    vfs.umount("/m")
    for count in range(mount.HUNG):
        tries = mount.Tries(octets)
        assert tries.count == count
        tries.begin()
    assert mount.mount(device, "/m", mount.Tries(octets).count) == mount.LOST
    mount.Tries(octets).succeed()
    assert mount.Tries(octets).count == 0
    mount.Tries(octets).begin()
    memory[0] = b"\xff\x00"  # as after a power failure
    assert mount.Tries(octets).count == 0
    vfs.umount("/m")
    print("tried no more")


def fails():
    """Flash that does not answer is an error, after a bounded number of attempts."""
    device = Broken(16)
    try:
        mount.mount(device, "/m")
    except OSError:
        print("gave up after a few" if 0 < device.asked < 100 else device.asked)


def mends():
    """A configuration that is gone comes back from NVS, a changed one goes there; a head stands apart for each key."""
    sys.modules["esp32"] = Esp32
    from firmware.esp32 import nvs

    device = Nor(16)
    mount.mount(device, "/m")
    names = ("unit.json", "key.bin")
    write("/m/unit.json", b"{}")
    assert nvs.mend("/m", names, nvs.Values()) == []
    nvs.copy("/m", names, nvs.Values())
    write("/m/unit.json", b'{"unit": "U1"}')
    write("/m/key.bin", bytes(32))
    nvs.copy("/m", names, nvs.Values())
    write("/m/unit.json", b"damaged")
    assert nvs.mend("/m", names, nvs.Values()) == [], "what is there is not judged here"
    assert nvs.Values().read("unit.json") == b'{"unit": "U1"}', "nor copied by itself"
    for name in names:
        os.remove("/m/" + name)
    assert nvs.mend("/m", names, nvs.Values()) == list(names)
    assert read("/m/unit.json") == b'{"unit": "U1"}' and read("/m/key.bin") == bytes(32)
    one, other = nvs.Apart(nvs.Values(), "30" * 91), nvs.Apart(nvs.Values(), "31" * 91)
    assert one.read() == b""
    one.write(b"head")
    assert (one.read(), other.read()) == (b"head", b"")
    Nvs.get_blob = unreadable
    assert one.read() is None
    print("mended")


def forgets(asked):
    """While a unit is made there is no copy of its entry, which our own start-up would put back."""
    sys.modules["esp32"] = Esp32
    from firmware.esp32 import nvs

    mount.mount(Nor(16), "/m")
    write("/m/main.py", b"run()")
    nvs.copy("/m", ("main.py",), nvs.Values())
    write("/m/main.py", b"ru#()")
    assert nvs.mend("/m", ("main.py",), nvs.Values(), True) == ["main.py"] and read("/m/main.py") == b"run()"
    exec(asked)
    os.remove("/m/main.py")
    assert nvs.mend("/m", ("main.py",), nvs.Values(), True) == []
    exec(asked)  # and again, where there is none
    print("forgotten")


def unreadable(self, name, buffer):
    raise OSError(-0x1101, "ESP_ERR_NVS_NOT_INITIALIZED")


def write(path, octets):
    with open(path, "wb") as file:
        file.write(octets)


def read(path):
    with open(path, "rb") as file:
        return file.read()
