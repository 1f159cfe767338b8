"""Bill files in a real Chromium: chosen, previewed, imported and reconciled by hand, at a desk and on a telephone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway import web
from gateway.access.places import MANAGER
from gateway.bootstrap import Book
from gateway.ledger import trail
from tests.pages import rooms
from tests.pages.test_board_in_browser import faults_for_screen_readers
from tests.support.bills import STIM, as_json, detail, fee, fee_list, upload
from tests.support.browser import browser_page, served, shows_glyphs, sign_in
from tests.support.signed_in import PASSWORD, account


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[str, Book]]:
    """The address of the pages, and their book; D01 keeps it."""
    book = rooms.morning(tmp_path / "clinic")
    account(book.folder, "D01", MANAGER)
    with served(web.app(book, {})) as base:
        yield base, book


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "2026-03-02.json"
    lines = [detail(str(n), f"V{n}", bilg_dept_name="理疗一室") for n in range(20)]
    path.write_bytes(as_json(upload(*lines, detail("99", "V99", med_list_codg=STIM))))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "<b>平台明细<b>.csv"
    path.write_bytes(fee_list(fee("1"), fee("2", "V2", cnt="两次"), fee("3", "V3", fee_ocur_time="昨天")))
    return path


def lines_of(book: Book) -> int:
    with book.ledger() as db:
        return db.table("bill_lines").count


def previewed(page: Page, base: str, path: Path, lang: str = "zh") -> None:
    page.goto(f"{base}/bills?lang={lang}")
    page.set_input_files("input[name=file]", str(path))
    page.locator(".send button").click()
    expect(page.locator(".decide")).to_be_visible()


def test_a_file_is_previewed_imported_and_reconciled_without_a_console(office, good):
    base, book = office
    with browser_page(1280, 800) as page:
        sign_in(page, base, "D01", PASSWORD)
        previewed(page, base, good)
        assert lines_of(book) == 0
        page.locator(".decide button").click()
        expect(page.locator(".receipt")).to_contain_text("21 行，新增 21")
        assert lines_of(book) == 21
        page.get_by_role("button", name="核对这些天").click()
        expect(page.locator(".receipt .honesty")).to_contain_text("已核对")
        page.get_by_role("link", name="看当日").click()
        expect(page.locator("h1")).to_contain_text("2026")


def test_rows_that_are_refused_have_to_be_left_out_expressly(office, bad):
    base, book = office
    with browser_page(1280, 800) as page:
        sign_in(page, base, "D01", PASSWORD)
        previewed(page, base, bad)
        assert page.locator(".what .name").inner_text() == bad.name
        page.locator(".decide button").click()
        assert page.locator(".decide input:invalid").count() == 1 and lines_of(book) == 0
        page.get_by_label("我知道").check()
        page.locator(".decide button").click()
        expect(page.locator(".receipt")).to_contain_text("拒绝 2")
        assert lines_of(book) == 1


def test_a_file_of_200_mb_is_answered_by_a_page_that_says_the_limit(office, tmp_path):
    base, book = office
    large = tmp_path / "year.csv"
    with large.open("wb") as file:
        file.truncate(200 << 20)
    with (
        pytest.raises(AssertionError, match="status of 413"),  # which the browser says in its console too
        browser_page(1280, 800) as page,
    ):
        sign_in(page, base, "D01", PASSWORD)
        page.goto(f"{base}/bills")
        page.set_input_files("input[name=file]", str(large))
        page.locator(".send button").click()
        expect(page.locator(".refusal")).to_contain_text("文件超过 50 MB", timeout=60_000)
    with book.ledger() as db:
        assert trail.entries(db)[-1].act == "bills.refused"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_cut_off_and_a_screen_reader_finds_nothing_serious(office, good, bad, lang, width):
    base, _ = office
    with browser_page(width, 800) as page:

        def check() -> None:
            page.wait_for_load_state()  # its style sheets too
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert faults_for_screen_readers(page) == []

        sign_in(page, base, "D01", PASSWORD)
        page.goto(f"{base}/bills?lang={lang}")
        check()
        previewed(page, base, bad, lang)
        check()
        previewed(page, base, good, lang)
        check()
        page.locator(".decide button").click()
        expect(page.locator(".receipt")).to_be_visible()
        page.locator(".receipt button").click()
        expect(page.locator(".receipt .honesty")).to_be_visible()
        check()
        assert shows_glyphs(page, "导入收费文件预览整份账核对")


def test_the_form_is_filled_in_by_keyboard(office, good):
    base, book = office
    with browser_page(1280, 800) as page:
        sign_in(page, base, "D01", PASSWORD)
        page.goto(f"{base}/bills")
        page.locator("input[name=file]").focus()
        page.set_input_files("input[name=file]", str(good))
        names = []
        for _ in range(4):
            page.keyboard.press("Tab")
            names.append(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
        assert names == ["format", "source", "mapping", "预览"]
        page.keyboard.press("Enter")
        page.locator(".decide button").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".receipt")).to_be_visible()
        assert lines_of(book) == 21


def test_on_paper_a_preview_keeps_its_figures_and_loses_its_buttons(office, bad):
    base, _ = office
    with browser_page(1030, 720) as page:
        sign_in(page, base, "D01", PASSWORD)
        previewed(page, base, bad)
        page.wait_for_load_state()
        page.emulate_media(media="print")
        assert not page.locator(".decide button").is_visible()
        assert page.locator(".refusals table").is_visible()
        assert page.locator("table").evaluate_all(
            "tables => tables.every(each => each.getBoundingClientRect().right <= 1031)"
        )
