"""When a load is on. The states are a table; the picture in the documentation is drawn from it.

This file does not know clocks, records, or what the load is for. Instants are milliseconds since boot; energy is
cumulative, in milliwatt-milliseconds.
"""

DARK = "DARK"  # nothing is known: after a boot, and while no valid reading comes
OFF = "OFF"
RISING = "RISING"  # at or above the on-threshold, not yet for long enough to be more than an inrush
ON = "ON"
FALLEN = "FALLEN"  # below the off-threshold inside a session: off, or only interrupted
RETURNING = "RETURNING"  # up again after that, not yet for long enough
STATES = (DARK, OFF, RISING, ON, FALLEN, RETURNING)

LOW, BETWEEN, HIGH = "low", "between", "high"  # a reading, by the two thresholds
HELD = "held"  # the debounce time is over
LATE = "late"  # the pause is longer than any that could be merged
SILENCE = "silence"  # no valid reading for silence_s

# (state, what happened): (next state, what to do)
TRANSITIONS = {
    (DARK, LOW): (OFF, None),
    (DARK, BETWEEN): (OFF, None),
    (DARK, HIGH): (RISING, "start"),
    (DARK, SILENCE): (DARK, None),
    (OFF, LOW): (OFF, None),
    (OFF, BETWEEN): (OFF, None),
    (OFF, HIGH): (RISING, "start"),
    (OFF, SILENCE): (DARK, None),
    (RISING, LOW): (OFF, None),
    (RISING, BETWEEN): (RISING, "stretch"),
    (RISING, HIGH): (RISING, "stretch"),
    (RISING, HELD): (ON, "begin"),
    (RISING, SILENCE): (DARK, None),
    (ON, LOW): (FALLEN, "fall"),
    (ON, BETWEEN): (ON, "stretch"),
    (ON, HIGH): (ON, "stretch"),
    (ON, SILENCE): (DARK, "abort"),
    (FALLEN, LOW): (FALLEN, "sag"),
    (FALLEN, BETWEEN): (FALLEN, "sag"),
    (FALLEN, HIGH): (RETURNING, "start"),
    (FALLEN, LATE): (OFF, "end"),
    (FALLEN, SILENCE): (DARK, "abort"),
    (RETURNING, LOW): (FALLEN, "drop"),
    (RETURNING, BETWEEN): (RETURNING, "stretch"),
    (RETURNING, HIGH): (RETURNING, "stretch"),
    (RETURNING, HELD): (ON, "join"),
    (RETURNING, SILENCE): (DARK, "abort"),
}

BEGAN, ENDED, ABORTED = "BEGAN", "ENDED", "ABORTED"


class Run:
    """Readings in a row with the load on: instants, energies and extremes of the first to the last."""

    def __init__(self, mono_ms: int, power_mw: int, energy: int):
        self.begin_ms = self.end_ms = mono_ms
        self.begin_energy = self.end_energy = energy
        self.low_mw = self.high_mw = self.last_mw = power_mw

    def stretch(self, mono_ms: int, power_mw: int, energy: int):
        self.end_ms, self.end_energy, self.last_mw = mono_ms, energy, power_mw
        self.low_mw, self.high_mw = min(self.low_mw, power_mw), max(self.high_mw, power_mw)


