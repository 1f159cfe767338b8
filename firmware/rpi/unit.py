"""A unit as a process: readings, network and time into the agent, its records into the journal and out.

One thread decides. In each turn it takes what fell due, lets the agent speak, makes all of it durable with one fsync,
and only then publishes. This file does not know brokers' or meters' languages.
"""

from __future__ import annotations

import contextlib
import secrets
import signal
import sys
from collections.abc import Callable
from queue import Empty
from typing import Any, Protocol

from firmware.agent import events
from firmware.agent.agent import Agent
from firmware.agent.hearsay import Hearsay
from firmware.agent.signs import Signs, seen
from firmware.rpi import watchdog
from firmware.rpi.box import CASE_OPENED, TAGGED, Box
from firmware.rpi.clocks import Clock
from firmware.rpi.files import JournalFiles
from firmware.rpi.mqtt import Link, LinkDown, LinkUp, Message
from firmware.rpi.settings import Settings
from firmware.rpi.watchdog import Watchdog
from protocol import p256, seal, topics
from protocol.errors import RecordError

Heard = Message | LinkUp | LinkDown

_TURN_S = 0.25
_FAST_TURN_S = 0.03  # with a clock that runs fast, more falls due
_CLOCK_MS = 60_000
_MOST_UNSYNCED = 32_768  # bytes: less than the reserve, so that the last words fit whatever a turn brings


class Port(Protocol):
    """What hardware/ports/__init__.py promises."""

    def take(self, mono_ms: int) -> list[tuple[int, int]]: ...


