"""A real Chromium that looks at pages served on loopback, and is let see nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from playwright.sync_api import Page, Route, sync_playwright
from starlette.types import ASGIApp

from tests.support.tools import tool

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_UNLIKE_A_BOX = """text => {
  const drawn = character => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 64;
    const pen = canvas.getContext("2d");
    pen.font = "48px " + getComputedStyle(document.body).fontFamily;
    pen.fillText(character, 4, 52);
    return pen.getImageData(0, 0, 64, 64).data.join();
  };
  const seen = [...text, "\\u{10fffd}", " "].map(drawn);
  return new Set(seen).size === seen.length;
}"""


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The application on a free port of loopback; its address, without a slash at the end."""
    how: dict[str, Any] = {
        "log_level": "warning",
        "timeout_graceful_shutdown": 1,
    }  # streams have no end of their own
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **how))
    started = threading.Event()
    startup = server.startup

    async def say_so(*arguments: object, **named: object) -> None:
        await startup(*arguments, **named)  # type: ignore[arg-type]
        started.set()

    server.startup = say_so  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert started.wait(30), "the pages did not come up"
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def browser_page(width: int = 1400, height: int = 900) -> Iterator[Page]:
    """An empty page of that size. At its end nothing may have been asked of anyone but 127.0.0.1, and nothing may
    have been complained of in the console (what the page's own security policy refuses is complained of there)."""
    foreign: list[str] = []
    complaints: list[str] = []

    def guard(route: Route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            foreign.append(route.request.url)
            route.abort()

    path = tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.route("**/*", guard)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        try:
            yield page
        finally:
            browser.close()
    assert not foreign, f"the page asked for {foreign}"
    assert not complaints, f"the browser complained: {complaints}"


def shows_glyphs(page: Page, text: str) -> bool:
    """Whether the page's own font draws each character of `text` differently from the others, from a character that
    no font has, and from nothing: boxes for missing glyphs are all alike."""
    return bool(page.evaluate(_UNLIKE_A_BOX, text))


def sign_in(page: Page, address: str, name: str, password: str) -> None:
    """Signs in at the pages of that address."""
    page.goto(f"{address}/sign-in")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", password)
    page.click("button")
    page.wait_for_url(lambda now: "/sign-in" not in now)
