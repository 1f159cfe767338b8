"""A bill line and its evidence, and the way from it to the raw record and back."""

from __future__ import annotations

import json
import re

import pytest
from sqlite_utils import Database

from gateway import web
from gateway.access.places import NURSE
from tests.pages.clinic_day import DAY, clinic_day
from tests.support.found import found
from tests.support.signed_in import client


def said(book, code: str, alone: bool = True) -> dict:
    """A verdict of that code, of a line that stands alone or of a member of a set."""
    with book.ledger() as db:
        members = {
            line
            for (body,) in db.execute("SELECT body FROM verdicts").fetchall()
            for line in json.loads(body)["among"]
            if len(json.loads(body)["among"]) > 1
        }
        rows = db.execute("SELECT body FROM verdicts WHERE code = ? ORDER BY line", [code]).fetchall()
    bodies = [json.loads(body) for (body,) in rows]
    return next(each for each in bodies if (each["line"] not in members) == alone)


def address(line: str) -> str:
    return "/line/" + line.replace("/", "%2F")


def verdict_of(page: str) -> str:
    """What a page says of the line's treatments, without where it leads."""
    return "".join(re.findall(r'<section class="verdict">.*?</section>', page, re.S))


def test_a_line_alone_opens_to_its_verdict_its_record_and_what_was_lacking(small_day, manager):
    body = said(small_day, "short")
    page = manager.get(address(body["line"])).text
    for word in (
        "第 1 次：时长不足",
        "11 分 40 秒",
        "差 7 分 20 秒",
        body["records"][0],
        "透药室 1 床",
        "重新验证相符",
    ):
        assert word in page
    assert re.search(r"\d+\.\d W / \d+\.\d W / \d+\.\d W", page), "power: least, mean, most"
    assert "2026-03-02 00:00–2026-03-02 23:59" in page and "A 级" in page
    assert "要“相符”，须在时间窗内另有一段" in page


def test_it_says_where_the_charge_stands_in_which_file(small_day, manager):
    body = said(small_day, "short")
    with small_day.ledger() as db:
        [(sha256, row)] = db.execute(
            "SELECT sha256, row FROM bill_lines JOIN bill_files USING (file) WHERE line = ?", [body["line"]]
        ).fetchall()
    page = manager.get(address(body["line"])).text
    assert sha256 in page and f"第 {row} 行" in page and "32.00 元" in page and "诊所自己的数据" in page


def test_no_page_of_a_member_of_a_set_says_more_than_that_of_another(small_day, manager):
    body = said(small_day, "no_device_time", alone=False)
    pages = [manager.get(address(line)).text for line in body["among"]]
    assert len(pages) > 40 and len({verdict_of(page) for page in pages}) == 1
    told = verdict_of(pages[0])
    assert f"只能说这一组：{len(pages)} 条" in told and "无设备时间 4 次" in told and "不指向这一条" in told
    assert not [page for page in pages if "第 1 次：" in page or "依据的记录" in page]


def test_of_a_set_the_whole_arithmetic_stands_beside(small_day, manager):
    page = manager.get(address(said(small_day, "no_device_time", alone=False)["line"])).text
    assert "容量算式" in page and page.count("÷ 1140⌋") > 20
    with small_day.ledger() as db:
        rows = db.execute("SELECT body FROM leads WHERE rule = 'capacity'").fetchall()
    body = max((json.loads(each) for (each,) in rows), key=lambda each: each["treatments"])
    assert f"<strong>{body['capacity']}</strong>" in page and f"<strong>{body['treatments']}</strong>" in page


def test_the_way_leads_from_the_day_to_the_bill_to_the_raw_record_and_back(small_day, manager):
    body = said(small_day, "short")
    day = manager.get(f"/day/{DAY}").text
    line = found(rf'href="(/line/[^"]+)">{body["line"]}</a>', day)
    record = found(r'href="(/record/[^"]+)"', manager.get(line).text)
    page = manager.get(record).text
    assert "OCMF|{" in page.replace("&#34;", '"') and f'href="{line}"' in page


def test_what_a_person_recorded_is_told_with_who_and_when(small_day, manager):
    body = said(small_day, "supported")
    assert body["records"][0].startswith("attended:")
    page = manager.get(address(body["line"])).text
    assert "依据是人工登记" in page and "C 级" in page and "手工选取" in page and "穴位 9" in page
    assert "/record/" not in page


@pytest.mark.parametrize(
    "code,reason", [("short", "为它登记的时间只有 5 分"), ("no_device_time", "登记的治疗少于收费的次数")]
)
def test_of_what_people_record_the_reason_speaks_of_records_and_not_of_devices(tmp_path, code, reason):
    book = clinic_day(tmp_path / "clinic")
    body = said(book, "supported") | {"among": ["x"], "active_s": 300}
    with book.ledger() as db, db.conn:
        told = [code, json.dumps(body), body["line"]]
        db.execute("UPDATE verdicts SET code = ?, body = ? WHERE line = ?", told)
    page = client(web.app(book, {}), book.folder).get(address(body["line"])).text
    assert reason in page and "通电都已" not in page


