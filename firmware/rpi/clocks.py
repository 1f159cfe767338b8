"""What time it is, and whether somebody vouches for it: the kernel's clock, or a bench's.

A clock must have `mono_ms()`, milliseconds since boot that never go back; `at_ms(mono_ms)`, the milliseconds since 1970
UTC then, or None where the machine does not know; `is_synchronised()`; and `speed`.
"""

from __future__ import annotations

import ctypes
import time

from firmware.rpi.settings import ClockSettings
from hardware.ports.bench import BenchClock

_PLAUSIBLE_MS = 1_704_067_200_000  # 2024: a machine that shows less was never set
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


class SystemClock:
    """The machine's own clock; the kernel knows whether a time service disciplines it."""

    speed = 1

    def __init__(self) -> None:
        self._start_ns = time.monotonic_ns()

    def mono_ms(self) -> int:
        return (time.monotonic_ns() - self._start_ns) // 1_000_000

    def at_ms(self, mono_ms: int) -> int | None:
        at_ms = time.time_ns() // 1_000_000 - self.mono_ms() + mono_ms
        return at_ms if at_ms >= _PLAUSIBLE_MS else None

    def is_synchronised(self) -> bool:
        return self.at_ms(0) is not None and kernel_is_synchronised()


class ShownClock:
    """A bench clock. Until `synchronised_after_s` of this boot have passed, the unit does not know the time."""

    def __init__(self, settings: ClockSettings) -> None:
        self._bench = BenchClock(settings.real_ms, settings.shown_ms, settings.speed)
        self.speed = settings.speed
        self._start_ms = self._bench.at_ms()
        self._known_ms = settings.synchronised_after_s * 1000
        self._last_ms = 0

    def mono_ms(self) -> int:
        self._last_ms = max(self._last_ms, self._bench.at_ms() - self._start_ms)
        return self._last_ms

    def at_ms(self, mono_ms: int) -> int | None:
        return self._start_ms + mono_ms if self.is_synchronised() else None

    def is_synchronised(self) -> bool:
        return self.mono_ms() >= self._known_ms

    @property
    def start_ms(self) -> int:
        """What the bench showed at this boot, which the scripted world knows even when the unit does not."""
        return self._start_ms


Clock = SystemClock | ShownClock


def kernel_is_synchronised() -> bool:
    """Whether the kernel says that its clock is disciplined by a time service; False where it cannot say."""
    try:
        buffer = ctypes.create_string_buffer(512)  # struct timex, all zero: read only
        return 0 <= ctypes.CDLL(None).adjtimex(buffer) < _TIME_ERROR
    except (OSError, AttributeError):
        return False
