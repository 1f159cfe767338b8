"""What stands before every address: who is asking, from which page, and whether places.py lets them in.

An ASGI middleware of its own, so that streams (the live board) pass untouched. Handlers find the person in
`request.state.person`. What is refused is in the trail, and so are looks where places.py says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from fastapi import HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlite_utils import Database
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access import places, sign_ins
from gateway.access.traces import Trace, Traces
from gateway.clock import Clock
from gateway.config import DISTRICT, Config
from gateway.ledger.people import Person
from gateway.pages.headers import saying_them
from gateway.pages.origin import ours
from gateway.pages.refusals import UNREADABLE, refusal, unreadable
from gateway.pages.rendered import LOOKING, Looking, language, query
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
COOKIE = "ww"
_LEAD = re.compile(r"/[A-Za-z0-9]")
_WHEN_FIRST = ("/password", "/sign-out")
NOBODY = Person("", "", False, 0, None)


@dataclass(frozen=True, slots=True)
class _Asking:
    """A request, where it leads, and who makes it; `is_forged`: the token that was brought is nobody's."""

    request: Request
    place: places.Place | None
    person: Person | None
    is_forged: bool = False

    @property
    def path(self) -> str:
        return path_of(self.request)

    @property
    def lang(self) -> str:
        return language(self.request)

    @property
    def address(self) -> str:
        return address_of(self.request)

    @property
    def is_noted(self) -> bool:
        return self.place is not None and self.place.noted and self.request.method == "GET"


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request through to `app`, or answers it: 303 to the sign-in, 403, 404, 413, 503."""

    app: ASGIApp
    open_ledger: OpenLedger
    config: Config
    clock: Clock
    traces: Traces = field(default_factory=Traces)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(Request(scope, receive), receive, saying_them(scope, send))
        else:
            await send({"type": "websocket.close", "code": 1008})  # there are none

    async def _answer(self, request: Request, receive: Receive, send: Send) -> None:
        scope, place = request.scope, places.place(request.method, path_of(request))
        if place is not None and place.own:
            await self.app(scope, receive, send)
            return
        try:
            asking = await run_in_threadpool(self._asking, request, place)
            refused = await self._refusal(asking)
        except UNREADABLE as error:
            refused = unreadable(request, error)
        if refused is not None:
            await refused(scope, receive, send)
            return
        scope.setdefault("state", {})["person"] = asking.person or NOBODY
        LOOKING.set(Looking(asking.person, self._is_district, asking.path) if asking.person else None)
        sending = _Noted(self, asking, send) if asking.is_noted else send
        await self.app(scope, self._limited(asking, receive), sending)

    @property
    def _is_district(self) -> bool:
        return self.config.role == DISTRICT

    def _asking(self, request: Request, place: places.Place | None) -> _Asking:
        token = token_of(request)
        if not token or (place is not None and place.is_open):
            return _Asking(request, place, None)
        with closing(self.open_ledger()) as db:
            person = sign_ins.whose(db, token, self.clock.now_ms())
            return _Asking(request, place, person, person is None and not sign_ins.is_known(db, token))

    # --- refusing ----------------------------------------------------------------------------------------------------

    async def _refusal(self, asking: _Asking) -> Response | None:
        """What is answered in the stead of the page; None where the request goes on to it."""
        say, place, person = speak(asking.lang), asking.place, asking.person
        try:
            ours(asking.request, self.config.serve, say("account.not_ours"))
        except HTTPException as error:
            return await self._refused(asking, "origin", error.status_code, error.detail)
        if place is None or not place.is_open:
            if person is None:
                return await self._to_sign_in(asking)
            if person.is_first and asking.path not in _WHEN_FIRST:
                return RedirectResponse("/password" + query(asking.lang), 303)
            if place is None:
                return refusal(asking.lang, 404, say("not_found"))
            if not place.allows(person.role, self._is_district):
                told = say("account.not_yours", role=say(f"role.{person.role}"))
                return await self._refused(asking, "role", 403, told)
        if _told_bytes(asking.request) > place.most_bytes:
            return await self._refused(asking, "size", 413, self._too_large(asking))
        return None

    async def _refused(self, asking: _Asking, why: str, status: int, message: str) -> Response:
        await self._note_refused(asking, why)
        return refusal(asking.lang, status, message)

    async def _to_sign_in(self, asking: _Asking) -> Response:
        answer = RedirectResponse("/sign-in" + query(asking.lang, to=_wanted(asking.request)), 303)
        if asking.is_forged:
            await self._note_refused(asking, "token")
        if token_of(asking.request):
            forget_token(asking.request, answer)
        return answer

    def _too_large(self, asking: _Asking) -> str:
        assert asking.place is not None
        return speak(asking.lang)("account.too_large", kb=asking.place.most_bytes // 1024)

    def _limited(self, asking: _Asking, receive: Receive) -> Receive:
        """What is sent, up to as much as the place takes; HTTP 413 from there on."""
        told = 0

        async def receiving() -> Message:
            nonlocal told
            message = await receive()
            told += len(message.get("body", b""))
            if asking.place is not None and told > asking.place.most_bytes:
                await self._note_refused(asking, "size")
                raise HTTPException(413, self._too_large(asking))
            return message

        return receiving

    # --- the trail ---------------------------------------------------------------------------------------------------

    async def _note_refused(self, asking: _Asking, why: str) -> None:
        method = asking.request.method
        at_ms = self.clock.now_ms()
        trace = self.traces.refused(asking.person, method, asking.path, why, asking.address, at_ms)
        await self._note(trace, at_ms)

    async def note_look(self, asking: _Asking) -> None:
        """That a page was looked at; nothing of it may be sent before."""
        assert asking.person is not None
        asked = asking.request.url.query
        address = (asking.path + (f"?{asked}" if asked else ""))[:500]
        at_ms = self.clock.now_ms()
        await self._note(self.traces.look(asking.person, address, at_ms), at_ms)

    async def _note(self, trace: Trace | None, at_ms: int) -> None:
        def note(trace: Trace) -> None:
            with closing(self.open_ledger()) as db:
                trace.note(db, at_ms)

        if trace is not None:
            await run_in_threadpool(note, trace)


class _Noted:
    """Sends a page once it is in the trail that it was looked at; where that cannot be written, nothing of it."""

    def __init__(self, guard: Guard, asking: _Asking, send: Send):
        self._guard, self._asking, self._send = guard, asking, send
        self._is_withheld = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            try:
                await self._guard.note_look(self._asking)
            except UNREADABLE as error:
                self._is_withheld = True
                request = self._asking.request
                await unreadable(request, error)(request.scope, request.receive, self._send)
        if not self._is_withheld:
            await self._send(message)


# --- what a browser keeps and brings ------------------------------------------------------------------------------


def token_of(request: Request) -> str:
    """What the browser brings; empty where it brings nothing."""
    return request.cookies.get(_cookie(request), "")


def keep_token(request: Request, answer: Response, token: str, seconds: int | None) -> None:
    """What the browser is to bring from now on, until it is closed where no time is given."""
    is_https = request.url.scheme == "https"
    answer.set_cookie(
        _cookie(request), token, seconds, path="/", httponly=True, samesite="lax", secure=is_https
    )


def forget_token(request: Request, answer: Response) -> None:
    """The browser brings nothing any more."""
    is_https = request.url.scheme == "https"
    answer.delete_cookie(_cookie(request), path="/", httponly=True, samesite="lax", secure=is_https)


def _cookie(request: Request) -> str:
    """Over TLS a name that no other host, and no page without TLS, can set (RFC 6265bis, section 4.1.3)."""
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE


def address_of(request: Request) -> str:
    """From where somebody asks, as the connection or a proxy on this machine says."""
    return request.client.host[:64] if request.client else "?"


def path_of(request: Request) -> str:
    """What the routes go by. The path of `request.url` has been through a parser that leaves characters out."""
    path: str = request.scope["path"]
    return path


def _told_bytes(request: Request) -> int:
    told = request.headers.get("content-length", "0")
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 20 else 0


def _wanted(request: Request) -> str | None:
    """Where somebody wanted to go, to be brought there after the sign-in."""
    if request.method != "GET" or path_of(request) == "/":
        return None
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def inside(wanted: str) -> str:
    """An address of ours that was brought along; the first page where it is another's."""
    return wanted if _LEAD.match(wanted) and "\\" not in wanted and wanted.isprintable() else "/"
