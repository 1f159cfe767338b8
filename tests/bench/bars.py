"""A day picture of 10,000 bars, in a real Chromium: from making it to a page that answers."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway.instants import midnight_ms
from gateway.pages import timeline
from gateway.pages.view import DayView, Device, Session
from tests.bench.figures import Figure, percentile
from tests.pages import sample
from tests.support.browser import browser_page, served

_DEVICES = 100
_USABLE = """() => new Promise(done => {
  scrollBy(0, 300);
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
})"""
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def figures(scale: float) -> list[Figure]:
    bars = max(round(10_000 * scale), 10)
    view = _view(bars)

    def page(request: Request) -> Response:
        return HTMLResponse(f"<!doctype html><title>bars</title><body>{timeline.svg(view, 'zh')}</body>")

    usable, painted = [], []
    with served(Starlette(routes=[Route("/", page)])) as address, browser_page() as browser:
        for _ in range(5):
            browser.goto(address)
            usable.append(browser.evaluate(_USABLE) / 1000)
            painted.append(browser.evaluate(_PAINTED) / 1000)
    value = percentile(usable, 0.5)
    return [
        Figure(
            "bars", f"{bars} 条的日图，到可用", f"{bars} bars in Chromium, until usable", value, "s",
            target="<= 0.6 s", met=value <= 0.6, shown=f"{value:.2f} (first paint {percentile(painted, 0.5):.2f})",
        )
    ]  # fmt: skip


def _view(bars: int) -> DayView:
    """So many sessions on a hundred lamps, spread over the opening hours."""
    from_ms = midnight_ms(sample.DAY, sample.CONFIG.zone)
    opening = sample.CONFIG.opening_ms(sample.DAY)
    assert opening is not None
    each_ms = (opening[1] - opening[0]) // max(bars // _DEVICES, 1)
    devices = tuple(
        Device(
            f"tdp-U{number}", (f"U{number}",), "tdp", f"R{number // 4}", str(number % 4), 1, False,
            tuple(_sessions(number, range(number, bars, _DEVICES), opening[0], each_ms)), (), 36_000, 36_000,
        )
        for number in range(_DEVICES)
    )  # fmt: skip
    whole = from_ms, from_ms + 24 * 3600 * 1000
    return DayView(
        sample.DAY, sample.CONFIG.name, sample.CONFIG.zone, whole, opening, devices, made_ms=opening[1]
    )


def _sessions(unit: int, bars: range, opens_ms: int, each_ms: int) -> Iterator[Session]:
    for place, bar in enumerate(bars):
        start_ms = opens_ms + place * each_ms
        yield Session(
            f"U{unit}:{bar}", start_ms, start_ms + each_ms * 2 // 3, each_ms // 1500, 250_000, 0, "L", "A"
        )
