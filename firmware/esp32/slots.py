"""The two halves of the ROM partition, and the note in NVS which of them runs.

The note, `slot`, is one number, so that a power cut leaves the old one or the new one: in bit 0 the half that is settled,
in bits 1 and 2 for how many boots the other half is still to be tried, above that the highest release that ever was on
trial. /main.py counts the boots down, each before it runs. This file does not know what a release is, nor who is healthy.
"""

from micropython import const

TRIES = const(3)
_BLOCK = const(4096)
_BLOCKS = const(4)  # what a block device is asked
_ERASE = const(6)


class Slots:
    """`device` is the partition, `kept` an esp32.NVS, `running` the half whose program runs."""

    def __init__(self, device, kept, running: int):
        self._device, self._kept, self._running = device, kept, running
        self._blocks = device.ioctl(_BLOCKS, 0) // 2
        self.size = self._blocks * _BLOCK
        self._first = 0 if running else self._blocks

    def is_settled(self) -> bool:
        """Whether the half that runs is the one to stay with: only then may the other be written."""
        return self._slot() & 1 == self._running

    def tried(self) -> int:
        """The highest release that ever was on trial; 0 for none."""
        return self._slot() >> 3

    def settle(self):
        """The half that runs is the one to stay with, and the other is not to be tried. Durable on return."""
        self._note(self.tried(), 0)

    def write(self, at: int, octets: bytes):
        """Put octets of the image into the other half, in order: the first of a block erases it."""
        block, offset = self._first + at // _BLOCK, at % _BLOCK
        if offset == 0:
            self._device.ioctl(_ERASE, block)
        self._device.writeblocks(block, octets, offset)

    def read(self, at: int, into):
        """Octets of the other half, within one block."""
        self._device.readblocks(self._first + at // _BLOCK, into, at % _BLOCK)

    def put_on_trial(self, release: int):
        """From the next boot on the other half runs, for TRIES boots at most. Durable on return."""
        self._note(release, TRIES)

    def _note(self, release: int, tries: int):
        slot = release << 3 | tries << 1 | self._running
        if slot != self._slot():
            self._kept.set_i32("slot", slot)
            self._kept.commit()

    def _slot(self) -> int:
        try:
            return self._kept.get_i32("slot")
        except OSError:  # never noted
            return 0
