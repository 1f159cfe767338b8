"""The agent: what a unit says, and when. Events in, actions out (events.py lists both).

It knows no time but that of its events, no files, no radio. Whoever feeds it keeps what it emits before saying Kept,
and feeds a Tick when `due_ms` has come.
"""

from firmware.agent import detector, events
from firmware.agent.clock import Clock
from firmware.agent.config import MOST_MW
from firmware.agent.delivery import Delivery
from firmware.agent.memory import ZEROS
from firmware.agent.register import Register
from firmware.agent.voice import Voice
from protocol import payload as record

MISMATCHES, MISMATCHES_MS = 8, 86400000  # so many wrong acknowledgements get a FAULT, in so long
FIRST_MS, LAST_MS = 946684800000, 4102444800000  # 2000 and 2100: no unit was or will be in use outside


class Agent:
    """One boot of a unit. `config` is a Config, `woken` the Memory that the journal left."""

    def __init__(self, config, woken):
        self._config, self._woken, self._profile = config, woken, config.profile
        self._clock = Clock(woken.alive)
        self._voice = Voice(config.identity, woken, self._clock)
        self._register = Register(woken.energy, config.profile.silence_s * 1000)
        self._detector = detector.Detector(config.profile)
        self._delivery = Delivery(woken.first, woken.acked, woken.us, config)
        self._now = self._read_ms = self._said_ms = self._kept_ms = 0
        self._dark_ms: int | None = None  # since when nobody watched, until a GAP tells it
        self._cause = ""
        self._booted = self._told_boot = False
        self._room = True
        self._tags: list = []
        self._mismatches: list = []
        self._mismatched_ms = 0  # when the first of them came
        self._does: list = []
        self.faults: list = []  # causes told and not over yet; whoever shows them removes those that were seen
        self._hears = {
            events.Booted: self._hear_boot,
            events.Reading: self._hear_reading,
            events.Tick: self._hear_nothing,
            events.Time: self._hear_time,
            events.AckHeard: self._hear_ack,
            events.Kept: self._hear_kept,
            events.Forgotten: self._hear_forgotten,
            events.Linked: self._hear_link,
            events.Unlinked: self._hear_no_link,
            events.Tagged: self._hear_tag,
            events.CaseOpened: self._hear_case,
            events.StorageFull: self._hear_full,
            events.StorageFreed: self._hear_freed,
            events.Finished: self._hear_end,
            events.Stopping: self._hear_stop,
        }

    @property
    def due_ms(self) -> int:
        """When the agent wants to be fed a Tick at the latest, in milliseconds since boot."""
        config = self._config
        due_ms = min(self._said_ms + config.alive_s * 1000, self._kept_ms + config.checkpoint_s * 1000)
        if self._dark_ms is None:
            due_ms = min(due_ms, self._read_ms + self._profile.silence_s * 1000)
        again_ms = self._delivery.due_ms
        return due_ms if again_ms is None else min(due_ms, again_ms)

    @property
    def active_ms(self):
        """For how long the open session was on, in milliseconds; None while there is none."""
        session = self._detector.session
        return None if session is None else session.active_ms

    @property
    def unsent(self) -> int:
        """How many records the gateway has not acknowledged."""
        return self._voice.us - self._delivery.acked

    def shows(self, mono_ms: int) -> tuple:
        """(at_ms, flag) of the unit's clock."""
        return self._clock.at(mono_ms), self._clock.flag(mono_ms)

    def feed(self, event) -> list:
        """The actions that `event` asks for, in the order in which they are to be done.

        Instants that go back are taken as now, but for those of readings, which are refused.
        """
        if self._booted == (type(event) is events.Booted):
            raise ValueError("a boot begins with Booted, and has no other")
        self._does = []
        self._now = max(self._now, event.mono_ms)
        if not self._config.is_metered:
            self._read_ms = self._now  # nothing can be silent
        if self._booted:
            self._watch_silence()
        self._hears[type(event)](event)
        self._keep_alive()
        self._does.extend([events.Send(*each) for each in self._delivery.due(self._now)])
        return self._does

    # --- a boot, and its end ----------------------------------------------------------------------------------------

    def _hear_boot(self, event):
        self._booted = True
        self._voice.boot, self._cause, self._room = event.boot, event.cause, event.room
        self._read_ms = self._said_ms = self._kept_ms = event.mono_ms
        at_ms = event.at_ms if event.at_ms is not None and self._is_plausible(event.at_ms) else None
        self._clock.start(event.mono_ms, at_ms, event.synchronised)
        if self._room:
            self._tell_boot()
        else:
            self.faults.append("STORAGE")

    def _tell_boot(self):
        fields = {"UR": self._cause}
        if self._woken.alive is not None:
            fields["UL"] = record.instant(*self._woken.alive)
        self._told_boot = True
        cut = self._woken.session
        self._say(record.BOOT, fields, cut)  # remembers the session that was cut, until it is told
        if cut is not None:
            self._tell(cut, record.POWER_FAILED)

    def _hear_end(self, event):
        self._end_open()

    def _hear_stop(self, event):
        self._keep()

    def _hear_nothing(self, event):
        pass

    # --- readings ---------------------------------------------------------------------------------------------------

    def _hear_reading(self, event):
        why = self._nonsense(event)
        if why is not None:
            self._does.append(events.Note("READING_REFUSED", why))
            return
        self._read_ms = event.mono_ms
        energy = self._register.feed(event.mono_ms, event.power_mw)
        if self._room:
            self._end_dark()
            for what, session in self._detector.feed(event.mono_ms, event.power_mw, energy):
                self._began() if what == detector.BEGAN else self._ended(session)

    def _nonsense(self, event):
        if type(event.power_mw) is not int or not 0 <= event.power_mw <= MOST_MW:
            return "%r mW is no power between 0 and %d" % (event.power_mw, MOST_MW)
        if event.mono_ms < self._read_ms:
            return "a reading of %d ms came after one of %d ms" % (event.mono_ms, self._read_ms)
        return None

    def _began(self):
        self._tags = []
        self._say(record.OPEN, {})

    def _ended(self, session):
        self._tell(self._measured(session), record.LOAD_OFF)
        if not self._profile.least_mw <= session.power_mw[1] <= self._profile.most_mw:
            self._fault("LOAD_MISMATCH")

    def _end_open(self):
        """End an open session at its last reading, because nobody can say how it went on."""
        for _, session in self._detector.silence():
            self._tell(self._measured(session), record.ABORTED)

    def _watch_silence(self):
        if self._dark_ms is None and self._now - self._read_ms >= self._profile.silence_s * 1000:
            self._end_open()
            self._dark_ms = self._read_ms
            self._fault("METER_SILENT")

    def _end_dark(self):
        if self._dark_ms is not None:
            span = [self._voice.instant(each, self._now) for each in (self._dark_ms, self._read_ms)]
            self._dark_ms = None
            self._over("METER_SILENT")
            self._say(record.GAP_OF_READINGS, {"UG": span})

    # --- speaking ---------------------------------------------------------------------------------------------------

    def _keep_alive(self):
        if self._now - self._said_ms >= self._config.alive_s * 1000:
            self._said_ms = self._now
            self._say(record.ALIVE, {})
        if self._now - self._kept_ms >= self._config.checkpoint_s * 1000:
            self._keep()

    def _fault(self, cause: str):
        if cause not in self.faults:
            self.faults.append(cause)
        self._say(record.FAULT, {"UR": cause})

    def _over(self, cause: str):
        if cause in self.faults:
            self.faults.remove(cause)

    def _say(self, kind: str, fields: dict, cut=None):
        if self._may_speak():
            self._emit(self._voice.say(kind, self._now, self._register.energy, fields), cut)

    def _tell(self, session, end: str):
        if self._may_speak():
            self._emit(self._voice.tell(session, end, self._now))

    def _may_speak(self) -> bool:
        return self._room and self._told_boot

    def _emit(self, payload: str, cut=None):
        self._said_ms = self._kept_ms = self._now
        self._does.append(events.Emit(self._voice.us, payload, self._remembered(cut)))

    def _keep(self):
        self._kept_ms = self._now
        if self._may_speak():
            self._does.append(events.Checkpoint(self._remembered(None)))

    def _remembered(self, cut) -> str:
        session = self._detector.session
        known = cut if session is None else self._measured(session)
        return self._voice.remember(known, self._register.energy, self._now)

    def _measured(self, session):
        return self._voice.measure(session, self._tags, self._now)

    # --- time, tags, the box ----------------------------------------------------------------------------------------

    def _hear_time(self, event):
        if event.checkpoint is not None:
            self._voice.checkpoint = event.checkpoint
        if event.at_ms is None or not self._is_plausible(event.at_ms):
            return
        if not self._told_boot:
            self._clock.start(event.mono_ms, event.at_ms, event.synchronised)
        elif self._room:  # without room for a CLOCK the offset must stay
            step_ms = self._clock.hear(event.mono_ms, event.at_ms, event.synchronised)
            if step_ms != 0:
                self._say(record.CLOCK, {"UR": step_ms})

    def _is_plausible(self, at_ms: int) -> bool:
        if FIRST_MS <= at_ms < LAST_MS:
            return True
        self._does.append(events.Note("TIME_REFUSED", "%r ms is in no year from 2000 to 2099" % (at_ms,)))
        return False

    def _hear_tag(self, event):
        if len(event.tag) != 64 or not all(c in "0123456789abcdef" for c in event.tag):
            self._does.append(events.Note("TAG_REFUSED", "a tag is 64 hex digits"))
            return
        open_one = self._detector.session is not None
        if open_one and event.tag not in self._tags and len(self._tags) < self._config.stations:
            self._tags = self._tags + [event.tag]
        self._say(record.TAG, {"UT": [event.tag]})

    def _hear_case(self, event):
        self._fault("CASE_OPEN")

    # --- storage ----------------------------------------------------------------------------------------------------

    def _hear_full(self, event):
        if self._room:
            self._end_open()
            self._fault("STORAGE")
            self._room = False
            self._dark_ms = self._read_ms if self._dark_ms is None else self._dark_ms

    def _hear_freed(self, event):
        self._room = True
        self._over("STORAGE")
        if self._booted and not self._told_boot:
            self._dark_ms, self._read_ms = None, self._now
            self._tell_boot()
        if not self._config.is_metered:
            self._end_dark()

    # --- the gateway ------------------------------------------------------------------------------------------------

    def _hear_kept(self, event):
        self._delivery.kept = max(self._delivery.kept, event.us)

    def _hear_forgotten(self, event):
        self._delivery.first = event.first_us

    def _hear_link(self, event):
        self._delivery.link(self._now)

    def _hear_no_link(self, event):
        self._delivery.unlink()

    def _hear_ack(self, event):
        if self._contradicts(event):
            self._mismatch((event.us, event.up))
        elif event.us != self._delivery.acked:
            self._delivery.acknowledge(self._now, event.us)
            self._does.append(events.Acked(event.us))

    def _contradicts(self, event) -> bool:
        if event.us == 0:
            return event.up != ZEROS
        if event.us > self._delivery.kept:
            return True  # nothing of it has left
        return event.own is not None and event.own != event.up

    def _mismatch(self, heard):
        if self._now - self._mismatched_ms >= MISMATCHES_MS:
            self._mismatches = []
        if heard not in self._mismatches and len(self._mismatches) < MISMATCHES:
            self._mismatched_ms = self._mismatched_ms if self._mismatches else self._now
            self._mismatches.append(heard)
            self._does.append(events.Note("ACK_MISMATCH", "%d %s is not our record" % heard))
            self._fault("ACK_MISMATCH")
