"""Watches a unit's meter for a while and makes a recording of it. The unit itself must not run meanwhile."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import TextIO

from firmware.rpi.clocks import ShownClock, SystemClock
from firmware.rpi.errors import SurroundingsError, UsageError
from firmware.rpi.files import hold
from firmware.rpi.mqtt import Link, Message
from firmware.rpi.playback import iso
from firmware.rpi.port_settings import NONE
from firmware.rpi.ports import open_port, plug_of
from firmware.rpi.settings import Settings
from firmware.rpi.unit import Port
from hardware.ports.plug import PlugPort

_TURN_S = 0.05
Tell = Callable[[str], None]
Rows = list[tuple[int, int]]


def watch(settings: Settings, minutes: int, tell: Tell) -> Rows:
    """(at_ms since 1970 UTC, power_mw) of the next minutes; SurroundingsError when the meter said nothing.

    UsageError when the unit runs: two programs cannot ask one meter.
    """
    if settings.port.kind == NONE:
        en = "this unit has no meter (port.kind is none): there is nothing to calibrate"
        raise UsageError("这个单元没有电表（port.kind 为 none）：没有可以标定的", en)
    settings.journal.mkdir(parents=True, exist_ok=True)
    with hold(settings.journal / "lock"):
        clock = ShownClock(settings.clock) if settings.clock else SystemClock()
        start_ms = clock.at_ms(0)
        if start_ms is None:
            en = "the clock does not know the time: set it, a recording needs it"
            raise UsageError("时钟不知道时间：请先对时，记录需要时刻", en)
        plug = plug_of(settings.port)
        if plug is None:
            port, link = open_port(settings.port, start_ms, tell), None
        else:
            link = Link(settings.mqtt, settings.clinic, settings.agent.unit, plug.topics)
            port = PlugPort(plug, settings.port.poll_s, link.publish, tell)
            link.start()
        rows = _listen(port, link, clock, minutes * 60_000, tell)
        if link is not None:
            link.stop()
    if not rows:
        en = f"the meter said nothing for {minutes} min: see that it has mains and its wire, then repeat"
        raise SurroundingsError(f"{minutes} 分钟内电表没有读数：请检查市电和接线后重试", en)
    return [(start_ms + mono_ms, power_mw) for mono_ms, power_mw in rows]


def _listen(port: Port, link: Link | None, clock: ShownClock | SystemClock, for_ms: int, tell: Tell) -> Rows:
    rows: Rows = []
    told = 0
    while (now_ms := clock.mono_ms()) < for_ms:
        if link is not None and isinstance(port, PlugPort):
            _pass_on(port, link, now_ms)
        rows += port.take(now_ms)
        minute = now_ms // 60_000
        if minute > told and rows:
            told = minute
            tell(f"{minute}/{for_ms // 60_000} min  {rows[-1][1] / 1000:g} W")
        time.sleep(_TURN_S / 10 if clock.speed > 1 else _TURN_S)
    return rows


def _pass_on(port: PlugPort, link: Link, now_ms: int) -> None:
    with contextlib.suppress(Empty):
        while True:
            heard = link.heard.get_nowait()
            if isinstance(heard, Message):
                port.hear(heard.topic, heard.payload, heard.retained, now_ms)


@contextlib.contextmanager
def saving(path: Path | None) -> Iterator[Callable[[Rows], None]]:
    """Gives what writes a recording as a TRACE.csv, never over an existing file; None writes nothing.

    UsageError before anything is measured, where that cannot be. Nothing is left there when nothing was measured.
    """
    if path is None:
        yield lambda rows: None
        return
    try:
        file = open(path, "x", encoding="ascii", newline="\n")  # noqa: SIM115 - closed below
    except OSError as error:
        en = f"--save {path}: cannot be written ({error.strerror}): choose a new file"
        raise UsageError(f"--save {path} 无法写入：请换一个新文件", en) from error
    with file:
        try:
            yield lambda rows: _write(file, rows)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _write(file: TextIO, rows: Rows) -> None:
    file.write("time,power_w\n")
    file.writelines(f"{iso(at_ms)},{power_mw / 1000:g}\n" for at_ms, power_mw in rows)
