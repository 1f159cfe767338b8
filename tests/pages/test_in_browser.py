"""The pages of the day, the evidence, the leads and the month in a real Chromium: in both languages, on a desk, on a telephone
and on paper, and as a screen reader has them."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from sqlite_utils import Database

from gateway.access.places import ADMINISTRATOR, INSPECTOR
from gateway.clock import Clock
from gateway.pages.app import create_app
from tests.pages import sample
from tests.pages.clinic_day import DAY, district_day
from tests.pages.opened import address_of, opened
from tests.support.browser import browser_page, served, shows_glyphs
from tests.support.signed_in import account, as_person

SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The sample day, served on loopback."""
    path = tmp_path_factory.mktemp("pages") / "ledger.db"
    sample.ledger(path).close()
    app = create_app(lambda: Database(path), sample.CONFIG, Clock(0, sample.at("18:30"), 1e-9))
    with served(as_person(app)) as base:
        yield base


@pytest.mark.parametrize("lang,heading", [("zh", "2026 年 3 月 2 日 星期一"), ("en", "Monday, 2 March 2026")])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_day_fits_the_screen_and_only_the_picture_and_tables_scroll(address, lang, heading, width):
    with browser_page(width) as page:
        page.goto(f"{address}/?lang={lang}")
        assert heading in page.locator("h1").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert shows_glyphs(page, "以电为证线索")
        assert page.locator(".rail").first.is_visible() == (width == 360)


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
            boxes = page.locator(".strip > svg > text").evaluate_all(
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
        assert page.get_by_role("img", name="设备通电与收费时间图").count() == 1
        assert page.get_by_role("table").count() == 2
        assert page.get_by_role("row").count() == 1 + 60 + 1 + 6


def test_the_keyboard_comes_first_to_a_link_that_leaps_over_the_navigation(address):
    with browser_page() as page:
        page.goto(address)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        box = page.locator(".skip").bounding_box()
        assert box is not None and box["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_other_language_and_the_next_day_are_one_click_away(address):
    with browser_page() as page:
        page.goto(address)
        page.get_by_role("link", name="English").click()
        page.get_by_role("link", name="Day after").click()
        assert page.url.endswith("/day/2026-03-03?lang=en")


@pytest.fixture(scope="module")
def clinic(small_day):
    """The simulated day behind the guard: (address, the administrator's token, its pages by name)."""
    with small_day.ledger() as db:
        [(lead,)] = db.execute(
            "SELECT lead FROM leads WHERE rule = 'capacity' ORDER BY amount_fen DESC LIMIT 1"
        ).fetchall()
        [(unit, us)] = db.execute("SELECT unit, us FROM records WHERE kind = 'SESSION' LIMIT 1").fetchall()
        alone = "SELECT line FROM verdicts WHERE code = 'short' AND json_array_length(body, '$.among') = ?"
        [(line,)] = db.execute(alone, [1]).fetchall()
        [(member,), *_] = db.execute(alone, [52]).fetchall()
    span, groups = f"from={DAY}&to={DAY}", "n=4&per=verdict&seed=s1"
    pages = {
        "day": f"/day/{DAY}", "part": f"/day/{DAY}?verdict=short", "line": f"/line/{line}", "set": f"/line/{member}",
        "record": f"/record/{unit}/{us}", "lead": f"/lead/{lead}", "month": f"/month?of={DAY:%Y-%m}",
        "sign-in": "/sign-in", "inspect": f"/inspect?{span}", "draw": f"/draw?{span}", "drawn": f"/draw?{span}&{groups}",
        "spot-check": "/spot-check", "pack": f"/pack?{span}", "trail": "/trail", "people": "/people",
        "password": "/password", "nurse": "/nurse",
    }  # fmt: skip
    with address_of(small_day) as base:
        yield base, account(small_day.folder, "X01", ADMINISTRATOR), pages


@pytest.mark.parametrize("lang,glyphs", [("zh", "以电为证线索设备核对"), ("en", "以电为证")])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits_the_window_draws_its_glyphs_and_has_nothing_that_axe_finds_serious(
    clinic, width, lang, glyphs
):
    base, token, pages = clinic
    with opened(base, token, width) as page:
        for name, path in pages.items():
            page.goto(f"{base}{path}{'&' if '?' in path else '?'}lang={lang}")
            assert page.evaluate("document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[lang], name
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            assert shows_glyphs(page, glyphs), name
            found = Axe().run(page).response
            assert len(found["passes"]) > 15, "axe looked at nothing"
            serious = [each["id"] for each in found["violations"] if each["impact"] in SERIOUS]
            assert serious == [], name


def test_on_a_desk_nothing_is_wider_than_the_window_not_even_inside(clinic):
    base, token, pages = clinic
    within = "[...document.querySelectorAll('.wide')].every(each => each.scrollWidth <= each.clientWidth)"
    with opened(base, token, 1280) as page:
        for name, path in pages.items():
            for lang in ("zh", "en"):
                page.goto(f"{base}{path}{'&' if '?' in path else '?'}lang={lang}")
                assert page.evaluate(within), (name, lang)


def test_a_filter_is_chosen_without_any_script_and_stays_in_the_address(clinic):
    base, token, pages = clinic
    with opened(base, token) as page:
        page.goto(base + pages["day"])
        assert page.locator("script").count() == 0
        page.select_option("select[name=item]", "23")
        page.get_by_role("button", name="筛选").click()
        page.wait_for_url("**item=23**")
        assert page.get_by_role("status").inner_text().startswith("显示 15/")
        assert page.locator("#lines tbody tr").count() == 15
        assert page.locator(".watched .figure").inner_text() == "99.2%"
        page.get_by_role("link", name="取消筛选").click()
        page.wait_for_url(f"{base}{pages['day']}")


def test_an_inspector_begins_with_what_was_watched_and_walks_to_a_drawn_line_and_back(clinic, small_day):
    base, _, pages = clinic
    with opened(base, account(small_day.folder, "Q01", INSPECTOR)) as page:
        page.goto(base + "/")
        assert page.url == f"{base}/inspect"
        page.goto(base + pages["inspect"])
        assert page.locator(".figure").first.inner_text() == "99.2%"
        assert page.locator("h2").first.inner_text().startswith("先看监测时间")
        assert page.locator(".watched-by .bar").count() == 8
        page.get_by_role("link", name="抽样").click()
        page.get_by_label("抽几行").first.fill("3")
        page.get_by_role("button", name="随机抽").click()
        page.wait_for_url("**seed=**")
        drawn = page.locator(".drawn tbody th a")
        assert drawn.count() == 3
        line = drawn.first.inner_text()
        drawn.first.click()
        page.wait_for_url("**/line/**")
        assert line in page.locator("h1").inner_text()
        page.go_back()
        page.locator(".doors").get_by_role("link", name="核查").click()
        page.wait_for_url("**/inspect")


def test_a_districts_pages_lead_from_its_clinics_to_one_of_them_and_back(tmp_path):
    book = district_day(tmp_path / "district")
    with address_of(book) as base, opened(base, account(book.folder, "Q01", INSPECTOR), 360) as page:
        page.goto(f"{base}/?lang=en")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        serious = [each["id"] for each in Axe().run(page).response["violations"] if each["impact"] in SERIOUS]
        assert serious == []
        for way in page.locator("nav.ways > a").all():
            assert page.request.get(base + (way.get_attribute("href") or "")).status == 200
        page.locator(".doors").get_by_role("link", name="Day").click()
        page.wait_for_url(f"**/day/{DAY}?clinic=C001&lang=en")
        page.get_by_role("link", name="Clinics").click()
        page.locator(".doors").get_by_role("link", name="Inspection").click()
        page.wait_for_url("**/inspect?clinic=C001&lang=en")


def test_from_a_bill_to_the_raw_record_and_back_by_clicks(clinic):
    base, token, pages = clinic
    with opened(base, token) as page:
        page.goto(base + pages["day"])
        page.locator("#lines").get_by_role(
            "link", name=pages["line"].removeprefix("/line/"), exact=True
        ).click()
        page.wait_for_url("**/line/**")
        page.locator(".rested a").first.click()
        page.wait_for_url("**/record/**")
        assert page.locator("pre.bytes").inner_text().startswith('OCMF|{"FV":"1.0"')
        page.locator(".rests a").first.click()
        page.wait_for_url("**/line/**")
        page.go_back()
        page.get_by_role("link", name="当日图表").click()
        page.wait_for_url("**/day/**")


def test_on_paper_nothing_is_cut_off_and_no_picture_is_torn(clinic):
    base, token, pages = clinic
    with opened(base, token) as page:
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 1032, "height": 710})
        for name in (
            "day",
            "line",
            "set",
            "record",
            "lead",
            "month",
            "inspect",
            "drawn",
            "spot-check",
            "trail",
        ):
            page.goto(base + pages[name])
            widest = "Math.max(...[...document.querySelectorAll('table, svg, pre, dl')].map(e => e.getBoundingClientRect().right))"
            assert page.evaluate(widest) <= 1032, name
            highest = "Math.max(0, ...[...document.querySelectorAll('.strip')].map(e => e.getBoundingClientRect().height))"
            assert page.evaluate(highest) <= 700, name
            assert (
                not page.locator("nav").first.is_visible()
                and page.locator("form.narrow:visible").count() == 0
            )


def test_on_paper_the_first_sheet_holds_the_summary_and_the_whole_picture(address):
    with browser_page() as page:
        page.goto(address)
        paper = page.pdf(prefer_css_page_size=True)
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 1032, "height": 710})
        bottom = page.locator(".strip > svg").last.evaluate("each => each.getBoundingClientRect().bottom")
    assert bottom <= 710
    boxes = {match for match in re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)}
    assert {(round(float(wide)), round(float(high))) for wide, high in boxes} == {(842, 595)}


def test_black_and_white_still_tells_dark_from_sessions(address):
    """Without colour, hatching and shapes remain: pixels of the patterns alternate along a row."""
    with browser_page() as page:
        page.goto(address)
        patterned = page.locator('.strip > svg rect[fill^="url(#ww-"]')
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
    with served(as_person(app)) as base, browser_page() as page:
        page.goto(base)
        assert page.locator(".strip > svg > rect > title").count() >= 10_000
