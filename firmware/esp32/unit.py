"""A unit on a board: readings, buttons, network and time into the agent, its records into the flash and out.

Four tasks share one processor and none waits for another. `measure` hears the meter and lets the agent speak; `keep`
seals what it said, a step at a time, makes it durable and only then lets it leave; `show` moves the light; the link
(link.py) and the time server have their own. What the agent asked for is done in its order, one by one: a record, a
checkpoint or an acknowledgement never overtakes another. This file does not know pins, brokers or file systems.
"""

import asyncio
import binascii
import gc
import os

from micropython import const

from firmware.agent import events
from firmware.agent.agent import Agent
from firmware.agent.hearsay import Hearsay
from firmware.agent.signs import Signs, seen
from protocol import p256, sealing, topics
from protocol.errors import RecordError

_LOOK_MS = const(40)  # between two looks: while a meter or reader may answer, and else
_REST_MS = const(1000)
_MOST_UNSYNCED = const(2048)  # bytes: less than the flash's reserve
_NTP_HOLDS_MS = const(7200000)  # for so long after a time server spoke the gateway's time is not needed
_NTP_PAUSE_MS = const(3600000)
_NTP_AGAIN_MS = const(60000)
_FLASH_AGAIN_MS = const(5000)
_YOUNG_MS = const(60000)  # until then a device that is on may not have been recognised
_NOTED = const(1000)  # a note that repeats is told the first time, and then every thousandth


