"""Pages in a real Chromium as somebody sees them who has signed in: all addresses of a ledger, the guard before them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from gateway import web
from gateway.access.places import MANAGER
from gateway.bootstrap import Book
from gateway.pages.guard import COOKIE
from tests.support.browser import browser_page, served
from tests.support.signed_in import account


@contextmanager
def address_of(book: Book) -> Iterator[str]:
    """The book's pages, served on loopback."""
    with served(web.app(book, {})) as base:
        yield base


@contextmanager
def opened(base: str, token: str, width: int = 1280, height: int = 900) -> Iterator[Page]:
    """A browser of that size, signed in by `token`."""
    with browser_page(width, height) as page:
        page.context.add_cookies([{"name": COOKIE, "value": token, "url": base}])
        yield page


def entered(book: Book, role: str = MANAGER) -> str:
    """An account of that role, signed in: its token."""
    return account(book.folder, f"X-{role}", role)
