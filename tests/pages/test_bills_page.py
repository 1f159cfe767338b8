"""Bill files in the browser: previewed, imported, reconciled, refused; by requests as browsers make them."""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import UploadFile

from gateway import web
from gateway.access.places import ADMINISTRATOR, DISPLAY, INSPECTOR, MANAGER, NURSE
from gateway.audit.formats import archive, mapped
from gateway.bootstrap import Book
from gateway.ledger import trail
from gateway.ledger.trail import Entry
from gateway.pages import bills_upload
from gateway.pages.bills_spool import KEPT_MS, Sent, Spool
from gateway.pages.guard import COOKIE
from tests.gateway.test_settle import charge
from tests.pages import rooms
from tests.support.bills import STIM, as_json, detail, fee, fee_list, refund, upload
from tests.support.browser import served
from tests.support.signed_in import account, client
from tests.support.xlsx import workbook, zipped

GOOD = as_json(
    upload(
        detail("1", "V1"),
        detail("2", "V2"),
        detail("3", "V3", med_list_codg=STIM, det_item_fee_sumamt="36.50"),
    )
)
PARTLY = fee_list(fee("1"), fee("2", "V2", cnt="两次"), fee("3", "V3", fee_ocur_time="昨天"))


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return rooms.empty(tmp_path / "clinic")


@pytest.fixture
def desk(book: Book) -> Iterator[TestClient]:
    with client(web.app(book, {}), book.folder, MANAGER) as manager:
        yield manager


def send(desk: TestClient, body: bytes, name: str = "2026-03-02.json", **more: Any) -> httpx.Response:
    """The form of the page with that file."""
    data = {"format": "auto", "source": "clinic"} | {
        key: value for key, value in more.items() if key != "mapping"
    }
    files = {"file": (name, body)} | ({"mapping": ("m.toml", more["mapping"])} if "mapping" in more else {})
    return desk.post("/bills" + ("?lang=en" if more.pop("lang", "") == "en" else ""), data=data, files=files)


def hidden(page: httpx.Response) -> dict[str, str]:
    """What the form that decides brings along."""
    form = page.text.split('<form class="decide"')[1].split("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def confirm(desk: TestClient, page: httpx.Response, **more: str) -> httpx.Response:
    return desk.post("/bills/import", data=hidden(page) | more)


def text(page: httpx.Response) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page.text).split()))


def count(book: Book, table: str = "bill_lines") -> int:
    with book.ledger() as db:
        return db.table(table).count


def acts(book: Book) -> list[Entry]:
    """What the trail has of bills."""
    with book.ledger() as db:
        return [
            each for each in trail.entries(db) if each.act.startswith("bills.") or each.act == "reconcile"
        ]


# --- the preview --------------------------------------------------------------------------------------------------


def test_a_preview_tells_what_was_understood_and_stores_nothing(book, desk):
    page = send(desk, GOOD)
    assert page.status_code == 200
    said = text(page)
    assert "预览：尚未入账" in said and hashlib.sha256(GOOD).hexdigest() in said
    assert (
        "收费行 3 新增 3 · 已在账中 0" in said
        and "金额合计 60.50 元" in said
        and "收费日期 2026-03-02" in said
    )
    assert "23 电针" in said and "31 红外线治疗" in said and "24.00 元" in said and "36.50 元" in said
    assert "2026-03-02 09:15 V1 31" in said
    assert count(book) == count(book, "bill_files") == 0


def test_a_preview_tells_refunds_and_what_is_no_item(desk):
    body = fee_list(
        fee("1"),
        refund("9"),
        fee(
            "2",
            "V2",
            med_list_codg="X",
            medins_list_codg="X",
            medins_list_name="挂号费",
            hilist_code="",
            hilist_name="",
        ),
    )
    said = text(send(desk, body, "list.csv"))
    assert "冲销 1" in said and "不在目录内（照存，不核对） 1 0 0 12.00 元" in said


def test_refused_rows_are_listed_with_column_value_and_reason(desk):
    said = text(send(desk, PARTLY, "list.csv"))
    assert "拒绝 2" in said and "3 cnt 两次 不是数字" in said and "4 fee_ocur_time 昨天 时间应为" in said
    assert "整份不入账" in said


def test_what_a_name_could_mean_is_told_before_it_is_imported(desk):
    unclear = {
        "med_list_codg": "",
        "hilist_code": "450000008",
        "hilist_name": "推拿",
        "medins_list_codg": "T8",
    }
    said = text(send(desk, fee_list(fee("1", medins_list_name="推拿", **unclear)), "list.csv"))
    assert "可能是目录项目、还对不上的名称 1" in said and "推拿 1 11, 12, 13, 14" in said


