"""`provision --dry-run`: every step in words, without a board."""

from __future__ import annotations

import json
import shlex
from typing import Any

from firmware.rpi import image, partitions, unit_json
from firmware.rpi.enrol import enrolment
from firmware.rpi.steps import step


def rehearse(told: dict[str, Any], port: str) -> tuple[list[str], int, list[str]]:
    """(modules, octets of the program, the gateway's lines); each step is said."""
    program = image.compiled(image.shipped())
    rom = image.image(program)
    firmware = str(told["firmware"] or "firmware.bin")
    for flashed in partitions.esptool_lines(port, firmware, f"{firmware}.partitions"):
        step(
            f"0 esptool {shlex.join(flashed)}",
            "MicroPython and our partition table, once (--firmware runs it)",
        )
    step(f"1 打开 {port}，进入原始 REPL", "open the port, enter the raw REPL")
    step(
        f"2 程序 {len(program)} 个模块，{len(rom)} 字节",
        "the program: modules, octets in the romfs partition",
    )
    for path in sorted(program):
        step(f"    {path} {len(program[path])}", "octets")
    step("3 在板上生成密钥，读回公钥", "the key is made on the board; its public half is read back")
    lines = enrolment(told).lines("<公钥 public key>")
    for line in lines:
        step(f"4 {line}", "run by itself with --gateway")
    shown = told | {"mqtt": {"host": "10.77.0.1", "user": told["unit"], "password": "..."}}
    shown |= {"wifi": {"ssid": told["wifi_ssid"] or f"WW-{told['clinic']}", "password": "..."}, "ca": None}
    shown |= {"tag_key": "..." if told["reader"] else ""}
    step(f"5 unit.json {json.dumps(unit_json.fields(shown))}", "settings, passwords left out")
    step(f"6 重新启动；标签 {told['label_file'] or told['unit'] + '.svg'}", "a reset; the label")
    step("以上什么都没有做", "nothing of this was done")
    return sorted(program), len(rom), lines
