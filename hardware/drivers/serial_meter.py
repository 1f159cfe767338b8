"""What meters on a serial wire share: one question, one answer, and what lay on the wire before. Knows no meter.

A port that is handed in must have `write(data: bytes)` and `read(size: int, timeout_ms: int) -> bytes`, which waits
until `size` bytes came or the time is over, and gives what came: b"" is silence. `read(size, 0)` never waits.
"""

from hardware.drivers.reading import NoReading

_MOST_ROUNDS = 4  # of reading: what comes without end is no answer


class SerialMeter:
    """A meter that answers `question` with `size` bytes. `read` waits; `ask` and `answer(0)` are for who may not wait.

    `find(heard: bytes)` gives the first Reading in what was heard, None while no whole answer is in it, and raises
    NoReading where every whole answer in it does not count. `heard` is how many bytes came since the question.
    """

    def __init__(self, port, question: bytes, size: int, find) -> None:
        self._port, self._question, self._size, self._find = port, question, size, find
        self._heard = b""
        self.heard = 0

    def ask(self) -> None:
        """Forget what lies on the wire, an answer that came too late among it, and ask anew."""
        self._heard, self.heard = b"", 0
        for _ in range(_MOST_ROUNDS):
            if not self._port.read(256, 0):
                break
        self._port.write(self._question)

    def answer(self, timeout_ms: int):
        """The Reading, or None while no whole answer came. NoReading when one came and it does not count."""
        for _ in range(_MOST_ROUNDS):
            more = self._port.read(self._size, timeout_ms)
            self.heard += len(more)
            self._heard = (self._heard + more)[-_MOST_ROUNDS * self._size :]
            try:
                reading = self._find(self._heard)
            except NoReading:
                if len(more) < self._size:
                    raise
                reading = None  # more is coming, and it may be the answer
            if reading is not None:
                self._heard = b""
                return reading
            if len(more) < self._size:
                break
        return None

    def read(self, timeout_ms: int = 200):
        """A Reading; None when the meter is silent; NoReading when what came does not count."""
        self.ask()
        reading = self.answer(timeout_ms)
        if reading is None and self.heard:
            raise NoReading("%d bytes and no whole answer among them" % self.heard)
        return reading
