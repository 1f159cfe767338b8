"""Runs the unit's real program under real MicroPython as it runs on a board: its modules in place, a heap of 96 KiB.

The image that ships, and the scripted board's modules beside it, are mapped outside the heap and mounted as ROMFS.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from firmware.rpi import image
from tests.support.tools import CHECKOUT, tool

HEAP = "96k"
_FILES = """
import gc, sys
gc.threshold(4096)
sys.path[:] = [%r, ".frozen"]
"""
_MOUNT = """
import gc
gc.threshold(4096)
import ffi, os, sys, uctypes, vfs
_c, _path = ffi.open("libc.so.6"), %r
_size, _file = os.stat(_path)[6], _c.func("i", "open", "si")(_path, 0)
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(_c.func("p", "mmap", "piiiii")(0, _size, 1, 2, _file, 0), _size)), "/rom")
sys.path[:] = ["/rom", ".frozen"]
"""


def build(folder: Path) -> Path:
    """The image of what ships and of the scripted board, in `folder`."""
    path = folder / "unit.romfs"
    path.write_bytes(image.image(image.compiled([*image.shipped(), *_beside()])))
    return path


def _beside() -> list[str]:
    onboard = (CHECKOUT / "tests/firmware/esp32/onboard").glob("*.py")
    return [str(path.relative_to(CHECKOUT)) for path in sorted(onboard)]


def unpack(folder: Path) -> Path:
    """The same modules as files in `folder`, as a board's file system would hold them."""
    for name, code in image.compiled([*image.shipped(), *_beside()]).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(code)
    return folder


def start(place: Path, module: str, told: dict[str, Any], heap: str = HEAP) -> subprocess.Popen[str]:
    """`main` of a module of onboard/ with `told`, running; `place` is an image, or a folder of files."""
    find = _FILES if place.is_dir() else _MOUNT
    call = f"from tests.firmware.esp32.onboard import {module}\n{module}.main({json.dumps(told)!r})\n"
    command = [str(tool("micropython")), "-X", f"heapsize={heap}", "-c", find % str(place) + call]
    return subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(place: Path, module: str, told: dict[str, Any], heap: str = HEAP) -> list[dict[str, Any]]:
    """What it printed, one JSON object a line, when it has ended; AssertionError with all it said if that was badly."""
    process = start(place, module, told, heap)
    said, _ = process.communicate(timeout=7200)
    assert process.returncode == 0, said
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]
