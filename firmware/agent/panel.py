"""What the light and the buzzer say to staff. The vocabulary is a table; the README's is made from it.

This file does not know pins, nor why a sign is shown.
"""

# sign: (milliseconds on, off, on, off ...), over and over. The first that holds is shown.
SIGNS = {
    "PROVISION": (100, 100),  # unit.json or the key cannot be used: the cable tells why
    "FAULT": (150, 150, 150, 150, 150, 1250),  # meter silent, storage full, case opened, load not as declared
    "REACHED": (1000, 0),  # on for as long as required, or longer
    "RUNNING": (1000, 1000),  # the device is on
    "UNSENT": (60, 240, 60, 3640),  # records wait for the gateway; measuring goes on
    "READY": (60, 3940),  # the unit watches; the device is off
}
BEEP_MS = 1000


class Panel:
    """`light` and `buzzer` have `set(on)`. `step` moves them and says when to move again."""

    def __init__(self, light, buzzer):
        self._light, self._buzzer = light, buzzer
        self._sign, self._place, self._due_ms = "", 0, 0
        self._quiet_ms = None

    def step(self, mono_ms: int, sign: str) -> int:
        """Show `sign`; returns the milliseconds until the next step at the latest."""
        if sign != self._sign:
            if sign == "REACHED":
                self._buzzer.set(True)
                self._quiet_ms = mono_ms + BEEP_MS
            self._sign, self._place, self._due_ms = sign, 0, mono_ms
        while mono_ms >= self._due_ms:
            lasts_ms = SIGNS[sign][self._place]
            if lasts_ms:
                self._light.set(self._place % 2 == 0)
            self._place = (self._place + 1) % len(SIGNS[sign])
            self._due_ms = mono_ms + lasts_ms
        if self._quiet_ms is not None and mono_ms >= self._quiet_ms:
            self.hush()
        return self._due_ms - mono_ms

    def hush(self):
        """No more sound."""
        self._buzzer.set(False)
        self._quiet_ms = None
