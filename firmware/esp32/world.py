"""The board itself, as start.py wants it: its modules, its mounted flash, and what stands apart from that.

The journal has a partition of its own. A stock start-up mounts the other one, `vfs`, before we come to run, and waits for
a person where it cannot: so once a unit is provisioned nothing is ever written there, and no power cut can break it.

The modules are asked for when it is made, not before: tests hand in others. This file does not know what a unit does.
"""

import os

_KEPT = (
    "unit.json",
    "key.bin",
    "main.py",
)  # without these a unit could not go on: they have a copy outside the file system
_RECORDS = "/records"  # where the partition `journal` is mounted


class World:
    """A board with its file systems mounted, which damaged ones are not allowed to prevent.

    `folder` has the settings and the key; `journal` is where the journal goes.
    """

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
        """Bring back those of these files that are gone. Without copies it goes on."""
        from firmware.esp32 import nvs

        try:
            for name in nvs.mend(self.folder, names, self._values):
                self.tell("%s was gone, and is there again" % name)
        except OSError as why:
            self.tell("no copies of files: %s" % why)

    def copy(self, names):
        """What the unit starts with is good: copy these files, and those without which it could not go on."""
        from firmware.esp32 import nvs

        try:
            nvs.copy(self.folder, _KEPT + tuple(names), self._values)
        except OSError as why:
            self.tell("no copies of files: %s" % why)

    def copied(self, name: str) -> bytes:
        """The copy of a file that was good; b"" where there is none."""
        return self._values.read(name) or b""

    def begin(self, why):
        """Begin the journal's file system anew: it mounts, and cannot be used. OSError where that is no partition's own."""
        if not self.journal.startswith(_RECORDS):
            raise why
        import vfs

        from firmware.esp32 import mount

        self.tell("journal: begun anew after %s" % why)
        vfs.umount(_RECORDS)
        mount.mount(self._find_journal()[0], _RECORDS, mount.HUNG)

    def _mount(self):
        """A stock build has mounted `vfs` when we come to run; where nobody has, we do."""
        from firmware.esp32 import mount

        tries = mount.Tries(self.machine.RTC().memory)
        tries.begin()
        if os.statvfs("/")[0] == 0:
            import flashbdev

            self.tell("file system: " + mount.mount(flashbdev.bdev, "/", tries.count))
        self.journal = self._mount_records(mount.mount, tries.count) + "/journal"
        tries.succeed()

    def _mount_records(self, mount, hung: int) -> str:
        """The folder for the journal: in its own partition, or beside the settings where that is not there or broken."""
        try:
            found = self._find_journal()
            if found:
                self.tell("journal: " + mount(found[0], _RECORDS, hung))
                return _RECORDS
        except OSError as why:
            self.tell("journal: its partition cannot be used: %s" % why)
        return ""

    def _find_journal(self):
        import esp32

        return esp32.Partition.find(esp32.Partition.TYPE_DATA, label="journal")
