"""Which kept records to send, and when again. Only an acknowledgement ends the sending of a record.

This file does not know what carries the records, or what they say.
"""


class Delivery:
    """Records `first` to `kept` are in the journal; `acked` are acknowledged; `sent` are on their way since then."""

    def __init__(self, first: int, acked: int, kept: int, habits):
        self.first, self.acked, self.kept, self.sent = first, acked, kept, acked
        self._window, self._batch = habits.window, habits.batch
        self._least_ms, self._most_ms = habits.resend_s * 1000, habits.resend_most_s * 1000
        self._wait_ms = self._least_ms
        self._again_ms = None
        self._linked = False

    @property
    def due_ms(self):
        """When to send again what nobody acknowledged; None while nothing waits."""
        return self._again_ms if self._linked and self.sent > self.acked else None

    def link(self, mono_ms: int):
        """There is a way to the gateway again: start from the acknowledged head."""
        self._linked = True
        self._wait_ms = self._least_ms
        self._restart(mono_ms)

    def unlink(self):
        self._linked = False

    def acknowledge(self, mono_ms: int, us: int):
        """The gateway holds all up to `us`, and that is our record. A lower one than before restarts the sending."""
        lower = us < self.acked
        self.acked = us
        self._wait_ms = self._least_ms
        if lower:
            self._restart(mono_ms)
        else:
            self.sent = max(self.sent, us)
            self._again_ms = mono_ms + self._wait_ms

    def due(self, mono_ms: int) -> list:
        """(from_us, until_us) of the batches to send now: what is new, or all again after a wait without answer."""
        if self.due_ms is not None and mono_ms >= self.due_ms:
            self._wait_ms = min(2 * self._wait_ms, self._most_ms)
            self._restart(mono_ms)
        return self._batches(mono_ms) if self._linked else []

    def _restart(self, mono_ms: int):
        self.sent = self.acked
        self._again_ms = mono_ms + self._wait_ms

    def _batches(self, mono_ms: int) -> list:
        until_us = min(self.kept, max(self.acked, self.first - 1) + self._window)
        start_us = max(self.sent + 1, self.first)
        if start_us <= until_us and self.sent == self.acked:
            self._again_ms = mono_ms + self._wait_ms
        found = []
        while start_us <= until_us:
            found.append((start_us, min(start_us + self._batch - 1, until_us)))
            start_us += self._batch
        self.sent = max(self.sent, until_us)
        return found
