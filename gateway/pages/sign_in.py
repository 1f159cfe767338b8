"""Signing in and out, and one's own password."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlite_utils import Database

from gateway.access import passwords, sign_ins
from gateway.access.places import DISPLAY
from gateway.access.sign_ins import LIVES, Entered, TooOften
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import UsageError
from gateway.ledger import people
from gateway.pages.guard import address_of, forget_token, inside, keep_token, token_of
from gateway.pages.rendered import language, person_of, query, rendered
from gateway.pages.words import speak

OpenLedger = Callable[[], Database]
Text = Annotated[str, Form()]


def routes(open_ledger: OpenLedger, config: Config, clock: Clock) -> APIRouter:
    """`/sign-in`, `/sign-out`, `/password`."""
    router = APIRouter()
    _signing(router, open_ledger, config, clock)
    _password(router, open_ledger, clock)
    return router


def _signing(router: APIRouter, open_ledger: OpenLedger, config: Config, clock: Clock) -> None:
    def form(
        request: Request, refused: str = "", status: int = 200, to: str = "", name: str = ""
    ) -> Response:
        lang = language(request)
        with closing(open_ledger()) as db:
            is_new = not people.people(db)
        title, wanted = speak(lang)("account.sign_in"), to or request.query_params.get("to", "")
        values = {"refused": refused, "is_new": is_new, "to": wanted, "name": name, "place": config.name}
        return rendered("sign_in.html", lang, status, title=title, here=query(lang), **values)

    @router.get("/sign-in")
    def ask(request: Request) -> Response:
        return form(request)

    @router.post("/sign-in")
    def enter(request: Request, name: Text = "", password: Text = "", to: Text = "") -> Response:
        say, who = speak(language(request)), (name, password, address_of(request))
        try:
            with closing(open_ledger()) as db:
                entered = sign_ins.sign_in(db, *who, clock.now_ms(), before=token_of(request))
        except TooOften:
            return form(request, say("account.too_often"), 429, to, name)
        if entered is None:
            return form(request, say("account.wrong"), 403, to, name)
        return _brought_in(request, entered, inside(to))

    @router.post("/sign-out")
    def leave(request: Request) -> Response:
        with closing(open_ledger()) as db:
            sign_ins.sign_out(db, token_of(request), person_of(request), clock.now_ms())
        answer = RedirectResponse("/sign-in" + query(language(request)), 303)
        forget_token(request, answer)
        return answer


def _brought_in(request: Request, entered: Entered, to: str) -> Response:
    """A person's browser forgets who signed in when it is closed; a display's does not."""
    answer = RedirectResponse(to if to != "/" else "/" + query(language(request)), 303)
    is_display = entered.person.role == DISPLAY
    keep_token(request, answer, entered.token, LIVES[DISPLAY].most_ms // 1000 if is_display else None)
    return answer


def _password(router: APIRouter, open_ledger: OpenLedger, clock: Clock) -> None:
    def form(request: Request, refused: str = "", status: int = 200) -> Response:
        lang, person = language(request), person_of(request)
        title = speak(lang)("account.password_title", name=person.name)
        values = {
            "refused": refused,
            "is_first": person.is_first,
            "here": query(lang),
            "least": passwords.LEAST,
        }
        return rendered("password.html", lang, status, title=title, name=person.name, **values)

    @router.get("/password")
    def ask(request: Request) -> Response:
        return form(request)

    @router.post("/password")
    def change(request: Request, old: Text = "", new: Text = "", again: Text = "") -> Response:
        say, name = speak(language(request)), person_of(request).name
        if new != again:
            return form(request, say("account.differ"), 409)
        if new == old:
            return form(request, say("account.same"), 409)
        try:
            with closing(open_ledger()) as db:
                entered = sign_ins.change_password(db, name, old, new, address_of(request), clock.now_ms())
        except TooOften:
            return form(request, say("account.too_often"), 429)
        except UsageError as error:
            return form(request, error.en if language(request) == "en" else error.zh, 409)
        return _brought_in(request, entered, "/") if entered else form(request, say("account.wrong_old"), 403)