class Unit:
    """One boot. `port` gives readings; `hear` takes (topic, payload, retained, mono_ms) on other topics than the unit's."""

    def __init__(
        self,
        settings: Settings,
        secret: bytes,
        files: JournalFiles,
        link: Link,
        clock: Clock,
        port: Port,
        hear: Callable[[str, bytes, bool, int], None] | None = None,
        box: Box | None = None,
    ) -> None:
        self._agent = Agent(settings.agent, files.memory)
        self._secret, self._files, self._link, self._clock, self._port = secret, files, link, clock, port
        self._hear_other, self._box = hear, box
        self._signs, self._hearsay, self._watchdog = Signs(settings.required_s * 1000), Hearsay(), Watchdog()
        self._sends: list[tuple[int, int]] = []
        self._noted: dict[str, int] = {}
        self._link_told = ""
        self._unkept_us = 0
        self._clock_due_ms = 0
        self._own_time = clock.is_synchronised()
        self._stopping = False

    def run(self) -> None:
        """Measure until asked to stop (SIGTERM, SIGINT). SurroundingsError when the disk fails."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._boot()
        self._link.start()
        if self._box is not None:
            self._box.start()
        self._watchdog.tell(watchdog.READY)
        while not self._stopping:
            self._turn()
            self._watchdog.tell(watchdog.ALIVE)
        self._watchdog.tell(watchdog.STOPPING)
        self._feed(events.Stopping(self._clock.mono_ms()))
        self._settle(self._clock.mono_ms())
        self._link.stop()
        self._files.close()
        if self._box is not None:
            self._box.stop()

    def _stop(self, *_: Any) -> None:
        self._stopping = True

    def _boot(self) -> None:
        at_ms, synchronised = self._clock.at_ms(0), self._clock.is_synchronised()
        self._feed(
            events.Booted(0, secrets.token_hex(8), _cause(), at_ms, synchronised, not self._files.full)
        )
        self._settle(0)

    def _turn(self) -> None:
        heard = self._listen(_FAST_TURN_S if self._clock.speed > 1 else _TURN_S)
        now_ms = self._clock.mono_ms()
        mine = [each for each in heard if not self._pass_on(each, now_ms)]
        for mono_ms, power_mw in self._port.take(now_ms):
            self._tick_before(mono_ms)
            self._feed(events.Reading(mono_ms, power_mw))
            if self._files.unsynced > _MOST_UNSYNCED:
                self._settle(mono_ms)
        self._tick_before(now_ms + 1)
        for each in mine:  # after the readings that are older than what was heard
            self._hear(each, now_ms)
        if self._box is not None:
            self._look(self._box, now_ms)
        self._tell_time(now_ms)
        self._settle(now_ms)

    def _tick_before(self, mono_ms: int) -> None:
        while self._agent.due_ms < mono_ms:
            self._feed(events.Tick(self._agent.due_ms))

    def _tell_time(self, now_ms: int) -> None:
        if now_ms < self._clock_due_ms:
            return
        self._clock_due_ms = now_ms + _CLOCK_MS
        self._own_time = self._clock.is_synchronised()
        at_ms = self._clock.at_ms(now_ms)
        if at_ms is not None:
            self._feed(events.Time(now_ms, at_ms, self._own_time, None))

    def _look(self, box: Box, now_ms: int) -> None:
        for what, its_tag in box.take():
            if what == CASE_OPENED:
                self._feed(events.CaseOpened(now_ms))
            elif what == TAGGED:
                self._feed(events.Tagged(now_ms, its_tag))
            else:
                self._agent.faults = seen(self._agent.faults)
        box.sign = self._signs.of(now_ms, self._agent)

    # --- what the agent asks for ------------------------------------------------------------------------------------

    def _feed(self, event: Any) -> None:
        for action in self._agent.feed(event):
            if isinstance(action, events.Emit):
                line = seal.seal(action.payload, lambda message: p256.sign(self._secret, message))
                self._files.keep(action.us, action.memory, line)
                self._unkept_us = action.us
            elif isinstance(action, events.Checkpoint):
                self._files.checkpoint(action.memory)
            elif isinstance(action, events.Send):
                self._sends.append((action.from_us, action.until_us))
            elif isinstance(action, events.Acked):
                self._files.acknowledge(action.us)
            elif isinstance(action, events.Note):
                self._note(action)

    def _note(self, note: Any) -> None:
        """Log it the first time and then every thousandth: a broken meter says the same once a second."""
        self._noted[note.code] = self._noted.get(note.code, -1) + 1
        if self._noted[note.code] % 1000 == 0:
            log(f"{note.code}: {note.text}")

    def _settle(self, now_ms: int) -> None:
        """Make durable what was said in this turn, then let it leave."""
        was_full, first = self._files.full, self._files.first
        self._files.sync()
        if self._files.full and not was_full:
            self._feed(events.StorageFull(now_ms))
            self._files.sync()
        elif was_full and self._files.free():
            self._feed(events.StorageFreed(now_ms))
            self._files.sync()
        if self._files.first != first:
            self._feed(events.Forgotten(now_ms, self._files.first))
        if self._unkept_us:
            self._feed(events.Kept(now_ms, self._unkept_us))
            self._unkept_us = 0
        for from_us, until_us in self._sends:
            self._link.publish_records(self._files.lines(from_us, until_us))
        self._sends.clear()

    # --- what is heard ----------------------------------------------------------------------------------------------

    def _listen(self, wait_s: float) -> list[Heard]:
        heard: list[Heard] = []
        with contextlib.suppress(Empty):
            heard.append(self._link.heard.get(timeout=wait_s))
            while True:
                heard.append(self._link.heard.get_nowait())
        return heard

    def _pass_on(self, heard: Heard, now_ms: int) -> bool:
        """Whether this was a message on a topic that is not the unit's own, now in its port's hands."""
        own = (self._link.ack_topic, self._link.time_topic)
        if not isinstance(heard, Message) or heard.topic in own or self._hear_other is None:
            return False
        self._hear_other(heard.topic, heard.payload, heard.retained, now_ms)
        return True

    def _hear(self, heard: Heard, now_ms: int) -> None:
        if isinstance(heard, LinkUp):
            self._tell_link("已连上代理 linked to the broker")
            self._feed(events.Linked(now_ms))
        elif isinstance(heard, LinkDown):
            self._tell_link(f"未连上代理 not linked: {heard.why}")
            self._feed(events.Unlinked(now_ms))
        elif heard.topic == self._link.ack_topic and heard.payload:
            self._hear_ack(now_ms, heard.payload)
        elif heard.topic == self._link.time_topic and heard.payload and not heard.retained:
            self._hear_time(now_ms, heard.payload)  # a retained time is an old one

    def _tell_link(self, text: str) -> None:
        """Log it when it changes: attempts without end would fill a disk."""
        if text != self._link_told:
            self._link_told = text
            log(text)

    def _hear_ack(self, mono_ms: int, payload: bytes) -> None:
        try:
            us, up = topics.read_ack(payload)
        except RecordError as error:
            self._note(events.Note("ACK_REFUSED", str(error)))
            return
        self._feed(events.AckHeard(mono_ms, us, up, self._files.digest(us)))

    def _hear_time(self, mono_ms: int, payload: bytes) -> None:
        try:
            at_ms, checkpoint = topics.read_time(payload)
        except RecordError as error:
            self._note(events.Note("TIME_REFUSED", str(error)))
            return
        on_its_way = self._clock.speed > 1  # a message takes too long where a second is a millisecond
        believed = None if self._own_time or on_its_way else self._believed(mono_ms, at_ms)
        self._feed(events.Time(mono_ms, believed, True, checkpoint))

    def _believed(self, mono_ms: int, at_ms: int | None) -> int | None:
        """One message moves no clock that is right: the jump has to be told again."""
        shown_ms, flag = self._agent.shows(mono_ms)
        if at_ms is None or self._hearsay.believes(mono_ms, at_ms, shown_ms, flag == "S"):
            return at_ms
        self._note(events.Note("TIME_DOUBTED", f"{at_ms - shown_ms} ms from what the unit shows"))
        return None


def _cause() -> str:
    """What the reset was: the machine's start, or the program's."""
    try:
        with open("/proc/uptime", encoding="ascii") as file:
            return "POWER_ON" if float(file.read().split()[0]) < 300 else "RESTART"
    except (OSError, ValueError):
        return "RESTART"


def log(text: str) -> None:
    """One line for people, on stderr."""
    print(text, file=sys.stderr, flush=True)
