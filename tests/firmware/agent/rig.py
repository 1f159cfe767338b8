"""An agent on a bench of its own: a journal in memory, power that can be cut, and a world whose time is moved by hand."""

from __future__ import annotations

from typing import Any

from firmware.agent import events, journal
from firmware.agent.agent import Agent
from firmware.agent.config import Config
from protocol.record import Record, parse

START_MS = 1_772_409_600_000  # 2026-03-02T08:00:00+08:00
LAMP = {"on_mw": 40_000, "off_mw": 25_000, "debounce_s": 3, "merge_s": 60, "silence_s": 120}
METER = {"maker": "bench", "model": "rig", "serial": "U1", "version": "1"}


def config(profile: dict[str, int] | None = None, **habits: int) -> Config:
    """The rig's configuration: a lamp's profile, with changes."""
    return Config(
        {"unit": "U1", "version": "0.1.0", "meter": METER, "profile": LAMP | (profile or {}), **habits}
    )


class Rig:
    """A unit whose world's time is `now_s`, seconds since START_MS. Boots by `boot`, dies by `cut`.

    `records` are all it ever said, `notes` and `sends` what else it asked for; `journal` is what it kept.
    """

    def __init__(self, profile: dict[str, int] | None = None, **habits: int) -> None:
        self.config = config(profile, **habits)
        self.now_s = 0
        self.records: list[Record] = []
        self.notes: list[str] = []
        self.sends: list[tuple[int, int]] = []
        self.acked: list[int] = []
        self.journal = b""
        self.agent: Agent | None = None
        self._boot_s = self._boots = 0
        self._digest = "0" * 64

    def boot(self, at_ms: int | None = -1, synchronised: bool = True, room: bool = True) -> Rig:
        """Power on. `at_ms` -1 is the world's time, None a clock that knows nothing."""
        memory = journal.recover([self.journal])
        self._boots, self._boot_s, self._digest = self._boots + 1, self.now_s, memory.digest
        self.agent = Agent(self.config, memory)
        shown_ms = START_MS + self.now_s * 1000 if at_ms == -1 else at_ms
        self.feed(events.Booted(0, f"{self._boots:016x}", "POWER_ON", shown_ms, synchronised, room))
        return self

    def cut(self, off_s: int = 0) -> Rig:
        """Lose the mains now, and be dark for `off_s` seconds."""
        self.agent = None
        self.now_s += off_s
        return self

    def watch(self, watts: float, seconds: int, every_s: int = 1) -> Rig:
        """Readings of `watts` for `seconds` seconds from now, the first one now, ticks between them."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.read(watts)
            self.wait(min(every_s, until_s - self.now_s))
        return self

    def read(self, watts: float) -> Rig:
        """One reading, now."""
        return self.feed(events.Reading(self.mono_ms, round(watts * 1000)))

    def wait(self, seconds: int) -> Rig:
        """Time without readings."""
        self.now_s += seconds
        assert self.agent is not None
        while self.agent.due_ms < self.mono_ms:
            self.feed(events.Tick(self.agent.due_ms))
        return self

    def time(self, off_ms: int = 0, synchronised: bool = True, checkpoint: str | None = None) -> Rig:
        """Hear the world's time, wrong by `off_ms`."""
        return self.feed(
            events.Time(self.mono_ms, START_MS + self.now_s * 1000 + off_ms, synchronised, checkpoint)
        )

    def ack(self, us: int, up: str | None = None) -> Rig:
        """Hear an acknowledgement; `up` None is the right one."""
        own = {each.us: each.digest for each in self.records}.get(us)
        right = own or "0" * 64
        return self.feed(events.AckHeard(self.mono_ms, us, right if up is None else up, own))

    def link(self) -> Rig:
        return self.feed(events.Linked(self.mono_ms))

    def feed(self, event: Any) -> Rig:
        """One event and what it asks for; a record counts as kept at once."""
        assert self.agent is not None
        said = len(self.records)
        for action in self.agent.feed(event):
            self._do(action)
        return (
            self if len(self.records) == said else self.feed(events.Kept(event.mono_ms, self.records[-1].us))
        )

    def _do(self, action: Any) -> None:
        if isinstance(action, events.Emit):
            record = parse(action.payload)
            line = f"OCMF|{action.payload}|seal"
            self._digest = record.digest
            self.records.append(record)
            self.journal += journal.record(action.memory, line, record.digest)
        elif isinstance(action, events.Checkpoint):
            self.journal += journal.checkpoint(action.memory, self._digest)
        elif isinstance(action, events.Acked):
            self.acked.append(action.us)
            self.journal += journal.acknowledged(action.us)
        elif isinstance(action, events.Send):
            self.sends.append((action.from_us, action.until_us))
        elif isinstance(action, events.Note):
            self.notes.append(action.code)

    # --- looking back -----------------------------------------------------------------------------------------------

    @property
    def mono_ms(self) -> int:
        return (self.now_s - self._boot_s) * 1000

    def kinds(self, but: str = "ALIVE") -> list[str]:
        """What was said, in order, a FAULT by its cause."""
        return [
            str(each.cause) if each.kind == "FAULT" else each.kind
            for each in self.records
            if each.kind != but
        ]

    def of(self, kind: str) -> list[Record]:
        return [each for each in self.records if each.kind == kind]

    def sessions(self) -> list[tuple[int, int, int, str]]:
        """(begin, end, active seconds, how it ended) of each SESSION, instants in seconds since START_MS."""
        return [
            (_second(each.readings[0].at_ms), _second(each.at_ms), each.active_s, each.readings[1].tx)
            for each in self.of("SESSION")
        ]

    def gaps(self) -> list[tuple[int, int]]:
        """[from, until] of each GAP, in seconds since START_MS."""
        return [(_second(each.gap_ms[0]), _second(each.gap_ms[1])) for each in self.records if each.gap_ms]

    def powers_mw(self) -> list[tuple[int, int, int]]:
        """(min, mean, max) of each SESSION."""
        return [tuple(each.power_mw) for each in self.records if each.power_mw]


def _second(at_ms: int) -> int:
    return (at_ms - START_MS) // 1000