class Unit:
    """One boot. `clock`, `files`, `hands` and `link`: see clock.py, flash.py, start.py and link.py.

    `readings` counts what the meter said, `signatures` what was sealed.
    """

    def __init__(self, settings, secret: bytes, files, clock, hands, link, tell):
        self._agent = Agent(settings.agent, files.memory)
        self._secret, self._files, self._clock, self._hands = secret, files, clock, hands
        self._link, self._tell = link, tell
        self._tag_key, self._signs = settings.tag_key, Signs(settings.required_s * 1000)
        self._every_ms = settings.meter["every_ms"]
        self._hearsay = Hearsay()
        self._todo: list = []
        self._more = asyncio.Event()
        self._unkept_us = 0
        self._heard_ms = -self._every_ms  # the question that was answered last
        self._ntp_ms = None
        self._noted: dict = {}
        self._link_told = ""
        self._before_us = files.memory.us
        self.update = None  # an Update, where this unit takes a program over the air
        self.readings = self.signatures = 0

    def boot(self, cause: str):
        """Say BOOT, and give a calendar that lost its time what the journal knows."""
        woken, now_ms = self._files.memory, self._clock.mono_ms()
        boot = str(binascii.hexlify(os.urandom(8)), "ascii")
        at_ms = self._clock.at_ms()
        self._feed(events.Booted(now_ms, boot, cause, at_ms, False, not self._files.full))
        if at_ms is None and woken.alive is not None and woken.alive[1] != "U":
            self._clock.set(woken.alive[0])

    # --- measuring --------------------------------------------------------------------------------------------------

    async def measure(self):
        """Hear the meter and everything that staff can touch, for ever; feeds the watchdog."""
        while True:
            now_ms = self._clock.mono_ms()
            for mono_ms, power_mw in self._hands.port.take(now_ms):
                self._tick_before(mono_ms)
                self._feed(events.Reading(mono_ms, power_mw))
                self.readings += 1
                self._heard_ms = mono_ms
            self._tick_before(now_ms + 1)
            self._look(now_ms)
            self._hands.watchdog.feed()
            await asyncio.sleep_ms(self._pause_ms(now_ms))

    def _pause_ms(self, now_ms: int) -> int:
        """Questions fall due at whole multiples of every_ms (hardware/ports/meter.py)."""
        since_ms = now_ms % self._every_ms
        rests = self._heard_ms >= now_ms - since_ms and self._hands.reader is None
        return min(self._every_ms - since_ms, _REST_MS if rests else _LOOK_MS)

    def _tick_before(self, mono_ms: int):
        while self._agent.due_ms < mono_ms:
            self._feed(events.Tick(self._agent.due_ms))

    def _look(self, now_ms: int):
        hands = self._hands
        if hands.case.feed(now_ms, hands.case_contact.closed()):
            self._feed(events.CaseOpened(now_ms))
        if hands.button.pressed():
            hands.panel.hush()
            self._agent.faults = seen(self._agent.faults)
        if hands.reader is not None:
            for token in hands.reader.take(now_ms):
                self._hear_token(now_ms, token)

    def _hear_token(self, now_ms: int, token: str):
        from firmware.agent import tags  # few units have a reader

        if self._tag_key is None:
            return
        try:
            self._feed(events.Tagged(now_ms, tags.tag(self._tag_key, token)))
        except tags.TagError as why:
            self._note("TAG_REFUSED", str(why))

    # --- what the agent asks for ------------------------------------------------------------------------------------

    def _feed(self, event):
        for action in self._agent.feed(event):
            kind = type(action)
            if kind is events.Send:
                self._link.send(action.from_us, action.until_us)
            elif kind is events.Note:
                self._note(action.code, action.text)
            else:
                self._todo.append(action)
                self._more.set()

    async def keep(self):
        """Do what the agent asks for, in its order, for ever."""
        while True:
            while not self._todo:
                self._more.clear()
                await self._more.wait()
            await self._do(self._todo.pop(0))
            if not self._todo or self._files.unsynced > _MOST_UNSYNCED:
                while not self._settle():
                    await asyncio.sleep_ms(_FLASH_AGAIN_MS)

    async def _do(self, action):
        kind = type(action)
        if kind is events.Emit:
            line = await self._sealed(action.payload)
            self._files.keep(action.us, action.memory, line)
            self._unkept_us = action.us
        elif kind is events.Checkpoint:
            self._files.checkpoint(action.memory)
        elif kind is events.Acked:
            self._files.acknowledge(action.us)
            if self.update is not None and action.us > self._before_us:
                try:
                    self.update.keep()
                except OSError as why:  # the next acknowledgement tries again
                    self._note("NVS", "%s" % why)

    def is_idle(self) -> bool:
        """Whether a reset would interrupt nothing: the device is off, all is kept, and this boot is a minute old."""
        is_busy = self._agent.active_ms is not None or self._todo or self._files.unsynced
        return not is_busy and self._clock.mono_ms() >= _YOUNG_MS

    async def _sealed(self, payload: str) -> str:
        steps = p256.sign_steps(self._secret, payload.encode())
        while True:
            try:
                next(steps)
            except StopIteration as end:
                self.signatures += 1
                return sealing.join(payload, *end.value)
            await asyncio.sleep_ms(0)  # a reading may be due

    def _settle(self) -> bool:
        """Make durable what was kept, then let it leave. False where the flash fails: nothing leaves."""
        files = self._files
        was_full, first, is_kept = files.full, files.first, True
        try:
            files.sync()
        except OSError as why:
            is_kept = False
            self._note("FLASH", "%s" % why)
        now_ms = self._clock.mono_ms()
        if files.full and not was_full:
            self._feed(events.StorageFull(now_ms))
        if not is_kept:
            return False
        if was_full and not self._todo and files.free():
            self._feed(events.StorageFreed(now_ms))
        if files.first != first:
            self._feed(events.Forgotten(now_ms, files.first))
        if self._unkept_us:
            self._unkept_us, kept_us = 0, self._unkept_us
            self._feed(events.Kept(now_ms, kept_us))
        gc.collect()
        return True

    def lines(self, from_us: int, until_us: int):
        """The kept record lines from one number to another."""
        return self._files.lines(from_us, until_us)

    # --- what is heard ----------------------------------------------------------------------------------------------

    def hear_link(self, is_up: bool, why: str):
        """The way to the gateway is there, or gone."""
        if why != self._link_told:  # attempts without end would fill a log
            self._link_told = why
            self._tell("link: " + why)
        now_ms = self._clock.mono_ms()
        self._feed(events.Linked(now_ms) if is_up else events.Unlinked(now_ms))

    def hear_ack(self, payload: bytes):
        """An acknowledgement by the gateway, whatever it says."""
        try:
            us, up = topics.read_ack(payload)
        except RecordError as error:
            self._note("ACK_REFUSED", str(error))
            return
        self._feed(events.AckHeard(self._clock.mono_ms(), us, up, self._files.digest(us)))

    def hear_time(self, payload: bytes):
        """The gateway's time; of no use but for the checkpoint while a time server is heard."""
        try:
            at_ms, checkpoint = topics.read_time(payload)
        except RecordError as error:
            self._note("TIME_REFUSED", str(error))
            return
        now_ms = self._clock.mono_ms()
        has_ntp = self._ntp_ms is not None and now_ms - self._ntp_ms < _NTP_HOLDS_MS
        self._hear_clock(now_ms, None if has_ntp else at_ms, checkpoint)

    async def ask_time(self, ask):
        """Ask a time server once an hour, for ever; `ask()` is awaited for milliseconds since 1970, or None."""
        while True:
            try:
                at_ms = await ask()
            except (OSError, MemoryError):
                at_ms = None
            if at_ms is not None:
                self._ntp_ms = self._clock.mono_ms()
                self._hear_clock(self._ntp_ms, at_ms, None)
            await asyncio.sleep_ms(_NTP_AGAIN_MS if at_ms is None else _NTP_PAUSE_MS)

    def _hear_clock(self, now_ms: int, at_ms, checkpoint):
        shown_ms, flag = self._agent.shows(now_ms)
        if at_ms is not None and not self._hearsay.believes(now_ms, at_ms, shown_ms, flag == "S"):
            self._note("TIME_DOUBTED", "%d ms from what the unit shows" % (at_ms - shown_ms))
            at_ms = None
        self._feed(events.Time(now_ms, at_ms, True, checkpoint))
        shown_ms, flag = self._agent.shows(now_ms)
        if flag == "S":
            self._clock.set(shown_ms)

    def _note(self, code: str, text: str):
        self._noted[code] = self._noted.get(code, -1) + 1
        if self._noted[code] % _NOTED == 0:
            self._tell("%s: %s" % (code, text))

    # --- what is shown ----------------------------------------------------------------------------------------------

    async def show(self):
        """Move light and buzzer, for ever."""
        while True:
            now_ms = self._clock.mono_ms()
            await asyncio.sleep_ms(
                min(self._hands.panel.step(now_ms, self._signs.of(now_ms, self._agent)), _REST_MS)
            )
