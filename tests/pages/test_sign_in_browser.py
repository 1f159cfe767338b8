"""Signing in and the accounts in a real Chromium: by keyboard alone, in both languages, narrow and wide; and nothing left
behind after signing out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import web
from gateway.access.places import ADMINISTRATOR, MANAGER, NURSE
from gateway.bootstrap import Book
from tests.support.browser import browser_page, served, shows_glyphs, sign_in
from tests.support.ledgers import in_folder
from tests.support.signed_in import PASSWORD, known


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = in_folder(tmp_path / "clinic")
    with book.ledger() as db:
        for name, role in (
            ("A01", ADMINISTRATOR),
            ("M01", MANAGER),
            ("一个名字很长很长的护士代号" * 4, NURSE),
        ):
            known(db, name, role, book.clock.now_ms())
    return book


@pytest.fixture
def address(book: Book) -> Iterator[str]:
    with served(web.app(book, {})) as address:
        yield address


def test_by_keyboard_one_signs_in_walks_on_and_signs_out_and_the_back_button_shows_nothing(address):
    with browser_page(1280, 800) as page:
        page.goto(f"{address}/month?of=2026-03")
        assert page.locator("h1").inner_text() == "登录"
        page.locator("input[name=name]:focus").wait_for()
        page.keyboard.type("M01")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/month?of=2026-03")
        assert "2026 年 3 月" in page.locator("h1").inner_text()
        focus = "document.activeElement.textContent"
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate(focus) == "退出":
                break
        assert page.evaluate(focus) == "退出"
        page.keyboard.press("Enter")
        page.wait_for_url("**/sign-in")
        page.go_back()
        page.locator("input[name=password]").wait_for()
        assert "2026 年 3 月" not in page.content() and page.locator("h1").inner_text() == "登录"
        assert page.context.cookies() == []


def test_the_browser_keeps_the_sign_in_from_scripts(address):
    with browser_page() as page:
        sign_in(page, address, "M01", PASSWORD)
        [kept] = page.context.cookies()
        assert kept["httpOnly"] and kept["sameSite"] == "Lax"
        assert page.evaluate("document.cookie") == ""


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_fit_the_screen_and_their_characters_are_there(address, lang, width):
    with browser_page(width, 800) as page:
        page.goto(f"{address}/sign-in?lang={lang}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert shows_glyphs(page, "登录账号口令")
        sign_in(page, address, "A01", PASSWORD)
        for path in ("/people", "/password"):
            page.goto(f"{address}{path}?lang={lang}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            unnamed = "all => all.filter(each => each.type != 'hidden' && !each.hidden && !each.labels.length && !each.ariaLabel).length"
            assert page.locator("input, select").evaluate_all(unnamed) == 0


def test_an_account_is_made_and_ended_by_tapping(address, book):
    with browser_page(360, 800) as page:
        sign_in(page, address, "A01", PASSWORD)
        page.goto(f"{address}/people")
        page.locator(".new input[name=name]").fill("D02")
        page.locator(".new select").select_option("manager")
        page.get_by_role("button", name="新建").click()
        made = page.locator(".password").inner_text()
        assert len(made) == 19
        row = page.locator(".people li", has_text="D02")
        row.locator("summary").click()
        row.get_by_role("button", name="停用 D02").click()
        page.wait_for_url("**/people")
        assert page.locator(".gone li").all_inner_texts() == [page.locator(".gone li").first.inner_text()]
        assert page.locator(".gone li", has_text="D02").count() == 1
