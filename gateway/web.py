"""The HTTP side of `serve`: the pages, at a district what gateways talk to, and how this process is."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from gateway import pipeline
from gateway.alone import HEALTH
from gateway.bootstrap import Book
from gateway.desk import desk
from gateway.district import admit, overview
from gateway.district.log import Log
from gateway.errors import SurroundingsError
from gateway.his.routes import PREFIX, create_api
from gateway.nurse.tokens import open_tag_key
from gateway.pages import nurse
from gateway.pages.app import create_app
from gateway.pages.guard import Guard


def app(book: Book, troubles: dict[str, str]) -> FastAPI:
    """All addresses of this book."""
    pages = create_app(book.ledger, book.config, book.clock, overview.overview)
    if not book.is_district:
        pages.include_router(
            nurse.routes(book.ledger, book.config, book.clock, lambda: open_tag_key(book.folder))
        )
    pages.add_api_route(HEALTH, lambda: {"clinic": book.config.clinic, "troubles": troubles})
    if book.config.his is not None:
        pages.mount(PREFIX, create_api(book.config.his.key, desk(book)))
    if book.is_district:
        log = Log()
        pages.include_router(
            admit.router(
                book.config.tokens, lambda brought: _admit(book, log, brought), lambda: _overview(book)
            )
        )
    pages.add_middleware(Guard, open_ledger=book.ledger, config=book.config, clock=book.clock)
    return pages


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; SurroundingsError where the address is taken."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SurroundingsError(
            f"不能在 {host}:{port} 提供网页（{error.strerror}）：请换端口 --port，或停掉占用它的程序",
            f"cannot serve on {host}:{port} ({error.strerror}): choose another --port, or stop what holds it",
        ) from error


def run(pages: FastAPI, listener: socket.socket, ready: Callable[[], bool]) -> None:
    """Serves until SIGTERM or SIGINT. Calls `ready` when it does, and ends at once if that says no."""
    _Server(uvicorn.Config(pages, log_level="warning", timeout_graceful_shutdown=5), ready).run([listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], bool]):
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self._ready():
            self.should_exit = True


def _admit(book: Book, log: Log, brought: admit.Brought) -> dict[str, object]:
    with book.ledger() as db:
        return pipeline.admit(db, brought, log, book.clock.now_ms())


def _overview(book: Book) -> dict[str, object]:
    with book.ledger() as db:
        return overview.overview(db, book.config.zone)
