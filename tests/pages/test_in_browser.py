"""The day in a real Chromium: in both languages, on a wall screen, on a telephone and on paper."""

from __future__ import annotations

import re

import pytest
from sqlite_utils import Database

from gateway.clock import Clock
from gateway.pages.app import create_app
from tests.pages import sample
from tests.support.browser import browser_page, served, shows_glyphs


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The sample day, served on loopback."""
    path = tmp_path_factory.mktemp("pages") / "ledger.db"
    sample.ledger(path).close()
    app = create_app(lambda: Database(path), sample.CONFIG, Clock(0, sample.at("18:30"), 1e-9))
    with served(app) as base:
        yield base


@pytest.mark.parametrize("lang,heading", [("zh", "2026 年 3 月 2 日 星期一"), ("en", "Monday, 2 March 2026")])
@pytest.mark.parametrize("width", [360, 1400])
def test_the_day_fits_the_screen_and_only_the_picture_and_tables_scroll(address, lang, heading, width):
    with browser_page(width) as page:
        page.goto(f"{address}/?lang={lang}")
        assert heading in page.locator("h1").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert shows_glyphs(page, "以电为证线索")
        assert page.locator(".rail").is_visible() == (width == 360)


def test_the_names_of_the_rows_stay_in_sight_while_the_picture_scrolls(address):
    with browser_page(360) as page:
        page.goto(address)
        before = page.locator(".rail text").first.bounding_box()
        page.locator(".picture").evaluate("box => box.scrollLeft = 400")
        assert page.locator(".picture").evaluate("box => box.scrollLeft") == 400
        assert page.locator(".rail text").first.bounding_box() == before


def test_what_overlaps_nothing_in_the_drawing_overlaps_nothing_on_the_screen(address):
    """Labels of rows, hours and figures are drawn by estimated widths; the browser knows the real ones."""
    with browser_page() as page:
        for lang in ("zh", "en"):
            page.goto(f"{address}/?lang={lang}")
            boxes = page.locator(".picture > svg > text").evaluate_all(
                "all => all.map(each => { const {x, y, right, bottom} = each.getBoundingClientRect();"
                " return [x, y, right, bottom, each.textContent]; })"
            )
            assert not [(a[4], b[4]) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if _overlap(a, b)]


def _overlap(one: list, other: list) -> bool:
    """By more than a pixel across and four down: lines of text stand close."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across > 1 and down > 4


def test_a_set_is_one_click_away_from_its_lines(address):
    with browser_page() as page:
        page.goto(address)
        page.get_by_role("link", name="线索组 1 · 27 条之一").first.click()
        assert page.url.endswith("#set-1")
        assert page.locator("#set-1").is_visible()


def test_the_page_can_be_read_without_the_picture(address):
    with browser_page() as page:
        page.goto(address)
        assert page.get_by_role("img", name="设备通电与计费时间图").count() == 1
        assert page.get_by_role("table").count() == 2
        assert page.get_by_role("row").count() == 1 + 60 + 1 + 6
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "A"


def test_the_other_language_and_the_next_day_are_one_click_away(address):
    with browser_page() as page:
        page.goto(address)
        page.get_by_role("link", name="English").click()
        page.get_by_role("link", name="Day after").click()
        assert page.url.endswith("/day/2026-03-03?lang=en")


def test_on_paper_the_first_sheet_holds_the_summary_and_the_whole_picture(address):
    with browser_page() as page:
        page.goto(address)
        paper = page.pdf(prefer_css_page_size=True)
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 1032, "height": 710})
        bottom = page.locator(".picture > svg").evaluate("each => each.getBoundingClientRect().bottom")
    assert bottom <= 710
    boxes = {match for match in re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)}
    assert {(round(float(wide)), round(float(high))) for wide, high in boxes} == {(842, 595)}


def test_black_and_white_still_tells_dark_from_sessions(address):
    """Without colour, hatching and shapes remain: pixels of the patterns alternate along a row."""
    with browser_page() as page:
        page.goto(address)
        patterned = page.locator('.picture > svg rect[fill^="url(#ww-"]')
        assert patterned.count() >= 8
        assert {each.get_attribute("fill") for each in patterned.all()} == {
            "url(#ww-dark)",
            "url(#ww-b)",
            "url(#ww-burn)",
        }


def test_ten_thousand_bars_are_shown(tmp_path):
    path = tmp_path / "ledger.db"
    db = sample.ledger(path)
    with db.conn:
        for number in range(10_000):
            sample.store(db, sample.session("U1", 1000 + number, sample.at("08:00") + number * 3_500, 3))
    db.close()
    app = create_app(lambda: Database(path), sample.CONFIG, Clock(0, sample.at("18:30"), 1e-9))
    with served(app) as base, browser_page() as page:
        page.goto(base)
        assert page.locator(".picture > svg > rect > title").count() >= 10_000
