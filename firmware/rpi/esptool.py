"""MicroPython itself onto a board, and our partition table, by esptool where it is installed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

from firmware.rpi import partitions
from firmware.rpi.errors import SurroundingsError, UsageError
from firmware.rpi.steps import step


def flash(port: str, firmware: Path) -> None:
    """Erase the board and put MicroPython and our partition table on it, by esptool."""
    if not firmware.is_file():
        raise UsageError(f"没有文件 {firmware}", f"there is no file {firmware}")
    table = Path(f"{firmware}.partitions")
    try:
        partitions.write_table(table)
    except OSError as error:
        raise SurroundingsError(
            f"不能写分区表 {table}（{error.strerror}）：请把固件放到可写的目录",
            f"the partition table {table} cannot be written ({error.strerror}): put the firmware where you may write",
        ) from error
    esptool = shutil.which("esptool") or shutil.which("esptool.py")
    lines = partitions.esptool_lines(port, str(firmware), str(table))
    if esptool is None:
        shown = "；".join("esptool " + shlex.join(line) for line in lines)
        raise SurroundingsError(
            f"没有 esptool：请安装后重试，或自己运行 {shown}",
            f"there is no esptool: install it, or run yourself: {shown}",
        )
    for line in lines:
        step(f"0 esptool {shlex.join(line)}", "flashing")
        if subprocess.run([esptool, *line], stdout=subprocess.DEVNULL).returncode:
            raise SurroundingsError(
                "esptool 失败：按住 BOOT 键再试", "esptool failed: hold BOOT and try again"
            )
