"""People who have signed in: by a real account and cookie, or, where only a page's content matters, said to be so."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import bootstrap
from gateway.access import accounts
from gateway.access.places import MANAGER
from gateway.ledger.people import Person
from gateway.pages.guard import COOKIE

PASSWORD = "a-long-enough-one"
HERE = "http://127.0.0.1:8080"


def account(folder: Path, name: str, role: str) -> str:
    """An account in the ledger of `folder`, signed in by its password; what its browser keeps."""
    book = bootstrap.open_book(folder)
    with book.ledger() as db:
        accounts.add(db, name, role, PASSWORD, "console", book.clock.now_ms(), is_first=False)
        entered = accounts.sign_in(db, name, PASSWORD, "127.0.0.1", book.clock.now_ms())
    assert entered is not None
    return entered.token


def client(app: FastAPI, folder: Path, role: str = MANAGER, name: str = "D01") -> TestClient:
    """Somebody with a new account of that role, in front of all addresses of the ledger's `web.app`."""
    ours = {"Origin": HERE, "Host": HERE.removeprefix("http://")}
    return TestClient(
        app, HERE, cookies={COOKIE: account(folder, name, role)}, headers=ours, follow_redirects=False
    )


def as_person(app: ASGIApp, name: str = "D01", role: str = MANAGER) -> ASGIApp:
    """The application as it is behind the guard, which has found out who is asking."""

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["person"] = Person(name, role, False, 0, None)
        await app(scope, receive, send)

    return inside
