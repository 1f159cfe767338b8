"""A code reader that sends what it read as text and CR (GM65, GM67, E3000H and their kind): UART, 9600 8N1.

Source: "GM65 Bar Code Reader Module User Manual" V1.3.1 (Hangzhou Grow): serial output, tail CR. It has no checksum, so
a line with anything but printable ASCII in it is noise and not a token. Set up by its own setting codes: serial output,
9600, tail CR; motion trigger, or continuous with a pause.
"""

from hardware.drivers.reader import MOST_CHARACTERS, Sight, text_of

BAUD = 9600
_MOST_BYTES = MOST_CHARACTERS + 1  # what is longer is no text, however much longer
_PAUSE_MS = 500  # half a line that old is no beginning of the next one
_ROUNDS = 4


class Lines:
    """Texts out of bytes, pure: whole lines that are printable; half ones are forgotten when nothing follows.

    Whoever looks may be late (a flash was being erased): so only a look that finds nothing forgets.
    """

    def __init__(self) -> None:
        self._heard, self._heard_ms = b"", 0

    def feed(self, data: bytes, mono_ms: int) -> list:
        """The texts that `data`, heard at `mono_ms`, completes."""
        if data:
            self._heard_ms = mono_ms
        elif mono_ms - self._heard_ms > _PAUSE_MS:
            self._heard = b""
        found = []
        for byte in data:
            if byte not in (0x0D, 0x0A):
                self._heard = (self._heard + bytes((byte,)))[:_MOST_BYTES]
                continue
            text, self._heard = text_of(self._heard), b""
            if text is not None:
                found.append(text)
        return found


class Reader:
    """The reader on an open port. See reader.py."""

    def __init__(self, port) -> None:
        self._port, self._lines, self._sight = port, Lines(), Sight()

    def take(self, mono_ms: int) -> list:
        texts = []
        for _ in range(_ROUNDS):
            data = self._port.read(256, 0)
            texts.extend(self._lines.feed(data, mono_ms))
            if not data:
                break
        return self._sight.new(mono_ms, texts)
