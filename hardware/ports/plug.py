"""An off-the-shelf plug as a port: what it says over MQTT, stamped when it arrives.

The plug's energy counter is held against its power: a plug that sticks at one power while its counter goes elsewhere
is told in a log. This file does not know MQTT clients; someone hands it messages and sends its questions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from hardware.drivers import esphome, shelly_gen2, tasmota, zigbee2mqtt
from hardware.drivers.reading import NoReading

_PER_MWH = 3_600_000


@dataclass(frozen=True)
class Plug:
    """One plug: where it speaks, the (topic, payload) that asks it, None where it cannot be asked, and what it says.

    `decode(topic, payload, retained)` gives a reading with `power_mw`, `total_mwh` and `doubt`, or raises NoReading.
    `window_mwh`: over so much energy its counter is held against its power; ten of the counter's steps at least.
    """

    topics: list[str]
    question: tuple[str, bytes] | None
    decode: Callable[[str, bytes, bool], Any]
    window_mwh: int


def tasmota_plug(topic: str) -> Plug:
    """The plug whose Topic that is, with Tasmota's default full topic. Its counter has steps of 1 Wh."""
    return Plug(tasmota.topics(topic), tasmota.poll(topic), tasmota.decode, 20_000)


def shelly_plug(topic: str, channel: int = 0) -> Plug:
    """A Shelly of generation 2 or later with that MQTT prefix."""
    decode = partial(shelly_gen2.decode, channel=channel)
    return Plug(shelly_gen2.topics(topic, channel), shelly_gen2.poll(topic, channel), decode, 20_000)


def zigbee_plug(topic: str, base: str = "zigbee2mqtt") -> Plug:
    """The plug of that friendly name. It repeats what it remembers, so what was heard before is remembered here too."""
    seen: str | None = None

    def decode(where: str, payload: bytes, retained: bool) -> zigbee2mqtt.PlugReading:
        nonlocal seen
        reading = zigbee2mqtt.decode(where, payload, retained, seen)
        seen = reading.seen
        return reading

    return Plug(zigbee2mqtt.topics(topic, base), zigbee2mqtt.poll(topic, base), decode, 100_000)


def esphome_plug(topic: str, sensor: str = "power") -> Plug:
    """An ESPHome node with that topic prefix. It cannot be asked, and has no counter that comes with its power."""
    return Plug(esphome.topics(topic, sensor), None, partial(esphome.decode, sensor=sensor), 20_000)


class PlugPort:
    """Readings of `plug`. See ports/__init__.py.

    `ask` publishes (topic, payload); it is used every `poll_s` seconds, because plugs report by themselves only every
    few minutes; 0 never asks. `tell` hears what was odd, once per kind until it is over.
    """

    def __init__(
        self, plug: Plug, poll_s: int, ask: Callable[[str, bytes], None], tell: Callable[[str], None]
    ) -> None:
        self._plug = plug
        self._poll_ms, self._ask, self._tell = poll_s * 1000, ask, tell
        self._asked_ms = -self._poll_ms
        self._waiting: list[tuple[int, int]] = []
        self._odd = ""
        self._counter = _CounterCheck(plug.window_mwh)

    def take(self, mono_ms: int) -> list[tuple[int, int]]:
        question = self._plug.question
        if question and self._poll_ms and mono_ms - self._asked_ms >= self._poll_ms:
            self._asked_ms = mono_ms
            self._ask(*question)
        taken, self._waiting = self._waiting, []
        return taken

    def hear(self, topic: str, payload: bytes, retained: bool, mono_ms: int) -> None:
        """One message on one of the plug's topics, at `mono_ms`."""
        try:
            reading = self._plug.decode(topic, payload, retained)
        except NoReading as why:
            self._say(f"no reading: {why}")
            return
        self._waiting.append((mono_ms, reading.power_mw))
        self._say(reading.doubt or self._counter.feed(mono_ms, reading.power_mw, reading.total_mwh) or "")

    def _say(self, odd: str) -> None:
        kind = "".join(sign for sign in odd if not sign.isdigit())
        if odd and kind != self._odd:
            self._tell(odd)
        self._odd = kind


class _CounterCheck:
    """Power, integrated, against the plug's own energy counter, over stretches of `window_mwh`."""

    def __init__(self, window_mwh: int) -> None:
        self._window_mwh = window_mwh
        self._last: tuple[int, int] | None = None
        self._from_mwh: int | None = None
        self._energy = 0

    def feed(self, mono_ms: int, power_mw: int, total_mwh: int | None) -> str | None:
        """A sentence when the two disagree by more than a quarter."""
        if self._last is not None:
            self._energy += (self._last[1] + power_mw) * (mono_ms - self._last[0]) // 2
        self._last = (mono_ms, power_mw)
        if self._from_mwh is None or total_mwh is None or total_mwh < self._from_mwh:
            self._from_mwh, self._energy = total_mwh, 0  # no counter yet, or it was reset
            return None
        counted_mwh, summed_mwh = total_mwh - self._from_mwh, self._energy // _PER_MWH
        if max(counted_mwh, summed_mwh) < self._window_mwh:
            return None
        self._from_mwh, self._energy = total_mwh, 0
        if abs(counted_mwh - summed_mwh) * 4 <= max(counted_mwh, summed_mwh):
            return None
        return f"power and energy counter disagree: {summed_mwh} mWh against {counted_mwh} mWh"
