"""The box around a unit: light, buzzer, button, the case's switch, a reader. In a thread of its own, because a light
blinks and a finger is quick. This file does not know what a fault is, nor who measures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from firmware.agent.panel import Panel
from firmware.agent.tags import TagError, tag
from firmware.rpi.errors import SurroundingsError
from hardware.drivers.contact import PRESS_MS, CaseSwitch, Contact

CASE_OPENED, PRESSED, TAGGED = "CASE_OPENED", "PRESSED", "TAGGED"
_LOOK_MS = 30
Happened = tuple[str, str]


class Box:
    """`light` and `buzzer` have `set(on)`; `case` and `button` have `closed()`, or are None; `reader` see
    hardware/drivers/reader.py, or None. `sign` is what is shown; `tell` hears why something is no tag.
    """

    def __init__(
        self,
        light: Any,
        buzzer: Any,
        case: Any,
        button: Any,
        reader: Any,
        key: bytes | None,
        tell: Callable[[str], None],
    ) -> None:
        self.sign = "READY"
        self._panel = Panel(light, buzzer)
        self._light = light
        self._case, self._button, self._reader = case, button, reader
        self._switch, self._press = CaseSwitch(), Contact(PRESS_MS)
        self._key, self._tell = key, tell
        self._happened: SimpleQueue[Happened] = SimpleQueue()
        self._failed: Exception | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Dark and quiet."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._panel.hush()
        self._light.set(False)

    def take(self) -> list[Happened]:
        """What happened since the last call: CASE_OPENED, PRESSED, or TAGGED with the tag.

        SurroundingsError when the box cannot be watched any more: a unit whose case nobody watches must not go on.
        """
        if self._failed is not None:
            en = f"the box cannot be watched ({self._failed}): see that its pins and reader are free, and start again"
            raise SurroundingsError(f"机壳和按钮无法再查询（{self._failed}）：请检查引脚和读头后重新启动", en)
        happened: list[Happened] = []
        try:
            while True:
                happened.append(self._happened.get_nowait())
        except Empty:
            return happened

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                now_ms = time.monotonic_ns() // 1_000_000
                self.look(now_ms)
                pause_ms = self._panel.step(now_ms, self.sign)
                self._stopping.wait(min(pause_ms, _LOOK_MS) / 1000)
        except Exception as error:  # whatever it is, a thread must not end unheard
            self._failed = error

    def look(self, mono_ms: int) -> None:
        """Ask the contacts and the reader once."""
        if self._case is not None and self._switch.feed(mono_ms, self._case.closed()):
            self._happened.put((CASE_OPENED, ""))
        if self._button is not None and self._press.feed(mono_ms, self._button.closed()):
            self._panel.hush()
            self._happened.put((PRESSED, ""))
        if self._reader is not None:
            for token in self._reader.take(mono_ms):
                self._hear(token)

    def _hear(self, token: str) -> None:
        """The token itself goes no further than this."""
        if self._key is None:
            return
        try:
            self._happened.put((TAGGED, tag(self._key, token)))
        except TagError as why:
            self._tell(f"不是标签 no tag: {why}")
