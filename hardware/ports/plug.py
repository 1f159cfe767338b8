"""An off-the-shelf plug as a port: what it says over MQTT, stamped when it arrives.

The plug's energy counter is held against its power: a plug that sticks at one power while its counter goes elsewhere
is told in a log. This file does not know MQTT clients; someone hands it messages and sends its questions.
"""

from __future__ import annotations

from collections.abc import Callable

from hardware.drivers import tasmota

_WINDOW_MWH = 20_000  # Tasmota's counter has steps of 1 Wh
_PER_MWH = 3_600_000


class PlugPort:
    """Readings of the Tasmota plug `topic`. See ports/__init__.py.

    `ask` publishes (topic, payload); it is used every `poll_s` seconds, because plugs report by themselves only every
    five minutes; 0 never asks. `tell` hears what was odd, once per kind until it is over.
    """

    def __init__(
        self, topic: str, poll_s: int, ask: Callable[[str, bytes], None], tell: Callable[[str], None]
    ) -> None:
        self.topics = tasmota.topics(topic)
        self._question = tasmota.poll(topic)
        self._poll_ms, self._ask, self._tell = poll_s * 1000, ask, tell
        self._asked_ms = -self._poll_ms
        self._waiting: list[tuple[int, int]] = []
        self._odd = ""
        self._counter = _CounterCheck()

    def take(self, mono_ms: int) -> list[tuple[int, int]]:
        if self._poll_ms and mono_ms - self._asked_ms >= self._poll_ms:
            self._asked_ms = mono_ms
            self._ask(*self._question)
        taken, self._waiting = self._waiting, []
        return taken

    def hear(self, topic: str, payload: bytes, retained: bool, mono_ms: int) -> None:
        """One message on one of `topics`, at `mono_ms`."""
        try:
            reading = tasmota.decode(topic, payload, retained)
        except tasmota.NoReading as why:
            self._say(f"no reading: {why}")
            return
        self._waiting.append((mono_ms, reading.power_mw))
        self._say(reading.doubt or self._counter.feed(mono_ms, reading) or "")

    def _say(self, odd: str) -> None:
        kind = odd.rstrip("0123456789 mWh")
        if odd and kind != self._odd:
            self._tell(odd)
        self._odd = kind


class _CounterCheck:
    """Power, integrated, against the plug's own energy counter, over stretches of 20 Wh."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self._from_mwh: int | None = None
        self._energy = 0

    def feed(self, mono_ms: int, reading: tasmota.PlugReading) -> str | None:
        """A sentence when the two disagree by more than a quarter."""
        if self._last is not None:
            self._energy += (self._last[1] + reading.power_mw) * (mono_ms - self._last[0]) // 2
        self._last = (mono_ms, reading.power_mw)
        total_mwh = reading.total_mwh
        if self._from_mwh is None or total_mwh is None or total_mwh < self._from_mwh:
            self._from_mwh, self._energy = total_mwh, 0  # no counter yet, or it was reset
            return None
        counted_mwh, summed_mwh = total_mwh - self._from_mwh, self._energy // _PER_MWH
        if max(counted_mwh, summed_mwh) < _WINDOW_MWH:
            return None
        self._from_mwh, self._energy = total_mwh, 0
        if abs(counted_mwh - summed_mwh) * 4 <= max(counted_mwh, summed_mwh):
            return None
        return f"power and energy counter disagree: {summed_mwh} mWh against {counted_mwh} mWh"
