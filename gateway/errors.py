"""Errors for people: each is one line that says what is wrong, where, and what to do; Chinese first."""

from __future__ import annotations


class GatewayError(Exception):
    """What every error of the gateway is. `zh` and `en` say the same."""

    exit_code = 1

    def __init__(self, zh: str, en: str):
        super().__init__(zh, en)
        self.zh = zh
        self.en = en

    def __str__(self) -> str:
        return f"{self.zh} · {self.en}"


class UsageError(GatewayError):
    """Wrong usage, configuration or input file: nothing was changed."""

    exit_code = 2


class SurroundingsError(GatewayError):
    """The surroundings failed: no broker, no district, a full disk. What was stored before is untouched."""

    exit_code = 3
