"""A board on the bench with the program that ships on its flash, started by the real /main.py; its releases; its cuts.

The flash is one file of 4 MiB, laid out as firmware/rpi/partitions.py has it. See onboard/reset.py for the board's side.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from firmware.rpi import image, keyfile, partitions
from protocol import bundle, p256, seal
from protocol.record import Record
from tests.firmware.esp32.flash_torn import erase, program, torn_erases, torn_programs
from tests.firmware.esp32.gateway import Gateway, unit_json
from tests.support.tools import CHECKOUT, tool

HEAP_KIB = 112  # the scripted board and its names hold over 17 of it: less than 96 is left
HEAP = f"{HEAP_KIB}k"
SECRET = bytes(31) + b"\x09"  # of the release key
KEY = p256.spki(p256.public_key(SECRET)).hex()
UNIT_SECRET = bytes([7] * 32)
POWER, RESET, WATCHDOG, WAITS = 70, 71, 72, 73  # how a boot ended
TABLE = {name: [at, size] for name, _, _, at, size in partitions.TABLE}
ONBOARD = ("tests/firmware/esp32/onboard/board.py", "tests/firmware/esp32/onboard/reset.py")
FROZEN = ("firmware/esp32/micropython/_boot.py", "firmware/esp32/mount.py", "firmware/esp32/nvs.py")
_MOUNT = """
import gc
gc.threshold(4096)
import ffi, os, sys, uctypes, vfs
_c, _path = ffi.open("libc.so.6"), %r
_size, _file = os.stat(_path)[6], _c.func("i", "open", "si")(_path, 0)
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(_c.func("p", "mmap", "piiiii")(0, _size, 1, 2, _file, 0), _size)), "/board")
sys.path[:] = ["/board", ".frozen"]
from tests.firmware.esp32.onboard import reset
reset.main(%r)
"""
_OPERATION = struct.Struct("<BII")
ERASE, PROGRAM, NOTE = range(3)


class Ended(NamedTuple):
    """How a boot ended, after so many seconds; heap that was free then, and held by the scripted board; the cable."""

    end: int
    at_s: int
    free: int
    held: int
    said: str


class Operation(NamedTuple):
    """One erase or program of the flash, or a note in its NVS; `at` is an address of the chip."""

    kind: int
    at: int
    octets: bytes

    def do(self, chip: bytearray) -> None:
        if self.kind == ERASE:
            erase(chip, self.at, 4096)
        elif self.kind == PROGRAM:
            program(chip, self.at, self.octets)
        else:
            chip[self.at : self.at + len(self.octets)] = self.octets

    def torn(self, chip: bytearray) -> Iterator[bytearray]:
        """What a power cut in it could leave; a note is there or not."""
        ways: list[Callable[[bytearray], object]] = [lambda _: None, self.do]
        if self.kind != NOTE:
            ways = torn_erases(self.at) if self.kind == ERASE else torn_programs(self.at, self.octets)
        for each in ways:
            left = bytearray(chip)
            each(left)
            yield left

    def room(self) -> str:
        """The partition that it is in."""
        return next(name for name, (at, size) in TABLE.items() if at <= self.at < at + size)


class Bench:
    """`folder` keeps the flash and the board's own modules. `told`: a unit.json, by default that of a lamp's unit."""

    def __init__(self, folder: Path, running: bytes, port: int, told: dict[str, Any] | None = None) -> None:
        self.folder, self.chip = folder, folder / "chip.bin"
        self._board = folder / "board.romfs"
        frozen = {f"frozen/{Path(name).name}": code for name, code in image.compiled(FROZEN).items()}
        self._board.write_bytes(image.image(image.compiled(ONBOARD) | frozen))
        chip = bytearray(b"\xff" * partitions.FLASH_BYTES)
        at = TABLE["romfs"][0]
        chip[at : at + len(running)] = running
        self.chip.write_bytes(chip)
        settings = json.dumps(told or unit_json(port, release_key=KEY))
        main = (CHECKOUT / image.MAIN).read_text("utf-8")
        files = {"/main.py": main, "/unit.json": settings, "/key.bin": list(UNIT_SECRET)}
        assert self.boot(1, files=files, heap="1m").end == POWER

    def boot(self, until_s: int, heap: str = HEAP, **told: Any) -> Ended:
        """From reset until the power fails, or the program or its watchdog resets the board. `log`: of its operations."""
        told |= {"chip": str(self.chip), "size": partitions.FLASH_BYTES, "table": TABLE, "until_s": until_s}
        if "log" in told:
            Path(told["log"]).touch()
        call = _MOUNT % (str(self._board), json.dumps(told))
        command = [str(tool("micropython")), "-X", f"heapsize={heap}", "-c", call]
        ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300)
        ends = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith('{"end"')]
        assert len(ends) == 1 and ran.returncode == ends[0]["end"], ran.stdout + ran.stderr
        return Ended(**ends[0], said=ran.stdout)

    def operations(self, log: Path) -> list[Operation]:
        """What was done to the flash, in order."""
        raw, at, found = log.read_bytes(), 0, []
        while at < len(raw):
            kind, address, length = _OPERATION.unpack_from(raw, at)
            at += _OPERATION.size + length
            found.append(Operation(kind, address, raw[at - length : at]))
        return found

    def slot(self) -> int | None:
        """The number that says which half runs (firmware/esp32/slots.py)."""
        chip, (at, size) = self.chip.read_bytes(), TABLE["nvs"]
        found = chip.find(b"slot".ljust(16, b"\0"), at, at + size)
        return None if found < 0 else int.from_bytes(chip[found + 18 : found + 22], "little")

    def used(self, room: str) -> list[int]:
        """The blocks of a partition that hold anything, by their addresses."""
        chip, (at, size) = self.chip.read_bytes(), TABLE[room]
        return [each for each in range(at, at + size, 4096) if chip[each : each + 4096] != b"\xff" * 4096]

    def ruin(self, *blocks: int) -> None:
        """These blocks hold noise."""
        chip = bytearray(self.chip.read_bytes())
        for at in blocks:
            chip[at : at + 4096] = bytes(each * 167 + at // 4096 & 0xFF for each in range(4096))
        self.chip.write_bytes(chip)

    def half(self, number: int) -> bytes:
        """What stands in a half of the ROM partition."""
        at = TABLE["romfs"][0] + number * partitions.SLOT_BYTES
        return self.chip.read_bytes()[at : at + partitions.SLOT_BYTES]


def released(folder: Path, number: int, version: str) -> Path:
    """The bundle that `wattwitness-unit release` makes of this checkout, were it of that number and version."""
    source = folder / f"checkout{number}"
    for room in ("firmware", "hardware", "protocol"):
        shutil.copytree(CHECKOUT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "firmware/__init__.py").write_text(f'VERSION = "{version}"\nRELEASE = {number}\n')
    key, out = folder / "release.pem", folder / f"{number}.wwr"
    if not key.exists():
        keyfile.write(key, SECRET)
    command = [
        sys.executable,
        "-m",
        "firmware.rpi",
        "release",
        "--key",
        str(key),
        "--out",
        str(out),
        "--json",
    ]
    ran = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0 and json.loads(ran.stdout)["release"] == number, ran.stderr
    return out


def version(gateway: Gateway, record: Record) -> str:
    """What a record says that runs."""
    return str(json.loads(seal.split(gateway.lines[gateway.records.index(record)])[0])["GV"])


def body(made: bytes) -> bytes:
    """The image of a bundle."""
    return made[bundle.OFFER :]
