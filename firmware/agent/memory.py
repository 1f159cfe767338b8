"""What an agent wakes up with, as text: counters, register, and the session that was open. One line, no blanks.

    at_ms,flag,us,t,f,energy,checkpoint|-[,flag,begin_ms,end_ms,active_s,begin_mwh,end_mwh,low,mean,high,interruptions,
    tags|-]

It is kept beside every record and once a minute between them, so that a power cut costs a minute at most. Instants in
it are milliseconds since 1970, by the clock of then. This file does not know how text is kept.
"""

ZEROS = "0" * 64
_COUNTS = 7
_OPEN = 18


class OpenSession:
    """A session as its last checkpoint had it: what a SESSION record needs, in the record's own measures.

    Instants are milliseconds since 1970, by a clock whose flag was `flag`.
    """

    def __init__(self, flag, begin_ms, end_ms, active_s, begin_mwh, end_mwh, power_mw, interruptions, tags):
        self.flag = flag
        self.begin_ms, self.end_ms, self.active_s = begin_ms, end_ms, active_s
        self.begin_mwh, self.end_mwh, self.power_mw = begin_mwh, end_mwh, power_mw
        self.interruptions, self.tags = interruptions, tags

    def numbers(self) -> list:
        first = [self.begin_ms, self.end_ms, self.active_s, self.begin_mwh, self.end_mwh]
        return first + list(self.power_mw) + [self.interruptions]


class Memory:
    """`us`, `t`, `f`: the last given of each counter. `energy`: of the register. `checkpoint`: last district's, or None.
    `alive`: (at_ms, flag) of the last instant that is proven, None before the first boot. `session`: an OpenSession
    or None. `digest`: of the last record's payload. `acked`: acknowledged up to here. `first`: the oldest record kept."""

    def __init__(self):
        self.us = self.t = self.f = self.energy = self.acked = 0
        self.first = 1
        self.checkpoint: str | None = None
        self.alive: tuple | None = None
        self.session: OpenSession | None = None
        self.digest = ZEROS


def write(memory: Memory) -> str:
    """The text of `memory`, but for `digest`, `acked` and `first`, which the journal keeps by itself."""
    at_ms, flag = memory.alive or (0, "U")
    parts = [str(at_ms), flag] + [str(each) for each in (memory.us, memory.t, memory.f, memory.energy)]
    parts.append(memory.checkpoint or "-")
    if memory.session is not None:
        parts.append(memory.session.flag)
        parts.extend([str(each) for each in memory.session.numbers()])
        parts.append("+".join(memory.session.tags) or "-")
    return ",".join(parts)


def read(text: str) -> Memory:
    """The memory that `text` writes; ValueError for any other text."""
    parts = text.split(",")
    if len(parts) not in (_COUNTS, _OPEN):
        raise ValueError("no memory: " + text)
    memory = Memory()
    memory.alive = (int(parts[0]), parts[1])
    memory.us, memory.t, memory.f, memory.energy = [int(each) for each in parts[2:6]]
    memory.checkpoint = None if parts[6] == "-" else parts[6]
    if len(parts) == _OPEN:
        n = [int(each) for each in parts[8:17]]
        tags = [] if parts[17] == "-" else parts[17].split("+")
        memory.session = OpenSession(parts[7], n[0], n[1], n[2], n[3], n[4], tuple(n[5:8]), n[8], tags)
    return memory
