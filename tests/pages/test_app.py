"""The pages over HTTP, on a real ledger."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from sqlite_utils import Database

from gateway.clock import Clock
from gateway.config import DISTRICT, Clinic
from gateway.errors import UsageError
from gateway.pages.app import create_app
from gateway.pages.headers import HEADERS
from tests.pages import sample
from tests.pages.sample import CONFIG, DAY
from tests.support.signed_in import as_person

_EVENING = Clock(0, sample.at("18:30"), 1e-9)


@pytest.fixture
def path(tmp_path):
    """The day in a ledger file."""
    sample.ledger(tmp_path / "ledger.db").close()
    return tmp_path / "ledger.db"


@pytest.fixture
def client(path):
    """Somebody who asks for pages of that ledger."""
    return TestClient(as_person(create_app(lambda: Database(path), CONFIG, _EVENING)))


def test_the_first_page_leads_to_the_day_and_keeps_the_language(client):
    for way, to in (("/", "/day"), ("/day", "/day/2026-03-02")):
        assert client.get(way, follow_redirects=False).headers["location"] == to
        assert client.get(f"{way}?lang=en", follow_redirects=False).headers["location"] == f"{to}?lang=en"


def test_the_day_speaks_chinese_first(client):
    page = client.get("/day/2026-03-02")
    assert page.status_code == 200
    assert '<html lang="zh-CN">' in page.text
    assert "梧桐路社区卫生服务中心 · 2026 年 3 月 2 日 星期一" in page.text
    for word in ("监测时间", "90.6%", "相符", "时长不足", "无设备时间", "待核", "非计量", "已冲销"):
        assert word in page.text
    assert "线索，不是结论。" in page.text


def test_the_day_speaks_english_when_asked(client):
    page = client.get("/day/2026-03-02?lang=en").text
    assert '<html lang="en">' in page
    for word in (
        "Watched time",
        "supported",
        "no device time",
        "Leads, not conclusions.",
        "at least 3 had none",
    ):
        assert word in page


def test_coverage_stands_before_every_other_figure(client):
    page = client.get("/day/2026-03-02").text
    assert page.index("90.6%") < page.index('<dd class="figure">35</dd>') < page.index("<figure>")


def test_of_a_member_of_a_set_only_that_is_said(client):
    page = client.get("/day/2026-03-02").text
    rows = re.findall(r"<tr>.*?</tr>", page, re.S)
    members = [re.sub(r"\s+", " ", row) for row in rows if "27 条之一" in row]
    assert len(members) == 27
    assert not [row for row in members if "U1:3" in row or " / " in row]
    assert not [row for row in members if "无设备时间" in row or "相符" in row or "待核" in row]


def test_a_line_alone_says_its_verdict_its_seconds_and_its_records(client):
    page = client.get("/day/2026-03-02").text
    [row] = [row for row in re.findall(r"<tr>.*?</tr>", page, re.S) if "2026030200034/103" in row]
    assert "时长不足" in row and "11 分 40 秒 / 19 分" in row and "U1:3" in row


def test_the_timeline_comes_alone_as_svg(client):
    picture = client.get("/day/2026-03-02.svg?lang=en")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert ElementTree.fromstring(picture.content).attrib["role"] == "img"


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "20260302",
        "2026-W10-1",
        "today",
        "2026-3-2",
        "9999-12-31",
        "0001-01-01",
        "2026-03-02x.svg",
    ],
)
def test_what_is_no_date_gets_one_clear_page(client, text):
    page = client.get(f"/day/{text}")
    assert page.status_code == 404
    assert "不是日期" in page.text and "2026-03-02" in page.text
    assert page.headers["content-type"].startswith("text/html")


def test_an_address_without_a_page_is_said_in_the_language_asked_for(client):
    page = client.get("/nothing?lang=en")
    assert (page.status_code, "There is nothing at this address." in page.text) == (404, True)


def test_what_was_put_into_the_address_is_shown_as_text(client):
    assert "<script>" not in client.get("/day/<script>alert(1)<%2Fscript>").text


def test_nothing_can_be_changed(client):
    assert client.post("/day/2026-03-02").status_code == 405


@pytest.mark.parametrize(
    "address", ["/", "/day/2026-03-02", "/day/2026-03-02.svg", "/day/x", "/healthz", "/static/page.css"]
)
def test_every_answer_forbids_what_the_pages_do_not_need_and_sets_no_cookie(client, address):
    answer = client.get(address, follow_redirects=False)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "set-cookie" not in answer.headers
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_has_no_script_no_style_of_its_own_and_nothing_from_elsewhere(client, lang):
    page = client.get(f"/day/2026-03-02?lang={lang}").text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"<script|<style|\bstyle=|\bon\w+=|https?:|//\w", page)


def test_descriptions_of_the_interface_are_not_offered(client):
    assert [client.get(each).status_code for each in ("/docs", "/redoc", "/openapi.json")] == [404] * 3


def test_names_from_bills_and_configuration_are_shown_as_text(path):
    evil = '</title><script>alert("1")</script><img src=x onerror=alert(1)>'
    with Database(path).conn as connection:
        for column, table in (
            ("name", "bill_lines"),
            ("line", "bill_lines"),
            ("room", "devices"),
            ("zh", "findings"),
        ):
            connection.execute(f"UPDATE {table} SET {column} = {column} || ?", [evil])
    client = TestClient(create_app(lambda: Database(path), replace(CONFIG, name=evil), _EVENING))
    page = client.get("/day/2026-03-02").text
    assert "<script" not in page and "<img" not in page
    assert page.count("&lt;script&gt;") > 60


def test_half_a_character_in_a_lead_does_no_harm(path):
    with Database(path).conn as connection:
        connection.execute("UPDATE leads SET body = replace(body, '设备时间', char(92) || 'ud83d')")
    client = TestClient(create_app(lambda: Database(path), CONFIG, _EVENING))
    assert client.get("/day/2026-03-02").status_code == 200
    assert client.get("/day/2026-03-02.svg").status_code == 200


def test_a_day_without_anything_has_its_page(client):
    page = client.get("/day/2026-03-09").text
    assert "这一天还没有核对" in page and "没有导入理疗项目的收费" in page


def test_a_closed_day_says_so(path):
    config = replace(CONFIG, closed=(DAY.replace(day=8),))
    client = TestClient(create_app(lambda: Database(path), config, _EVENING))
    assert "这一天停诊。" in client.get("/day/2026-03-08").text


def test_the_ledger_s_health_can_be_asked_for(client):
    assert client.get("/healthz").json() == {"ledger": "ok"}


def test_a_ledger_that_cannot_be_read_gets_one_clear_page():
    def gone() -> Database:
        raise UsageError("找不到账本", "no ledger")

    client = TestClient(create_app(gone, CONFIG, _EVENING))
    page = client.get("/day/2026-03-02")
    assert (page.status_code, "账本内容没有改变" in page.text) == (503, True)
    assert client.get("/healthz").status_code == 503


def test_connections_are_closed_again(path):
    opened: list[Database] = []

    def ledger() -> Database:
        opened.append(Database(path))
        return opened[-1]

    client = TestClient(create_app(ledger, CONFIG, _EVENING))
    client.get("/day/2026-03-02")
    with pytest.raises(Exception, match="closed"):
        opened[0].execute("SELECT 1")


def test_a_district_shows_what_it_holds_of_each_unit(path):
    unit = {"unit": "U1", "records": 9, "missing": [[3, 5], [7, 7]], "never_heard": False, "forked": 8}
    unit |= {"first": 1, "last": 9, "heard": "2026-03-02T08:00:00+08:00", "branch": None}
    silent = unit | {"unit": "<U2>", "never_heard": True, "heard": None}
    found = {
        "clinics": [{"clinic": "C001", "units": [unit, silent], "held": 9, "heard": None, "quarantined": 2}]
    }
    district = replace(CONFIG, role=DISTRICT, name="示范区")
    client = TestClient(create_app(lambda: Database(path), district, _EVENING, lambda db, zone: found))
    page = client.get("/").text
    assert "3–5、7、自记录 8 起分叉" in page and "从未收到" in page and "&lt;U2&gt;" in page
    assert "有 2 条内容被隔离" in page and "/month" not in page
    assert client.get("/day/2026-03-02").status_code == 404


def test_a_district_leads_to_the_month_of_each_clinic_whose_hours_it_knows(path):
    known = {"C001": Clinic("梧桐路", "08:00", "18:00"), "C002": Clinic("石门路", "08:00", "18:00")}
    district = replace(CONFIG, role=DISTRICT, clinics=known)
    client = TestClient(as_person(create_app(lambda: Database(path), district, _EVENING)))
    page = client.get("/?lang=en").text
    months = re.findall(r'href="(/month[^"]+)"', page)
    assert months == ["/month?clinic=C001&amp;lang=en", "/month?clinic=C002&amp;lang=en"]
    assert "梧桐路" in page and page.count("No units are enrolled yet") == 2
    assert client.get("/month?clinic=C001&of=2026-03").status_code == 200
    assert [*re.findall(r'href="(/(?:inspect|day)[^"]+)"', page)][:2] == [
        "/inspect?clinic=C001&amp;lang=en",
        "/day?clinic=C001&amp;lang=en",
    ]
    newest = client.get("/day?clinic=C001", follow_redirects=False).headers["location"]
    assert newest == "/day/2026-03-02?clinic=C001"
    day = client.get(newest).text
    assert "梧桐路 · 2026 年 3 月 2 日" in day and "/line/2026030200034%2F103?clinic=C001" in day
    assert client.get("/line/2026030200034%2F103?clinic=C001").status_code == 200


def test_a_district_without_units_says_so(path):
    district = replace(CONFIG, role=DISTRICT)
    client = TestClient(create_app(lambda: Database(path), district, _EVENING))
    assert "还没有登记单元" in client.get("/").text
