"""What stands apart from the file system: a few values in the board's non-volatile storage (ESP-IDF, NVS library).

NVS has its own partition, levels its own wear, and has the old value or the new one when the power has failed. It holds
the head of the unit's chain, and copies of the few files without which the unit could not go on.
"""

import binascii
import hashlib

import esp32

_ROOM = "wattwitness"
_NOT_FOUND = 0x1102  # ESP_ERR_NVS_NOT_FOUND
_MOST = 3900  # octets of a value: a page of NVS has room for 4000


class Values:
    """Octets by name."""

    def __init__(self):
        self._nvs = esp32.NVS(_ROOM)

    def read(self, name: str):
        """What was written last, b"" where nothing ever was, None where it cannot be read."""
        raw = bytearray(_MOST)
        try:
            return bytes(memoryview(raw)[: self._nvs.get_blob(_short(name), raw)])
        except OSError as error:
            return b"" if error.errno in (_NOT_FOUND, -_NOT_FOUND) else None

    def write(self, name: str, raw: bytes):
        """Durable on return; OSError when NVS fails."""
        self._nvs.set_blob(_short(name), raw)
        self._nvs.commit()


class Apart:
    """The head of one key's chain, as JournalFlash wants it kept; `public_hex` is that key.

    Each key has its own, so that a board that gets a new key does not go on with the old one's numbers.
    """

    def __init__(self, values, public_hex: str):
        self._values, self._name = values, "head " + public_hex

    def read(self):
        return self._values.read(self._name)

    def write(self, raw: bytes):
        self._values.write(self._name, raw)


def mend(folder: str, names, values, exactly: bool = False) -> list:
    """Write those of these files that are missing or empty, `exactly`: or another than their copy in `values`.

    Returns their names; what has no copy stays as it is.
    """
    mended = []
    for name in names:
        raw, copy = _read(folder, name), values.read(name)
        if copy and (not raw or (exactly and raw != copy)):
            with open(folder.rstrip("/") + "/" + name, "wb") as file:
                file.write(copy)
            mended.append(name)
    return mended


def copy(folder: str, names, values):
    """Copy these files to `values`, but for what is there already, and what is longer than a value."""
    for name in names:
        raw = _read(folder, name)
        if 0 < len(raw) <= _MOST and raw != values.read(name):
            values.write(name, raw)


def _read(folder: str, name: str) -> bytes:
    try:
        with open(folder.rstrip("/") + "/" + name, "rb") as file:
            return file.read(_MOST + 1)
    except OSError:
        return b""


def _short(name: str) -> str:
    """A name of NVS has at most 15 characters."""
    return str(binascii.hexlify(hashlib.sha256(name.encode()).digest()[:7]), "ascii")
