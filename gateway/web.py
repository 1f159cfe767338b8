"""The HTTP side of `serve`: the pages, at a district what gateways talk to, and how this process is."""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import uvicorn
from fastapi import APIRouter, FastAPI, Header
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway import metrics, pipeline
from gateway.alone import HEALTH
from gateway.bill_desk import bill_desk
from gateway.bootstrap import Book
from gateway.desk import desk
from gateway.district import admit, overview
from gateway.district.log import Log
from gateway.errors import SurroundingsError
from gateway.his.routes import PREFIX, create_api
from gateway.now import Linked, Now
from gateway.nurse.tokens import open_tag_key
from gateway.pages import bills, board, nurse, pack_page
from gateway.pages.app import create_app
from gateway.pages.guard import Guard
from gateway.tls import Certificate

PATIENCE_S = 20
"""How long a connection may take to ask for something; who holds many and asks for nothing would take everybody's."""


def app(book: Book, troubles: Mapping[str, str], key: str = "", *, linked: Linked = lambda: None) -> FastAPI:
    """All addresses of this book. Whoever shows `key`, where there is one, hears what the troubles are, others only where.
    `linked` tells which units have a connection."""
    pages = create_app(book.ledger, book.config, book.clock, overview.overview)
    if not book.is_district:
        pages.include_router(board.routes(book.ledger, book.config, book.clock, Now(book, linked).look))
        pages.include_router(bills.routes(book.ledger, book.config, book.clock, bill_desk(book)))
        pages.include_router(
            nurse.routes(book.ledger, book.config, book.clock, lambda: open_tag_key(book.folder))
        )
    pages.include_router(_health(book.config.clinic, troubles, key))
    if book.config.his is not None:
        pages.mount(PREFIX, create_api(book.config.his.key, desk(book)))
    pages.include_router(pack_page.routes(book.ledger, book.config, book.clock, book.folder))
    if book.config.metrics is not None:
        pages.include_router(metrics.routes(book, book.config.metrics.key, troubles))
    if book.is_district:
        log = Log()
        pages.include_router(
            admit.router(
                book.config.tokens, lambda brought: _admit(book, log, brought), lambda: _overview(book)
            )
        )
    pages.add_middleware(Guard, open_ledger=book.ledger, config=book.config, clock=book.clock)
    return pages


def _health(clinic: str, troubles: Mapping[str, str], key: str) -> APIRouter:
    router = APIRouter()

    @router.get(HEALTH)
    def health(authorization: Annotated[str, Header()] = "") -> dict[str, object]:
        is_ours = key != "" and hmac.compare_digest(authorization.encode(), f"Bearer {key}".encode())
        told = dict(troubles) if is_ours else dict.fromkeys(troubles, "有故障 · in trouble")
        return {"clinic": clinic, "troubles": told}

    return router


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; SurroundingsError where the address is taken."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SurroundingsError(
            f"不能在 {host}:{port} 提供网页（{error.strerror}）：请换端口 --port，或停掉占用它的程序",
            f"cannot serve on {host}:{port} ({error.strerror}): choose another --port, or stop what holds it",
        ) from error


def run(
    pages: FastAPI, listener: socket.socket, ready: Callable[[], bool], certificate: Certificate | None = None
) -> None:
    """Serves until SIGTERM or SIGINT, over TLS where there is a certificate. Calls `ready` when it does, and ends at once if
    that says no."""
    server_of(pages, ready, certificate).run([listener])


def server_of(
    pages: FastAPI, ready: Callable[[], bool], certificate: Certificate | None = None
) -> uvicorn.Server:
    """What `run` runs."""
    how: dict[str, Any] = {
        "log_config": None,
        "timeout_graceful_shutdown": 5,
        "server_header": False,
        "http": _Connection,
    }
    if certificate is not None:
        how |= {"ssl_certfile": certificate.path, "ssl_keyfile": certificate.key}
    return _Server(uvicorn.Config(pages, **how), ready)


class _Connection(H11Protocol):
    """A connection on which something is asked for within PATIENCE_S, or which ends."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(PATIENCE_S, self._end_unasked)

    def _end_unasked(self) -> None:
        if getattr(self, "cycle", None) is None:  # there is none before the first request
            self.transport.abort()


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
