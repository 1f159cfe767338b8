"""What time it is here: the machine's clock, or an accelerated one for a demonstration day."""

from __future__ import annotations

import time
from dataclasses import dataclass


def real_ms() -> int:
    """The machine's clock, in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """At the machine's `real_ms` it showed `shown_ms`; since then it runs `speed` times as fast."""

    real_ms: int = 0
    shown_ms: int = 0
    speed: float = 1

    def now_ms(self) -> int:
        """The time shown, in milliseconds since 1970 UTC."""
        return self.shown_ms + int((real_ms() - self.real_ms) * self.speed)

    def real_s(self, shown_s: float) -> float:
        """How many seconds somebody really waits while `shown_s` seconds pass on this clock."""
        return shown_s / self.speed
