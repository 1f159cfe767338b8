"""The live room board in a real Chromium: on a wall tablet, a television, a telephone and paper; while the link holds and
when it breaks."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from gateway import web
from gateway.access.places import DISPLAY
from gateway.bootstrap import Book
from gateway.ledger import people
from gateway.pages import board_stream
from tests.pages import rooms
from tests.pages.rooms import NOW_MS, burning, enrol, heard
from tests.support.browser import browser_page, served, shows_glyphs, sign_in
from tests.support.ledgers import in_folder
from tests.support.programs import ended, serve
from tests.support.signed_in import PASSWORD, account

SCREENS = [(1280, 800), (1920, 1080)]


@pytest.fixture
def wall(tmp_path: Path) -> Iterator[tuple[str, Book]]:
    """The address of the pages at half past ten, and their book."""
    book = rooms.morning(tmp_path / "clinic")
    account(book.folder, "SCREEN", DISPLAY)
    with served(web.app(book, {})) as base:
        yield base, book


def opened(page: Page, base: str, address: str = "/board") -> Page:
    """The board, kept up to date."""
    sign_in(page, base, "SCREEN", PASSWORD)
    page.goto(base + address)
    page.locator("#board[data-heard]").wait_for()
    return page


def faults_for_screen_readers(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_eight_devices_stand_on_a_wall_screen_without_scrolling_and_large_enough(wall, lang, width, height):
    with browser_page(width, height) as page:
        opened(page, wall[0], f"/board?lang={lang}")
        assert page.locator(".tile").count() == 8
        assert page.evaluate("document.querySelector('.tiles').getBoundingClientRect().bottom") <= height
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        digits = page.locator(".digits").first.bounding_box()
        assert digits and digits["height"] >= height / 14
        assert shows_glyphs(page, "治疗室看板通电中已满空闲不知道红外线灯针仪")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_on_a_telephone_nothing_is_cut_off_and_links_can_be_hit(wall, lang):
    with browser_page(360, 760) as page:
        opened(page, wall[0], f"/board?lang={lang}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert all(
            box and box["height"] >= 44
            for box in (each.bounding_box() for each in page.locator(".rooms a").all())
        )
        beyond = (
            "tiles => tiles.filter(each => each.scrollWidth > each.clientWidth).map(each => each.textContent)"
        )
        assert page.locator(".tile, .about, .about p, .tile h2").evaluate_all(beyond) == []


def test_each_state_has_a_shape_of_its_own(wall):
    """Whoever sees no colours, or prints, still tells them apart."""
    with browser_page() as page:
        opened(page, wall[0])
        assert page.locator(".tile.dark rect.plate").count() == page.locator(".tile.dark").count() == 4
        assert page.locator(".tile.dark .arc").count() == 0 and page.locator(".tile.idle .arc").count() == 0
        assert page.locator(".tile.reached .check").inner_text() == "✓"
        styles = {
            look: page.locator(f".tile.{look}").first.evaluate(
                "each => getComputedStyle(each).borderTopStyle"
            )
            for look in ("idle", "dark")
        }
        assert styles == {"idle": "solid", "dark": "dashed"}


def test_a_record_that_arrives_changes_the_screen_and_leaves_the_focus_where_it_was(wall):
    base, book = wall
    with browser_page(1280, 800) as page:
        opened(page, base)
        page.locator(".rooms a", has_text="针灸室").focus()
        writer = enrol(book, "U9", "tdp", "理疗二室", "9")
        heard(book, writer, burning(3)(writer))
        expect(page.locator('[data-device="tdp-U9"] .big')).to_have_text("3", timeout=20_000)
        assert page.evaluate("document.activeElement.textContent").startswith("针灸室")
        assert page.locator("#lost").is_hidden()


def test_the_board_can_be_used_by_keyboard_alone(wall):
    with browser_page(1280, 800) as page:
        opened(page, wall[0])
        reached = set()
        for _ in range(12):
            page.keyboard.press("Tab")
            focused = page.locator("a:focus, button:focus")
            if focused.count():  # else the browser's own controls have it
                reached.add(focused.inner_text().split()[0])
                assert focused.evaluate("each => getComputedStyle(each).outlineStyle") != "none"
        assert {"全部", "理疗一室", "理疗二室", "针灸室", "English", "退出"} <= reached
        page.locator(".rooms a", has_text="理疗二室").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".tile")).to_have_count(2)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_screen_reader_finds_nothing_serious(wall, lang):
    with browser_page(1280, 800) as page:
        opened(page, wall[0], f"/board?lang={lang}")
        assert faults_for_screen_readers(page) == []


def test_when_the_sign_in_ends_the_board_says_so_and_shows_the_way_back(wall, monkeypatch):
    monkeypatch.setattr(board_stream, "BEAT_S", 0.05)
    monkeypatch.setattr("gateway.pages.board.BEAT_S", 1.0)
    base, book = wall
    with browser_page(1280, 800) as page:
        opened(page, base)
        with book.ledger() as db, rooms.transaction(db):
            people.end(db, "SCREEN", NOW_MS)
        expect(page.locator("#lost")).to_have_text(
            "登录已结束，显示的是 10:30 的状态。请重新登录。", timeout=20_000
        )
        page.locator(".again a").click()
        expect(page.locator("input[name=password]")).to_be_visible()


def test_a_lost_link_is_plainly_said_and_found_again(tmp_path):
    """`serve` is killed and started again; the browser complains of that in its console, as it should."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    book = in_folder(tmp_path / "clinic", port=port)
    account(book.folder, "SCREEN", DISPLAY)
    enrol(book, "U1", "tdp", "理疗一室", "1")
    program, base = serve(book.folder)
    with (
        ended(program),
        pytest.raises(AssertionError, match=r"browser complained: \['Failed to load|ERR_"),
        browser_page(1280, 800) as page,
    ):
        opened(page, base)
        shown_at = page.locator(".asof time").inner_text()
        program.kill()
        expect(page.locator("#lost")).to_contain_text("已断线，显示的是", timeout=20_000)
        assert shown_at[:2] in page.locator("#lost").inner_text()
        expect(page.locator("body.stale .tile")).to_have_count(1)
        program.start()
        expect(page.locator("#lost")).to_be_hidden(timeout=30_000)
        expect(page.locator("body.stale")).to_have_count(0)


def test_without_scripts_the_page_shows_the_same_and_loads_itself_again(wall):
    with browser_page(1280, 800) as page:
        sign_in(page, wall[0], "SCREEN", PASSWORD)
        browser = page.context.browser
        assert browser
        plain = browser.new_context(
            java_script_enabled=False, storage_state=page.context.storage_state()
        ).new_page()
        plain.goto(f"{wall[0]}/board")
        assert plain.locator(".tile").count() == 8
        assert plain.locator("meta[http-equiv=refresh]").get_attribute("content") == "20"


def test_on_paper_the_state_stands_without_colours_and_without_the_ways_elsewhere(wall):
    with browser_page(1030, 720) as page:
        opened(page, wall[0])
        page.emulate_media(media="print")
        assert not page.locator("nav.ways").is_visible()
        assert (
            page.locator(".tile.reached").evaluate("each => getComputedStyle(each).backgroundColor")
            == "rgb(255, 255, 255)"
        )
        assert page.locator(".asof").is_visible()