def test_a_line_that_was_taken_back_says_by_what(small_day, manager):
    page = manager.get(address(said(small_day, "reversed")["line"])).text
    assert "已被" in page and "冲销" in page and "不再要求设备时间" in page


def test_what_no_device_can_witness_says_so(small_day, manager):
    page = manager.get(address(said(small_day, "not_metered")["line"])).text
    assert "没有能为这一项作证的设备" in page and "没有线索提到它" in page


@pytest.mark.parametrize(
    "code", ["supported", "short", "no_device_time", "unobserved", "not_metered", "reversed"]
)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_verdict_of_a_line_alone_has_its_reason_in_both_languages(tmp_path, code, lang):
    """The run's own words, of a line made to stand alone."""
    book = clinic_day(tmp_path / "clinic")
    body = said(book, "supported") | {
        "verdict": code, "records": [], "among": ["x"], "dark": [["U02", "2026-03-02T10:01:00+08:00", "2026-03-02T10:24:00+08:00"]],
    }  # fmt: skip
    with book.ledger() as db, db.conn:
        db.execute(
            "UPDATE verdicts SET code = ?, body = ? WHERE line = ?", [code, json.dumps(body), body["line"]]
        )
    manager = client(web.app(book, {}), book.folder)
    page = manager.get(f"{address(body['line'])}?lang={lang}").text
    assert len(re.findall(r'<p class="why">[^<]{20,}', page)) >= 1
    assert ("U02" in page and "10:01:00–10:24:00" in page) or code == "reversed"


def test_a_long_burn_says_so(tmp_path):
    book = clinic_day(tmp_path / "clinic")
    with book.ledger() as db, db.conn:
        [(record,)] = db.execute(
            "SELECT unit || ':' || us FROM records WHERE kind = 'SESSION' LIMIT 1"
        ).fetchall()
        body = said(book, "supported") | {"fit": "long_burn", "records": [record], "grade": "A"}
        db.execute("UPDATE verdicts SET body = ? WHERE line = ?", [json.dumps(body), body["line"]])
    page = client(web.app(book, {}), book.folder).get(address(body["line"])).text
    assert "灯也许只是亮着" in page and "不证明给谁做过" in page


def test_a_line_that_no_run_has_seen_waits(tmp_path):
    book = clinic_day(tmp_path / "clinic")
    with book.ledger() as db, db.conn:
        for table in ("verdicts", "leads", "coverage", "runs"):
            db.execute(f"DELETE FROM {table}")
    page = client(web.app(book, {}), book.folder).get(address("V0001/1")).text
    assert "最近的核对没有包括它" in page and "尚未核对" in page


def test_a_line_s_name_may_hold_slashes_and_anything_else(tmp_path):
    book = clinic_day(tmp_path / "clinic")
    evil = 'a//b/?#<script>"&'
    with book.ledger() as db, db.conn:
        db.execute("UPDATE bill_lines SET line = ? WHERE line = 'V0001/1'", [evil])
    manager = client(web.app(book, {}), book.folder)
    lines = [
        each
        for each in re.findall(r'href="(/line/[^"]+)"', manager.get(f"/day/{DAY}").text)
        if "script" in each
    ]
    page = manager.get(lines[0])
    assert page.status_code == 200 and "<script>" not in page.text and "a//b/?#&lt;script&gt;" in page.text


def test_what_is_not_there_is_said_so(manager):
    assert manager.get("/line/V9999%2F1").status_code == 404
    assert "没有收费行 V9999/1" in manager.get("/line/V9999%2F1").text
    assert manager.get("/line/V0001%2F1?source=platform").status_code == 404
    assert manager.get("/line/V0001%2F1?clinic=C9").status_code == 404
    assert manager.get("/line/").status_code == 404


def test_who_treats_may_not_open_it(small_day):
    nurse = client(web.app(small_day, {}), small_day.folder, NURSE, "N01")
    assert nurse.get("/line/V0001%2F1").status_code == 403
    assert nurse.get("/record/U01/1").status_code == 403


def test_a_look_at_it_stands_in_the_trail_and_nothing_else_changes(tmp_path):
    book = clinic_day(tmp_path / "clinic")
    manager = client(web.app(book, {}), book.folder)
    with book.ledger() as db:
        before = _counts(db)
        assert manager.get("/line/V0001%2F1").status_code == 200
        assert manager.get("/record/U01/7").status_code == 200
        assert {name: n - before[name] for name, n in _counts(db).items() if n != before[name]} == {
            "trail": 2
        }


def _counts(db: Database) -> dict[str, int]:
    return {name: db.table(name).count for name in db.table_names() if not name.startswith("sqlite")}
