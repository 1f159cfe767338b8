"""Which sign staff are shown. The vocabulary, and how each looks and sounds, stands in panel.py.

This file does not know lights: it gives a word.
"""

UNSENT_MS = 120000  # records that have waited for so long are shown
LASTING = ("METER_SILENT", "STORAGE")  # faults that are over by themselves, and not by being seen


class Signs:
    """`required_ms`: on for so long, REACHED is shown instead of RUNNING; 0 never."""

    def __init__(self, required_ms: int):
        self._required_ms = required_ms
        self._unsent_ms: int | None = None  # since when records have been waiting

    def of(self, mono_ms: int, agent) -> str:
        """The first sign that holds, of an Agent, at `mono_ms`."""
        if agent.unsent == 0:
            self._unsent_ms = None
        elif self._unsent_ms is None:
            self._unsent_ms = mono_ms
        if agent.faults:
            return "FAULT"
        active_ms = agent.active_ms
        if active_ms is not None:
            return "REACHED" if 0 < self._required_ms <= active_ms else "RUNNING"
        waited_ms = 0 if self._unsent_ms is None else mono_ms - self._unsent_ms
        return "UNSENT" if waited_ms >= UNSENT_MS else "READY"


def seen(faults: list) -> list:
    """The faults that are still shown after somebody saw them and pressed the button."""
    return [each for each in faults if each in LASTING]
