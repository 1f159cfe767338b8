"""What a person sees who makes a unit: `python -m tests.firmware.rpi.rehearsal`. Real programs, and MicroPython on a pty.

A gateway is installed into a temporary folder, a bare board is provisioned by one command, its power fails half way in a
second one, and its flash is read by cable. Everything printed is what the programs print.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.install import choices
from tests.support.board import PtyBoard
from tests.support.tools import CHECKOUT

_PROGRAMS = {"wattwitness": "gateway", "wattwitness-unit": "firmware.rpi"}


def rehearse(folder: Path, show: Callable[..., int]) -> list[int]:
    """The exit codes of the commands, each shown with what it prints. `show(program, *arguments)` returns one."""
    root, board = folder / "gateway", PtyBoard(folder / "board")
    ledger = str(root) + choices.LEDGER
    unit = ["--unit", "U1", "--clinic", "C001", "--load", "tdp", "--room", "理疗一室"]
    make = ["provision", "--port", board.port, *unit, "--gateway", ledger, "--root", str(root)]
    label = ["--label", str(folder / "U1.svg")]
    out = str(folder / "U1.records")
    codes = []
    try:
        codes.append(
            show("wattwitness", "install", "--clinic", "C001", "--name", "示范诊所", "--root", str(root))
        )
        board.cut_after = 60_000
        codes.append(show("wattwitness-unit", *make, *label))
        board.power()
        codes.append(show("wattwitness-unit", *make, *label))
        codes.append(show("wattwitness-unit", "read-flash", "--port", board.port, "--out", out))
        codes.append(show("wattwitness", "--dir", ledger, "unit", "list"))
    finally:
        board.end()
    return codes


def _show(program: str, *arguments: str) -> int:
    print(f"\n$ {program} {shlex.join(arguments)}", flush=True)
    command = [sys.executable, "-m", _PROGRAMS[program], *arguments]
    return subprocess.run(command, cwd=CHECKOUT, stderr=subprocess.STDOUT).returncode


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        try:
            rehearse(Path(made), _show)
        except pytest.skip.Exception as missing:
            sys.exit(f"{missing}：请先运行一次 ./run test · run ./run test once before")
