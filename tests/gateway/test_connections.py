"""Connections on which nothing is asked for end, so that nobody can hold them all."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from gateway import web

UNFINISHED = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never: "
LOOK = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def hung_up() -> threading.Event:
    """Set when the server has hung up on somebody who asked for nothing."""
    return threading.Event()


@pytest.fixture
def port(hung_up: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server as `serve` runs it, less patient, whose one page is answered after it has hung up on somebody."""
    monkeypatch.setattr(web, "PATIENCE_S", 0.05)
    app, begun = FastAPI(), threading.Event()

    @app.get("/")
    async def late() -> str:
        await asyncio.to_thread(hung_up.wait, 20)
        return "answered"

    with web.listen("127.0.0.1", 0) as listener:

        def ready() -> bool:
            begun.set()
            return True

        server = web.server_of(app, ready)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert begun.wait(20)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def connected(port: int, said: bytes) -> socket.socket:
    held = socket.create_connection(("127.0.0.1", port), timeout=20)
    held.sendall(said)
    return held


def heard(held: socket.socket) -> bytes:
    try:
        return held.recv(1000)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("said", [b"", UNFINISHED])
def test_whoever_never_asks_for_anything_is_hung_up_on_and_whoever_did_is_answered(port, hung_up, said):
    with connected(port, LOOK) as patient, connected(port, said) as idle:
        assert heard(idle) == b""
        hung_up.set()
        assert heard(patient).startswith(b"HTTP/1.1 200")
