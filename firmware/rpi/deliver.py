"""Records that exist already, to a gateway through a broker, until it holds them all."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty

from firmware.agent.delivery import Delivery
from firmware.agent.journal import digest_of
from firmware.rpi.errors import SurroundingsError
from firmware.rpi.mqtt import Link, LinkDown, LinkUp, Message
from protocol import topics
from protocol.errors import RecordError

_TURN_S = 0.02
_GRACE_S = 0.3  # for the retained acknowledgement: with another history stored, nothing must be sent


class Habits:
    """As firmware/agent/config.py has them."""

    window, batch, resend_s, resend_most_s = 200, 50, 5, 30


class Courier:
    """Delivers `lines` (record numbers 1, 2, ...), none before its `due_s` seconds after the start.

    `patience_s` is how long to wait for a broker, and then for each progress of the acknowledgement.
    """

    def __init__(self, link: Link, lines: list[str], due_s: list[float], patience_s: float) -> None:
        self._link, self._lines, self._due_s, self._patience_s = link, lines, due_s, patience_s
        self._delivery = Delivery(1, 0, 0, Habits)
        self._start = self._progress = time.monotonic()
        self._was_linked = False
        self._hold_s: float | None = None  # when linked: send nothing before
        self.contradicted: str | None = None

    def run(self, tell: Callable[[int], None]) -> None:
        """Until all is acknowledged, or contradicted; `tell` hears how far it is. SurroundingsError otherwise."""
        self._link.start()
        try:
            while self._delivery.acked < len(self._lines) and self.contradicted is None:
                self._listen()
                self._send()
                self._lose_patience()
                tell(self._delivery.acked)
        finally:
            self._link.stop()

    def _listen(self) -> None:
        try:
            heard = self._link.heard.get(timeout=_TURN_S)
        except Empty:
            return
        if isinstance(heard, LinkUp):
            self._was_linked, self._progress = True, time.monotonic()
            self._hold_s = self._progress + _GRACE_S
        elif isinstance(heard, LinkDown):
            self._hold_s = None
            self._delivery.unlink()
        elif isinstance(heard, Message) and heard.topic == self._link.ack_topic and heard.payload:
            self._hear(heard.payload)

    def _hear(self, payload: bytes) -> None:
        try:
            us, up = topics.read_ack(payload)
        except RecordError:
            return
        known = "0" * 64 if us == 0 else digest_of(self._lines[us - 1]) if us <= len(self._lines) else None
        if known != up:
            self.contradicted = (
                f"网关已有本单元的另一条第 {us} 号记录：请换一个 --unit · "
                f"the gateway holds another record {us} of this unit: use another --unit"
            )
            return
        self._hold_s = None if self._hold_s is None else 0.0
        if us != self._delivery.acked:
            self._progress = time.monotonic()
            self._delivery.acknowledge(_now_ms(), us)

    def _send(self) -> None:
        now_s = time.monotonic()
        if self._hold_s is not None and now_s >= self._hold_s:
            self._hold_s = None
            self._delivery.link(_now_ms())
        passed_s = now_s - self._start
        while self._delivery.kept < len(self._lines) and self._due_s[self._delivery.kept] <= passed_s:
            self._delivery.kept += 1
            self._progress = time.monotonic()
        for from_us, until_us in self._delivery.due(_now_ms()):
            self._link.publish_records(line.encode() for line in self._lines[from_us - 1 : until_us])

    def _lose_patience(self) -> None:
        waits = self._delivery.kept > self._delivery.acked or not self._was_linked
        if waits and time.monotonic() - self._progress > self._patience_s:
            raise self._gave_up()

    def _gave_up(self) -> SurroundingsError:
        zh, en = (
            ("没有收到确认", "no acknowledgement came")
            if self._was_linked
            else ("代理没有应答", "no broker answered")
        )
        safe, wait = f"{self._delivery.acked}/{len(self._lines)}", f"{self._patience_s:g}"
        return SurroundingsError(
            f"{wait} 秒内{zh}，已安全送达 {safe} 条：请确认代理和网关在运行且登记了本单元，然后重试",
            f"{en} for {wait} s, {safe} records are safe: see that broker and gateway run and know this unit, then repeat",
        )


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
