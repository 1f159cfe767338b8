"""`wattwitness-unit read-flash`: a unit's journal by cable, for an inspector who trusts no gateway.

Only reads: it does not open the journal as the unit does, so nothing in it changes. What was read is judged by whoever
takes it in: every record carries its unit's seal.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

import click

from firmware.agent.journal import Recovery
from firmware.rpi.cable import board_at
from firmware.rpi.errors import SurroundingsError, UsageError
from firmware.rpi.steps import step

_HALF = """\
try:
    import esp32
    import vfs
    slot = esp32.NVS('wattwitness').get_i32('slot') & 1
    rom = memoryview(vfs.rom_ioctl(2, 0))
    half = vfs.VfsRom(rom[slot * (len(rom) // 2):])
    vfs.umount('/rom')
    vfs.mount(half, '/rom')
except (ImportError, OSError, ValueError):
    pass
"""  # a stock start-up mounts the first; what came over the air may have its program in the other (esp32/slots.py)
_RECORDS = """\
import os
try:
    import esp32
    import vfs
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label='journal')
except (ImportError, AttributeError):
    found = []
for part in found:
    try:
        vfs.mount(vfs.VfsLfs2(part), '/records', readonly=True)
    except OSError:
        pass
    try:
        os.listdir('/records')
    except OSError:
        from firmware.esp32 import mount
        if not mount.is_blank(part):
            print('/records', -1)
"""  # where the unit's program mounted it before it was interrupted, it stays as it is
_SEGMENTS = """\
from firmware.esp32.segments import Segments
for room in ('/records', ''):
    try:
        there = sorted(os.listdir(room or '/'))
    except OSError:
        continue
    for name in there:
        if name == 'journal' or name[:8] == 'journal-' and '.' not in name:
            name = room + '/' + name
            try:
                for at in range(len(Segments(name).firsts)):
                    print(name, at)
            except OSError:
                print(name, -1)
"""
_LINES = """\
from firmware.agent import pages
from firmware.esp32.segments import Segments
lost = [0]
def entries(kept, at):
    for tag, body in kept.read(at):
        if tag is None:
            lost[0] += body
        yield tag, body
for each in pages.read(entries(Segments('%s'), %d)):
    print(each.line)
print('!', lost[0])
"""
_PATIENCE_S = 60


@click.command("read-flash")
@click.option("--port", help="板子的串口，如 /dev/ttyUSB0 · the board's serial port")
@click.option(
    "--journal",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="树莓派单元的日志目录 · the journal of a unit that is a Pi",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="新文件，每行一条 · new file, a record a line",
)
def read_flash(port: str | None, journal: Path | None, out: Path) -> None:
    """读出单元里的全部记录，用线缆或从存储卡 · every record in a unit, by its cable or from its card.

    \b
    用线缆时单元不计量，读完重新启动，链里会多一条 BOOT · by cable it does not measure meanwhile; its chain will show a BOOT
    退出码 1：有的读不出 · exit code 1: some of it could not be read
    例 · example: wattwitness-unit read-flash --port /dev/ttyUSB0 --out U1.records
    然后 · then: wattwitness take-in --read-from-unit U1.records
    """
    if (port is None) == (journal is None):
        raise UsageError("请给出 --port 或 --journal 之一", "name either --port or --journal")
    try:
        lines, lost = _read(port, journal, out)
    except OSError as error:
        raise SurroundingsError(
            f"{out} 没有写成（{error}）：请检查磁盘，或换一个 --out",
            f"{out} was not made ({error}): check the disk, or choose another --out",
        ) from error
    except ValueError as error:
        raise SurroundingsError(
            f"板子的应答不合约定（{error}）：上面的程序可能被换过，请记下来",
            f"the board answers otherwise than agreed ({error}): its program may have been exchanged, note that",
        ) from error
    step(
        f"读出 {lines} 条记录到 {out}，不可读 {lost} 字节",
        f"{lines} records; {lost} octets could not be read",
    )
    if lost:
        sys.exit(1)


def _read(port: str | None, journal: Path | None, out: Path) -> tuple[int, int]:
    """(records, octets that could not be read). Until all is read it has another name: what was cut short must not look whole."""
    if out.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    part = out.with_name(f"{out.name}.part")
    with part.open("wb") as file:
        found = _by_cable(port, file) if port is not None else _from_card(journal or Path(), file)
    part.rename(out)
    return found


def _by_cable(port: str, out: BinaryIO) -> tuple[int, int]:
    """(records, octets that could not be read), each record written as it comes."""
    with board_at(port) as board:
        segments = [line.split() for line in board.ask(_HALF + _RECORDS + _SEGMENTS).splitlines()]
        records = lost = 0
        for done, (name, at) in enumerate(segments, start=1):
            if int(at) < 0:  # the folder cannot be opened
                lost += 1
                continue
            *lines, told = board.ask(_LINES % (name, int(at)), _PATIENCE_S).splitlines()
            out.write(b"".join(line.encode() + b"\n" for line in lines))
            records, lost = records + len(lines), lost + int(told[1:])
            step(f"    {done} / {len(segments)}", f"{records} records")
        board.reset()
    return records, lost


def _from_card(folder: Path, out: BinaryIO) -> tuple[int, int]:
    """The same from a Pi's journal, which is not opened as the unit does: it stays as it is."""
    recovery, records = Recovery(), 0
    for path in sorted(folder.glob("journal-*.log")):
        for _, _, line in recovery.read(path.read_bytes()):
            out.write(line.encode() + b"\n")
            records += 1
    return records, recovery.lost
