"""Whether a time that somebody tells is to be believed. This file does not know who told it.

A clock that is right and is told to jump waits: the jump counts when it is told again, the same, `AGAIN_MS` later at
the earliest, and no clock jumps so more than once in `PAUSE_MS`. So one false message moves no clock, and a source
that says another time each minute cannot fill a journal with CLOCK records. A clock that is not right believes at once.
"""

from firmware.agent.clock import STEP_MS

AGAIN_MS = 30000
PAUSE_MS = 3600000


class Hearsay:
    """One boot's doubts."""

    def __init__(self):
        self._jump_ms = 0  # how far off the clock was said to be
        self._told_ms = None  # when that was said first
        self._moved_ms = None

    def believes(self, mono_ms: int, at_ms: int, shown_ms: int, is_right: bool) -> bool:
        """Whether `at_ms` is to be taken, where the clock shows `shown_ms` and is right (S) or not."""
        jump_ms = at_ms - shown_ms
        if not is_right or -STEP_MS <= jump_ms <= STEP_MS:
            self._told_ms = None
            return True
        if self._told_ms is None or not -STEP_MS <= jump_ms - self._jump_ms <= STEP_MS:
            self._jump_ms, self._told_ms = jump_ms, mono_ms
            return False
        if mono_ms - self._told_ms < AGAIN_MS or not self._may_move(mono_ms):
            return False
        self._told_ms, self._moved_ms = None, mono_ms
        return True

    def _may_move(self, mono_ms: int) -> bool:
        return self._moved_ms is None or mono_ms - self._moved_ms >= PAUSE_MS
