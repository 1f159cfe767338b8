"""What stands before every address: who is asking, from which page, and whether places.py lets them in.

An ASGI middleware of its own, so that streams (the live board) pass untouched. Handlers find the person in
`request.state.person`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from fastapi import HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlite_utils import Database
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access import accounts, places
from gateway.clock import Clock
from gateway.config import DISTRICT, Config
from gateway.ledger.people import Person
from gateway.pages.origin import ours
from gateway.pages.rendered import LOOKING, Looking, language, query, rendered
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
COOKIE = "ww"
_LEAD = re.compile(r"/[A-Za-z0-9]")
_WHEN_FIRST = ("/password", "/sign-out")
NOBODY = Person("", "", False, 0, None)


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request through to `app`, or answers it: 303 to the sign-in, 403, 404."""

    app: ASGIApp
    open_ledger: OpenLedger
    config: Config
    clock: Clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        place = places.place(request.method, request.url.path)
        if place is not None and place.own:
            await self.app(scope, receive, send)
            return
        person = await run_in_threadpool(self._person, request)
        refused = self._refusal(request, place, person)
        if refused is not None:
            await refused(scope, receive, send)
            return
        scope.setdefault("state", {})["person"] = person or NOBODY
        LOOKING.set(Looking(person, self._is_district, request.url.path) if person else None)
        noted = place is not None and place.noted and person is not None and request.method == "GET"
        await self.app(scope, receive, self._noting(request, person, send) if noted and person else send)

    @property
    def _is_district(self) -> bool:
        return self.config.role == DISTRICT

    def _person(self, request: Request) -> Person | None:
        token = request.cookies.get(COOKIE)
        if token is None:
            return None
        with closing(self.open_ledger()) as db:
            return accounts.whose(db, token, self.clock.now_ms())

    def _refusal(
        self, request: Request, place: places.Place | None, person: Person | None
    ) -> Response | None:
        say, lang = speak(language(request)), language(request)
        try:
            ours(request, self.config.serve, say("account.not_ours"))
        except HTTPException as error:
            return refusal(lang, error.status_code, error.detail)
        if place is not None and place.is_open:
            return None
        if person is None:
            return RedirectResponse("/sign-in" + query(lang, to=_wanted(request)), 303)
        if person.is_first and request.url.path not in _WHEN_FIRST:
            return RedirectResponse("/password" + query(lang), 303)
        if place is None:
            return refusal(lang, 404, say("not_found"))
        if not place.allows(person.role, self._is_district):
            return refusal(lang, 403, say("account.not_yours", role=say(f"role.{person.role}")))
        return None

    def _noting(self, request: Request, person: Person, send: Send) -> Send:
        """Sends on, and keeps in the trail that a page was shown."""
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                await run_in_threadpool(self._note, person, address[:500])
            await send(message)

        return noting

    def _note(self, person: Person, address: str) -> None:
        with closing(self.open_ledger()) as db:
            accounts.note_look(db, person, address, self.clock.now_ms())


def refusal(lang: str, status: int, message: str) -> Response:
    """A page that says why somebody may not be here, or that there is nothing."""
    title = speak(lang)("not_found_title" if status == 404 else "nurse.refused")
    return rendered("error.html", lang, status, title=title, message=message)


def _wanted(request: Request) -> str | None:
    """Where somebody wanted to go, to be brought there after the sign-in."""
    if request.method != "GET" or request.url.path == "/":
        return None
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def inside(wanted: str) -> str:
    """An address of ours that was brought along; the first page where it is another's."""
    return wanted if _LEAD.match(wanted) and "\\" not in wanted else "/"
