"""Chains of records written by hand, also such as no honest unit writes. Nothing is sealed: here only the words count."""

from __future__ import annotations

from protocol import record
from protocol.chain import ORIGIN
from protocol.record import Identity, Reading, Record, parse

START_MS = 1_772_409_600_000  # 2026-03-02 08:00 in Shanghai


class Scribe:
    """A unit whose every word is dictated. `now_s` is the world's time, seconds since START_MS; `off_s` how far its clock
    is ahead of it, `flag` what it thinks of its clock."""

    def __init__(self, flag: str = "S", unit: str = "U1", maker: str = "bench") -> None:
        self.now_s: float = 0
        self.off_s: float = 0
        self.flag = flag
        self.records: list[Record] = []
        self._identity = Identity(unit, "0.1.0", maker, "scripted", unit, "1")
        self._up, self._us, self._t, self._f = ORIGIN, 0, 0, 0
        self._boots, self._booted_s = 0, 0.0

    def boot(self, alive_s: float | None = None, alive_flag: str | None = None) -> Scribe:
        """Power on; the last instant of the boot before, in its clock, if there was one."""
        self._boots, self._booted_s = self._boots + 1, self.now_s
        fields: dict[str, object] = {"UR": "POWER_ON"}
        if alive_s is not None:
            fields["UL"] = record.instant(at(alive_s), alive_flag or self.flag)
        return self.say(record.BOOT, **fields)

    def alive(self, seconds: float = 600) -> Scribe:
        """So many seconds later, all is well."""
        return self.wait(seconds).say(record.ALIVE)

    def wait(self, seconds: float) -> Scribe:
        self.now_s += seconds
        return self

    def open(self) -> Scribe:
        return self.say(record.OPEN)

    def silent(self) -> Scribe:
        return self.say(record.FAULT, UR="METER_SILENT")

    def clock(self, step_s: float, flag: str = "S") -> Scribe:
        """The clock is moved."""
        self.off_s, self.flag = self.off_s + step_s, flag
        return self.say(record.CLOCK, UR=round(step_s * 1000))

    def gap(self, seconds: float) -> Scribe:
        """No reading came for so long until now."""
        span = [self._tm(self.now_s - seconds), self._tm(self.now_s)]
        return self.say(record.GAP_OF_READINGS, UG=span)

    def session(
        self,
        seconds: float,
        end: str = "L",
        *,
        ago_s: float = 0,
        active_s: int | None = None,
        backwards: bool = False,
    ) -> Scribe:
        """The load was on for so many seconds until `ago_s` ago."""
        until_s = self.now_s - ago_s + self.off_s
        flags = ("I", "R") if self.flag == "I" else (self.flag, self.flag)
        readings = [
            Reading(at(until_s - seconds), flags[0], 1000, record.BEGIN),
            Reading(at(until_s), flags[1], 900 if backwards else 1000 + round(seconds) * 70, end),
        ]
        on_s = int(seconds) if active_s is None else active_s
        return self._write(record.SESSION, readings, {"UA": on_s, "UW": [250_000, 250_000, 250_000], "UI": 0})

    def say(self, kind: str, **fields: object) -> Scribe:
        """A record of one reading, now."""
        register = None if kind == record.FAULT else 1000
        return self._write(kind, [Reading(at(self.now_s + self.off_s), self.flag, register)], dict(fields))

    def without(self, *numbers: int) -> list[Record]:
        """The chain without these records, as if somebody had passed the gap."""
        return [each for each in self.records if each.us not in numbers]

    def _tm(self, second: float) -> str:
        return record.instant(at(second + self.off_s), self.flag)

    def _write(self, kind: str, readings: list[Reading], fields: dict[str, object]) -> Scribe:
        self._us += 1
        self._t, self._f = self._t + (kind == record.SESSION), self._f + (kind != record.SESSION)
        place = {"UB": f"{self._boots:016x}", "US": self._us, "UP": self._up}
        place["UM"] = round((self.now_s - self._booted_s) * 1000)
        count = self._t if kind == record.SESSION else self._f
        said = parse(record.render(self._identity, kind, count, readings, place | fields))
        self._up = said.digest
        self.records.append(said)
        return self


def at(second: float) -> int:
    """Milliseconds since 1970 UTC of a second since START_MS."""
    return START_MS + round(second * 1000)


def seconds(spans: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Spans as seconds since START_MS."""
    return [((start - START_MS) / 1000, (end - START_MS) / 1000) for start, end in spans]
