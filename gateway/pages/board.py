"""The live room board: a page for walls and telephones, and the stream that keeps it up to date."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from typing import Any

import anyio
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlite_utils import Database
from sse_starlette import EventSourceResponse, ServerSentEvent

from gateway.access import sign_ins
from gateway.access.places import DISPLAY
from gateway.audit.live import Seen
from gateway.clock import Clock
from gateway.config import Config
from gateway.pages.board_stream import BEAT_S, Event, Stream
from gateway.pages.board_view import AROUND, board
from gateway.pages.guard import token_of
from gateway.pages.rendered import language, person_of, query, rendered
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]

_GRACE_S = 2.0  # for the last words of a stream when the server ends


class _Screens:
    """What is drawn of what was seen last: once for each room and language, however many look."""

    def __init__(self, config: Config):
        self._config = config
        self._seen: Seen | None = None
        self._drawn: dict[tuple[str, str], tuple[str, str]] = {}

    def drawn(self, seen: Seen, room: str, lang: str) -> tuple[str, str]:
        """The tiles as HTML, and the time that they show."""
        if seen is not self._seen:
            self._seen, self._drawn = seen, {}
        if (room, lang) not in self._drawn:
            values = _values(seen, room, lang, self._config)
            text = bytes(rendered("board_tiles.html", lang, **values).body).decode()
            self._drawn[room, lang] = text, values["board"].at
        return self._drawn[room, lang]


def routes(open_ledger: OpenLedger, config: Config, clock: Clock, look: Callable[[], Seen]) -> APIRouter:
    """`/board` and `/board/events`; `look` tells what all devices do now."""
    router, stream, screens = APIRouter(), Stream(look), _Screens(config)

    @router.get("/board")
    def page(request: Request, room: str = "") -> Response:
        lang = language(request)
        say, shown = speak(lang), room[:200]
        title = say("board.title_room", room=shown) if shown else say("board.title")
        values = _values(look(), shown, lang, config)
        events = "/board/events" + query(lang, room=shown)
        other = query("zh" if lang == "en" else "en", room=shown)
        return rendered(
            "board.html", lang, title=title, events=events, other=other, name=config.name, **values
        )

    @router.get("/board/events")
    async def events(request: Request, room: str = "") -> Response:
        if stream.is_full:
            return JSONResponse({"full": True}, 503, {"Retry-After": "60"})
        over = anyio.Event()
        token, is_display = token_of(request), person_of(request).role == DISPLAY

        def holds() -> bool:
            with closing(open_ledger()) as db:
                if is_display:  # what a display does is to show: that is its use
                    return sign_ins.whose(db, token, clock.now_ms()) is not None
                return sign_ins.holds(db, token, clock.now_ms())

        told = _told(stream, screens, over, holds, room[:200], language(request))
        return EventSourceResponse(told, shutdown_event=over, shutdown_grace_period=_GRACE_S, ping=0)

    return router


def _values(seen: Seen, room: str, lang: str, config: Config) -> dict[str, Any]:
    shown = board(seen, room, config.zone, lang)
    asked = {each.name: query(lang, room=each.name) for each in shown.rooms}
    return {"board": shown, "room": room, "asked": asked, "around": AROUND}


async def _told(
    stream: Stream, screens: _Screens, over: Event, holds: Callable[[], bool], room: str, lang: str
) -> AsyncIterator[ServerSentEvent]:
    """`board` with the tiles where they changed, else `beat` with the time that still holds; `ended` when the sign-in did."""
    loop = asyncio.get_running_loop()
    before, asked_s = "", loop.time()
    async for seen in stream.listen(over):
        if loop.time() - asked_s >= BEAT_S - 1:
            asked_s = loop.time()
            if not await run_in_threadpool(holds):
                yield ServerSentEvent(event="ended", data="")
                return
        tiles, at = screens.drawn(seen, room, lang)
        is_news, before = tiles != before, tiles
        yield (
            ServerSentEvent(event="board", data=tiles) if is_news else ServerSentEvent(event="beat", data=at)
        )
