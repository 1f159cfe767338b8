"""Whose fault an error is: ours or theirs.

Single inheritance throughout, because MicroPython's exceptions have one base.
"""


class WitnessError(Exception):
    """What every error of this project is."""


class EmitError(WitnessError):
    """Ours: we were about to say something that the profile forbids. Nothing was said."""


class RecordError(WitnessError):
    """Theirs: what came is no record of the unit it names.

    `code` is "malformed", "high_s" or "bad_seal"; `why` is one English sentence for a log.
    """

    def __init__(self, code: str, why: str):
        super().__init__(code, why)
        self.code = code
        self.why = why

    def __str__(self) -> str:
        return self.code + ": " + self.why
