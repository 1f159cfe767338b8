"""What an inspector sees and carries away, by browser."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import re
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect

from gateway import web
from gateway.access.places import ADMINISTRATOR, INSPECTOR, NURSE
from gateway.bootstrap import Book, open_book
from gateway.kit.lots import ACT
from gateway.ledger import trail
from gateway.ledger.bills import IMPORTED
from gateway.pages.guard import COOKIE
from gateway.pages.words import knows
from tests.support.audited import EVENING_MS, one_too_many
from tests.support.signed_in import client

FORM = "application/x-www-form-urlencoded"
NOTING = ("note", "_note")
DAY = {"from": "2026-03-02", "to": "2026-03-02"}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A clinic on Monday evening, whose one lamp cannot have served all who were charged."""
    folder = one_too_many(tmp_path / "clinic").folder
    settings = folder / "wattwitness.toml"
    still = f"[clock]\nreal_ms = 0\nshown_ms = {EVENING_MS}\nspeed = 0.000000001\n"
    settings.write_text(settings.read_text() + "\n" + still)
    return open_book(folder)


@pytest.fixture
def inspector(book: Book) -> Iterator[TestClient]:
    with client(web.app(book, {}), book.folder, INSPECTOR, "Q01") as seen:
        yield seen


def text_of(page: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_coverage_comes_first_and_then_what_is_open(inspector):
    page = inspector.get("/inspect", params=DAY)
    said = text_of(page.text)
    assert page.status_code == 200
    order = [
        said.index(each)
        for each in (
            "监测 100%",
            "收费次数",
            "先看监测时间",
            "tdp-U1 R1 100%",
            "记录本身的疑点",
            "线索 1 线索，不是结论",
        )
    ]
    assert order == sorted(order)
    english = text_of(inspector.get("/inspect", params=DAY | {"lang": "en"}).text)
    assert "Coverage first" in english and "Days closed 0, changed since 0, not closed 1" in english


def test_a_day_that_nobody_reconciled_is_unknown_and_not_covered(inspector):
    said = text_of(inspector.get("/inspect", params={"from": "2026-02-01", "to": "2026-02-03"}).text)
    assert "监测了多少还不知道" in said and "从未核对 3 天" in said


def test_every_look_stands_in_the_trail_with_who_looked(book, inspector):
    inspector.get("/inspect", params=DAY)
    inspector.get("/month")
    with book.ledger() as db:
        looks = [(each.who, each.subject) for each in trail.entries(db) if each.act == "look"]
    assert looks == [("Q01", "/inspect?from=2026-03-02&to=2026-03-02"), ("Q01", "/month")]
    said = text_of(inspector.get("/trail").text)
    assert said.index("Q01 查看 /month") < said.index("Q01 查看 /inspect?from")
    only = text_of(inspector.get("/trail", params={"act": "sign_in"}).text)
    assert "Q01 登录" in only and "Q01 查看" not in only


def test_the_trail_is_read_page_by_page(book, inspector):
    for number in range(120):
        inspector.get(f"/trail?who=D{number}")
    page = inspector.get("/trail")
    assert page.text.count('<th scope="row"') == 100
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page.text)
    assert text_of(inspector.get(unescape(older)).text).count("查看") > 10


def test_a_draw_is_repeated_by_the_line_of_shell_that_the_page_gives(book, inspector, tmp_path):
    made = inspector.post("/draw", data={"from_day": DAY["from"], "to_day": DAY["to"], "n": "2"})
    assert made.status_code == 303
    page = inspector.get(made.headers["location"])
    drawn = re.findall(r'<th scope="row" class="ref"><a href="[^"]+">([^<]+)</a>', page.text)
    names = inspector.get(unescape(re.search(r'href="(/draw\.txt[^"]+)"', page.text)[1])).text  # type: ignore[index]
    (tmp_path / "draw.txt").write_text(names)
    command = unescape(re.search(r'<pre class="refs">(.+?)</pre>', page.text, re.S)[1])  # type: ignore[index]
    told = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert len(drawn) == 2 and [line.split(" ", 1)[1] for line in told.splitlines()] == drawn
    assert hashlib.sha256(names.encode()).hexdigest() in page.text
    with book.ledger() as db:
        acts = [each.act for each in trail.entries(db)]
    assert acts.count("draw_seed") == 1  # looking at it again draws nothing anew


def test_the_spot_check_sheet_is_a_page_and_a_paper(inspector):
    said = text_of(inspector.get("/spot-check").text)
    assert "tdp-U1" in said and "患者在场？" in said and "□ 完好" in said
    paper = inspector.get("/spot-check.pdf")
    assert paper.headers["content-type"] == "application/pdf" and paper.content[:5] == b"%PDF-"