def test_a_table_of_another_make_is_read_by_its_mapping_file(desk):
    answer = desk.get("/bills/mapping.toml")
    assert answer.text == mapped.EXAMPLE and "attachment" in answer.headers["content-disposition"]
    body = "流水,就诊\n1,V1\n".encode()
    refused = send(desk, body, "own.csv", mapping=b"[columns]\nline = 3\n")
    assert refused.status_code == 409 and "没有接收" in text(refused)


def test_the_preview_in_english_says_the_same(desk):
    page = desk.post(
        "/bills?lang=en", data={"format": "2204", "source": "platform"}, files={"file": ("a.json", GOOD)}
    )
    said = text(page)
    assert (
        "Preview: nothing is stored yet" in said
        and "the platform's" in said
        and "New 3 · In the ledger already 0" in said
    )
    assert "?lang=en" in page.text.split('action="/bills/import')[1][:12]


# --- the import ---------------------------------------------------------------------------------------------------


def test_what_was_previewed_is_imported_byte_for_byte_and_in_the_trail(book, desk):
    done = confirm(desk, send(desk, GOOD))
    sha256 = hashlib.sha256(GOOD).hexdigest()
    assert (done.status_code, done.headers["location"]) == (303, f"/bills?done={sha256}")
    assert count(book) == 3
    with book.ledger() as db:
        assert bytes(db.execute("SELECT body FROM bill_files").fetchone()[0]) == GOOD
    assert [(each.who, each.act, each.subject) for each in acts(book)] == [
        ("D01", "bills.preview", f"bills:{sha256}"),
        ("D01", "bills.import", f"bills:{sha256}"),
    ]
    said = text(desk.get(done.headers["location"]))
    assert "已入账 2026-03-02.json D01 于 2026-03-02 10:30 导入：3 行，新增 3" in said
    assert (
        "最近导入的文件 1" in said
        and f"D01 2026-03-02.json 诊所自报 2204 2026-03-02 3 {len(GOOD) / 1024:.1f} KB {sha256}" in said
    )


def test_a_second_tap_imports_nothing_twice(book, desk):
    page = send(desk, GOOD)
    first, second = confirm(desk, page), confirm(desk, page)
    assert first.headers["location"] == second.headers["location"]
    assert count(book) == 3 and len(acts(book)) == 2


def test_the_same_file_again_is_said_to_be_known(desk):
    confirm(desk, send(desk, GOOD))
    assert "都已在账中" in text(send(desk, GOOD, "again.json"))


def test_a_file_with_refused_rows_is_not_taken_unless_that_is_accepted(book, desk):
    page = send(desk, PARTLY, "list.csv")
    assert confirm(desk, page).status_code == 409
    assert count(book) == 0
    assert confirm(desk, page, partial="yes").status_code == 303
    assert count(book) == 1
    assert [each.act for each in acts(book)] == ["bills.preview", "bills.refused", "bills.import"]


def test_nothing_is_imported_that_was_not_shown(book, desk):
    page = send(desk, GOOD)
    forged = hidden(page) | {"key": "0" * 64}
    assert desk.post("/bills/import", data=forged).status_code == 409
    assert desk.post("/bills/import", data={}).status_code == 409
    assert count(book) == 0


def test_what_one_person_saw_another_cannot_import(book, desk):
    page = send(desk, GOOD)
    other = client(desk.app, book.folder, MANAGER, "D02")
    assert other.post("/bills/import", data=hidden(page)).status_code == 409
    assert count(book) == 0


def test_days_are_reconciled_by_a_button_and_the_result_is_shown(book, desk):
    done = confirm(desk, send(desk, GOOD)).headers["location"]
    page = desk.get(done)
    form = page.text.split('action="/bills/reconcile"')[1].split("</form>")[0]
    told = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert (told["first"], told["last"], told["source"]) == ("2026-03-02", "2026-03-02", "clinic")
    assert desk.post("/bills/reconcile", data=told).headers["location"] == done
    said = text(desk.get(done))
    assert "2026-03-02 10:30 已核对：" in said and "看当日 2026-03-02" in said
    assert acts(book)[-1].act == "reconcile" and acts(book)[-1].body["summary"]["supported"] == 0
    assert count(book, "runs") == 1


@pytest.mark.parametrize(
    "told",
    [
        {"first": "2026-03-02", "last": "2026-03-01", "source": "clinic"},
        {"first": "2026-03-02", "last": "2029-03-02", "source": "clinic"},
        {"first": "yesterday", "last": "2026-03-02", "source": "clinic"},
        {"first": "2026-03-02", "last": "2026-03-02", "source": "<b>"},
        {},
    ],
)
def test_days_that_make_no_sense_are_refused(book, desk, told):
    answer = desk.post("/bills/reconcile", data=told)
    assert answer.status_code == 409 and "没有接收" in text(answer)
    assert count(book, "runs") == 0 and acts(book)[-1].act == "bills.refused"


