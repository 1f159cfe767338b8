"""People who have signed in: by a real account and cookie, or, where only a page's content matters, said to be so."""

from __future__ import annotations

from pathlib import Path

from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlite_utils import Database
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import bootstrap
from gateway.access import sign_ins
from gateway.access.places import MANAGER
from gateway.ledger import people
from gateway.ledger.database import transaction
from gateway.ledger.people import Person
from gateway.pages.guard import COOKIE

PASSWORD = "a-long-enough-one"
_KEPT = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
HERE = "http://127.0.0.1:8080"


def account(folder: Path, name: str, role: str) -> str:
    """An account in the ledger of `folder`, signed in by its password; what its browser keeps."""
    book = bootstrap.open_book(folder)
    with book.ledger() as db:
        return enter(db, name, role, book.clock.now_ms())


def known(db: Database, name: str, role: str, now_ms: int) -> None:
    """An account with PASSWORD, kept by the least that Argon2id takes: tests look at hundreds of passwords."""
    with transaction(db):
        people.add(db, name, role, _KEPT, False, now_ms)


def enter(db: Database, name: str, role: str, now_ms: int) -> str:
    """The same, in an open ledger at some instant."""
    known(db, name, role, now_ms)
    entered = sign_ins.sign_in(db, name, PASSWORD, "127.0.0.1", now_ms)
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
