"""Where readings come from, behind one face.

A port must have `take(mono_ms) -> list of (mono_ms, power_mw)`: the readings due until now that were not taken
before, in order of time, in milliseconds since boot and milliwatts. It may give none. It must never block, invent a
reading while its meter is silent, or give one twice.
"""


class PortError(Exception):
    """A port cannot be opened as it is described. `zh` and `en` say the same: what, where in it, what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.zh, self.en = zh, en

    def __str__(self) -> str:
        return f"{self.zh} · {self.en}"

    def within(self, place: object) -> "PortError":
        """The same, told of a place: a file."""
        return PortError(f"{place}：{self.zh}", f"{place}: {self.en}")