def test_a_long_time_is_reconciled_month_by_month(book, desk):
    told = {"first": "2026-01-15", "last": "2026-03-02", "source": "clinic"}
    assert desk.post("/bills/reconcile", data=told).status_code == 303
    with book.ledger() as db:
        spans = db.execute("SELECT from_day, to_day FROM runs ORDER BY run").fetchall()
    assert spans == [("2026-01-15", "2026-01-31"), ("2026-02-01", "2026-02-28"), ("2026-03-01", "2026-03-02")]


def test_a_file_that_a_program_imported_is_listed_too(book, desk):
    with book.ledger() as db:
        charge(db, book, detail("1"))
    assert "命令或接口" in text(desk.get("/bills"))


# --- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "status"), [(MANAGER, 200), (ADMINISTRATOR, 200), (INSPECTOR, 403), (NURSE, 403), (DISPLAY, 403)]
)
def test_only_who_keeps_the_book_imports_bills(book, role, status):
    person = client(web.app(book, {}), book.folder, role)
    assert person.get("/bills").status_code == status
    assert send(person, GOOD).status_code == status


def test_a_form_of_another_site_sends_nothing(book, desk):
    answer = desk.post(
        "/bills", files={"file": ("a.json", GOOD)}, headers={"Origin": "http://elsewhere.example"}
    )
    assert answer.status_code == 403 and acts(book) == []


# --- bad input ----------------------------------------------------------------------------------------------------


def test_a_declared_length_beyond_the_limit_is_refused_before_anything_is_kept(book, desk, monkeypatch):
    monkeypatch.setattr(bills_upload, "MOST_BYTES", 1000)
    monkeypatch.setattr(bills_upload, "_REST_BYTES", 1000)
    monkeypatch.setattr(bills_upload, "MultiPartParser", None)  # it is not even asked
    answer = send(desk, b"x" * 5000)
    assert answer.status_code == 413 and "文件超过" in text(answer)
    assert acts(book)[-1].act == "bills.refused" and "larger than" in acts(book)[-1].body["why"]


def test_200_mb_are_refused_while_they_come_and_never_held(book, tmp_path):
    """Sent in pieces, without a length, over a real connection; what the server keeps on disk and in memory is watched."""
    token = account(book.folder, "D01", MANAGER)
    held: list[int] = []
    piece = b"1" * (1 << 20)

    def pieces() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for _ in range(200):
            yield piece
        yield b"\r\n--x--\r\n"

    write = UploadFile.write

    async def watched(self: Any, data: bytes) -> None:
        await write(self, data)
        held.append(self.size or 0)

    with served(web.app(book, {})) as base, pytest.MonkeyPatch.context() as patch:
        patch.setattr(UploadFile, "write", watched)
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Origin": base}
        answer = httpx.post(
            f"{base}/bills", content=pieces(), headers=headers, cookies={COOKIE: token}, timeout=120
        )
    assert answer.status_code == 413 and "50 MB" in answer.text
    assert max(held) <= bills_upload.MOST_BYTES + bills_upload._REST_BYTES
    assert acts(book)[-1].body["why"].startswith("the file is larger")


def bomb(name: str, mb: int) -> bytes:
    """A small ZIP that unpacks to so much."""
    made = io.BytesIO()
    with (
        ZipFile(made, "w", ZIP_DEFLATED, compresslevel=9) as whole,
        whole.open(name, "w", force_zip64=True) as part,
    ):
        for _ in range(mb):
            part.write(b"0" * (1 << 20))
    return made.getvalue()


