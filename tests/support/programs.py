"""The real programs as processes: started, killed without warning, started again; each has a log in its folder."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx

from gateway.alone import served_at
from tests.support.tools import CHECKOUT

T = TypeVar("T")


class Program:
    """`python -m <module> <arguments>` as a process."""

    def __init__(self, log: Path, module: str, *arguments: str):
        self._command = [sys.executable, "-m", module, *arguments]
        self._log_path = log
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Starts it, again after a kill."""
        with self._log_path.open("ab") as log:
            self._from = log.tell()
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=CHECKOUT
            )

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self, within_s: float = 20) -> int:
        """SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(timeout=within_s)
        finally:
            self._process.kill()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What it has said since it was started last."""
        return self._log_path.read_bytes()[self._from :].decode("utf-8", "replace")

    def said(self, pattern: str, within_s: float = 20) -> str:
        """Waits until it says something that matches; returns the first group."""

        def found() -> str | None:
            match = re.search(pattern, self.log())
            assert match or self.running, f"it ended:\n{self.log()}"
            return match[1] if match else None

        return eventually(found, within_s)


def serve(folder: Path) -> tuple[Program, str]:
    """`wattwitness serve` on a ledger folder, ready; and its address."""
    program = Program(folder / "serve.log", "gateway", "--dir", str(folder), "serve")
    return program, program.said(r"ready (https?://\S+)")


def troubles(folder: Path) -> dict[str, str]:
    """What that `serve` says is wrong, to whoever may read the ledger's folder."""
    served = served_at(folder)
    assert served is not None
    found: dict[str, str] = httpx.get(f"{served.address}/status.json", headers=served.headers).json()[
        "troubles"
    ]
    return found


def eventually(look: Callable[[], T | None], within_s: float = 20) -> T:
    """What `look` returns once it is true; fails after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"still {found!r} after {within_s} s"
        time.sleep(0.02)


@contextlib.contextmanager
def ended(*programs: Program) -> Iterator[None]:
    """Whatever happens, no program outlives the block."""
    try:
        yield
    finally:
        for program in programs:
            if program.running:
                program.stop()
