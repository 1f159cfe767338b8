"""The accounts, for the administrator: who may sign in, as what; a made-up password is shown once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlite_utils import Database

from gateway.access import accounts, passwords
from gateway.access.places import ROLES
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import UsageError
from gateway.instants import local_day
from gateway.ledger import people
from gateway.pages.rendered import language, person_of, query, rendered
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
Act = Callable[[Database, str, int], None]
Text = Annotated[str, Form()]


def routes(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    """`/people`, and what is done there."""
    desk = _Desk(open_ledger, config, clock)
    router = APIRouter(prefix="/people")

    @router.get("")
    def listing(request: Request) -> Response:
        return desk.listing(request)

    @router.post("/add")
    def add(request: Request, name: Text = "", role: Text = "") -> Response:
        made = passwords.made_up()
        return desk.do(
            request, lambda db, by, now: accounts.add(db, name, role, made, by, now), name.strip(), made
        )

    @router.post("/role")
    def role_(request: Request, name: Text = "", role: Text = "") -> Response:
        return desk.do(request, lambda db, by, now: accounts.change(db, name, role, by, now))

    @router.post("/password")
    def password(request: Request, name: Text = "") -> Response:
        made = passwords.made_up()
        if name == person_of(request).name:  # else whoever finds a browser signed in has the account for good
            return RedirectResponse("/password" + query(language(request)), 303)
        return desk.do(
            request, lambda db, by, now: accounts.set_password(db, name, made, by, now), name, made
        )

    @router.post("/end")
    def end(request: Request, name: Text = "") -> Response:
        return desk.do(request, lambda db, by, now: accounts.end(db, name, by, now))

    return router


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the page asks of the ledger, and does to it: one connection for each request."""

    open_ledger: OpenLedger
    config: Config
    clock: Clock

    def listing(
        self, request: Request, refused: str = "", status: int = 200, name: str = "", made: str = ""
    ) -> Response:
        lang = language(request)
        with closing(self.open_ledger()) as db:
            found = people.people(db)
        told = [(each, self._day(each.since_ms), self._day(each.until_ms)) for each in found]
        values: dict[str, Any] = {"refused": refused, "name": name, "made": made, "roles": list(ROLES)}
        values |= {"here": query(lang)}
        values |= {"now": [each for each in told if not each[2]], "ended": [each for each in told if each[2]]}
        values |= {"own": person_of(request).name, "place": self.config.name}
        return rendered("people.html", lang, status, title=speak(lang)("people.title"), **values)

    def _day(self, at_ms: int | None) -> date | None:
        return None if at_ms is None else local_day(at_ms, self.config.zone)

    def do(self, request: Request, act: Act, name: str = "", made: str = "") -> Response:
        """Does it and shows the accounts again, with the password that was made up for `name`; or says why not."""
        try:
            with closing(self.open_ledger()) as db:
                act(db, person_of(request).name, self.clock.now_ms())
        except UsageError as error:
            return self.listing(request, error.en if language(request) == "en" else error.zh, 409)
        if made:
            return self.listing(request, name=name, made=made)
        return RedirectResponse("/people" + query(language(request)), 303)