def test_a_pack_is_carried_away_and_nothing_of_it_stays(book, inspector, tmp_path):
    answer = inspector.post("/pack", data={"from_day": DAY["from"], "to_day": DAY["to"]})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="C001-2026-03-02-2026-03-02.zip"'
    (tmp_path / "pack.zip").write_bytes(answer.content)
    with ZipFile(tmp_path / "pack.zip") as pack:
        assert {"manifest.json", "verify.py", "records/U1.ocmf"} <= set(pack.namelist())
    assert not list(book.folder.glob("*pack-*"))
    with book.ledger() as db:
        assert [(each.who, each.act) for each in trail.entries(db)][-1] == ("Q01", "pack")


def test_a_browser_that_goes_away_while_a_pack_is_sent_leaves_nothing_of_it_behind(book, inspector):
    kept = [each.name for each in book.folder.iterdir()]
    form = f"from_day={DAY['from']}&to_day={DAY['to']}".encode()
    sent = [{"type": "http.request", "body": form, "more_body": False}]
    headers = {"host": "127.0.0.1", "sec-fetch-site": "same-origin", "content-type": FORM,
               "cookie": f"{COOKIE}={inspector.cookies[COOKIE]}"}  # fmt: skip
    scope = {"type": "http", "method": "POST", "path": "/pack", "query_string": b"", "scheme": "http",
             "headers": [(name.encode(), told.encode()) for name, told in headers.items()],
             "asgi": {"spec_version": "2.4"}}  # fmt: skip

    async def receive():
        return sent.pop(0) if sent else {"type": "http.disconnect"}

    async def send(message):
        assert message.get("status", 200) == 200
        if message["type"] == "http.response.body":
            raise OSError("gone")

    with pytest.raises(ClientDisconnect):
        asyncio.run(inspector.app(scope, receive, send))
    assert [each.name for each in book.folder.iterdir()] == kept


@pytest.mark.parametrize("asked", ["/inspect?from=gestern", "/inspect?from=2026-03-02&to=2026-03-01", "/draw?n=0",
                                   "/draw?seed=%20", "/inspect?from=0001-01-01&to=2999-01-01"])  # fmt: skip
def test_an_address_that_asks_for_nonsense_is_told_what_is_wrong(inspector, asked):
    answer = inspector.get(asked)
    assert answer.status_code == 400 and len(text_of(answer.text)) > 40


def test_a_nurse_is_shown_none_of_it(book):
    with client(web.app(book, {}), book.folder, NURSE, "D02") as nurse:
        for path in ("/inspect", "/trail", "/draw", "/spot-check", "/pack"):
            assert nurse.get(path).status_code == 403, path
        assert nurse.post("/pack", data=DAY).status_code == 403


def test_a_draw_of_each_verdict_singles_no_line_out_of_a_set(inspector):
    """Four lines were charged for three treatments' time: of none of them may it be said that it is the one."""
    page = inspector.get("/draw", params=DAY | {"n": "9", "per": "verdict", "seed": "s1"})
    drawn = re.findall(r"<tr><td>([^<]+)</td>", page.text)
    assert drawn == ["线索组成员"] * 4
    assert "无设备时间" not in text_of(page.text) and "12.00 元" in text_of(page.text)


def test_a_draw_of_nothing_says_so(inspector):
    said = text_of(
        inspector.get("/draw", params={"from": "2026-02-01", "to": "2026-02-02", "seed": "s"}).text
    )
    assert "0 行中抽 0 行" in said and "没有可抽的收费行" in said


def test_whatever_a_program_of_ours_notes_in_the_trail_has_words_in_both_languages():
    """Every act that stands in the sources as it is noted; those that are made of two parts are named here."""
    acts = {f"attended {each}" for each in ("begin", "end", "add", "correct", "withdraw", "undone")}
    acts |= {f"lead_{each}" for each in ("answer", "appeal", "review")} | {IMPORTED, ACT, "look", "refused"}
    for path in (Path(web.__file__).parent).rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr in NOTING
            ):
                texts = (each.value for each in call.args[:4] if isinstance(each, ast.Constant))
                acts |= {each for each in [*texts][-1:] if isinstance(each, str)}
    assert {"close", "restore", "bills.preview", "sign_in", "kit"} <= acts
    assert [each for each in sorted(acts) if not knows(f"trail.act.{each}")] == []


def test_the_trail_leads_only_where_its_reader_may_go(book, inspector):
    with client(web.app(book, {}), book.folder, ADMINISTRATOR, "A01") as keeper:
        keeper.get("/people")
        keeper.get("/month")
        assert 'href="/people"' in re.sub(
            r"<header>.*?</header>", "", keeper.get("/trail").text, flags=re.DOTALL
        )
    page = re.sub(r"<header>.*?</header>", "", inspector.get("/trail").text, flags=re.DOTALL)
    assert 'href="/month"' in page and "/people" in page and 'href="/people"' not in page
