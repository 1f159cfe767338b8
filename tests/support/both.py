"""One script under both interpreters: CPython, and real MicroPython with as little heap as we say.

A script is text that imports the shared rooms, reads files below the checkout (where it runs) and prints.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.tools import CHECKOUT, tool

HEAP = "128k"


def run_micropython(script: str, *arguments: str, heapsize: str = HEAP) -> str:
    """What `script` prints under MicroPython; AssertionError with what it said if it fails."""
    command = [str(tool("micropython")), "-X", f"heapsize={heapsize}", "-c", script, *arguments]
    return _printed(command, {"MICROPYPATH": f"{CHECKOUT}:.frozen"})


def run_cpython(script: str, *arguments: str) -> str:
    """What `script` prints under the CPython that runs the tests; AssertionError likewise."""
    return _printed([sys.executable, "-c", script, *arguments], {"PYTHONPATH": str(CHECKOUT)})


def on_both(script: str, *arguments: str, heapsize: str = HEAP) -> str:
    """What `script` prints, which must be the same under both interpreters."""
    here = run_cpython(script, *arguments)
    there = run_micropython(script, *arguments, heapsize=heapsize)
    assert there == here, f"MicroPython printed\n{there}\nand CPython\n{here}"
    return here


def _printed(command: list[str], path: dict[str, str]) -> str:
    ran = subprocess.run(
        command, cwd=CHECKOUT, env=os.environ | path, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, f"{command[0]} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
    return ran.stdout
