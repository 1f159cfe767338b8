"""The partition table of a 4 MB ESP32 on which the program runs in place, and the esptool lines that write it.

Source: ESP-IDF Programming Guide, "Partition Tables": entries of 32 octets, an MD5 of them, at 0x8000. MicroPython stays
where its stock build is. Behind it, found by their names: `romfs`, from which the program runs; `vfs`, which MicroPython
mounts before anything of ours runs, and which is not written any more once the unit is provisioned; `journal`.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

TABLE_AT, FIRMWARE_AT = 0x8000, 0x1000
FLASH_BYTES = 4 << 20
_APP, _DATA = 0, 1

# name, type, subtype, offset, size
TABLE = (
    ("nvs", _DATA, 0x02, 0x9000, 0x6000),
    ("phy_init", _DATA, 0x01, 0xF000, 0x1000),
    ("factory", _APP, 0x00, 0x10000, 0x1F0000),
    ("romfs", _DATA, 0x8F, 0x200000, 0x40000),
    ("vfs", _DATA, 0x81, 0x240000, 0x60000),
    ("journal", _DATA, 0x83, 0x2A0000, 0x160000),
)
SLOT_BYTES = 0x20000  # `romfs` has two halves: one runs, the other takes what comes over the air


def table() -> bytes:
    """The table as it is written to the flash."""
    entries = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, at, size, name.encode(), 0)
        for name, kind, subtype, at, size in TABLE
    )
    closing = b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()
    return (entries + closing).ljust(0xC00, b"\xff")


def esptool_lines(port: str, firmware: str, table_file: str) -> list[list[str]]:
    """The arguments of esptool, one line a step: erase all (also an old key), write MicroPython and the table."""
    esptool = ["--chip", "esp32", "--port", port]
    written = [f"{FIRMWARE_AT:#x}", firmware, f"{TABLE_AT:#x}", table_file]
    return [[*esptool, "erase_flash"], [*esptool, "--baud", "460800", "write_flash", *written]]


def write_table(path: Path) -> None:
    """The table as a file, for esptool."""
    path.write_bytes(table())
