"""Runs one of the machine's own programs, and says in one line why that failed."""

from __future__ import annotations

import subprocess

from gateway.errors import SurroundingsError

_PATIENCE_S = 120


def run(command: list[str], zh: str, en: str) -> None:
    """SurroundingsError where it does not end well; `zh` and `en` say what to do then."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(command, str(error), zh, en) from error
    if ran.returncode:
        raise _failed(command, (ran.stderr or ran.stdout).strip()[-400:], zh, en)


def _failed(command: list[str], why: str, zh: str, en: str) -> SurroundingsError:
    line = " ".join(command)
    return SurroundingsError(f"{line} 失败：{why}；{zh}", f"{line} failed: {why}; {en}")
