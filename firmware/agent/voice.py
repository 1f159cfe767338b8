"""What a unit has said, so what it says next: counters, chain, instants. This file does not decide when to speak."""

from firmware.agent import memory
from firmware.agent.clock import flags
from firmware.agent.register import PER_MWH
from protocol import payload as record
from protocol.sealing import digest


class Voice:
    """One boot's records. `boot` is its id, `checkpoint` the district's last, or None."""

    def __init__(self, identity, woken, clock):
        self._identity, self._clock = identity, clock
        self._t, self._f, self._digest = woken.t, woken.f, woken.digest
        self.us = woken.us
        self.boot = ""
        self.checkpoint = woken.checkpoint

    def say(self, kind: str, now_ms: int, energy: int, fields: dict) -> str:
        """Payload of a record of any kind but SESSION, at `now_ms`."""
        register_mwh = None if kind == record.FAULT else energy // PER_MWH
        self._f += 1
        reading = record.Reading(self._clock.at(now_ms), self._clock.flag(now_ms), register_mwh)
        return self._render(kind, self._f, now_ms, [reading], fields)

    def tell(self, session, end: str, now_ms: int) -> str:
        """Payload of the SESSION record of an OpenSession that ended so (L, P or A)."""
        begin_flag, end_flag = flags(session.flag)
        self._t += 1
        readings = [
            record.Reading(session.begin_ms, begin_flag, session.begin_mwh, record.BEGIN),
            record.Reading(session.end_ms, end_flag, session.end_mwh, end),
        ]
        fields = {"UA": session.active_s, "UW": session.power_mw, "UI": session.interruptions}
        if session.tags:
            fields["UT"] = session.tags
        return self._render(record.SESSION, self._t, now_ms, readings, fields)

    def measure(self, session, tags, now_ms: int):
        """A session of the detector in a record's measures, as OpenSession: all by the clock's offset of now."""
        return memory.OpenSession(
            self._clock.flag(now_ms),
            self._clock.at(session.begin_ms),
            self._clock.at(session.end_ms),
            session.active_ms // 1000,
            session.begin_energy // PER_MWH,
            session.end_energy // PER_MWH,
            session.power_mw,
            session.interruptions,
            tags,
        )

    def instant(self, mono_ms: int, now_ms: int) -> str:
        """TM of an earlier instant of this boot, by the clock of now."""
        return record.instant(self._clock.at(mono_ms), self._clock.flag(now_ms))

    def remember(self, session, energy: int, now_ms: int) -> str:
        """The memory text of now, with `session` (an OpenSession or None) open."""
        known = memory.Memory()
        known.us, known.t, known.f, known.energy = self.us, self._t, self._f, energy
        known.checkpoint, known.session = self.checkpoint, session
        known.alive = (self._clock.at(now_ms), self._clock.flag(now_ms))
        return memory.write(known)

    def _render(self, kind: str, count: int, now_ms: int, readings: list, fields: dict) -> str:
        self.us += 1
        said = {"UB": self.boot, "US": self.us, "UP": self._digest, "UM": now_ms}
        said.update(fields)
        if self.checkpoint is not None:
            said["UC"] = self.checkpoint
        payload = record.render(self._identity, kind, count, readings, said)
        self._digest = digest(payload)
        return payload
