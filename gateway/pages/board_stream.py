"""The live room board's stream: one look for all who listen, told when something changed and at every beat."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from fastapi.concurrency import run_in_threadpool

from gateway.audit.live import Seen

BEAT_S = 15.0
"""Whoever hears nothing for longer has lost the link."""
MOST = 64
"""Screens that may listen at once."""

_LOOK_S = 1.0

_log = logging.getLogger(__name__)


class Event(Protocol):
    """Something that happens once, of asyncio or anyio."""

    def is_set(self) -> bool: ...

    async def wait(self) -> object: ...


class Stream:
    """`look` is asked once a second while anybody listens, in a thread."""

    def __init__(self, look: Callable[[], Seen]):
        self._look = look
        self._listening = 0
        self._looking: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._seen: Seen | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more can listen."""
        return self._listening >= MOST

    async def listen(self, over: Event) -> AsyncGenerator[Seen, None]:
        """What is seen: at once, whenever it has changed, and at every beat; to its end when `over` is set. Nothing is told
        while the ledger cannot be read."""
        self._listening += 1
        try:
            self._begin()
            while not over.is_set():
                news, seen = self._news, self._seen
                if seen is not None:
                    yield seen
                await _first(news, over)
        finally:
            self._listening -= 1

    def _begin(self) -> None:
        """The look goes on in the loop in which somebody listens."""
        task, loop = self._looking, asyncio.get_running_loop()
        if task is None or task.done() or task.get_loop() is not loop:
            self._news, self._seen = asyncio.Event(), None
            self._looking = loop.create_task(self._look_on())

    async def _look_on(self) -> None:
        while self._listening:
            self._tell(await self._look_once())
            await asyncio.sleep(_LOOK_S)

    async def _look_once(self) -> Seen | None:
        try:
            return await run_in_threadpool(self._look)
        except Exception:  # whatever it is, the screens say by themselves that nothing comes
            _log.exception("looking at the rooms failed")
            return None

    def _tell(self, seen: Seen | None) -> None:
        before, self._seen = self._seen, seen
        if seen is not None and (before is None or _told(seen) != _told(before)):
            news, self._news = self._news, asyncio.Event()
            news.set()


def _told(seen: Seen) -> tuple[object, ...]:
    return (seen.units, seen.linked, seen.at_ms // 60_000)


async def _first(*events: Event) -> None:
    """Until one of them is set, or a beat has passed."""
    waiting = [asyncio.ensure_future(each.wait()) for each in events]
    try:
        await asyncio.wait(waiting, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