class Session(Run):
    """One power-on period. Its run is what lies between its first and its last reading with the load on."""

    def __init__(self, run: Run):
        self.begin_ms, self.end_ms = run.begin_ms, run.end_ms
        self.begin_energy, self.end_energy = run.begin_energy, run.end_energy
        self.low_mw, self.high_mw, self.last_mw = run.low_mw, run.high_mw, run.last_mw
        self.interruptions = 0
        self._paused_ms = self._paused_energy = 0

    def join(self, run: Run, counts_as_on: bool, pause_mw):
        """Take `run` in. The pause before it, of extremes `pause_mw`, counts as on (a thermostat's) or interrupts."""
        if counts_as_on:
            self.low_mw, self.high_mw = min(self.low_mw, pause_mw[0]), max(self.high_mw, pause_mw[1])
        else:
            self.interruptions += 1
            self._paused_ms += run.begin_ms - self.end_ms
            self._paused_energy += run.begin_energy - self.end_energy
        self.end_ms, self.end_energy, self.last_mw = run.end_ms, run.end_energy, run.last_mw
        self.low_mw, self.high_mw = min(self.low_mw, run.low_mw), max(self.high_mw, run.high_mw)

    @property
    def active_ms(self) -> int:
        """Milliseconds on, between the session's own instants and without its interruptions."""
        return self.end_ms - self.begin_ms - self._paused_ms

    @property
    def power_mw(self):
        """(min, mean, max) while on; the mean is weighted by time."""
        if self.active_ms == 0:
            return self.low_mw, self.last_mw, self.high_mw
        energy = self.end_energy - self.begin_energy - self._paused_energy
        return self.low_mw, energy // self.active_ms, self.high_mw


class Detector:
    """Feeds on readings in order of time. `state` is one of STATES.

    `profile` has on_mw, off_mw, debounce_s, merge_s and thermostat_s (see config.py).
    """

    def __init__(self, profile):
        self._on_mw, self._off_mw = profile.on_mw, profile.off_mw
        self._debounce_ms = profile.debounce_s * 1000
        self._thermostat_ms = profile.thermostat_s * 1000
        self._pause_ms = max(profile.merge_s * 1000, self._thermostat_ms)
        self._run = Run(0, 0, 0)
        self._open = Session(self._run)
        self._pause_mw = (0, 0)
        self.state = DARK

    @property
    def session(self):
        """The session that is open, or None."""
        return self._open if self.state in (ON, FALLEN, RETURNING) else None

    def feed(self, mono_ms: int, power_mw: int, energy: int) -> list:
        """What one valid reading tells: a list of (BEGAN | ENDED, Session). `energy` is the register's, then."""
        happened: list = []
        if self.state == FALLEN and mono_ms - self._open.end_ms > self._pause_ms:
            self._step(LATE, None, happened)
        self._step(self._level(power_mw), (mono_ms, power_mw, energy), happened)
        if self.state in (RISING, RETURNING) and mono_ms - self._run.begin_ms >= self._debounce_ms:
            self._step(HELD, None, happened)
        return happened

    def silence(self) -> list:
        """No valid reading for long: an open session ends at its last. A list of at most one (ABORTED, Session)."""
        happened: list = []
        self._step(SILENCE, None, happened)
        return happened

    def _level(self, power_mw: int) -> str:
        if power_mw >= self._on_mw:
            return HIGH
        return LOW if power_mw < self._off_mw else BETWEEN

    def _step(self, what: str, reading, happened: list):
        self.state, do = TRANSITIONS[self.state, what]
        if do is not None:
            getattr(self, "_" + do)(reading, happened)

    def _start(self, reading, happened):
        self._run = Run(*reading)

    def _stretch(self, reading, happened):
        (self._open if self.state == ON else self._run).stretch(*reading)

    def _begin(self, reading, happened):
        self._open = Session(self._run)
        happened.append((BEGAN, self._open))

    def _fall(self, reading, happened):
        self._pause_mw = (reading[1], reading[1])

    def _sag(self, reading, happened):
        low_mw, high_mw = self._pause_mw
        self._pause_mw = (min(low_mw, reading[1]), max(high_mw, reading[1]))

    def _drop(self, reading, happened):
        low_mw, high_mw = self._pause_mw
        self._pause_mw = (min(low_mw, reading[1]), max(high_mw, self._run.high_mw))

    def _join(self, reading, happened):
        pause_ms = self._run.begin_ms - self._open.end_ms
        self._open.join(self._run, pause_ms <= self._thermostat_ms, self._pause_mw)

    def _end(self, reading, happened):
        happened.append((ENDED, self._open))

    def _abort(self, reading, happened):
        happened.append((ABORTED, self._open))
