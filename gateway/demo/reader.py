"""A reader of printed codes at a unit: the far end of the wire on which a real one would send (GM65: the text, then CR)."""

from __future__ import annotations

import os
import tty


class Reader:
    """A serial device of the machine's own; a unit opens it by the name `device`."""

    def __init__(self) -> None:
        self._ours, self._its = os.openpty()
        tty.setraw(self._its)
        self.device = os.ttyname(self._its)

    def read(self, token: str) -> None:
        """Somebody holds a printed token before it."""
        os.write(self._ours, token.encode("ascii") + b"\r")

    def close(self) -> None:
        """The wire is gone."""
        os.close(self._ours)
        os.close(self._its)
