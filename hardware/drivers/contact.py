"""A contact to ground: the case's switch, a button. Debounced, pure; somebody else reads the pin.

The case's switch is closed while the case is: so a wire that is cut tells the same as a case that is opened.
"""

CASE_MS, PRESS_MS = 200, 30  # how long a contact has to hold still to be believed
QUIET_MS = 60000  # a loose wire must not fill a journal: one opening a minute is told


class Contact:
    """`closed` is what it is known to be, None until it has held still for `settle_ms`."""

    def __init__(self, settle_ms: int) -> None:
        self._settle_ms = settle_ms
        self.closed: bool | None = None
        self._seen: bool | None = None
        self._since_ms = 0

    def feed(self, mono_ms: int, closed: bool):
        """What the pin says now. True or False when the contact became that, else None."""
        if closed != self._seen:
            self._seen, self._since_ms = closed, mono_ms
        if closed == self.closed or mono_ms - self._since_ms < self._settle_ms:
            return None
        self.closed = closed
        return closed


class CaseSwitch:
    """Tells that the case was opened; one that is open at boot was opened while nobody looked."""

    def __init__(self) -> None:
        self._contact = Contact(CASE_MS)
        self._told_ms: int | None = None

    def feed(self, mono_ms: int, closed: bool) -> bool:
        """Whether the case was opened just now; `closed` is what the pin says."""
        if self._contact.feed(mono_ms, closed) is not False:
            return False
        if self._told_ms is not None and mono_ms - self._told_ms < QUIET_MS:
            return False
        self._told_ms = mono_ms
        return True
