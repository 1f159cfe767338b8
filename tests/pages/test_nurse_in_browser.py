"""The nurse's list in a real Chromium: on a telephone and a wall tablet, in both languages, by tapping; and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.access.places import NURSE
from gateway.ledger import attended
from gateway.ledger.database import open_ledger
from tests.pages import nurse_desk
from tests.pages.nurse_desk import TOKEN
from tests.support.browser import browser_page, served, shows_glyphs, sign_in
from tests.support.signed_in import PASSWORD, as_person

SMALLEST = 44
"""Pixels that a finger hits: nothing that is tapped may be lower."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of the list at half past ten, and its ledger's folder."""
    with served(as_person(nurse_desk.app(nurse_desk.morning(tmp_path)), role=NURSE)) as base:
        yield base, tmp_path


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The same behind the guard, and a nurse who may sign in."""
    path = nurse_desk.morning(tmp_path)
    nurse_desk.token(tmp_path, "D07")
    with served(nurse_desk.guarded(path)) as base:
        yield base, tmp_path


def outcomes(folder: Path, visit: str) -> list[tuple[str, str]]:
    db = open_ledger(folder)
    found = [(each.outcome, each.how) for each in attended.of_visits(db, "C001", [visit])]
    db.close()
    return found


def focused(page: Page, name: str = "token") -> Locator:
    """The field that has the focus when a page is ready; before that nobody is quick enough to tap."""
    field = page.locator(f"input[name={name}]:focus")
    field.wait_for()
    return field


def height(each: Locator) -> float:
    box = each.bounding_box()
    assert box
    return box["height"]


@pytest.mark.parametrize("lang, heading", [("zh", "治疗登记"), ("en", "Treatments")])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_list_fits_the_screen_and_everything_can_be_hit_by_a_finger(desk, lang, heading, width):
    with browser_page(width, 800) as page:
        page.goto(f"{desk[0]}/nurse?lang={lang}")
        assert page.locator("h1").inner_text() == heading
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert shows_glyphs(page, "治疗登记红外线针灸推拿")
        tapped = page.locator(
            "main button, main .big, main .small, main .rooms a, main input:visible, main select"
        )
        assert tapped.count() > 15
        assert all(height(each) >= SMALLEST for each in tapped.all())


def test_one_tap_starts_and_one_tap_ends(desk):
    base, folder = desk
    with browser_page(360, 800) as page:
        page.goto(f"{base}/nurse?room=推拿室")
        focused(page)
        page.locator(".card:not(.on)").get_by_role("button", name="开始").click()
        expect(page.locator(".card.on")).to_have_count(2)
        assert outcomes(folder, "2026030200075") == [("running", "manual")]
        focused(page)
        page.locator(".card.on", has_text="2026030200075").get_by_role("button", name="结束").click()
        expect(page.locator(".card.on")).to_have_count(1)
    assert outcomes(folder, "2026030200075") == [("done", "manual")]


def test_the_list_renews_itself_but_never_under_somebodys_fingers(desk):
    with browser_page(1280, 800) as page:
        page.clock.install()
        page.goto(f"{desk[0]}/nurse")
        page.evaluate("window.isOld = true")
        page.fill(".ask input[name=visit]", "20260302")
        page.clock.run_for(61_000)
        page.fill(".ask input[name=visit]", "")
        assert page.evaluate("window.isOld === true")
        page.clock.run_for(61_000)
        page.wait_for_function("window.isOld === undefined")


def test_a_double_tap_starts_one_treatment(desk):
    base, folder = desk
    with browser_page(360, 800) as page:
        page.goto(f"{base}/nurse?room=推拿室")
        focused(page)
        start = page.locator(".card:not(.on)").get_by_role("button", name="开始")
        start.evaluate("button => { button.form.requestSubmit(button); button.form.requestSubmit(button); }")
        expect(page.locator(".card.on")).to_have_count(2)
    assert len(outcomes(folder, "2026030200075")) == 1


def test_a_scanner_types_a_token_and_the_visit_opens_ready_to_be_tapped(desk):
    base, folder = desk
    with browser_page(1280, 800) as page:
        page.goto(f"{base}/nurse")
        focused(page)
        page.keyboard.type(TOKEN)
        page.keyboard.press("Enter")
        assert page.locator(".known.read").inner_text() == "已扫码识别"
        assert TOKEN not in page.url
        page.locator(".card", has_text="灸法").get_by_role("button", name="开始").click()
        page.locator(".card.on", has_text="灸法").wait_for()
        page.locator(".card", has_text="电针").get_by_role("button", name="开始").click()
        page.locator(".card.on", has_text="电针").wait_for()
        page.get_by_role("link", name="返回列表").click()
        assert page.locator(".rate").inner_text().endswith("66%（4/6）")
    assert outcomes(folder, "2026030200073") == [("running", "scanned")] * 2


def test_acupoints_are_asked_for_empty_and_a_patient_who_stops_needs_a_reason(desk):
    base, folder = desk
    with browser_page(360, 800) as page:
        page.goto(f"{base}/nurse")
        focused(page)
        page.locator(".card", has_text="电针").get_by_role("button", name="开始").click()
        page.locator(".card.on", has_text="电针").wait_for()
        focused(page)
        page.locator(".card.on", has_text="电针").get_by_role("link", name="结束").click()
        assert page.locator("input[name=acupoints]").input_value() == ""
        page.get_by_role("button", name="登记").click()
        assert page.url.split("?")[0].endswith("/end/7")  # the browser itself asks for the number
        page.go_back()
        focused(page)
        page.locator(".card.on", has_text="电针").get_by_role("link", name="患者中止").click()
        focused(page, "reason").fill("患者要求停止")
        page.get_by_role("button", name="登记").click()
        expect(page.locator(".entered li", has_text="患者要求停止")).to_have_count(1)
    assert outcomes(folder, "2026030200073") == [("stopped", "manual")]


def test_a_nurse_signs_in_at_the_list_and_the_other_language_is_one_tap_away(guarded):
    with browser_page(360, 800) as page:
        page.goto(f"{guarded[0]}/nurse")
        focused(page, "name").fill("D07")
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        focused(page)
        page.get_by_role("link", name="English").click()
        page.wait_for_url("**lang=en")
        assert "D07" in page.locator(".ways").inner_text()
        assert page.locator(".big.begin").first.inner_text() == "Start"


def test_another_sites_form_is_refused_by_what_the_browser_says_of_it(guarded):
    """A page that is not ours posts to the list; the browser complains of the refusal."""
    base, folder = guarded
    with pytest.raises(AssertionError, match="status of 403"), browser_page() as page:
        sign_in(page, base, "D07", PASSWORD)
        page.goto("about:blank")
        page.set_content(
            f'<form method="post" action="{base}/nurse/begin"><input name="visit" value="V1">'
            '<input name="item" value="8"><button>go</button></form>'
        )
        page.get_by_role("button").click()
        page.wait_for_url("**/nurse/begin")
        assert page.locator("h1").inner_text() == "没有登记"
    assert outcomes(folder, "V1") == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_record_sheet_is_one_upright_page_of_a4_with_nothing_cut_off(desk, lang):
    with browser_page(360, 800) as page:
        page.goto(f"{desk[0]}/nurse/sheet/2026030200071?lang={lang}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert shows_glyphs(page, "治疗执行记录单患者中止")
        paper = page.pdf(prefer_css_page_size=True)
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 696, "height": 1000})
        right = page.locator("table.sheet").evaluate("table => table.getBoundingClientRect().right")
        assert right <= 697
        assert not page.locator("nav").is_visible()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert [(round(float(wide)), round(float(high))) for wide, high in boxes] == [(595, 842)]
