"""Why a command of the unit could not do its work, and whose fault that is: one line, Chinese first."""

from __future__ import annotations


class UnitError(Exception):
    """What every error of the unit's commands is. `zh` and `en` say the same: what, where, and what to do."""

    exit_code = 1

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.zh, self.en = zh, en

    def __str__(self) -> str:
        return f"{self.zh} · {self.en}"


class UsageError(UnitError):
    """Wrong usage, configuration or input file; nothing was changed."""

    exit_code = 2


class SurroundingsError(UnitError):
    """The surroundings failed, a broker or a disk. What was kept before is untouched."""

    exit_code = 3
