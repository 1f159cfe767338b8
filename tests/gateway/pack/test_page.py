"""The pack's page: coverage first, nobody of a larger set alone, nothing that runs and nothing from elsewhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Page

from gateway import inventory
from gateway.bootstrap import open_book
from gateway.inventory import Spot
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import EVENING_MS, MONDAY, charge, lamp_day
from tests.support.bills import detail
from tests.support.browser import browser_page, shows_glyphs
from tests.support.chain import Writer
from tests.support.ledgers import in_folder, take_in
from tests.support.packs import members, packed

EVIL = '<script>alert(1)</script><img src=//evil.example onerror="x">'


class Told(HTMLParser):
    """Which elements there are, with what they name, and what can be read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "action", "srcset", "data")
        ]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    packed(monday(folder / "clinic"), folder / "day.zip", MONDAY, now_ms=TUESDAY_MS)
    return folder / "day.zip"


@pytest.fixture(scope="module")
def page(pack: Path) -> str:
    return members(pack)["index.html"].decode()


def test_it_runs_nothing_and_asks_for_nothing(page):
    told = Told(page)
    assert not {"script", "iframe", "object", "embed", "link", "img", "form", "base"} & set(told.elements)
    assert told.handlers == [] and all(link.startswith("#") for link in told.links)
    assert "default-src 'none'" in page and "url(" not in page and "@import" not in page


def test_every_place_that_it_leads_to_is_there(page):
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))


def test_coverage_comes_first_and_chinese_comes_first(page):
    sections = ["coverage", "summary", "leads", "sets", "lines", "devices", "verify", "limits"]
    assert re.findall(r'<section id="(\w+)"', page) == sections
    assert (
        '<html lang="zh-CN">' in page
        and "供人工核实，没有一条是认定违规" in page
        and "none is a finding of guilt" in page
    )


def test_no_line_of_a_larger_set_is_told_from_the_others(pack, page):
    """Also those of the set that have device time: else the others would be named by what is left."""
    said = json.loads(members(pack)["runs/clinic.json"])
    among = {line for each in said["treatments"] for line in each["among"] if len(each["among"]) > 1}
    rows = re.findall(r"<tr>(?:(?!</tr>).)*<code>([^<]+)</code>((?:(?!</tr>).)*)</tr>", page, re.S)
    told = {line: row for line, row in rows}
    assert len(among) > 1 and among <= told.keys()
    for line in among:
        assert "组之一" in told[line] and "相符" not in told[line] and "无设备时间" not in told[line], line
        assert not re.search(r"U\d:\d", told[line])
    assert any("相符" in row for line, row in told.items() if line not in among)


def test_what_a_clinic_calls_itself_its_rooms_and_its_lines_stays_text(tmp_path):
    writer = lamp_day(Writer("U1"), 20)
    book = in_folder(tmp_path / "clinic")
    toml = book.folder / "wattwitness.toml"
    toml.write_text(toml.read_text().replace("示范诊所", EVIL.replace('"', '\\"')))
    book = open_book(book.folder)
    with book.ledger() as db:
        inventory.enrol(db, "U1", writer.key_hex, "C001", False, Spot("tdp", EVIL), 0, EVENING_MS)
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, *(detail(str(number), visit=f"=cmd|<b>{number}") for number in range(3)))
    packed(book, tmp_path / "day.zip", MONDAY, now_ms=EVENING_MS)
    there = members(tmp_path / "day.zip")
    told = Told(there["index.html"].decode())
    assert not {"script", "img", "b"} & set(told.elements) and told.handlers == []
    assert sum(EVIL in text for text in told.text) >= 2 and any("=cmd|<b>" in text for text in told.text)


def shown(tmp_path: Path, pack: Path, browser: Page) -> None:
    (tmp_path / "index.html").write_bytes(members(pack)["index.html"])
    browser.unroute("**/*")
    browser.goto((tmp_path / "index.html").as_uri())


@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser_it_fits_and_shows_chinese(pack, tmp_path, width):
    with browser_page(width) as browser:
        shown(tmp_path, pack, browser)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        assert shows_glyphs(browser, "证据包线索覆盖率")
        browser.get_by_role("link", name="第 1 组之一").first.click()
        assert browser.evaluate("location.hash") == "#set-clinic-1"


def test_it_prints_without_cutting_a_table_off(pack, tmp_path):
    with browser_page(1280) as browser:
        shown(tmp_path, pack, browser)
        browser.emulate_media(media="print")
        browser.set_viewport_size({"width": 703, "height": 1000})  # A4 between its margins
        assert browser.evaluate("document.documentElement.scrollWidth") <= 703
        assert not browser.locator("nav").is_visible()
