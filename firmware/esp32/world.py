"""The board itself, as start.py wants it: its modules, its mounted flash, and what stands apart from that.

The modules are asked for when it is made, not before: tests hand in others. This file does not know what a unit does.
"""

import os

_KEPT = (
    "unit.json",
    "key.bin",
)  # without these a unit could not go on: they have a copy outside the file system


class World:
    """A board with its file system mounted at /, which a damaged one is not allowed to prevent."""

    folder = "/"

    def __init__(self):
        import time

        import machine
        import network

        from firmware.esp32 import nvs

        self.machine, self.network, self.time = machine, network, time
        self._values = nvs.Values()
        self._mount()
        self.mend(_KEPT)

    def tell(self, text: str):
        """To the cable."""
        print(text)

    def apart(self, public_hex: str):
        """Where the head of a key's chain is kept besides, see flash.py."""
        from firmware.esp32 import nvs

        return nvs.Apart(self._values, public_hex)

    def slots(self, running: int):
        """The halves of the ROM partition; None where modules do not run from one."""
        import esp32
        import vfs

        from firmware.esp32 import slots

        if not hasattr(vfs, "rom_ioctl") or vfs.rom_ioctl(1) < 1:
            return None
        return slots.Slots(vfs.rom_ioctl(2, 0), esp32.NVS("wattwitness"), running)

    def mend(self, names):
        """Bring back those of these files that are gone, and copy those that are there. Without copies it goes on."""
        from firmware.esp32 import nvs

        try:
            for name in nvs.mend(self.folder, names, self._values):
                self.tell("%s was gone, and is there again" % name)
        except OSError as why:
            self.tell("no copies of files: %s" % why)

    def _mount(self):
        """A stock build has mounted its flash when we come to run; one into which we are frozen leaves that to us."""
        if os.statvfs("/")[0] == 0:
            import flashbdev

            from firmware.esp32 import mount

            tries = mount.Tries(self.machine.RTC().memory)
            tries.begin()
            self.tell("file system: " + mount.mount(flashbdev.bdev, "/", tries.count))
            tries.succeed()
