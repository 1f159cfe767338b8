"""The unit's cumulative energy, from power. This file does not know meters or records.

Kept in milliwatt-milliseconds, so that nothing is lost by rounding; a milliwatt-hour is 3,600,000 of them.
"""

PER_MWH = 3600000


class Register:
    """Integrates power between readings by trapezoids, but never over a silence of `silence_ms` or more."""

    def __init__(self, energy: int, silence_ms: int):
        self.energy = energy
        self._silence_ms = silence_ms
        self._last_ms: int | None = None
        self._last_mw = 0

    def feed(self, mono_ms: int, power_mw: int) -> int:
        """The energy at this reading, which must not be earlier than the one before."""
        if self._last_ms is not None and mono_ms - self._last_ms < self._silence_ms:
            self.energy += (self._last_mw + power_mw) * (mono_ms - self._last_ms) // 2
        self._last_ms, self._last_mw = mono_ms, power_mw
        return self.energy
