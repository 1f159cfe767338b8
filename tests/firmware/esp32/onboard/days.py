"""A unit's days: the real program from start.run on, a scripted board, a real broker. Prints what it saw as JSON."""

import asyncio
import gc
import json

from micropython import const

from firmware.esp32 import start
from protocol import p256
from tests.firmware.esp32.onboard.board import (
    Hours,
    Machine,
    Pin,
    Pzem,
    RealTime,
    Station,
    Wdt,
    World,
    mounted,
)

_STEPS = const(22)  # of a signature, protocol/p256.py
_LIGHT = const(25)  # the pin


def lamp(on_s, of_s):
    """Watts of a lamp that is on for the first `on_s` of every `of_s` seconds of 12 hours, and off for 12 hours."""

    def watts_at(now_ms):
        second = now_ms // 1000 % 86400
        return 250 if second < 43200 and second % of_s < on_s else 0

    return watts_at


def slow_signing(hours, took_ms):
    """Each step of a signature takes as long as on a board."""
    quick = p256.sign_steps

    def sign_steps(secret, message):
        steps, burnt_ms = quick(secret, message), 0
        for step in range(1, _STEPS + 2):
            due_ms = min(step, _STEPS) * took_ms // _STEPS
            hours.burn(due_ms - burnt_ms)
            burnt_ms = due_ms
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            yield

    p256.sign_steps = sign_steps


def spoil(answer):
    """What a bad wire makes of an answer: half of it, then noise."""
    return answer[:9] + b"\x00\xff\x01\x04\x14" + answer[3:7]


class Days:
    """A unit on a bench. `told` is what differs; see tests/firmware/esp32/gateway.py.

    `events`: [at_s, what] of what happens to it: "spoil", "mend", "no mains", "mains", "no network", "network",
    "open case", "close case", "press"; anything else is read by the reader.
    """

    def __init__(self, told):
        self.told = told
        self.hours = (
            RealTime() if told.get("real") else Hours(told.get("calendar_ms"), told.get("first_tick", 0))
        )
        Machine.hours = self.hours
        self.meter = Pzem(lamp(told.get("on_s", 1260), told.get("of_s", 3600)))
        Machine.slaves[2] = self.meter
        self.folder, self.flash = self._flash()
        self.notes: list = []
        self.told_times = 0
        self.unit = None
        self.world = World(self.hours, self.folder, self.tell)
        slow_signing(self.hours, told.get("signing_ms", 200))
        self.hours.answers_due = self.answers_due
        if "ntp_port" in told:
            self._ask_at(told["ntp_port"])
        self.hours.look_ms, self.hours.patience_ms = told.get("look_ms", 5000), told.get("patience_ms", 200)

    def _flash(self):
        folder = self.told.get("folder", "/flash")
        made = mounted(400, folder) if folder == "/flash" else None
        with open(folder + "/unit.json", "w") as file:
            file.write(self.told["unit_json"])
        if self.told.get("key", 32):
            with open(folder + "/key.bin", "wb") as file:
                file.write(bytes([7] * self.told.get("key", 32)))
        for name in self.told.get("files", {}):
            with open(self.told["files"][name], "rb") as file:
                content = file.read()
            with open(folder + "/" + name, "wb") as file:
                file.write(content)
        return folder, made

    def _ask_at(self, port):
        from firmware.esp32 import ntp

        ask = ntp.ask
        ntp.ask = lambda host, mono_ms: ask(host, mono_ms, port)

    def tell(self, text):
        self.told_times += 1
        if text not in self.notes and len(self.notes) < 20:
            self.notes.append(text)
        if self.told_times == self.told.get("tells"):
            raise KeyboardInterrupt

    def answers_due(self):
        if self.unit is None:
            return None
        if self.unit.update is not None and self.unit.update._number >= 0:
            return self.unit.update._number, self.unit.update._piece
        agent, connection = self.unit._agent, self.unit._link.connection
        if connection is None:
            return agent.unsent, -1, id(agent)
        if connection.waits == 0 and agent.unsent == 0:
            return None
        return agent.unsent, connection.waits, connection.heard

    def run(self):
        self._work, start.work = start.work, self._watched
        start.run(self.world)
        watchdogs = [each.timeout for each in Machine.watchdogs]
        print(
            '{"notes": %s, "watchdogs": %s, "light": %d}'
            % (json.dumps(self.notes), watchdogs, Pin.moves.get(_LIGHT, 0))
        )

    async def _watched(self, world, unit, besides):
        self.unit = unit
        self.tasks = [asyncio.create_task(each) for each in (self._report_all(), self._happen())]
        await self._work(world, unit, besides)

    async def _report_all(self):
        every_ms = self.told["report_s"] * 1000
        while self.hours.now_ms < self.told["until_s"] * 1000:
            await asyncio.sleep_ms(every_ms - self.hours.now_ms % every_ms)
            self.report()
        raise KeyboardInterrupt

    async def _happen(self):
        for at_s, what in self.told.get("events", ()):
            await asyncio.sleep_ms(max(0, at_s * 1000 - self.hours.now_ms))
            self._do(what)

    def _do(self, what):
        meter, pins = self.meter, Machine.pins
        if what in ("spoil", "mend"):
            meter.spoils = spoil if what == "spoil" else None
        elif what in ("no mains", "mains"):
            meter.watts = (lambda _: None) if what == "no mains" else lamp(1260, 3600)
        elif what in ("no network", "network"):
            Station.up = what == "network"
        elif what in ("open case", "close case"):
            pins[33].move(1 if what == "open case" else 0)
        elif what == "press":
            pins[32].move(0)
            pins[32].move(1)
        else:
            Machine.uarts[1].say(what.encode() + b"\r")

    def report(self):
        gc.collect()
        agent, now_ms = self.unit._agent, self.hours.now_ms
        print(
            '{"at_s": %d, "free": %d, "used": %d, "readings": %d, "asked": %d, "signatures": %d, "us": %d, "unsent": %d, '
            '"watchdog_ms": %d, "erased": %d, "programmed": %d, "flag": "%s", "sign": "%s", "light": %d}'
            % (
                now_ms // 1000,
                gc.mem_free(),
                gc.mem_alloc(),
                self.unit.readings,
                self.meter.asked,
                self.unit.signatures,
                agent._voice.us,
                agent.unsent,
                Wdt.worst_ms,
                self.flash.erased if self.flash else 0,
                self.flash.programmed if self.flash else 0,
                agent.shows(now_ms)[1],
                self.unit._signs.of(now_ms, agent),
                Pin.moves.get(_LIGHT, 0),
            )
        )


def main(text):
    Days(json.loads(text)).run()
