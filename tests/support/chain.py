"""Chains of sealed records as a unit would write them, made quickly and with keys that are thrown away."""

from __future__ import annotations

import hashlib

from protocol import p256, record, seal
from protocol.chain import ORIGIN
from protocol.record import Identity, Reading

START_MS = 1_772_409_600_000  # 2026-03-02 08:00 in Shanghai
_MINUTE_MS = 60_000


class Writer:
    """A unit that writes records: each call seals the next one and returns its line.

    The clock stands where the last record left it; `boot` starts a new boot. `lines` holds everything written.
    """

    def __init__(
        self, unit: str = "U1", start_ms: int = START_MS, key: str | None = None, maker: str = "bench"
    ):
        self.unit = unit
        self.at_ms = start_ms
        self.lines: list[bytes] = []
        self._secret = hashlib.sha256(f"key of {key or unit}".encode()).digest()
        self.key_hex = p256.spki(p256.public_key(self._secret)).hex()
        self._identity = Identity(unit, "0.1.0", maker, "scripted", unit, "1")
        self._us = 0
        self._up = ORIGIN
        self._counts = {"T": 0, "F": 0}
        self._boot = ""
        self._booted_ms = 0
        self._register_mwh = 0

    def boot(self) -> bytes:
        """The first record after mains came."""
        self._booted_ms = self.at_ms
        self._boot = hashlib.sha256(f"{self.unit} {self._us}".encode()).hexdigest()[:16]
        return self._write(record.BOOT, {"UR": "POWER_ON"})

    def alive(self, minutes: int = 10) -> bytes:
        """So many minutes later, all is well."""
        self.at_ms += minutes * _MINUTE_MS
        return self._write(record.ALIVE, {})

    def open(self) -> bytes:
        """The load has gone on."""
        return self._write(record.OPEN, {})

    def session(self, minutes: int = 20, power_mw: int = 250_000) -> bytes:
        """The load was on for so many minutes until now."""
        begin = Reading(self.at_ms, record.SYNCHRONISED, self._register_mwh, record.BEGIN)
        self.at_ms += minutes * _MINUTE_MS
        self._register_mwh += power_mw * minutes // 60
        end = Reading(self.at_ms, record.SYNCHRONISED, self._register_mwh, record.LOAD_OFF)
        fields = {"UA": minutes * 60, "UW": [power_mw, power_mw, power_mw], "UI": 0}
        return self._write(record.SESSION, fields, [begin, end])

    def gap(self, minutes: int = 5) -> bytes:
        """So many minutes passed without a reading."""
        from_ms, self.at_ms = self.at_ms, self.at_ms + minutes * _MINUTE_MS
        span = [record.instant(each, record.SYNCHRONISED) for each in (from_ms, self.at_ms)]
        return self._write(record.GAP_OF_READINGS, {"UG": span})

    def fault(self, cause: str) -> bytes:
        """Something is wrong: a cause of the profile."""
        return self._write(record.FAULT, {"UR": cause}, [Reading(self.at_ms, record.SYNCHRONISED, None)])

    def day(self, sessions: int = 3) -> list[bytes]:
        """A boot and so many treatments, ten quiet minutes before each."""
        first = len(self.lines)
        self.boot()
        for _ in range(sessions):
            self.alive()
            self.open()
            self.alive()
            self.session(minutes=10)
        return self.lines[first:]

    def fork(self, key: str | None = None) -> Writer:
        """A second unit with the same name, key and past: what it writes contradicts what this one writes."""
        twin = Writer(self.unit, self.at_ms, key or self.unit)
        for name in ("lines", "_us", "_up", "_counts", "_boot", "_booted_ms", "_register_mwh"):
            value = getattr(self, name)
            setattr(twin, name, value.copy() if isinstance(value, (list, dict)) else value)
        twin.at_ms += 1000
        return twin

    def sign(self, message: bytes) -> tuple[int, int]:
        """(r, s) of the unit's signature."""
        return p256.sign(self._secret, message)

    def payloads(self) -> list[str]:
        """What was signed, in order."""
        return [seal.split(line)[0] for line in self.lines]

    def _write(self, kind: str, fields: dict, readings: list[Reading] | None = None) -> bytes:
        self._us += 1
        letter = "T" if kind == record.SESSION else "F"
        self._counts[letter] += 1
        place = {"UB": self._boot, "US": self._us, "UP": self._up, "UM": self.at_ms - self._booted_ms}
        readings = readings or [Reading(self.at_ms, record.SYNCHRONISED, self._register_mwh)]
        payload = record.render(self._identity, kind, self._counts[letter], readings, place | fields)
        self._up = seal.digest(payload)
        line = seal.seal(payload, self.sign).encode()
        self.lines.append(line)
        return line
