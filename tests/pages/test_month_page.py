"""The month over HTTP and in a real Chromium, on a real ledger."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from gateway import pipeline
from gateway.clock import Clock
from gateway.config import DISTRICT
from gateway.pages.app import create_app
from tests.support.audited import DAY_MS, EVENING_MS, MONDAY, charge, lamp_day, settle
from tests.support.bills import detail
from tests.support.browser import browser_page, served, shows_glyphs
from tests.support.chain import Writer
from tests.support.ledgers import CLINIC, in_folder, take_in
from tests.support.signed_in import as_person

LATER_MS = EVENING_MS + DAY_MS


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Two reconciled days, the first of them closed, with a lead; then a bill came late."""
    writer = lamp_day(Writer("U1"), 20, 45)
    lamp_day(writer, 20, days=1)
    book = in_folder(tmp_path_factory.mktemp("month") / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, LATER_MS)
        charge(db, book, *(detail(str(number)) for number in range(1, 5)), now_ms=LATER_MS)
        pipeline.close(db, book.config, MONDAY, "clinic", "D01", LATER_MS)
        settle(db, book, MONDAY + timedelta(1), now_ms=LATER_MS)
        charge(db, book, detail("9", visit="V9"), now_ms=LATER_MS + 1)
    return book


@pytest.fixture
def client(book):
    return TestClient(as_person(create_app(book.ledger, book.config, Clock(0, LATER_MS, 1e-9))))


def test_the_month_shows_coverage_first_and_chinese_first(client):
    page = client.get("/month?of=2026-03").text
    assert '<html lang="zh-CN">' in page and "示范诊所 · 2026 年 3 月" in page
    assert page.index("监测") < page.index("收费次数") < page.index("相符")
    assert "线索，不是结论。" in page
    english = client.get("/month?of=2026-03&lang=en").text
    assert '<html lang="en">' in english and "March 2026" in english and "By practitioner" in english


def test_without_a_month_it_is_this_one(client):
    assert "2026 年 3 月" in client.get("/month").text


def test_a_day_that_changed_after_it_was_closed_is_told_with_what_came(client):
    page = client.get("/month?of=2026-03&lang=en").text
    assert "changed since #1" in page and "1 bill line" in page
    assert "not closed" in page and "not reconciled" in page


def test_the_days_own_page_says_that_it_is_closed_and_changed_since(client):
    page = client.get("/day/2026-03-02").text
    assert "第 1 次关账：D01" in page and "关账后有变化：收费变化 1 行" in page
    assert "Changed since: 1 bill line" in client.get("/day/2026-03-02?lang=en").text
    assert "次关账" not in client.get("/day/2026-03-03").text


def test_days_leads_and_files_are_one_link_away(client):
    page = client.get("/month?of=2026-03&lang=en").text
    assert 'href="/day/2026-03-02?lang=en"' in page
    leads = set(re.findall(r'href="(/lead/[0-9a-f]{12})\?lang=en"', page))
    assert leads and all(client.get(each, headers={"host": "localhost"}).status_code == 200 for each in leads)
    for kind, begins in (("pdf", b"%PDF-"), ("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
        file = client.get(f"/month.{kind}?of=2026-03")
        assert file.status_code == 200 and file.content.startswith(begins)
        assert file.headers["content-disposition"] == f'attachment; filename="C001-2026-03.{kind}"'


@pytest.mark.parametrize(
    "address", ["/month?of=2026-13", "/month?of=march", "/month.doc?of=2026-03", "/month?clinic=C9"]
)
def test_what_there_is_not_is_said_so(client, address):
    assert client.get(address).status_code == 404


def test_a_month_of_which_nothing_is_known_says_that(client):
    page = client.get("/month?of=2026-05").text
    assert "还没有核对过的日子" in page


def test_at_a_district_a_clinic_is_named(tmp_path):
    extra = '[clinics.C001]\nname = "示范诊所"\n'
    book = in_folder(tmp_path / "district", role=DISTRICT, extra=extra)
    client = TestClient(create_app(book.ledger, book.config, Clock(0, LATER_MS, 1e-9)))
    assert client.get("/month?of=2026-03").status_code == 404
    assert "示范诊所" in client.get(f"/month?of=2026-03&clinic={CLINIC}").text


def test_the_page_computes_nothing_and_changes_nothing(client, book):
    with book.ledger() as db:
        before = db.execute("SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM closings)").fetchone()
        client.get("/month?of=2026-03")
        assert (
            db.execute("SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM closings)").fetchone()
            == before
        )


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [360, 1400])
def test_the_month_fits_the_screen_and_only_its_tables_scroll(book, lang, width):
    app = create_app(book.ledger, book.config, Clock(0, LATER_MS, 1e-9))
    with served(app) as base, browser_page(width) as page:
        page.goto(f"{base}/month?of=2026-03&lang={lang}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert shows_glyphs(page, "以电为证月账")
        page.get_by_role("link", name="English" if lang == "zh" else "中文").click()
        page.wait_for_url("**/month?of=2026-03*", wait_until="load")
        assert ("By day" in page.content()) == (lang == "zh")


def test_on_paper_no_column_of_the_month_is_cut_off(book):
    app = create_app(book.ledger, book.config, Clock(0, LATER_MS, 1e-9))
    with served(app) as base, browser_page() as page:
        page.goto(f"{base}/month?of=2026-03")
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 1032, "height": 710})
        widest = page.locator("table").evaluate_all(
            "all => Math.max(...all.map(each => each.getBoundingClientRect().right))"
        )
        assert widest <= 1032
        assert not page.get_by_role("link", name="English").is_visible()