def test_a_zip_that_unpacks_to_more_than_we_take_is_refused(book, desk):
    body = bomb("detail.txt", archive.MOST_BYTES // (1 << 20) + 1)
    assert len(body) < 1 << 20
    answer = send(desk, body, "3202.zip")
    assert answer.status_code == 409 and "解压后超过 512 MB" in text(answer)
    assert acts(book)[-1].subject == f"bills:{hashlib.sha256(body).hexdigest()}"


def test_a_workbook_that_unpacks_to_more_than_we_take_is_refused(desk, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 1 << 20)
    body = zipped({"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": b"0" * (2 << 20)})
    assert "解压后超过 1 MB" in text(send(desk, body, "his.xlsx"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\x01\x02\xff\xfe",
        "项目,金额\n".encode("utf-16"),
        b"PK\x03\x04 broken",
        b"[" * 100_000,
        b'{"infno": "2204"',
        b"\xff" * 1000,
        workbook([["a", "b"], [1, 2]]),
        b"%PDF-1.7",
        b"<html><body><table><tr><td>1</td></tr></table>",
    ],
)
def test_what_is_no_bill_file_is_refused_with_a_reason_and_in_the_trail(book, desk, body):
    answer = send(desk, body, "x.csv")
    assert answer.status_code == 409 and "没有接收" in text(answer)
    assert count(book) == 0 and acts(book)[-1].act == "bills.refused" and acts(book)[-1].who == "D01"


def test_html_in_a_file_name_and_in_cells_is_shown_and_not_obeyed(desk):
    evil = "<img src=x onerror=alert(1)>\"'&"
    body = fee_list(
        fee("1", evil, medins_list_name=evil, bilg_dr_code=evil), fee("2", "V2", cnt=evil), quote=""
    )
    page = send(desk, body, "<script>alert(1)</script>.csv")
    assert page.status_code == 200
    for raw in ("<img src=x", "<script>alert"):
        assert raw not in page.text
    assert evil in text(page) and "&lt;img src=x" in page.text
    done = desk.get(confirm(desk, page, partial="yes").headers["location"])
    assert "<script>alert" not in done.text


def test_what_begins_a_formula_is_shown_as_text_and_nothing_of_it_is_exported(desk):
    page = send(desk, fee_list(fee("1", medins_list_name="=HYPERLINK(1)", cnt="=1+1")), "=cmd.csv")
    assert "=cmd.csv" in text(page) and "=1+1" in text(page)
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\bills\\march.csv", "march.csv"),
        ("a\r\nSet-Cookie: x.csv", "aSet-Cookie: x.csv"),
        ("\u202egpj.exe", "gpj.exe"),
        ("\ud800.csv", "?.csv"),
        ("x" * 1000, "x" * 200),
        ("///", "?"),
    ],
)
def test_a_file_name_is_kept_as_text_that_moves_nothing(told, kept):
    assert bills_upload.file_name(told) == kept


FORM = "multipart/form-data; boundary=x"
_PART = b'--x\r\nContent-Disposition: form-data; name="file"'


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/plain", b"x"),
        ("multipart/form-data", b"x"),
        (FORM, b"--x\r\nno headers"),
        (FORM, _PART + b"\r\n\r\ntext\r\n--x--\r\n"),
        (FORM, b"".join(_PART + b'; filename="%d"\r\n\r\na\r\n' % n for n in range(9)) + b"--x--\r\n"),
    ],
)
def test_a_form_that_is_none_is_refused(book, desk, kind, content):
    assert desk.post("/bills", content=content, headers={"Content-Type": kind}).status_code == 409
    assert acts(book)[-1].act == "bills.refused"


@pytest.mark.parametrize(("name", "value"), [("format", "docx"), ("source", "nobody")])
def test_a_choice_that_the_page_does_not_offer_is_refused(book, desk, name, value):
    assert send(desk, GOOD, **{name: value}).status_code == 409
    assert count(book) == 0


def test_a_mapping_that_is_too_large_or_no_text_is_refused(desk):
    for mapping in (b"#" * (bills_upload.MOST_MAPPING_BYTES + 1), b"\xff\xfe", b"not = [toml"):
        assert send(desk, GOOD, mapping=mapping).status_code == 409


# --- what waits ---------------------------------------------------------------------------------------------------


def kept(name: str, size: int = 10) -> Sent:
    return Sent(b"x" * size, name, "auto", "clinic", "")


def test_what_was_shown_waits_for_minutes_and_not_longer():
    spool = Spool()
    key = spool.put("D01", kept("a"), 0)
    assert spool.get("D01", key, KEPT_MS) == kept("a")
    assert spool.get("D01", key, KEPT_MS + 1) is None


def test_a_person_has_one_file_waiting_and_all_together_a_bounded_size():
    spool = Spool(most_bytes=25)
    first = spool.put("D01", kept("a"), 1)
    second = spool.put("D01", kept("b"), 2)
    assert spool.get("D01", first, 3) is None and spool.get("D01", second, 3) == kept("b")
    others = [spool.put(f"D0{n}", kept("c"), n) for n in (3, 4)]
    assert spool.get("D01", second, 5) is None
    assert all(spool.get(f"D0{n}", key, 5) for n, key in zip((3, 4), others, strict=True))


def test_the_same_bytes_read_in_another_way_are_another_thing_to_confirm():
    keys = {
        Sent(b"x", "a", form, source, mapping).key
        for form in ("auto", "2204")
        for source in ("clinic", "platform")
        for mapping in ("", "m")
    }
    assert len(keys) == 8
