"""What time a unit says it is, and how far that can be believed. This file does not know where time comes from.

A clock is an offset on the milliseconds since boot. The offset is never slewed; it changes in one step, which the
agent tells in a CLOCK record, and only when it is more than 2 s off. So the instants of one boot can be put right
afterwards by the steps that follow them.
"""

from protocol.payload import INFORMATIVE, NEVER_SET, RELATIVE, SYNCHRONISED

STEP_MS = 2000  # below this, a clock is left alone
HOLDOVER_MS = 86400000  # a quartz at 20 ppm is 1.7 s off a day after it was last set: then it only informs


class Clock:
    """Instants of one boot. `alive` is (at_ms, flag), the last instant of the boot before, or None."""

    def __init__(self, alive):
        self._alive = alive
        self._offset_ms = 0
        self._flag = NEVER_SET
        self._heard_ms = 0

    def start(self, mono_ms: int, at_ms, synchronised: bool):
        """Choose this boot's first offset; before its first record that is no step.

        Without a clock, time goes on from where the boot before is known to have been: too early, but in order.
        """
        behind = self._alive is not None and (at_ms is None or (at_ms < self._alive[0] and not synchronised))
        if behind:
            self._offset_ms = self._alive[0] - mono_ms
            self._flag = INFORMATIVE if at_ms is not None or self._alive[1] != NEVER_SET else NEVER_SET
        elif at_ms is not None:
            self._set(mono_ms, at_ms, synchronised)

    def hear(self, mono_ms: int, at_ms: int, synchronised: bool) -> int:
        """Take note of another clock; returns the step in ms that this one made, 0 for none.

        One that nobody vouches for is believed only by a clock that was never set.
        """
        if not synchronised and self._flag != NEVER_SET:
            return 0
        step_ms = at_ms - self.at(mono_ms)
        if -STEP_MS <= step_ms <= STEP_MS:
            self._set(mono_ms, self.at(mono_ms), synchronised)
            return 0
        self._set(mono_ms, at_ms, synchronised)
        return step_ms

    def at(self, mono_ms: int) -> int:
        """The instant at `mono_ms`, by the offset of now."""
        return mono_ms + self._offset_ms

    def flag(self, mono_ms: int) -> str:
        """S, I or U at `mono_ms`."""
        if self._flag == SYNCHRONISED and mono_ms - self._heard_ms > HOLDOVER_MS:
            return INFORMATIVE
        return self._flag

    def _set(self, mono_ms: int, at_ms: int, synchronised: bool):
        self._offset_ms = at_ms - mono_ms
        self._flag = SYNCHRONISED if synchronised else INFORMATIVE
        self._heard_ms = mono_ms


def flags(flag: str):
    """The flags of a session's two instants: an informative clock still measures a duration exactly."""
    return (flag, RELATIVE) if flag == INFORMATIVE else (flag, flag)
