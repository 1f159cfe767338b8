"""What time it is on a board: milliseconds since boot from a counter that wraps, and the board's own calendar.

Boards count seconds from 1970 or from 2000; which one is asked, not known. Nobody vouches for the calendar: a board has
no cell, and it only outlives a reset. It is set from what the agent believes, because TLS judges certificates by it.
"""

from micropython import const

_PLAUSIBLE_MS = const(1704067200000)  # 2024: a calendar that shows less was never set
_FROM_2000_MS = const(946684800000)
_APART_MS = const(2000)


class Clock:
    """One boot's time. `time` is the module, or a scripted one; `rtc` a machine.RTC, or None."""

    def __init__(self, time, rtc):
        self._time, self._rtc = time, rtc
        self._epoch_ms = _FROM_2000_MS if time.gmtime(0)[0] == 2000 else 0
        self._ticks = time.ticks_ms()
        self._mono_ms = 0

    def mono_ms(self) -> int:
        """Milliseconds since this clock was made. To be asked at least once in six days, half a turn of the counter."""
        now = self._time.ticks_ms()
        self._mono_ms += self._time.ticks_diff(now, self._ticks)
        self._ticks = now
        return self._mono_ms

    def at_ms(self):
        """Milliseconds since 1970 UTC by the calendar, None where it was never set."""
        at_ms = self._time.time_ns() // 1000000 + self._epoch_ms
        return at_ms if at_ms >= _PLAUSIBLE_MS else None

    def set(self, at_ms: int):
        """Set the calendar, if it is more than 2 s off."""
        shown_ms = self.at_ms()
        if self._rtc is None or (shown_ms is not None and abs(shown_ms - at_ms) <= _APART_MS):
            return
        year, month, day, hour, minute, second = self._time.gmtime((at_ms - self._epoch_ms) // 1000)[:6]
        self._rtc.datetime((year, month, day, 0, hour, minute, second, at_ms % 1000 * 1000))
