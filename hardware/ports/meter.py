"""A meter as a port: asked at a steady pace, never waited for. Runs on MicroPython and CPython; knows no meter.

A reading belongs to the instant at which it was asked for, however late it is heard. A question that is not answered
when the next falls due is given as long again; only then is it given up, so that an answer which is a little late is
not taken for that of the next question. While the meter is silent there is no reading: silence is never 0 W.
"""

from hardware.drivers.reading import NoReading

_PATIENCE = 2  # questions fall due while one waits for its answer, and then it is given up


class NoMeter:
    """In the place of a meter where there is none: a unit that only reads tags."""

    def take(self, mono_ms: int) -> list:
        """No reading, ever."""
        return []


class MeterPort:
    """Readings of `meter` every `every_ms`. See ports/__init__.py.

    A meter must have `ask()`, `answer(0)` which never waits (a reading with `power_mw`, None, or NoReading), and
    `heard`, the bytes that came since it was asked. An OSError of its wire is silence. `silent` counts the questions
    that nobody answered, `refused` the answers that were no reading; `tell`, if given, hears a sentence about each kind
    once until it is over.
    """

    def __init__(self, meter, every_ms: int, tell=None) -> None:
        if every_ms < 1:
            raise ValueError("every_ms must be at least 1, but is %r" % every_ms)
        self._meter, self._every_ms, self._tell = meter, every_ms, tell
        self._due_ms = 0
        self._asked_ms: int | None = None  # when the question was asked that nobody answered yet
        self._odd = ""
        self.silent = self.refused = 0

    def take(self, mono_ms: int) -> list:
        """The (mono_ms, power_mw) that became known since the last call; at most two."""
        taken = self._hear()
        if mono_ms >= self._due_ms and not self._still_waits(mono_ms):
            self._ask(mono_ms)
            taken.extend(self._hear())  # a chip on I2C answers at once
        return taken

    def _still_waits(self, mono_ms: int) -> bool:
        """Whether a question deserves more patience; the one that does not is given up."""
        if self._asked_ms is None:
            return False
        if mono_ms - self._asked_ms < _PATIENCE * self._every_ms:
            return True
        self._asked_ms = None
        if self._meter.heard:
            self._refuse("%d bytes and no whole answer among them" % self._meter.heard)
        else:
            self.silent += 1
            self._say("silent", "silent: no mains at the meter, or a cut wire")
        return False

    def _ask(self, mono_ms: int) -> None:
        late_ms = (mono_ms - self._due_ms) % self._every_ms
        self._due_ms = mono_ms - late_ms + self._every_ms
        self._asked_ms = mono_ms
        try:
            self._meter.ask()
        except OSError:
            pass  # the wire is gone; the question will be given up

    def _hear(self) -> list:
        if self._asked_ms is None:
            return []
        try:
            reading = self._meter.answer(0)
        except NoReading as why:
            self._asked_ms = None
            self._refuse(str(why))
            return []
        except OSError:
            return []
        if reading is None:
            return []
        asked_ms, self._asked_ms = self._asked_ms, None
        self._say("", "")
        return [(asked_ms, reading.power_mw)]

    def _refuse(self, why: str) -> None:
        self.refused += 1
        self._say("".join([sign for sign in why if not "0" <= sign <= "9"]), "no reading: " + why)

    def _say(self, odd: str, text: str) -> None:
        if self._tell is not None and odd and odd != self._odd:
            self._tell(text)
        self._odd = odd
